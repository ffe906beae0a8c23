"""The discriminative loss of De Brabandere et al. (2017), learned from labelled images."""

from __future__ import annotations

import torch
from torch import Tensor

from gym_rlseg.images import Sample


def discriminative_loss(
    embedding: Tensor,
    sample: Sample,
    *,
    within: float = 0.5,
    apart: float = 1.5,
    regularisation: float = 1e-3,
) -> Tensor:
    """Pulls pixels to their object's mean, and pushes the means apart.

        1/C Σ_c 1/N_c Σ_i [|μ_c - x_i| - δ_v]+²
        + 1/(C (C - 1)) Σ_a≠b [2 δ_d - |μ_a - μ_b|]+² + γ 1/C Σ_c |μ_c|

    over the C objects, the ground being one of them.

    Args:
        embedding: (1, F, H, W).
        sample: with its truth.
        within: δ_v.
        apart: δ_d.
        regularisation: γ.

    Raises:
        ValueError: if the truth isn't known.
    """
    if sample.truth is None:
        raise ValueError(f"{sample.name} has no truth to learn from")
    flat = embedding[0].flatten(1).T
    _, labels, counts = torch.unique(
        torch.tensor(sample.truth).flatten(), return_inverse=True, return_counts=True
    )
    means = flat.new_zeros(len(counts), flat.shape[1]).index_add(0, labels, flat)
    means = means / counts[:, None]
    distance = _length(flat - means.index_select(0, labels))
    pull = (distance - within).clamp(min=0).square()
    pulls = pull.new_zeros(len(counts)).index_add(0, labels, pull) / counts
    loss = pulls.mean() + regularisation * _length(means).mean()
    if len(counts) > 1:
        a, b = torch.triu_indices(len(counts), len(counts), 1)
        between = _length(means.index_select(0, a) - means.index_select(0, b))
        loss = loss + (2 * apart - between).clamp(min=0).square().mean()
    return loss


def _length(vectors: Tensor) -> Tensor:
    """|x| of each row; the small term keeps the gradient at 0 finite."""
    return (vectors.square().sum(dim=1) + 1e-12).sqrt()
