"""Rewards: what is known about the objects, as scores of a partition."""

from gym_rlseg.rewards.base import REWARDS, Reward, Scores
from gym_rlseg.rewards.circles import CirclesReward, CircularityReward
from gym_rlseg.rewards.composed import PriorReward
from gym_rlseg.rewards.credit import edge_credit
from gym_rlseg.rewards.embryo import EmbryoReward
from gym_rlseg.rewards.embryo_paper import EmbryoPaperReward
from gym_rlseg.rewards.label_images import score_labels
from gym_rlseg.rewards.nuclei import NucleiReward
from gym_rlseg.rewards.supervised import DiceReward, MixedReward, OverlapReward
from gym_rlseg.rewards.whole_image import WholeImageReward

REWARDS |= {
    "circles": CirclesReward,
    "circularity": CircularityReward,
    "dice": DiceReward,
    "embryo": EmbryoReward,
    "embryo_paper": EmbryoPaperReward,
    "mixed": MixedReward,
    "nuclei": NucleiReward,
    "overlap": OverlapReward,
    "priors": PriorReward,
    "whole_image": WholeImageReward,
}

__all__ = [
    "REWARDS",
    "CirclesReward",
    "CircularityReward",
    "DiceReward",
    "EmbryoPaperReward",
    "EmbryoReward",
    "MixedReward",
    "NucleiReward",
    "OverlapReward",
    "PriorReward",
    "Reward",
    "Scores",
    "WholeImageReward",
    "edge_credit",
    "score_labels",
]
