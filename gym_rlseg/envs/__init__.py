"""The environments: they orchestrate, and compute nothing themselves."""

from gym_rlseg.envs.superpixel_env import SuperpixelEnv

__all__ = ["SuperpixelEnv"]
