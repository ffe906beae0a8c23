"""The policy's distribution: a normal in logit space, squashed to weights in (0, 1)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid


def squashed_normal(mean: Tensor, std: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """A reparametrised sample of sigmoid(N(mean, std²)) and its log-probability.

        x = mean + std * noise,  a = σ(x)
        log π(a) = log N(x; mean, std²) - log(σ(x) (1 - σ(x)))

    Shapes: all (E,); returns action (E,) in (0, 1) and log-probability (E,).
    """
    x = mean + std * noise
    log_normal = -0.5 * noise**2 - torch.log(std) - 0.5 * torch.log(x.new_tensor(2 * torch.pi))
    log_jacobian = logsigmoid(x) + logsigmoid(-x)
    return torch.sigmoid(x), log_normal - log_jacobian
