"""Plots of measurements; no figure stays open."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.pictures.layout import drawn
from gym_rlseg.rewards.audit import Audit
from gym_rlseg.rewards.landscape import Landscape


def render_audit(audit: Audit) -> NDArray[np.uint8]:
    """Reward against quality of every candidate of an audit, uint8 (H, W, 3).

    Without truth, the rewards alone, one row per candidate.

    Args:
        audit: from `gym_rlseg.rewards.audit.audit`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    names = list(audit.means())
    for number, family in enumerate(dict.fromkeys(map(_family, names))):
        rows = [row for row in audit.rows if _family(row.candidate) == family]
        axes.scatter(
            [float(names.index(r.candidate)) if r.sbd is None else r.sbd for r in rows],
            [row.reward for row in rows],
            label=family,
            **_style(family, number),
        )
    axes.set_xlabel("symmetric best Dice" if audit.rank_correlation is not None else "candidate")
    axes.set_ylabel("reward")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return drawn(figure)


def _family(candidate: str) -> str:
    """Candidates that differ in a number alone look alike: dozens of colours tell nobody."""
    name = re.sub(r", bias [\d.]+", "", candidate)
    return re.sub(r"^(truth|random), \d+% ", r"\1, some ", name)


def _style(family: str, number: int) -> dict[str, Any]:
    from matplotlib import colormaps

    if family == "truth":
        return {"s": 70, "marker": "*", "color": "black", "zorder": 3}
    marker = {"merged": "v", "split": "^"}.get(family.rsplit(" ", 1)[-1], "o")
    return {"s": 20, "marker": marker, "color": colormaps["tab10"](number % 10), "zorder": 2}


def render_landscape(landscape: Landscape) -> NDArray[np.uint8]:
    """Reward and quality around the truth side by side, uint8 (H, W, 3).

    The star marks the truth, the ring the highest reward if that is elsewhere.

    Args:
        landscape: from `gym_rlseg.rewards.landscape.landscape`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.6), dpi=100, layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    columns = np.arange(landscape.number.size)
    row, column = landscape.truth
    for axes, values, title in (
        (panels[0], landscape.rewards, "reward"),
        (panels[1], landscape.sbd, "symmetric best Dice"),
    ):
        surface = axes.imshow(values, aspect="auto", cmap="viridis")
        if np.ptp(values) > 0:
            axes.contour(values, levels=8, colors="white", linewidths=0.6, alpha=0.6)
        star = {"ms": 16, "mfc": "white", "mec": "black", "zorder": 3}
        axes.plot(column, row, "*", ls="", clip_on=False, label="truth", **star)
        if landscape.summit != landscape.truth:
            ring = {"ms": 14, "mfc": "none", "mec": "red", "mew": 2, "zorder": 4}
            top = landscape.summit[::-1]
            axes.plot(*top, "o", ls="", clip_on=False, label="highest reward", **ring)
        shown = columns[:: max(1, columns.size // 8)]
        axes.set_xticks(shown, [f"{landscape.objects[i]:.0f}" for i in shown])
        axes.set_xlabel("all merged  ←  objects  →  all split")
        axes.set_title(title)
        figure.colorbar(surface, ax=axes)
    panels[1].legend(loc="lower right", fontsize="small", markerscale=0.6)
    rows = np.arange(landscape.moved.size)[:: max(1, landscape.moved.size // 4)]
    panels[0].set_yticks(rows, [f"{landscape.moved[i]:.0%}" for i in rows])
    panels[0].set_ylabel("superpixels at outlines moved")
    return drawn(figure)
