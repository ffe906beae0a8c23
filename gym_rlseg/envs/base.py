"""What all environments do alike: take a source's next image, show it, and make others of them."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from itertools import count
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

import gymnasium as gym
import numpy as np
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

from gym_rlseg.envs.arguments import reset_options
from gym_rlseg.images import ImageSource, Split
from gym_rlseg.options import is_whole

if TYPE_CHECKING:
    from gym_rlseg.pictures.viewer import Viewer

ObservationT = TypeVar("ObservationT")
ActionT = TypeVar("ActionT")
EpisodeT = TypeVar("EpisodeT")
ItemT = TypeVar("ItemT")
PreparedT = TypeVar("PreparedT", covariant=True)


class Pool(Protocol[PreparedT]):
    """Prepared images, by index."""

    source: ImageSource
    split: Split

    @property
    def limit(self) -> int:
        """What indices that are drawn are below."""

    def draw(self, rng: np.random.Generator) -> tuple[int, PreparedT]:
        """A random one that can be used, and its index."""

    def first(self, indices: Iterable[int]) -> tuple[int, PreparedT]:
        """The first of `indices`, without end, that can be used, and its index."""


class SourceEnv(gym.Env[ObservationT, ActionT], Generic[ObservationT, ActionT, EpisodeT, ItemT]):
    """An episode per image of a source, drawn from a pool that siblings share.

    Args:
        keywords: all that it was made with.
        render_mode: None, "rgb_array" or "human".

    Attributes:
        pool: the prepared images.
    """

    metadata = {"render_modes": ["human", "rgb_array"], "render_fps": 2}  # noqa: RUF012
    pool: Pool[ItemT]

    def __init__(self, keywords: dict[str, Any], render_mode: str | None) -> None:
        self._keywords = keywords
        self.render_mode = render_mode
        # Its own, as vector environments write into it.
        self.metadata = dict(self.metadata)
        self._episode: EpisodeT | None = None
        self._following = 0
        self._viewer: Viewer | None = None

    @abstractmethod
    def _at(self, index: int) -> ItemT:
        """The prepared image of that index."""

    @abstractmethod
    def _picture(self, episode: EpisodeT) -> NDArray[np.uint8]:
        """An episode as it stands, uint8 (H, W, 3)."""

    def _draw(self) -> tuple[int, ItemT]:
        """A random one that can be used."""
        return self.pool.draw(self.np_random)

    def _first(self, indices: Iterator[int]) -> tuple[int, ItemT]:
        """The first of `indices` that can be used."""
        return self.pool.first(indices)

    def _take(self, seed: int | None, options: Any, *known: str) -> tuple[int, ItemT]:
        """The next image and its index: of "train" a random one, else one after the other.

        Args:
            seed: re-seeds the draws, and with the other splits starts again at the first.
            options: what `reset` was told; {"index": i} takes image i of the source's split.
            known: options besides "index".

        Raises:
            ValueError: if the options are unknown or the image can't be used.
        """
        index = reset_options(options, "index", *known).get("index")
        gym.Env.reset(self, seed=seed)
        if seed is not None:
            self._following = 0
        if index is not None:
            if not is_whole(index):
                raise ValueError(f"reset options: index must be an integer, got {index!r}")
            return int(index), self._at(int(index))
        if self.pool.split == "train":
            return self._draw()
        limit = self.pool.limit
        index, item = self._first(i % limit for i in count(self._following))
        self._following = (index + 1) % limit
        return index, item

    @property
    def episode(self) -> EpisodeT:
        """The current image and what came of it so far.

        Raises:
            ResetNeeded: before the first reset.
        """
        if self._episode is None:
            raise ResetNeeded("there is no image yet: call reset()")
        return self._episode

    def render(self) -> NDArray[np.uint8] | None:  # type: ignore[override]
        """The current episode in panels, uint8 (H, W, 3); None if they are shown elsewhere.

        "human" needs no call: every reset and step shows them.
        """
        if self.render_mode is None:
            gym.logger.warn("render() needs render_mode='rgb_array' when the environment is made")
            return None
        return None if self.render_mode == "human" else self._picture(self.episode)

    def show(self, episode: EpisodeT) -> None:
        """Show an episode in the window, whatever the render mode."""
        from gym_rlseg.pictures.viewer import Viewer

        if self._viewer is None:
            self._viewer = Viewer(fps=self.metadata["render_fps"])
        self._viewer.show(self._picture(episode))

    def _follow(self) -> None:
        """With "human", show what has just happened."""
        if self.render_mode == "human":
            self.show(self.episode)

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._viewer is not None:
            self._viewer.close()

    def variant(self, **changes: Any) -> Self:
        """A new environment with the same arguments but for `changes`.

        What follows this one in a window doesn't follow the other.
        """
        kept = {"render_mode": None} if self.render_mode == "human" else {}
        return type(self)(**{**self._keywords, **kept, **changes})

    def sibling(self) -> Self:
        """Another environment that draws from the same pool, so that images are kept once."""
        other = copy.copy(self)
        other._np_random = other._np_random_seed = None
        other._episode = other._viewer = None
        other._following = 0
        other.metadata = dict(self.metadata)
        return other
