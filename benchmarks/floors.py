"""The least that stages could take: the libraries' bare calls and bare matrix products."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


def matrix_products(
    networks: Iterable[nn.Module], call: Callable[[], Any], *, backward: bool
) -> Callable[[], None]:
    """The matrix products alone that a call makes in the linear layers of networks.

    Args:
        networks: whose layers are looked at.
        call: is made once, to see what they take.
        backward: whether the products of the gradients are made as well: those of the weights
            and of the inputs that need one.

    Returns:
        Makes products of the same shapes.
    """
    seen: list[tuple[nn.Linear, int, bool, bool]] = []

    def note(layer: nn.Module, inputs: tuple[Tensor, ...], _output: Tensor) -> None:
        assert isinstance(layer, nn.Linear)
        x = inputs[0]
        seen.append((layer, len(x), layer.weight.requires_grad, x.requires_grad))

    layers = {m for net in networks for m in net.modules() if isinstance(m, nn.Linear)}
    hooks = [layer.register_forward_hook(note) for layer in layers]
    call()
    for hook in hooks:
        hook.remove()
    made = [
        (
            torch.randn(rows, layer.in_features, device=layer.weight.device),
            torch.randn_like(layer.weight),
            None if layer.bias is None else torch.randn_like(layer.bias),
            torch.randn(rows, layer.out_features, device=layer.weight.device),
            of_weight and backward,
            of_input and backward,
        )
        for layer, rows, of_weight, of_input in seen
    ]

    def products() -> None:
        for x, weight, bias, _, _, _ in made:
            _ = x @ weight.T if bias is None else torch.addmm(bias, x, weight.T)
        for x, weight, _, gradient, of_weight, of_input in reversed(made):
            if of_input:
                _ = gradient @ weight
            if of_weight:
                _ = gradient.T @ x

    return products


def exponent(pixels: Iterable[float], seconds: Iterable[float]) -> float:
    """The p of seconds ~ pixels^p, by least squares of the logarithms."""
    return float(np.polyfit(np.log(list(pixels)), np.log(list(seconds)), 1)[0])
