"""Actions as they come in: soft values in the shape that is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def check_action(action: Any, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The action as an array of that shape.

    Raises:
        ValueError: if it has another shape, no floats, NaN or values outside [0, 1].
    """
    values = np.asarray(action)
    if values.shape != shape:
        raise ValueError(f"action must have shape {shape}, got {values.shape}")
    if values.dtype.kind != "f":
        raise ValueError(f"action must hold floats, got dtype {values.dtype}")
    # Written so that NaN fails as well.
    lowest, highest = np.minimum.reduce(values, axis=None), np.maximum.reduce(values, axis=None)
    if not (lowest >= 0.0 and highest <= 1.0):
        raise ValueError(
            f"action must lie in [0, 1] without NaN, got values from {lowest} to {highest}"
        )
    return values
