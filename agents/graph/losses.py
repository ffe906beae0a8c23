"""The losses of soft actor-critics on sub-graphs (Eq. 2 and 4) and of their temperatures."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def critic_loss(values: Sequence[Tensor], rewards: Sequence[Tensor]) -> Tensor:
    """Eq. 4: 1/|SG| Σ_sg ½ (Q_sg - r_sg)² over the sub-graphs of all sizes.

    Shapes: one (S_k,) tensor per size each; returns a scalar.
    """
    return 0.5 * (torch.cat(list(values)) - torch.cat(list(rewards))).square().mean()


def subgraph_log_probabilities(
    log_probability: Tensor, subgraphs: Sequence[Tensor]
) -> list[Tensor]:
    """Σ_{a in sg} log π(a) of every sub-graph: edges are independent given the graph.

    Shapes: log_probability (E,), subgraphs (S_k, k) each -> one (S_k,) tensor per size.
    """
    return [
        log_probability.index_select(0, ids.reshape(-1)).view(ids.shape).sum(dim=1)
        for ids in subgraphs
    ]


def actor_loss(
    values: Sequence[Tensor], log_probabilities: Sequence[Tensor], temperatures: Tensor
) -> Tensor:
    """Eq. 2: 1/|SG| Σ_sg [α_k Σ_{a in sg} log π(a) - Q_sg], α_k the temperature of its size.

    Shapes: one (S_k,) tensor per size each, temperatures (K,); returns a scalar.
    """
    terms = [
        alpha.detach() * log_p - q
        for q, log_p, alpha in zip(values, log_probabilities, temperatures, strict=True)
    ]
    return torch.cat(terms).mean()


def temperature_loss(
    log_temperatures: Tensor,
    log_probabilities: Sequence[Tensor],
    sizes: Sequence[int],
    target_entropy: float,
) -> Tensor:
    """Σ_k -log α_k (mean_sg Σ_{a in sg} log π(a) + k · target) / k (Haarnoja et al., 2018).

    α_k rises while the entropy is below k times `target_entropy` and falls above it.
    Sizes of which a batch has no sub-graph contribute nothing.

    Shapes: log_temperatures (K,), one (S_k,) tensor per size; returns a scalar.
    """
    terms = [
        -log_alpha * (log_p.detach().mean() / size + target_entropy)
        for log_alpha, log_p, size in zip(log_temperatures, log_probabilities, sizes, strict=True)
        if log_p.numel()
    ]
    return torch.stack(terms).sum()
