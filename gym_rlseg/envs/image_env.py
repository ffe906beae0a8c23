"""What environments do alike in which the agent sees pixels: masks and colourings."""

from __future__ import annotations

from itertools import count
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

from gym_rlseg.envs.base import SourceEnv
from gym_rlseg.envs.image_pool import ImagePool, Prepared


class ImageEpisode(Protocol):
    """An image, and what came of it so far."""

    prepared: Prepared
    objects: NDArray[np.int32] | None

    @property
    def over(self) -> bool:
        """Whether it has ended."""


ObservationT = TypeVar("ObservationT")
ActionT = TypeVar("ActionT")
EpisodeT = TypeVar("EpisodeT", bound=ImageEpisode)


class ImageEnv(
    SourceEnv[ObservationT, ActionT, EpisodeT, Prepared], Generic[ObservationT, ActionT, EpisodeT]
):
    """Several steps per image of a source; all images have one shape.

    Attributes:
        pool: the prepared images.
        image_shape: (C, ...).
    """

    #: The option that brings images to one shape.
    _fitting: ClassVar[str]
    pool: ImagePool
    image_shape: tuple[int, ...]

    @property
    def segmentation(self) -> NDArray[np.int32]:
        """int32 of the image's shape: 0 = ground, objects 1..N.

        Raises:
            ResetNeeded: before the end of an episode.
        """
        if self._episode is None or self._episode.objects is None:
            raise ResetNeeded("there is no segmentation yet: call reset(), and step() to the end")
        return self._episode.objects.copy()

    @property
    def truth(self) -> NDArray[np.int32] | None:
        """int32 of the image's shape, or None where it isn't known."""
        truth = self.episode.prepared.sample.truth
        return None if truth is None else truth.copy()

    def _first_shape(self) -> tuple[int, ...]:
        """Of the first image that can be used: that of all."""
        indices = (i % self.pool.limit for i in count())
        return self.pool.first(indices)[1].sample.image.shape

    def _take(self, seed: int | None, options: Any, *known: str) -> tuple[int, Prepared]:
        """See `SourceEnv._take`.

        Raises:
            ValueError: also if the image has another shape than the first.
        """
        index, prepared = super()._take(seed, options, *known)
        sample = prepared.sample
        if sample.image.shape != self.image_shape:
            raise ValueError(
                f"{sample.name}: images must be of one shape, expected {self.image_shape}, got "
                f"{sample.image.shape}; set {self._fitting}"
            )
        return index, prepared

    def _going_on(self) -> EpisodeT:
        """The episode that a step belongs to.

        Raises:
            ResetNeeded: if there was no reset, or the episode is over.
        """
        if self._episode is None or self._episode.over:
            raise ResetNeeded("call reset() first: there is no image, or its episode is over")
        return self._episode

    def _at(self, index: int) -> Prepared:
        return self.pool.image(index)
