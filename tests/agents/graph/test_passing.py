"""Compiled passes over the edges against torch's operations, their gradients included."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from agents.graph import passing

NODES, WIDTH = 6, 4
#: Node 5 has no neighbours.
EDGES = torch.tensor([[0, 0, 1, 2, 0], [1, 2, 2, 3, 4]])


def drawn(*shape: int, seed: int = 0) -> Tensor:
    values = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return values.requires_grad_(True)


def messages(gated: int, with_edges: bool) -> tuple[Callable[..., Tensor], list[Tensor]]:
    inputs = [drawn(NODES, WIDTH, seed=1), drawn(NODES, WIDTH, seed=2)]
    of_edges = [drawn(EDGES.shape[1], WIDTH, seed=3)] * with_edges
    gate = [drawn(EDGES.shape[1], gated, seed=4)] * bool(gated)

    def call(own: Tensor, other: Tensor, *rest: Tensor) -> Tensor:
        of = rest[0] if with_edges else None
        return passing.messages(own, other, of, rest[-1] if gated else None, EDGES)

    return call, [*inputs, *of_edges, *gate]


CASES: dict[str, tuple[Callable[..., object], list[Tensor]]] = {
    "messages": messages(0, True),
    "messages without features of edges": messages(0, False),
    "messages through a half gate": messages(WIDTH // 2, True),
    "messages through a whole gate": messages(WIDTH, True),
    "ends": (
        lambda summed, compared: passing.ends(summed, compared, EDGES),
        [drawn(NODES, WIDTH, seed=1), drawn(NODES, WIDTH, seed=2)],
    ),
    "means": (
        lambda values: passing.means(values, torch.tensor([[0, 1, 1], [4, 0, 2]])),
        [drawn(5, WIDTH)],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_are_those_of_torch(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    call, inputs = CASES[name]
    found, expected = [], []
    for results, compiled in ((found, True), (expected, False)):
        monkeypatch.setattr(passing, "compiled_for", lambda _, compiled=compiled: compiled)
        out = call(*inputs)
        out = out if isinstance(out, tuple) else (out,)
        weights = [drawn(*x.shape, seed=9 + i) for i, x in enumerate(out)]
        loss = sum((x * w).sum() for x, w in zip(out, weights, strict=True))
        results += [*out, *torch.autograd.grad(loss, inputs)]
    torch.testing.assert_close(found, expected)
    assert all(x.abs().sum() > 0 for x in expected)


def test_a_node_without_neighbours_receives_nothing() -> None:
    call, inputs = CASES["messages"]
    assert torch.equal(call(*inputs)[5], torch.zeros(WIDTH, dtype=torch.float64))  # type: ignore[index]


def test_strided_features_are_taken_as_they_are() -> None:
    call, inputs = CASES["ends"]
    for got, want in zip(call(*(x.T.contiguous().T for x in inputs)), call(*inputs), strict=True):  # type: ignore[call-overload, misc]
        assert torch.equal(got, want)
