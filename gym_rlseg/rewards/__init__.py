"""Rewards: what is known about the objects, as scores of a partition."""

from collections.abc import Mapping

from gym_rlseg.rewards.base import Reward, Scores
from gym_rlseg.rewards.circles import CirclesReward, CircularityReward

#: Rewards by name.
REWARDS: Mapping[str, type[Reward]] = {
    "circles": CirclesReward,
    "circularity": CircularityReward,
}

__all__ = ["REWARDS", "CirclesReward", "CircularityReward", "Reward", "Scores"]
