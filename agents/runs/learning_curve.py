"""The validation reward over a training, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.pictures.plots import drawn


def render_learning_curve(curve: Sequence[Mapping[str, float]]) -> NDArray[np.uint8]:
    """Validation reward against minutes, and the best so far.

    Args:
        curve: validations {"timestep", "seconds", "reward"}, at least one, in their order.

    Returns:
        uint8 (400, 900, 3).
    """
    from matplotlib.figure import Figure

    minutes = np.array([row["seconds"] for row in curve]) / 60
    rewards = np.array([row["reward"] for row in curve])
    figure = Figure(figsize=(9, 4), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    axes.plot(minutes, rewards, "o-", markersize=3, linewidth=1, label="validation")
    axes.step(minutes, np.maximum.accumulate(rewards), where="post", label="best so far")
    axes.set_xlabel("minutes of training")
    axes.set_ylabel("reward")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    return drawn(figure)
