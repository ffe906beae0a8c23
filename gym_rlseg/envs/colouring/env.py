"""The colouring environment: an image in, one bit per pixel and step, objects out."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from gym_rlseg.envs.colouring.episode import Episode, Observation, near_objects
from gym_rlseg.envs.colouring.options import ColouringOptions
from gym_rlseg.envs.image_env import ImageEnv
from gym_rlseg.envs.image_pool import ImagePool
from gym_rlseg.images import SOURCES, ImageSource
from gym_rlseg.images.fitting import cropped
from gym_rlseg.rewards.colouring import TruthReward
from gym_rlseg.rewards.colouring_proposals import COLOURING_REWARDS

Bits = NDArray[np.int8]


class ColouringEnv(ImageEnv[Observation, Bits, Episode]):
    """Colours one image or volume per episode, a bit per pixel and step (ColorRL).

    After T steps, the bits of a pixel are its colour, 0 is ground, and connected pixels of one
    colour are an object. docs/environments describe observation, action and info.

    Args:
        source: where images come from: a name, a dict with "name" and options, or an object.
        **keywords: those of `ColouringOptions`, and options of a source given by name.

    Attributes:
        options: all of them, see `ColouringOptions`.
        pool: the prepared images.
        reward: scores the steps.

    Raises:
        UnknownKeywordError: if there is no such keyword.
        ValueError: if an argument or the images can't be used; the sentence says why.
    """

    _fitting = "crop"

    def __init__(self, source: str | dict[str, Any] | ImageSource, **keywords: Any) -> None:
        self.options = options = ColouringOptions.from_keywords(source, **keywords)
        super().__init__({"source": source, **keywords}, options.render_mode)
        self.reward = COLOURING_REWARDS.build(options.reward)
        self.pool = ImagePool(
            source=SOURCES.build(options.source),
            reward=self.reward,
            fit=None if options.crop is None else partial(cropped, crop=options.crop),
            split=options.split,
            seed=options.seed,
            size=options.pool_size,
        )
        self.image_shape = self._first_shape()
        shape = self.image_shape[1:]
        self.observation_space: spaces.Space[Observation] = spaces.Dict(  # type: ignore[assignment]
            {
                "image": spaces.Box(0.0, 1.0, self.image_shape, np.float32),
                "bits": spaces.Box(-1.0, 1.0, (options.steps, *shape), np.float32),
            }
        )
        self.action_space: spaces.Space[Bits] = spaces.MultiBinary(shape)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Take the next image: with the split "train" a random one, else one after the other.

        Args:
            seed: re-seeds the draws, and with the other splits starts again at the first.
            options: {"index": i} takes image i of the source's split.

        Returns:
            The observation, and info with "index" and "neighbours", the largest number of
            objects near one (0 where no truth is looked at); with `subset` also "kept".

        Raises:
            ValueError: if the options are unknown or the image can't be used.
        """
        index, prepared = self._take(seed, options)
        regions, kept = self.reward.regions(prepared.scored), prepared.sample.region
        if self.pool.split == "train" and self.options.subset < 1 and regions is not None:
            near = near_objects(regions, self.options.subset, self.np_random)
            kept = near if kept is None else near & kept
        self._episode = Episode(
            prepared=prepared,
            index=index,
            steps=self.options.steps,
            min_size=self.options.min_size,
            voted=self.options.voted,
            bridge=self.options.bridge,
            scorer=self.reward.scorer(prepared.scored, self.options.steps, kept),
            neighbours=0 if regions is None else regions.most_neighbours,
            kept=kept,
        )
        self._follow()
        return self._episode.observation(), self._episode.info()

    def step(self, action: Bits) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Set the next bit of every pixel; the episode ends with the last of T.

        Args:
            action: 0 and 1, of the image's shape.

        Returns:
            The observation; the reward, the mean of info["pixel_rewards"] over the pixels that
            count; whether the episode is over; False; and info, with "segmentation" at the
            end and, under "reward_...", what the reward is the sum of.

        Raises:
            ResetNeeded: if there was no reset, or the episode is over.
            ValueError: if the action isn't 0 and 1 in the image's shape.
        """
        episode = self._going_on()
        reward = episode.advance(_checked(action, episode.shape))
        self._follow()
        return episode.observation(), reward, episode.over, False, episode.info()

    def reweigh(self, splitting: float, merging: float) -> None:
        """Weigh splitting and merging otherwise from the next episode on.

        Raises:
            ValueError: if a weight is refused, or the reward has none.
        """
        if not isinstance(self.reward, TruthReward):
            raise ValueError(f"{type(self.reward).__name__} has no weights of its parts")
        self.reward = replace(self.reward, splitting=splitting, merging=merging)

    def _picture(self, episode: Episode) -> NDArray[np.uint8]:
        """The colours step by step (supplement, Fig. 5); of a volume, its middle slice."""
        from gym_rlseg.pictures.colouring import render_colouring

        sample = episode.prepared.sample
        return render_colouring(
            sample.image, episode.bits, episode.taken, episode.objects, sample.truth, sample.name
        )


def _checked(action: Any, shape: tuple[int, ...]) -> Bits:
    array = np.asarray(action)
    if array.shape != shape:
        raise ValueError(f"action must have shape {shape}, got {array.shape}")
    if array.dtype.kind not in "iub":
        raise ValueError(f"action must hold whole numbers 0 and 1, got dtype {array.dtype}")
    if array.min() < 0 or array.max() > 1:
        raise ValueError(
            f"action must hold 0 and 1 alone, got values from {array.min()} to {array.max()}"
        )
    return array.astype(np.int8)
