"""The environment where masks are drawn: an image in, one object's mask per step, objects out.

`RLSeg-Masks-v0`. Names, for those who build on it:

    observation  "image"    float32 (C, H, W) in [0, 1]
                 "covered"  float32 (H, W), Eq. 3: the pixelwise maximum of the masks so far
                 "step"     float32 (1,), masks so far / max_masks
                 "angles"   float32 (9, H, W), with channels=: foreground, then 8 classes
    action       float32 (H, W) in [0, 1]
    info         "index"; "objects", the number there are to draw, with the truth;
                 after a step "score" (the potential), "mask_scores" float32 (max_masks,),
                 "matching" int64 (max_masks,): the object of each mask, 1..N, 0 none, -1 not
                 drawn (with the truth); at the end "segmentation" int32 (H, W)
    reset        options {"index": i, "given": [k, ...]}: objects of the truth that are covered
                 from the beginning, and that no mask is matched with
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from gym_rlseg.envs.action import check_action
from gym_rlseg.envs.image_env import ImageEnv
from gym_rlseg.envs.image_pool import ImagePool
from gym_rlseg.envs.masks.episode import Episode, Observation
from gym_rlseg.envs.masks.options import MasksOptions
from gym_rlseg.envs.masks.scenes import Scenes
from gym_rlseg.images import SOURCES, ImageSource
from gym_rlseg.images.angles import ANGLES
from gym_rlseg.options import is_whole

Mask = NDArray[np.float32]


class MasksEnv(ImageEnv[Observation, Mask, Episode]):
    """Draws the objects of one image per episode, a soft mask per step (Araslanov et al., 2019).

    An episode ends after as many masks as there are objects, after `max_masks`, or by a mask
    without a pixel above 0.5, which isn't drawn and earns nothing. docs/environments describe
    observation, action and info.

    Args:
        source: where images come from: a name, a dict with "name" and options, or an object.
        **keywords: those of `MasksOptions`, and options of a source given by name.

    Attributes:
        options: all of them, see `MasksOptions`.
        pool: the prepared images.
        reward: scores the masks.
        image_shape: (C, H, W).

    Raises:
        UnknownKeywordError: if there is no such keyword.
        ValueError: if an argument or the images can't be used; the sentence says why.
    """

    _fitting = "size"

    def __init__(self, source: str | dict[str, Any] | ImageSource, **keywords: Any) -> None:
        self.options = options = MasksOptions.from_keywords(source, **keywords)
        super().__init__({"source": source, **keywords}, options.render_mode)
        self.reward = options.judging()
        self.pool = ImagePool(
            source=SOURCES.build(options.source),
            reward=Scenes(reward=self.reward, channels=options.channels),
            fit=options.fitting(),
            split=options.split,
            seed=options.seed,
            size=options.pool_size,
        )
        self.image_shape = self._first_shape()
        shape = self.image_shape[1:]
        entries: dict[str, spaces.Space[Any]] = {
            "image": spaces.Box(0.0, 1.0, self.image_shape, np.float32),
            "covered": spaces.Box(0.0, 1.0, shape, np.float32),
            "step": spaces.Box(0.0, 1.0, (1,), np.float32),
        }
        if options.channels is not None:
            entries["angles"] = spaces.Box(0.0, 1.0, (1 + ANGLES, *shape), np.float32)
        self.observation_space: spaces.Space[Observation] = spaces.Dict(entries)  # type: ignore[assignment]
        self.action_space: spaces.Space[Mask] = spaces.Box(0.0, 1.0, shape, np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Take the next image: with the split "train" a random one, else one after the other.

        Args:
            seed: re-seeds the draws, and with the other splits starts again at the first.
            options: {"index": i} takes image i of the source's split; {"given": [k, ...]} has
                those objects of the truth covered already: no mask is matched with them, and
                they don't count.

        Returns:
            The observation, and info with "index" and, where masks are matched with the truth,
            "objects", the number there are to draw.

        Raises:
            ValueError: if the options are unknown or the image can't be used.
        """
        index, prepared = self._take(seed, options, "given")
        sample = prepared.sample
        objects = self.reward.count(prepared.scored.judged)
        given = _given((options or {}).get("given", ()), objects)
        limit, left = self.options.max_masks, None if objects is None else objects - len(given)
        if left is not None and self.options.known_count:
            limit = min(limit, left)
        self._episode = Episode(
            prepared=prepared,
            index=index,
            judge=self.reward.judge(prepared.scored.judged, given),
            max_masks=self.options.max_masks,
            count=left,
            limit=limit,
            given=np.isin(np.asarray(sample.truth), given) if given else None,
        )
        self._follow()
        return self._episode.observation(), self._episode.info(stepped=False)

    def step(self, action: Mask) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Draw the next mask.

        Args:
            action: float32 (H, W) in [0, 1].

        Returns:
            The observation; the reward, by how much the masks' score rises (Eq. 5); whether the
            episode is over; False; and info, see the documentation.

        Raises:
            ResetNeeded: if there was no reset, or the episode is over.
            ValueError: if the action has a wrong shape, NaN or values outside [0, 1].
        """
        episode = self._going_on()
        reward = episode.advance(check_action(action, self.image_shape[1:]))
        self._follow()
        return episode.observation(), reward, episode.over, False, episode.info(stepped=True)

    def _picture(self, episode: Episode) -> NDArray[np.uint8]:
        """The masks in the order of drawing (the paper's Fig. 4)."""
        from gym_rlseg.pictures.masks import render_masks

        sample = episode.prepared.sample
        return render_masks(
            sample.image, episode.masks.labels, episode.masks.covered, sample.truth, sample.name
        )


def _given(given: Any, objects: int | None) -> tuple[int, ...]:
    """Numbers of objects, checked."""
    numbers = tuple(given) if isinstance(given, list | tuple | np.ndarray) else (given,)
    if not all(is_whole(number) and 1 <= number <= (objects or 0) for number in numbers):
        raise ValueError(
            f"reset options: given must be numbers of the truth's objects, 1 to {objects}, got "
            f"{given!r}"
        )
    return tuple(dict.fromkeys(map(int, numbers)))
