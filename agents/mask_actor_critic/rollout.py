"""Episodes of several images at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.mask_actor_critic.drawer import MaskDrawer


@dataclass(frozen=True, kw_only=True, eq=False)
class Rollout:
    """What was drawn, step by step; the second axis is the step.

    Attributes:
        covered: before every step, (N, T, H, W), without a gradient.
        logits: of the masks, (N, T, H, W).
        means, log_variances: of the latents, (N, T, l).
        stops: logits of going on, (N, T).
    """

    covered: Tensor
    logits: Tensor
    means: Tensor
    log_variances: Tensor
    stops: Tensor

    @property
    def length(self) -> int:
        """T."""
        return self.stops.shape[1]


def roll_out(
    drawer: MaskDrawer,
    seen: Tensor,
    covered: Tensor,
    steps: NDArray[np.integer],
    *,
    noise: Tensor | None,
    truncated: bool,
) -> Rollout:
    """Draw masks one after the other, each given those before (Eq. 3).

    Args:
        drawer: the networks.
        seen: of the images, see `MaskDrawer.see`.
        covered: by given masks, (N, H, W).
        steps: (N,), how many masks of each image; what lies beyond is 0. T is the greatest.
        noise: standard normal (N, T, l); None takes the mean of every latent.
        truncated: whether a step's gradient ends at its state.
    """
    # Those that end first come last, so that what is still drawn on is a slice without a copy.
    order = np.argsort(-steps, kind="stable")
    back = torch.from_numpy(np.argsort(order))
    seen, covered = seen[order], covered[order]
    noise = None if noise is None else noise[order]
    memory = drawer.actor.start(len(covered))
    first, levels = drawer.actor.trunk.of_fixed(seen), drawer.decoder.views(seen)
    found: list[list[Tensor]] = []
    for t in range(int(steps.max())):
        n = int((steps > t).sum())
        covered, memory = covered[:n], (memory[0][:n], memory[1][:n])
        mean, log_variance, stop, memory = drawer.actor(first[:n], covered[:, None], memory)
        latent = mean if noise is None else mean + (0.5 * log_variance).exp() * noise[:n, t]
        logits = drawer.decoder(latent, [level[:n] for level in levels])[:, 0]
        parts = (covered.detach(), logits, mean, log_variance, stop)
        found.append([_filled(part, len(order)) for part in parts])
        covered = torch.maximum(covered, torch.sigmoid(logits))
        if truncated:
            covered, memory = covered.detach(), (memory[0].detach(), memory[1].detach())
    covers, logits, means, log_variances, stops = (
        torch.stack(parts, dim=1)[back] for parts in zip(*found, strict=True)
    )
    return Rollout(
        covered=covers, logits=logits, means=means, log_variances=log_variances, stops=stops
    )


def _filled(values: Tensor, count: int) -> Tensor:
    """(n, ...) -> (count, ...), zeros behind."""
    missing = count - len(values)
    return torch.cat([values, values.new_zeros(missing, *values.shape[1:])]) if missing else values
