"""The loss of REINFORCE with a reward per sub-graph (Williams, 1992; Kool et al., 2019)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def subgraph_advantages(rewards: Tensor) -> Tensor:
    """What each sample earned beyond the others of the same image.

        A_ks = r_ks - 1/(K-1) Σ_{j≠k} r_js

    Luck with the image, or with a far part of it, cancels; and as a sample's own reward is
    not in its baseline, the baseline adds no bias. (Scaling by the samples' spread in
    `edge_credits` does add a little.)

    Shapes: rewards (K, S) with K >= 2 -> (K, S).
    """
    others = (rewards.sum(dim=0, keepdim=True) - rewards) / (len(rewards) - 1)
    return rewards - others


def edge_credits(
    advantages: Sequence[Tensor],
    subgraphs: Sequence[Tensor],
    n_edges: int,
    *,
    least_scale: float,
    image_weight: float = 0.0,
) -> Tensor:
    """Mean advantage of the sub-graphs that hold an edge, in units of its own spread.

    An edge's own reward would be too narrow a credit: it is that of the better of its two
    objects, and a cut that earns it can spoil the object behind. Sub-graphs reach further;
    what lies beyond them counts with `image_weight`, by the mean of all sub-graphs.

    Shapes: one (K, S_k) and one int64 (S_k, k) tensor per size -> (K, n_edges); edges of no
        sub-graph have the image's part alone. Divided by the standard deviation over all
        entries, but at least by `least_scale`.
    """
    samples = len(advantages[0])
    total = advantages[0].new_zeros((samples, n_edges))
    count = advantages[0].new_zeros(n_edges)
    for of_size, ids in zip(advantages, subgraphs, strict=True):
        members = ids.reshape(-1)
        total.index_add_(1, members, of_size.repeat_interleave(ids.shape[1], dim=1))
        count.index_add_(0, members, torch.ones_like(members, dtype=count.dtype))
    of_image = torch.cat(list(advantages), dim=1).mean(dim=1, keepdim=True)
    credits = total / count.clamp(min=1.0) + image_weight * of_image
    return credits / credits.std().clamp(min=least_scale)


def policy_loss(mean: Tensor, std: Tensor, logits: Tensor, credits: Tensor) -> Tensor:
    """-1/(K E) Σ_ke c_ke log N(x_ke; mean_e, std_e²) of the sampled logits x.

    The sigmoid that makes weights of logits has a Jacobian that depends on no parameter.

    Shapes: mean, std (E,), logits and credits (K, E); returns a scalar.
    """
    log_probability = -0.5 * ((logits - mean) / std).square() - std.log()
    return -(credits * log_probability).mean()
