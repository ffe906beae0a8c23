"""The environments: they orchestrate, and compute nothing themselves."""

from gym_rlseg.envs.superpixel_env import SuperpixelEnv
from gym_rlseg.envs.vector import SuperpixelVectorEnv

__all__ = ["SuperpixelEnv", "SuperpixelVectorEnv"]
