"""What environments do alike in which the agent sees pixels: masks and colourings."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

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
    """

    pool: ImagePool

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
