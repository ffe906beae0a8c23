"""Losses of PixelRL (Furuta et al., 2019): every pixel is an agent, and all share a network."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def advantages(rewards: Tensor, values: Tensor, *, gamma: float, gae: float) -> Tensor:
    """Generalised advantages (Schulman et al., 2016) of a whole episode, pixel by pixel.

        δ_t = r_t + γ V(s_{t+1}) - V(s_t), V(s_T) = 0;  A_t = Σ_k (γ λ)^k δ_{t+k}

    With λ = γ = 1: the return from t on, less the value.

    Shapes: rewards and values (T, ...) -> (T, ...).
    """
    following = torch.cat([values[1:], torch.zeros_like(values[:1])])
    deltas = rewards + gamma * following - values
    result, total = torch.empty_like(deltas), torch.zeros_like(deltas[0])
    for t in range(len(deltas) - 1, -1, -1):
        total = deltas[t] + gamma * gae * total
        result[t] = total
    return result


def actor_critic_losses(
    logits: Tensor, values: Tensor, actions: Tensor, advantage: Tensor, kept: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Losses of policy and value, and the policy's entropy, as means over pixels and steps.

        policy = -log π(a) A,   value = ½ (A + V_old - V)²,   entropy = -Σ_a π(a) log π(a)

    Args:
        logits: of the bit 1, (T, ...).
        values: (T, ...), from the same pass that `advantage` comes from.
        actions: 0 and 1, (T, ...).
        advantage: (T, ...), without a gradient.
        kept: weights (T, ...), 0 where a pixel doesn't count.

    Returns:
        Three scalars.
    """
    total = kept.sum().clamp(min=1.0)
    log_probability = -functional.binary_cross_entropy_with_logits(
        logits, actions, reduction="none"
    )
    policy = -(log_probability * advantage * kept).sum() / total
    value = 0.5 * ((advantage + values.detach() - values).square() * kept).sum() / total
    chance = torch.sigmoid(logits)
    entropies = functional.softplus(logits) - chance * logits
    return policy, value, (entropies * kept).sum() / total
