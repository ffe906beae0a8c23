"""The environments: they orchestrate, and compute nothing themselves."""

from gym_rlseg.envs.colouring.env import ColouringEnv
from gym_rlseg.envs.colouring.vector import ColouringVectorEnv
from gym_rlseg.envs.masks.env import MasksEnv
from gym_rlseg.envs.masks.vector import MasksVectorEnv
from gym_rlseg.envs.superpixel.env import SuperpixelEnv
from gym_rlseg.envs.superpixel.vector import SuperpixelVectorEnv

__all__ = [
    "ColouringEnv",
    "ColouringVectorEnv",
    "MasksEnv",
    "MasksVectorEnv",
    "SuperpixelEnv",
    "SuperpixelVectorEnv",
]
