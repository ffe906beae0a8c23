"""Several environments stepped together, on one pool of images."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, Self, TypeVar, cast

from gymnasium.vector import AutoresetMode, SyncVectorEnv

from gym_rlseg.envs.base import SourceEnv
from gym_rlseg.options import is_whole

_MOST = 2**12

EnvT = TypeVar("EnvT", bound=SourceEnv[Any, Any, Any, Any])


class SiblingVectorEnv(SyncVectorEnv, Generic[EnvT]):
    """N environments that differ only in which images they draw.

    Equal seeds and actions give what Gymnasium's `SyncVectorEnv` of N single ones gives,
    bit for bit, but images and what rewards need of them are prepared and kept once.

    Args:
        num_envs: N.
        copy: whether observations are handed out as copies.
        autoreset_mode: what follows the end of an episode; "SameStep": the next one begins at
            once. See Gymnasium.
        **kwargs: those of `single`.

    Attributes:
        single: class of one environment.
        singles: the N.

    Raises:
        ValueError: if an argument can't be used.
    """

    single: ClassVar[type[SourceEnv[Any, Any, Any, Any]]]
    singles: list[EnvT]

    def __init__(
        self,
        num_envs: int = 1,
        *,
        copy: bool = True,
        autoreset_mode: str | AutoresetMode = AutoresetMode.SAME_STEP,
        **kwargs: Any,
    ) -> None:
        self._start(cast(EnvT, self.single(**kwargs)), num_envs, copy, autoreset_mode)

    @classmethod
    def of(
        cls,
        env: EnvT,
        num_envs: int,
        *,
        autoreset_mode: str | AutoresetMode = AutoresetMode.SAME_STEP,
    ) -> Self:
        """N siblings of an environment, which itself is not among them.

        Args:
            env: whose images they draw.
            num_envs: N.
            autoreset_mode: see the class.
        """
        vector = cls.__new__(cls)
        vector._start(env.sibling(), num_envs, True, autoreset_mode)
        return vector

    def _start(
        self,
        first: EnvT,
        num_envs: int,
        copy: bool,
        autoreset_mode: str | AutoresetMode,
    ) -> None:
        if not is_whole(num_envs) or not 1 <= num_envs <= _MOST:
            raise ValueError(f"num_envs must be a whole number in [1, {_MOST}], got {num_envs!r}")
        modes = [mode.value for mode in AutoresetMode]
        if autoreset_mode not in (*AutoresetMode, *modes):
            raise ValueError(f"autoreset_mode must be one of {modes}, got {autoreset_mode!r}")
        self.singles = [first, *(first.sibling() for _ in range(num_envs - 1))]
        super().__init__(
            [lambda env=env: env for env in self.singles],  # type: ignore[misc]
            copy=copy,
            autoreset_mode=autoreset_mode,
        )
