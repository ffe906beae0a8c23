"""The U-Net: shapes, sizes that its depth doesn't divide, gradients, attention."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from agents.pixels.unet import UNet, UNetOptions

pytestmark = pytest.mark.usefixtures("one_thread_of_torch")

SMALL = UNetOptions(widths=(4, 6, 8), groups=2)


def made(options: UNetOptions, dimensions: int = 2, channels: int = 2) -> UNet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return UNet(channels, options, dimensions=dimensions)


@pytest.mark.parametrize("attention", [False, True])
@pytest.mark.parametrize(
    ("dimensions", "sizes"),
    [(2, (8, 12)), (2, (7, 10)), (2, (1, 5)), (3, (4, 8, 8)), (3, (3, 5, 6))],
)
def test_shapes_and_gradients(attention: bool, dimensions: int, sizes: tuple[int, ...]) -> None:
    net = made(UNetOptions(widths=(4, 6, 8), groups=2, attention=attention), dimensions)
    pixels = torch.randn((3, 2, *sizes), generator=torch.Generator().manual_seed(1))
    before = pixels.clone()
    features = net(pixels)
    assert features.shape == (3, net.features, *sizes)
    assert torch.equal(pixels, before)
    features.square().sum().backward()
    for name, weight in net.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().sum() > 0, name


def test_sizes_are_filled_up_with_the_last_pixels() -> None:
    net = made(SMALL)
    pixels = torch.randn((1, 2, 6, 9), generator=torch.Generator().manual_seed(1))
    by_hand = functional.pad(pixels, (0, 3, 0, 2), mode="replicate")
    assert torch.equal(net(pixels), net(by_hand)[..., :6, :9])


def test_far_pixels_are_seen_and_images_are_apart() -> None:
    net = made(SMALL)
    pixels = torch.randn((2, 2, 32, 32), generator=torch.Generator().manual_seed(1))
    pixels.requires_grad_()
    (grad,) = torch.autograd.grad(net(pixels)[0, :, 4, 4].sum(), pixels)
    assert grad[0, :, 14, 14].abs().sum() > 0  # through the coarse levels
    assert grad[1].abs().sum() == 0


def test_a_closed_gate_keeps_the_skip_out() -> None:
    net = made(UNetOptions(widths=(4, 6), groups=2, attention=True))
    gate = net.gates[0]
    gate.weight.weight.data.zero_()  # type: ignore[union-attr]
    skip, below = torch.ones(1, 4, 2, 2), torch.ones(1, 6, 2, 2)
    gate.weight.bias.data.fill_(0.0)  # type: ignore[union-attr]
    assert torch.equal(gate(skip, below), skip / 2)
    gate.weight.bias.data.fill_(-50.0)  # type: ignore[union-attr]
    assert gate(skip, below).abs().max() < 1e-20


def test_groups_divide_widths() -> None:
    net = made(UNetOptions(widths=(6, 9), groups=4))
    groups = [layer.num_groups for layer in net.modules() if isinstance(layer, torch.nn.GroupNorm)]
    assert groups == [3, 3, 3, 3, 3, 3]


def test_impossible_options() -> None:
    with pytest.raises(ValueError, match=r"widths must be a list .* got \(\)"):
        UNetOptions(widths=())
    with pytest.raises(ValueError, match="dimensions must be 2 or 3, got 4"):
        UNet(1, SMALL, dimensions=4)
