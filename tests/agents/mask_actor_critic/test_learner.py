"""Updates of the stages, against one another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from agents.common.reporting import Stopwatch
from agents.mask_actor_critic.batch import Batch
from agents.mask_actor_critic.learner import MaskLearner
from agents.mask_actor_critic.options import MaskActorCriticConfig
from gym_rlseg.rewards.matched_masks import MatchedMasks

pytestmark = pytest.mark.usefixtures("one_thread_of_torch")

TINY: dict[str, Any] = {
    "widths": (4, 8), "latent": 3, "features": 12, "memory_size": 5, "channel_widths": (4, 8),
    "explores": False, "kl": 0.0, "stop": 0.0,
}  # fmt: skip


def learner(*, by_truth: bool = True, **options: Any) -> MaskLearner:
    with torch.random.fork_rng(devices=[]):
        found = MaskLearner(
            1, (8, 12), MaskActorCriticConfig(**{**TINY, **options}),
            by_truth=by_truth, seed=0, device=torch.device("cpu"), watch=Stopwatch(),
        )  # fmt: skip
    # A critic to which all masks are worth the same.
    with torch.no_grad():
        for parameter in found.networks["critic"].parameters():
            parameter.zero_()
    return found


def batch() -> Batch:
    labels = np.zeros((2, 8, 12), np.int32)
    labels[0, 1:4, 1:5], labels[0, 1:4, 5:9], labels[1, 3:7, 2:8] = 1, 2, 1
    judging = [lambda given, one=one: MatchedMasks(one, "dice", given) for one in labels]
    pixels = (labels[:, None] > 0).astype(np.float32)
    return Batch(pixels=pixels, labels=labels, judging=judging)


def weights(of: MaskLearner) -> torch.Tensor:
    parts = [parameter.detach().flatten() for parameter in of.actor.actor.parameters()]
    return torch.cat(parts)


def moved(of: MaskLearner, *, by_critic: bool) -> torch.Tensor:
    """By how much an update changes the actor."""
    drawn, before = batch(), weights(of)
    seen = of.actor.see(of.tensor(drawn.pixels))
    if by_critic:
        of.learn_by_critic(drawn, seen, 2, actor=True)
    else:
        of.learn_start(drawn, seen, 2)
    return weights(of) - before


def test_guidance_alone_is_an_update_of_the_third_stage() -> None:
    wanted = moved(learner(), by_critic=False)
    assert wanted.abs().max() > 1e-4
    found = moved(learner(guidance=1.0), by_critic=True)
    assert torch.allclose(found, wanted, atol=1e-7)


def test_without_guidance_and_with_an_indifferent_critic_nothing_moves() -> None:
    assert moved(learner(guidance=0.0), by_critic=True).abs().max() == 0


@pytest.mark.parametrize("matching", ["next", "assignment"])
def test_guidance_without_truth_takes_as_many_masks_as_objects_are_suggested(matching: str) -> None:
    # The step beyond the objects counts for the critic, and is guided by none.
    options: dict[str, Any] = {"by_truth": False, "guidance": 1.0, "matching": matching}
    assert moved(learner(**options), by_critic=True).abs().max() > 1e-4
    found, nothing = learner(**options), batch()
    nothing.labels[1] = 0
    found.learn_by_critic(nothing, found.actor.see(found.tensor(nothing.pixels)), 3, actor=True)
    assert torch.isfinite(weights(found)).all()
