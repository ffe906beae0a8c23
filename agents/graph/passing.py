"""What goes from nodes to edges and back, as functions with a gradient of their own.

On the CPU by `agents.graph.kernels`, elsewhere by torch's operations.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from agents.graph import kernels


def compiled_for(tensor: Tensor) -> bool:
    """Whether there are kernels for tensors like this one."""
    return tensor.device.type == "cpu" and tensor.dtype in (torch.float32, torch.float64)


def messages(
    own: Tensor, other: Tensor, of_edges: Tensor | None, gate: Tensor | None, edge_index: Tensor
) -> Tensor:
    """Mean over each node's neighbours j of relu(own_i + other_j + of_edges_ij) gate_ij, (N, W).

    0 for a node without neighbours.

    Args:
        own: float (N, W).
        other: float (N, W).
        of_edges: float (E, W); None: zeros.
        gate: float (E, G) for the first G features, the others are open; None: all are.
        edge_index: int64 (2, E), the ends of undirected edges.
    """
    own, other = single(own), single(other)  # sums of many need it
    of_edges = None if of_edges is None else single(of_edges)
    of_edges = own.new_empty(0, own.shape[1]) if of_edges is None else of_edges
    gate = own.new_empty(edge_index.shape[1], 0) if gate is None else gate
    if compiled_for(own):
        return _Messages.apply(own, other, of_edges, gate, edge_index)  # type: ignore[no-any-return, no-untyped-call]
    u, v = edge_index
    received = torch.zeros_like(own)
    for i, j in ((v, u), (u, v)):
        message = own.index_select(0, i) + other.index_select(0, j)
        message = torch.relu(message + of_edges if len(of_edges) else message)
        gated, open_ = message.tensor_split([gate.shape[1]], dim=1)
        received = received.index_add(0, i, torch.cat([gated * gate, open_], dim=1))
    neighbours = torch.bincount(edge_index.reshape(-1), minlength=len(own)).clamp_min(1)
    return received / neighbours[:, None]


def ends(summed: Tensor, compared: Tensor, edge_index: Tensor) -> tuple[Tensor, Tensor]:
    """summed_u + summed_v and |compared_u - compared_v| of every edge (u, v).

    Args:
        summed: float (N, W).
        compared: float (N, W).
        edge_index: int64 (2, E).

    Returns:
        float (E, W) each.
    """
    summed, compared = single(summed), single(compared)
    if compiled_for(summed):
        return _Ends.apply(summed, compared, edge_index)  # type: ignore[no-any-return, no-untyped-call]
    u, v = edge_index
    # index_select rather than f[u]: its backward pass is several times faster.
    sums = summed.index_select(0, u) + summed.index_select(0, v)
    return sums, (compared.index_select(0, u) - compared.index_select(0, v)).abs()


def means(values: Tensor, members: Tensor) -> Tensor:
    """Means of the rows of float (E, W) that int64 (S, k) lists, (S, W)."""
    values = single(values)
    if compiled_for(values):
        return _Means.apply(values, members)  # type: ignore[no-any-return, no-untyped-call]
    rows = values.index_select(0, members.reshape(-1))
    return rows.view(*members.shape, values.shape[1]).mean(dim=1)


def single(values: Tensor) -> Tensor:
    """The same in single precision, if it was half of that."""
    return values.float() if values.dtype == torch.bfloat16 else values


class _Messages(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Tensor) -> Tensor:
        inputs = tuple(x.contiguous() for x in inputs)
        received, share = map(torch.from_numpy, kernels.messages(*_arrays(inputs)))
        ctx.save_for_backward(share, *inputs)
        return received

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        inputs = (gradient.contiguous(), *ctx.saved_tensors)
        return (*map(torch.from_numpy, kernels.messages_backward(*_arrays(inputs))), None)


class _Ends(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Tensor) -> tuple[Tensor, ...]:
        summed, compared, edge_index = (x.contiguous() for x in inputs)
        ctx.save_for_backward(compared, edge_index)
        found = kernels.ends(*_arrays((summed, compared, edge_index)))
        return tuple(map(torch.from_numpy, found))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        inputs = (*(x.contiguous() for x in gradients), *ctx.saved_tensors)
        return (*map(torch.from_numpy, kernels.ends_backward(*_arrays(inputs))), None)


class _Means(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, members: Tensor) -> Tensor:
        ctx.members, ctx.count = members, len(values)
        arrays = values.detach().contiguous().numpy(), members.numpy()
        return torch.from_numpy(kernels.means(*arrays))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        arrays = gradient.contiguous().numpy(), ctx.members.numpy()
        return torch.from_numpy(kernels.means_backward(*arrays, ctx.count)), None


def _arrays(tensors: tuple[Tensor, ...]) -> list[Any]:
    """Features as they are, and in place of an edge index its two rows."""
    *features, index = (x.detach().numpy() for x in tensors)
    return [*features, *index]
