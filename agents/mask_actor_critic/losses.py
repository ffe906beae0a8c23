"""Losses of Algorithm 1, and the assignment of masks to objects."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional

#: Dice from which on an object is drawn.
_DRAWN = 0.5


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL divergence of N(mean, e^log_variance) from N(0, 1), summed over the last axis.

    ½ Σ (μ² + σ² - 1 - log σ²); (..., l) -> (...).
    """
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=-1)


def returns(rewards: NDArray[np.floating], gamma: float) -> NDArray[np.float64]:
    """Eq. 7's target, Σ_{i ≥ t} γ^(i - t) r_i, of every step t; (N, T) -> (N, T)."""
    result = np.zeros(rewards.shape)
    total = np.zeros(len(rewards))
    for t in range(rewards.shape[1] - 1, -1, -1):
        total = rewards[:, t] + gamma * total
        result[:, t] = total
    return result


def soft_dice(masks: Tensor, objects: Tensor) -> Tensor:
    """2 Σ s t / (Σ s + Σ t) of every mask with every object.

    Shapes: (N, T, H, W) and (N, K, H, W) -> (N, T, K).
    """
    masks, objects = masks.flatten(2), objects.flatten(2)
    both = masks.sum(dim=2)[:, :, None] + objects.sum(dim=2)[:, None]
    return 2 * torch.bmm(masks, objects.transpose(1, 2)) / both.clamp(min=1e-6)


def matched(scores: NDArray[np.floating]) -> NDArray[np.int64]:
    """The object of every mask by the assignment of most score: (T, K >= T) -> (T,)."""
    masks, objects = linear_sum_assignment(scores, maximize=True)
    found = np.empty(len(scores), np.int64)
    found[masks] = objects
    return found


def following(scores: NDArray[np.floating]) -> NDArray[np.int64]:
    """The object of every mask, one after the other: (T, K) -> (T,).

    It is the one of most score among those that no mask before has drawn, which takes a score
    of a half; the last one stays. Masks that repeat one another get the same object
    then. An assignment gives each of them another one, and what learns from that draws nothing.
    """
    left = np.ones(scores.shape[1], np.bool_)
    found = np.empty(len(scores), np.int64)
    for step, score in enumerate(scores):
        found[step] = np.where(left, score, -1.0).argmax()
        if score[found[step]] >= _DRAWN and left.sum() > 1:
            left[found[step]] = False
    return found


def reconstruction(logits: Tensor, masks: Tensor) -> Tensor:
    """Binary cross-entropy, summed over the pixels of every mask: (N, H, W) -> (N,)."""
    each = functional.binary_cross_entropy_with_logits(logits, masks, reduction="none")
    return each.flatten(1).sum(dim=1)


def termination(logits: Tensor, going_on: Tensor, counts: Tensor) -> Tensor:
    """Binary cross-entropy of going on, over the steps that count: three of (N, T) -> a scalar."""
    each = functional.binary_cross_entropy_with_logits(logits, going_on, reduction="none")
    return (each * counts).sum() / counts.sum()
