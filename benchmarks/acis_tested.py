"""What a trained agent of `acis.py` does on test images."""

from __future__ import annotations

import copy
import dataclasses
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from acis_sets import Task
from numpy.typing import NDArray

from agents.mask_actor_critic.policy import MaskPolicy
from gym_rlseg.images.base import renumbered
from gym_rlseg.metrics import evaluate, mean_scores
from gym_rlseg.rewards.drawn_masks import DrawnMasks
from gym_rlseg.rewards.matched_masks import MatchedMasks

#: Masks after which an image is done, as in the paper.
_MOST = 21
#: Of SAC.
_SAC_STEPS = 60_000


def tested(task: Task, policy: MaskPolicy, *, blocked: bool) -> dict[str, Any]:
    """Mean scores, Dice by time step and, if asked for, with half of the memory (Table 2)."""
    images, truths = _images(task)

    def scores(segment: Callable[[NDArray[np.float32]], NDArray[np.int32]]) -> dict[str, float]:
        pairs = zip(images, truths, strict=True)
        found = [evaluate(segment(image), truth) for image, truth in pairs]
        return dataclasses.asdict(mean_scores(found))

    segment = partial(policy.segment, max_masks=_MOST)
    row: dict[str, Any] = {
        **scores(segment),
        "by_one_view": scores(partial(segment, mirrored=False)),
        "as_drawn": scores(partial(_as_drawn, policy)),
        "dice_by_step": _dice_by_step(policy, images, truths),
        "objects": [int(truth.max()) for truth in truths],
    }
    if blocked:
        row["memories"] = {}
        for uses in ("both", "mask", "lstm"):
            other = copy.copy(policy)
            other.actor = copy.deepcopy(policy.actor)
            other.actor.actor.uses = uses
            rows = [np.mean(one) for one in _dice_by_step(other, images, truths)]
            counts = [len(other.masks(image, _MOST)) for image in images]
            row["memories"][uses] = {
                "dice": float(np.mean(rows)),
                "count_difference": float(np.mean(np.abs(np.array(counts) - row["objects"]))),
            }
    return row


def _as_drawn(policy: MaskPolicy, image: NDArray[np.float32]) -> NDArray[np.int32]:
    """The labels that the environment ends with: the first blank mask is the end."""
    drawn = DrawnMasks((image.shape[1], image.shape[2]))
    for mask in policy.masks(image, _MOST):
        drawn.add(mask)
    return renumbered(drawn.labels)


def _images(task: Task) -> tuple[list[NDArray[np.float32]], list[NDArray[np.int32]]]:
    env, images, truths = task.env("test"), [], []
    for index in range(min(task.test, env.pool.limit)):
        sample = env.pool.image(index).sample
        if sample.truth is not None and sample.truth.any():
            images.append(sample.image)
            truths.append(sample.truth)
    return images, truths


def _dice_by_step(
    policy: MaskPolicy, images: list[NDArray[np.float32]], truths: list[NDArray[np.int32]]
) -> list[list[float]]:
    """Of every image, the Dice of each of as many masks as there are objects, by matching."""
    rows = []
    for image, truth in zip(images, truths, strict=True):
        judge = MatchedMasks(truth)
        for mask in policy.masks(image, int(truth.max()), ends=False):
            judge.add(mask)
        rows.append([float(score) for score in judge.scores])
    return rows


def latent_sac(task: Task, networks: Path, seed: int) -> dict[str, Any]:
    """stable-baselines3's SAC, whose actions are latents of the trained decoder."""
    from stable_baselines3 import SAC

    from agents.mask_actor_critic.latent_masks import LatentMasks

    started = time.process_time()
    policy = MaskPolicy.load(networks)
    env = LatentMasks(task.env(), policy.decoder())
    model = SAC(
        "MultiInputPolicy", env, seed=seed, device="cpu", buffer_size=10_000, learning_starts=1_000,
        train_freq=8, gradient_steps=1, batch_size=64, gamma=0.9,
    )  # fmt: skip
    model.learn(_SAC_STEPS)
    wrapped, found = LatentMasks(task.env("test", known_count=True), policy.decoder()), []
    for index in range(task.test):
        observation, _ = wrapped.reset(options={"index": index})
        over = False
        while not over:
            action, _ = model.predict(observation, deterministic=True)
            observation, _, over, _, info = wrapped.step(action)
        found.append(evaluate(info["segmentation"], wrapped.unwrapped.truth))
    return {
        "minutes": (time.process_time() - started) / 60,
        "images_seen": _SAC_STEPS,
        **dataclasses.asdict(mean_scores(found)),
    }
