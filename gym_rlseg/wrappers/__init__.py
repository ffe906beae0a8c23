"""Wrappers: the same environments in other forms."""

from gym_rlseg.wrappers.bits import FlatBits
from gym_rlseg.wrappers.flat import FlatObservation
from gym_rlseg.wrappers.graph import GraphObservation
from gym_rlseg.wrappers.image import ImageObservation
from gym_rlseg.wrappers.multi_step import MultiStep
from gym_rlseg.wrappers.normalized import NormalizedObservation
from gym_rlseg.wrappers.reward import ScaledReward, SubgraphRewardToReward

__all__ = [
    "FlatBits",
    "FlatObservation",
    "GraphObservation",
    "ImageObservation",
    "MultiStep",
    "NormalizedObservation",
    "ScaledReward",
    "SubgraphRewardToReward",
]
