"""Object-centric embeddings in the manner of Cellulus (Wolf et al., 2023): without annotation.

Every pixel predicts where its object's centre lies. Pixels near each other are asked to agree;
as a convolution sees the same around every pixel of like objects, they can only agree on
something that moves along with the object.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.baselines.clustering import mean_shift
from gym_rlseg.images import Sample

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class ObjectCentricLoss:
    """The loss of Cellulus, and its public settings.

        1/|P| Σ_P [1 - exp(-|A_i - A_j|² / τ)] + λ 1/N Σ_i |R_i|,   A_i = i + R_i

    with R the offsets that the network predicts, P random pairs of pixels within κ of each
    other.

    Attributes:
        reach: κ, in pixels.
        temperature: τ, in pixels².
        weight: λ.
        share: of the pixels that are in a pair.
        rng: draws the pairs.
    """

    rng: np.random.Generator
    reach: float = 10.0
    temperature: float = 10.0
    weight: float = 1e-5
    share: float = 0.2

    def __call__(self, offsets: Tensor, sample: Sample) -> Tensor:
        """Of offsets (1, 2, H, W) in pixels, (y, x)."""
        del sample
        height, width = offsets.shape[2:]
        count = max(1, int(self.share * height * width))
        first = np.stack([self.rng.integers(n, size=count) for n in (height, width)])
        radius = self.reach * np.sqrt(self.rng.random(count))
        angle = self.rng.uniform(0, 2 * np.pi, count)
        step = np.rint(radius * np.stack([np.sin(angle), np.cos(angle)])).astype(np.int64)
        second = np.clip(first + step, 0, np.array([[height - 1], [width - 1]]))
        ends = [
            offsets[0][:, p[0], p[1]] + torch.tensor(p, dtype=torch.float32)
            for p in (first, second)
        ]
        apart = (ends[0] - ends[1]).square().sum(dim=0)
        disagreement = (1.0 - torch.exp(-apart / self.temperature)).mean()
        return disagreement + self.weight * offsets.square().sum(dim=1).sqrt().mean()


def centres_clustered(offsets: Floats, mask: NDArray[np.bool_], bandwidth: float) -> NDArray:
    """Objects of pixels that agree on a centre.

    Args:
        offsets: (2, H, W), in pixels.
        mask: (H, W), where there are objects.
        bandwidth: of the mean shift, in pixels.

    Returns:
        int32 (H, W), 0 = background.
    """
    at = np.argwhere(mask)
    labels = np.zeros(mask.shape, np.int32)
    if len(at):
        labels[mask] = 1 + mean_shift(at + offsets[:, mask].T, bandwidth)
    return labels
