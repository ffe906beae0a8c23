"""Plots of measurements; no figure stays open."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.rewards.audit import Audit


def render_audit(audit: Audit) -> NDArray[np.uint8]:
    """Reward against quality of every candidate of an audit, uint8 (H, W, 3).

    Without truth, the rewards alone, one row per candidate.

    Args:
        audit: from `gym_rlseg.rewards.audit.audit`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    names = list(audit.means())
    for position, name in enumerate(names):
        rows = [row for row in audit.rows if row.candidate == name]
        quality = [float(position) if row.sbd is None else row.sbd for row in rows]
        truth = name == "truth"
        axes.scatter(
            quality,
            [row.reward for row in rows],
            s=60 if truth else 18,
            marker="*" if truth else "o",
            color="black" if truth else _audit_colour(position / max(len(names) - 1, 1)),
            label=name,
            zorder=3 if truth else 2,
        )
    axes.set_xlabel("symmetric best Dice" if audit.rank_correlation is not None else "candidate")
    axes.set_ylabel("reward")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _audit_colour(position: float) -> tuple[float, float, float, float]:
    from matplotlib import colormaps

    return colormaps["turbo"](position)
