"""How bright each superpixel is compared to the rest of its image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.graph.sums import NodeSums

# Brightness rises from 0.12 to 0.88 over this share of the distance of the two class means.
_TRANSITION = 0.4


def superpixel_brightness(sums: NodeSums) -> NDArray[np.float64]:
    """Brightness of each superpixel in each channel, in [0, 1]; 0.5 divides dark from bright.

    With t the threshold that divides the superpixels' means best in two classes (Otsu's,
    every superpixel counting by its area) and d the distance of the classes' means:

        brightness = 1 / (1 + exp(-4 (mean - t) / (0.4 d)))

    It doesn't change when an image's intensities are scaled or shifted. A channel in
    which all superpixels are alike has 0.5 everywhere.

    Args:
        sums: of N superpixels and C channels.

    Returns:
        float64 (N, C).
    """
    means = sums.intensity / sums.area[:, None]
    columns = [brightness(channel, sums.area) for channel in means.T]
    return np.stack(columns, axis=1) if columns else np.empty(means.shape)


def brightness(mean: NDArray[np.float64], area: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same of values (N,) with weights (N,), such as pixels that all weigh 1."""
    order = np.argsort(mean, kind="stable")
    value, weight = mean[order], area[order]
    below, total = np.cumsum(weight)[:-1], weight.sum()
    sum_below, sum_all = np.cumsum(weight * value)[:-1], (weight * value).sum()
    # Cut behind entry i; Otsu maximises the variance between the classes.
    low, high = sum_below / below, (sum_all - sum_below) / (total - below)
    between = below * (total - below) * (high - low) ** 2
    if between.size == 0 or not value[-1] - value[0] > 1e-7 * max(abs(value[0]), abs(value[-1])):
        return np.full(mean.size, 0.5)
    best = int(np.argmax(between))
    threshold = 0.5 * (value[best] + value[best + 1])
    scale = _TRANSITION * (high[best] - low[best])
    # The hyperbolic tangent is the same logistic function, and doesn't overflow.
    return 0.5 * (1.0 + np.tanh(2.0 * (mean - threshold) / scale))
