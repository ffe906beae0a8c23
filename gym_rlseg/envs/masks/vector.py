"""Several environments where masks are drawn stepped together, on one pool of images."""

from __future__ import annotations

from typing import ClassVar

from gym_rlseg.envs.masks.env import MasksEnv
from gym_rlseg.envs.siblings import SiblingVectorEnv


class MasksVectorEnv(SiblingVectorEnv[MasksEnv]):
    """N `MasksEnv`; see `SiblingVectorEnv`."""

    single: ClassVar[type[MasksEnv]] = MasksEnv
