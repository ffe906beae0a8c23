"""What the agent that draws masks is made of: losses, starts, networks, stages, suggestions."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from agents.mask_actor_critic.batch import Batch, Start
from agents.mask_actor_critic.channels import channel_loss
from agents.mask_actor_critic.decoder import MaskDecoder, Pyramid
from agents.mask_actor_critic.drawer import MaskDrawer
from agents.mask_actor_critic.losses import (
    divergence,
    following,
    matched,
    reconstruction,
    returns,
    soft_dice,
    termination,
)
from agents.mask_actor_critic.networks import ActorNetwork, Trunk
from agents.mask_actor_critic.options import MaskActorCriticConfig, MaskNetworkOptions
from agents.mask_actor_critic.rollout import Rollout, roll_out
from agents.mask_actor_critic.stages import Stage
from agents.mask_actor_critic.suggested import suggested
from gym_rlseg.images.angles import angle_classes
from gym_rlseg.rewards.matched_masks import MatchedMasks

pytestmark = pytest.mark.usefixtures("one_thread_of_torch")

SMALL = MaskNetworkOptions(
    widths=(4, 8), latent=3, features=12, memory_size=5, channel_widths=(4, 8)
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def drawer(options: MaskNetworkOptions = SMALL) -> MaskDrawer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return MaskDrawer(1, (8, 12), options)


def batch(*counts: int) -> Batch:
    """Images whose objects are columns of pixels."""
    labels = np.zeros((len(counts), 8, 12), np.int32)
    for index, count in enumerate(counts):
        labels[index, :, :count] = np.arange(1, count + 1)
    pixels = np.zeros((len(counts), 1, 8, 12), np.float32)
    judging = [lambda given, one=one: MatchedMasks(one, "dice", given) for one in labels]
    return Batch(pixels=pixels, labels=labels, judging=judging)


def test_divergence_by_hand() -> None:
    mean, log_variance = torch.tensor([[1.0, 0.0], [0.0, 0.0]]), torch.zeros(2, 2)
    log_variance[0, 1] = math.log(4.0)
    expected = 0.5 * 1 + 0.5 * (4 - 1 - math.log(4.0))
    assert divergence(mean, log_variance).tolist() == pytest.approx([expected, 0.0])
    normal = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    standard = torch.distributions.Normal(torch.zeros(2, 2), torch.ones(2, 2))
    other = torch.distributions.kl_divergence(normal, standard).sum(1)
    assert torch.allclose(divergence(mean, log_variance), other)


def test_targets_of_the_critic_against_a_plain_loop() -> None:
    rewards = np.random.default_rng(0).normal(size=(3, 5))
    found = returns(rewards, 0.9)
    for n in range(3):
        for t in range(5):
            plain = sum(0.9 ** (i - t) * rewards[n, i] for i in range(t, 5))
            assert found[n, t] == pytest.approx(plain)
    assert np.array_equal(returns(rewards, 0.0), rewards)


def test_dice_and_the_assignment() -> None:
    masks = torch.zeros(1, 2, 1, 4)
    masks[0, 0, 0, :2], masks[0, 1, 0, 1:] = 1.0, 0.5
    objects = torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]]).view(1, 2, 1, 4)
    scores = soft_dice(masks, objects)[0]
    assert scores.flatten().tolist() == pytest.approx([1.0, 0.0, 1 / 3.5, 2 / 3.5])
    # The second of most score for the first mask leaves more for both.
    assert matched(np.array([[0.6, 0.5, 0.0], [0.9, 0.1, 0.2]])).tolist() == [1, 0]


def test_masks_that_repeat_follow_one_object_until_it_is_drawn() -> None:
    repeated = np.array([[0.3, 0.2, 0.1]] * 3)
    assert following(repeated).tolist() == [0, 0, 0]
    assert sorted(matched(repeated).tolist()) == [0, 1, 2]
    # 0.5 is enough to be drawn; what is drawn is nobody's any more, but for the last one.
    scores = np.array([[0.5, 0.4, 0.0], [0.9, 0.1, 0.0], [0.9, 0.6, 0.2], [0.9, 0.6, 0.0]])
    assert following(scores).tolist() == [0, 1, 1, 2]
    assert following(np.array([[0.9], [0.9]])).tolist() == [0, 0]


def test_cross_entropies_by_hand() -> None:
    logits = torch.tensor([[[0.0, math.log(3.0)]]])  # chances 1/2 and 3/4
    masks = torch.tensor([[[1.0, 0.0]]])
    assert reconstruction(logits, masks).tolist() == pytest.approx([math.log(2) + math.log(4)])
    stops = torch.tensor([[0.0, math.log(3.0), 50.0]])
    found = termination(stops, torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([[1.0, 1.0, 0.0]]))
    assert found.item() == pytest.approx((math.log(2) + math.log(4)) / 2)


def test_loss_of_the_channels() -> None:
    labels = np.zeros((6, 6), np.int32)
    labels[1:4, 2:5] = 1
    wanted = torch.from_numpy(angle_classes(labels))[None]
    even = channel_loss(torch.zeros(1, 9, 6, 6), wanted).item()
    assert even == pytest.approx(math.log(2) + math.log(8))
    sure = torch.where(wanted > 0, 50.0, -50.0)
    assert channel_loss(sure, wanted).item() == pytest.approx(0.0, abs=1e-6)
    # What is said of angles on the ground doesn't count.
    sure[:, 1:, 0] = 7.0
    assert channel_loss(sure, wanted).item() == pytest.approx(0.0, abs=1e-6)
    nothing = channel_loss(torch.zeros(1, 9, 6, 6), torch.zeros(1, 9, 6, 6)).item()
    assert nothing == pytest.approx(math.log(2))


def test_starts_leave_as_much_as_there_is_room_for() -> None:
    images, draws = batch(5, 0, 2), generator()
    seen = set()
    for _ in range(60):
        start = Start.draw(images, 3, draws)
        for index, count in enumerate((5, 0, 2)):
            given = start.given[index]
            assert start.left[index] == count - len(set(given))
            assert start.steps[index] == min(3, start.left[index] + 1)
            expected = np.isin(images.labels[index], given)
            assert np.array_equal(start.covered[index], expected)
            seen.add((index, len(given)))
        drawn, played = start.drawn(3), start.played(3)
        assert drawn.sum(axis=1).tolist() == np.minimum(start.left, 3).tolist()
        assert (played & ~drawn).sum(axis=1).tolist() == (start.left < 3).astype(int).tolist()
    assert seen == {(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (2, 0)}
    whole = Start.draw(images, 21, draws)
    assert whole.steps.tolist() == [6, 1, 3]
    assert not whole.covered.any()
    ones = {len(Start.draw(images, 1, draws).given[0]) for _ in range(60)}
    assert ones == {0, 1, 2, 3, 4, 5}  # nothing is left, too: that is when to stop


def test_objects_of_the_auto_encoder() -> None:
    chosen = batch(3, 0).objects(20, generator())
    assert chosen.shape == (2, 20, 8, 12)
    columns = {int(np.flatnonzero(one.any(axis=0))[0]) for one in chosen[0]}
    assert columns == {0, 1, 2}
    assert not chosen[1].any()


def test_two_convolutions_are_one() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        trunk = Trunk(3, 2, (4, 6), (8, 8))
        fixed, changing = torch.randn(2, 3, 8, 8), torch.randn(2, 2, 8, 8)
    weight = torch.cat([trunk.of_fixed.weight, trunk.of_changing.weight], dim=1)
    both = torch.conv2d(torch.cat([fixed, changing], dim=1), weight, trunk.of_fixed.bias, padding=1)
    found = trunk.of_fixed(fixed) + trunk.of_changing(changing)
    assert torch.allclose(found, both, atol=1e-5)
    assert trunk(trunk.of_fixed(fixed), changing).shape == (2, trunk.size) == (2, 24)


def test_the_pyramid_halves_and_keeps_what_is_even() -> None:
    levels = Pyramid(3)(torch.full((1, 2, 8, 12), 0.7))
    assert [tuple(level.shape[2:]) for level in levels] == [(8, 12), (4, 6), (2, 3)]
    assert all(torch.allclose(level, torch.tensor(0.7)) for level in levels)
    without = MaskDecoder(10, 3, 8, (4, 8), (8, 12), pyramid=False)
    assert without.views(torch.zeros(1, 10, 8, 12)) == []
    assert without(torch.zeros(2, 3), []).shape == (2, 1, 8, 12)


def played(*, truncated: bool = True, steps: tuple[int, int] = (3, 3)) -> Rollout:
    networks = drawer()
    seen = networks.see(torch.rand(2, 1, 8, 12, generator=generator()))
    noise = torch.randn(2, 3, 3, generator=generator(1))
    covered = torch.zeros(2, 8, 12)
    covered[0, :4] = 1.0
    return roll_out(networks, seen, covered, np.array(steps), noise=noise, truncated=truncated)


def test_masks_cover_as_eq_3_says() -> None:
    found = played()
    masks = torch.sigmoid(found.logits)
    covered = torch.zeros(2, 8, 12)
    covered[0, :4] = 1.0
    for t in range(3):
        assert torch.equal(found.covered[:, t], covered)
        covered = torch.maximum(covered, masks[:, t])
    assert found.length == 3


def test_who_ends_first_ends_first() -> None:
    whole, part = played(), played(steps=(1, 3))
    assert torch.allclose(part.logits[1], whole.logits[1], atol=1e-5)
    assert torch.allclose(part.means[0, 0], whole.means[0, 0], atol=1e-5)
    assert not part.logits[0, 1:].any()
    assert not part.covered[0, 1:].any()


@pytest.mark.parametrize("truncated", [True, False])
def test_no_gradient_from_a_step_to_the_one_before(truncated: bool) -> None:
    networks = drawer(dataclasses.replace(SMALL, hard=False))
    seen = networks.see(torch.rand(2, 1, 8, 12, generator=generator()))
    covered = torch.zeros(2, 8, 12, requires_grad=True)
    later = roll_out(
        networks, seen, covered, np.array([2, 2]), noise=None, truncated=truncated
    ).logits
    (of_first,) = torch.autograd.grad(later[:, 0].sum(), covered, retain_graph=True)
    (of_second,) = torch.autograd.grad(later[:, 1].sum(), covered, allow_unused=True)
    assert of_first.abs().max() > 0
    assert (of_second is None or not of_second.any()) == truncated


def remembering(actor: ActorNetwork) -> ActorNetwork:
    with torch.no_grad():
        actor.lstm.weight_hh.fill_(0.3)
    return actor


def test_the_actor_begins_without_a_memory() -> None:
    actor = drawer().actor
    first, covered = torch.rand(1, 4, 8, 12, generator=generator()), torch.zeros(1, 1, 8, 12)
    memory = actor.start(1)
    one, _, _, memory = actor(first, covered, memory)
    two, _, _, _ = actor(first, covered, memory)
    assert torch.allclose(one, two, atol=1e-2)
    three, _, _, _ = remembering(actor)(first, covered, memory)
    assert (three - one).abs().max() > 1e-3


def test_what_is_covered_is_seen_as_0_or_1() -> None:
    first, memory = torch.zeros(1, 4, 8, 12), drawer().actor.start(1)
    covers = [torch.full((1, 1, 8, 12), value) for value in (0.0, 0.4, 0.6, 1.0)]
    hard = [drawer().actor(first, cover, memory)[0] for cover in covers]
    assert torch.equal(hard[0], hard[1])
    assert torch.equal(hard[2], hard[3])
    assert not torch.equal(hard[1], hard[2])
    soft = drawer(dataclasses.replace(SMALL, hard=False)).actor
    assert not torch.equal(soft(first, covers[0], memory)[0], soft(first, covers[1], memory)[0])


@pytest.mark.parametrize("memory", ["mask", "lstm"])
def test_one_of_the_memories_alone(memory: Any) -> None:
    actor = remembering(drawer(dataclasses.replace(SMALL, memory=memory)).actor)
    first = torch.zeros(1, 4, 8, 12)
    empty, full = torch.zeros(1, 1, 8, 12), torch.ones(1, 1, 8, 12)
    start, later = actor.start(1), (torch.ones(1, 5), torch.ones(1, 5))
    of_mask = torch.equal(actor(first, empty, start)[0], actor(first, full, start)[0])
    of_lstm = torch.equal(actor(first, empty, start)[0], actor(first, empty, later)[0])
    assert (of_mask, of_lstm) == ((False, True) if memory == "mask" else (True, False))


def test_stages_follow_each_other() -> None:
    config = MaskActorCriticConfig(
        channel_steps=10, mask_steps=20, start_steps=30, critic_steps=5, actor_steps=40,
        lengths=((0.0, 1), (0.5, 4)), critic_lengths=((0.0, 5), (0.25, 9)),
        rate=1e-3, actor_rate=1e-4, decay=0.1,
    )  # fmt: skip
    names = [Stage.at(config, t).name for t in (0, 9, 10, 29, 30, 59, 60, 64, 65, 10_000)]
    expected = ["channels"] * 2 + ["masks"] * 2 + ["start"] * 2 + ["critic"] * 2 + ["actor"] * 2
    assert names == expected
    assert [Stage.at(config, t).length for t in (30, 44, 45, 65, 75)] == [1, 1, 4, 5, 9]
    assert Stage.at(config, 20).rate == pytest.approx(1e-3 * 0.1**0.5)
    assert Stage.at(config, 62).rate == pytest.approx(1e-4)
    assert Stage.at(config, 10_000).rate == pytest.approx(1e-5)
    supervised = MaskActorCriticConfig(training="supervised", channel_steps=1, mask_steps=0)
    assert Stage.at(supervised, 10**6).name == "start"
    assert Stage.at(supervised, 1).name == "start"


def disc(y: int, x: int, radius: float) -> NDArray[np.bool_]:
    ys, xs = np.indices((40, 40))
    return (ys - y) ** 2 + (xs - x) ** 2 <= radius**2


def test_suggested_blobs() -> None:
    image = np.full((1, 40, 40), 0.2, np.float32)
    for place in ((12, 12), (12, 23), (29, 29)):
        image[0][disc(*place, 6)] = 0.8
    image[0, 35, 2] = 0.8  # no blob of that diameter
    bright = suggested(image, "bright", 12.0)
    assert bright.max() == 3
    assert bright[35, 2] == 0
    assert np.array_equal(suggested(1 - image, "dark", 12.0), bright)


def test_given_objects_are_covered_as_they_are_drawn() -> None:
    images = batch(3, 0)
    assert images.covered([np.array([1, 3]), np.array([], int)])[0, 0, :4].tolist() == [1, 0, 1, 0]
    drawn = np.zeros((3, 8, 12), bool)
    drawn[0, 0, 0] = drawn[2, 5, 7] = True
    images = dataclasses.replace(images, drawn=[drawn, np.zeros((0, 8, 12), bool)])
    covered = images.covered([np.array([1, 3]), np.array([], int)])
    assert np.argwhere(covered).tolist() == [[0, 0, 0], [0, 5, 7]]
    assert not images.covered([np.array([2]), np.array([], int)]).any()


def test_larger_objects_are_given_more_often() -> None:
    images, draws = batch(2), generator()
    images.labels[0, :, 2:8] = 2  # eight times as large
    given = [Start.draw(images, 2, draws).given[0] for _ in range(400)]
    one = [int(numbers[0]) for numbers in given if len(numbers) == 1]
    assert 0.65 < one.count(2) / len(one) < 0.85  # always in one half, by chance in the other
