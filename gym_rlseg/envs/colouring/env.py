"""The colouring environment: an image in, one bit per pixel and step, objects out."""

from __future__ import annotations

import copy
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

from gym_rlseg.envs.arguments import reset_options
from gym_rlseg.envs.colouring.episode import Episode, Observation, near_objects
from gym_rlseg.envs.colouring.options import ColouringOptions
from gym_rlseg.envs.colouring.pool import ImagePool
from gym_rlseg.images import SOURCES, ImageSource
from gym_rlseg.options import is_whole
from gym_rlseg.rewards.colouring import TruthReward
from gym_rlseg.rewards.colouring_proposals import COLOURING_REWARDS

if TYPE_CHECKING:
    from gym_rlseg.pictures.viewer import Viewer

Bits = NDArray[np.int8]


class ColouringEnv(gym.Env[Observation, Bits]):
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

    metadata = {"render_modes": ["human", "rgb_array"], "render_fps": 2}  # noqa: RUF012

    def __init__(self, source: str | dict[str, Any] | ImageSource, **keywords: Any) -> None:
        self._keywords = {"source": source, **keywords}
        self.options = options = ColouringOptions.from_keywords(source, **keywords)
        self.render_mode = options.render_mode
        # Its own, as vector environments write into it.
        self.metadata = dict(self.metadata)
        self.reward = COLOURING_REWARDS.build(options.reward)
        self.pool = ImagePool(
            source=SOURCES.build(options.source),
            reward=self.reward,
            crop=options.crop,
            split=options.split,
            seed=options.seed,
            size=options.pool_size,
        )
        probe = self.pool.first(i % self.pool.limit for i in count())[1].sample.image
        self.image_shape: tuple[int, ...] = probe.shape
        shape = probe.shape[1:]
        self.observation_space: spaces.Space[Observation] = spaces.Dict(  # type: ignore[assignment]
            {
                "image": spaces.Box(0.0, 1.0, probe.shape, np.float32),
                "bits": spaces.Box(-1.0, 1.0, (options.steps, *shape), np.float32),
            }
        )
        self.action_space: spaces.Space[Bits] = spaces.MultiBinary(shape)
        self._episode: Episode | None = None
        self._following = 0
        self._viewer: Viewer | None = None

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
        index = reset_options(options, "index").get("index")
        super().reset(seed=seed)
        if seed is not None:
            self._following = 0
        if index is not None and not is_whole(index):
            raise ValueError(f"reset options: index must be an integer, got {index!r}")
        train = self.pool.split == "train"
        if index is not None:
            index, prepared = int(index), self.pool.image(int(index))
        elif train:
            index, prepared = self.pool.draw(self.np_random)
        else:
            limit = self.pool.limit
            index, prepared = self.pool.first(i % limit for i in count(self._following))
            self._following = (index + 1) % limit
        if prepared.sample.image.shape != self.image_shape:
            raise ValueError(
                f"{prepared.sample.name}: images must be of one shape, expected "
                f"{self.image_shape}, got {prepared.sample.image.shape}; set crop"
            )
        regions, kept = self.reward.regions(prepared.scored), prepared.sample.region
        if train and self.options.subset < 1 and regions is not None:
            near = near_objects(regions, self.options.subset, self.np_random)
            kept = near if kept is None else near & kept
        self._episode = Episode(
            prepared=prepared,
            index=index,
            steps=self.options.steps,
            min_size=self.options.min_size,
            scorer=self.reward.scorer(prepared.scored, self.options.steps, kept),
            kept=kept,
        )
        self._frames()
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
        episode = self._episode
        if episode is None or episode.over:
            raise ResetNeeded("call reset() first: there is no image, or all its bits are set")
        reward = episode.advance(_checked(action, episode.shape))
        self._frames()
        return episode.observation(), reward, episode.over, False, episode.info()

    def render(self) -> NDArray[np.uint8] | None:  # type: ignore[override]
        """The colours step by step (supplement, Fig. 5), uint8 (H, W, 3).

        Of a volume, its middle slice. "human" needs no call: every reset and step shows them.
        """
        if self.render_mode is None:
            gym.logger.warn("render() needs render_mode='rgb_array' when the environment is made")
            return None
        return None if self.render_mode == "human" else self._picture()

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._viewer is not None:
            self._viewer.close()

    def reweigh(self, splitting: float, merging: float) -> None:
        """Weigh splitting and merging otherwise from the next episode on.

        Raises:
            ValueError: if a weight is refused, or the reward has none.
        """
        if not isinstance(self.reward, TruthReward):
            raise ValueError(f"{type(self.reward).__name__} has no weights of its parts")
        self.reward = replace(self.reward, splitting=splitting, merging=merging)

    def variant(self, **changes: Any) -> ColouringEnv:
        """A new environment with the same arguments but for `changes`."""
        kept = {"render_mode": None} if self.render_mode == "human" else {}
        return type(self)(**{**self._keywords, **kept, **changes})

    def sibling(self) -> ColouringEnv:
        """Another environment that draws from the same pool, so that images are kept once."""
        other = copy.copy(self)
        other._np_random = other._np_random_seed = None
        other._episode = other._viewer = None
        other._following = 0
        other.metadata = dict(self.metadata)
        return other

    @property
    def episode(self) -> Episode:
        """The current image and its colouring so far.

        Raises:
            ResetNeeded: before the first reset.
        """
        if self._episode is None:
            raise ResetNeeded("there is no image yet: call reset()")
        return self._episode

    @property
    def segmentation(self) -> NDArray[np.int32]:
        """int32 of the image's shape: 0 = ground, objects 1..N.

        Raises:
            ResetNeeded: before the last step.
        """
        if self._episode is None or self._episode.objects is None:
            raise ResetNeeded("there is no segmentation yet: call reset(), and step() T times")
        return self._episode.objects.copy()

    @property
    def truth(self) -> NDArray[np.int32] | None:
        """int32 of the image's shape, or None where it isn't known."""
        truth = self.episode.prepared.sample.truth
        return None if truth is None else truth.copy()

    def _frames(self) -> None:
        if self.render_mode == "human":
            from gym_rlseg.pictures.viewer import Viewer

            if self._viewer is None:
                self._viewer = Viewer(fps=self.metadata["render_fps"])
            self._viewer.show(self._picture())

    def _picture(self) -> NDArray[np.uint8]:
        from gym_rlseg.pictures.colouring import render_colouring

        episode = self.episode
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
