"""Several colouring environments stepped together, on one pool of images."""

from __future__ import annotations

from typing import ClassVar

from gym_rlseg.envs.colouring.env import ColouringEnv
from gym_rlseg.envs.siblings import SiblingVectorEnv


class ColouringVectorEnv(SiblingVectorEnv[ColouringEnv]):
    """N `ColouringEnv`; see `SiblingVectorEnv`."""

    single: ClassVar[type[ColouringEnv]] = ColouringEnv
