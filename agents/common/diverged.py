"""What is said when a training has run away."""

from __future__ import annotations

import torch
from torch import Tensor


class DivergedError(ValueError):
    """Losses, gradients or weights are no longer finite."""


def check_finite(what: str, *values: Tensor) -> None:
    """Refuse to go on with what isn't finite.

    Raises:
        DivergedError: naming `what`, and saying what to do.
    """
    if not all(bool(torch.isfinite(value).all()) for value in values):
        raise DivergedError(
            f"the training has diverged: {what} is no longer finite; lower the learning rates "
            "or gradient_clip, and look whether features and rewards are finite and within "
            "their ranges; then start anew, or go on from an earlier checkpoint"
        )
