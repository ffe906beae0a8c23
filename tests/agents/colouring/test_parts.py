"""What the colouring agent is made of: losses, draws, symmetries, the network's start."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from skimage.filters import threshold_multiotsu, threshold_otsu
from torch import Tensor

from agents.colouring.drawing import thresholds
from agents.colouring.losses import actor_critic_losses, advantages
from agents.colouring.network import ColouringNetwork
from agents.colouring.options import ColouringConfig, ColouringNetworkOptions
from agents.colouring.policy import ColouringPolicy
from agents.pixels.symmetries import Symmetry
from gym_rlseg.images import CirclesSource

pytestmark = pytest.mark.usefixtures("one_thread_of_torch")


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_advantages_by_hand() -> None:
    rewards, values = torch.tensor([[1.0], [2.0], [4.0]]), torch.tensor([[0.5], [1.0], [3.0]])
    whole = advantages(rewards, values, gamma=1.0, gae=1.0)
    assert whole.flatten().tolist() == [7 - 0.5, 6 - 1, 4 - 3]  # return less value
    short = advantages(rewards, values, gamma=0.5, gae=0.0)
    assert short.flatten().tolist() == [1 + 0.5 - 0.5, 2 + 1.5 - 1, 4 - 3]
    mixed = advantages(rewards, values, gamma=0.5, gae=0.5)
    assert mixed.flatten().tolist() == [1 + 0.25 * (2.5 + 0.25 * 1), 2.5 + 0.25 * 1, 1]


def test_losses_by_hand() -> None:
    logits = torch.tensor([[0.0, math.log(3.0)]], requires_grad=True)  # chances 1/2 and 3/4
    values = torch.tensor([[0.5, 1.0]], requires_grad=True)
    actions, advantage = torch.tensor([[1.0, 0.0]]), torch.tensor([[2.0, -1.0]])
    policy, value, entropy = actor_critic_losses(
        logits, values, actions, advantage, torch.ones(1, 2)
    )
    expected = -(math.log(1 / 2) * 2 + math.log(1 / 4) * -1) / 2
    assert policy.item() == pytest.approx(expected)
    assert value.item() == pytest.approx(0.5 * (4 + 1) / 2)
    spread = [-sum(p * math.log(p) for p in (q, 1 - q)) for q in (1 / 2, 3 / 4)]
    assert entropy.item() == pytest.approx(sum(spread) / 2)
    (policy + value).backward()
    # -A (a - π), and the value moves towards the return.
    assert logits.grad.tolist()[0] == pytest.approx([-2 * 0.5 / 2, 1 * -0.75 / 2])  # type: ignore[union-attr]
    assert values.grad.tolist()[0] == pytest.approx([-2 / 2, 1 / 2])  # type: ignore[union-attr]


def test_pixels_that_do_not_count_have_no_gradient() -> None:
    logits, values = torch.zeros(2, 3, requires_grad=True), torch.zeros(2, 3, requires_grad=True)
    kept = torch.tensor([[1.0, 0.0, 1.0]] * 2)
    parts = actor_critic_losses(logits, values, torch.ones(2, 3), torch.ones(2, 3), kept)
    sum(parts).backward()  # type: ignore[union-attr]
    for tensor in (logits, values):
        assert (tensor.grad[:, 1] == 0).all()  # type: ignore[index]
        assert (tensor.grad[:, 0] != 0).all()  # type: ignore[index]
    assert (
        actor_critic_losses(logits, values, torch.ones(2, 3), torch.ones(2, 3), torch.zeros(2, 3))[
            0
        ].item()
        == 0
    )


@pytest.mark.parametrize("shape", [(40, 24, 20), (12, 10, 12, 14)])
@pytest.mark.parametrize("length", [0.0, 2.0])
def test_thresholds_are_uniform_and_alike_nearby(shape: tuple[int, ...], length: float) -> None:
    drawn = thresholds(shape, length, generator())
    assert drawn.shape == shape
    assert torch.equal(drawn, thresholds(shape, length, generator()))
    shares = [(drawn < level).float().mean().item() for level in (0.1, 0.5, 0.8)]
    assert shares == pytest.approx([0.1, 0.5, 0.8], abs=0.06)
    # As much spread at the frame as inside.
    assert drawn[..., 0].std().item() == pytest.approx(12**-0.5, abs=0.05)

    def alike(apart: int) -> float:
        pairs = torch.stack([drawn[..., apart:].flatten(), drawn[..., :-apart].flatten()])
        return float(torch.corrcoef(pairs)[0, 1])

    # Two Gaussian kernels of σ = 2, 1 px apart: exp(-1 / (4 σ²)).
    assert alike(1) == pytest.approx(math.exp(-1 / 16) if length else 0.0, abs=0.05)
    assert alike(9) == pytest.approx(0.0, abs=0.15)


@pytest.mark.parametrize("shape", [(6, 6), (4, 7), (3, 5, 5)])
def test_symmetries_are_undone(shape: tuple[int, ...]) -> None:
    pixels = torch.arange(2.0 * math.prod(shape)).view(2, *shape)
    seen = set()
    source = generator()
    for _ in range(60):
        symmetry = Symmetry.draw(shape, source)
        changed = symmetry(pixels)
        assert changed.shape == pixels.shape
        assert torch.equal(symmetry.back(changed), pixels)
        seen.add(tuple(changed.flatten().tolist()))
    assert len(seen) == 2 ** len(shape) * (2 if shape[-1] == shape[-2] else 1)
    assert torch.equal(Symmetry()(pixels), pixels)


def images(count: int) -> Tensor:
    source = CirclesSource(height=40, width=44, radius=(5.0, 8.0), count=(3, 5))
    return torch.from_numpy(np.stack([source.sample("train", i, 0).image for i in range(count)]))


def test_the_network_starts_open_or_at_the_brightness() -> None:
    image, bits = images(3), torch.zeros(3, 2, 40, 44)
    logits, values = ColouringNetwork(1, 2, 2, ColouringNetworkOptions(widths=(4, 8)))(image, bits)
    assert not logits.any()
    assert not values.any()
    bright = ColouringNetwork(
        1, 2, 2, ColouringNetworkOptions(widths=(4, 8), initial_policy="brightness")
    )
    first = bright(image, bits)[0]
    for one, logit in zip(image, first, strict=True):
        otsu = one[0].numpy() > threshold_otsu(one[0].numpy())
        assert ((logit.detach().numpy() > 0) == otsu).mean() > 0.99
    bits[:, 0] = torch.where(first > 0, 1.0, -1.0)
    assert (bright(image, bits)[0] < -1).all()  # all objects in one colour
    options = ColouringNetworkOptions(widths=(4, 8), initial_policy="highlights")
    first = ColouringNetwork(1, 2, 2, options)(image, torch.zeros(3, 2, 40, 44))[0]
    for one, logit in zip(image, first, strict=True):
        upper = one[0].numpy() > threshold_multiotsu(one[0].numpy())[1]
        assert ((logit.detach().numpy() > 0) == upper).mean() > 0.98


def test_schedules() -> None:
    config = ColouringConfig(
        rates=((0, 1e-3), (100, 1e-4)), weight_shift=0.7, shift_every=10, shift_stages=7
    )
    assert [config.rate(t) for t in (0, 99, 100, 10**6)] == [1e-3, 1e-3, 1e-4, 1e-4]
    shifted = [config.shifted(t) for t in (0, 9, 10, 35, 10**6)]
    assert shifted == pytest.approx([0, 0, 0.1, 0.3, 0.7])
    for rates in ((), ((5, 1e-3),), ((0, 1e-3), (0, 1e-4))):
        with pytest.raises(ValueError, match="rates must be a list"):
            ColouringConfig(rates=rates)


def test_mean_over_mirror_images_knows_no_left_or_right() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = ColouringNetwork(1, 2, 2, ColouringNetworkOptions(widths=(4, 8)))
        torch.nn.init.normal_(network.heads.weight)
    policy = ColouringPolicy(network, (1, 2, 2), device=torch.device("cpu"))
    image = np.random.default_rng(0).random((1, 16, 12)).astype(np.float32)
    plain, mirrored = policy.colours(image), policy.colours(image, mirrored=True)
    flipped = np.ascontiguousarray(image[:, ::-1])
    assert (policy.colours(flipped)[::-1] != plain).any()
    agree = policy.colours(flipped, mirrored=True)[::-1] == mirrored
    assert agree.mean() > 0.98  # but for rounding where both bits are as likely
    assert 0 < (mirrored > 0).mean() < 1
    image[:] = image[..., ::-1] + image
    found = policy.colours(image / 2, mirrored=True)
    assert (found == found[:, ::-1]).mean() > 0.98
