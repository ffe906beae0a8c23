"""The section of RESULTS.md that `table1.py` writes: beside the paper's figures, and what lacks."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from common import record, table
from table1_baselines import WITH_COUNT

#: Of the paper's Table 1: SBD, VI merge, VI split.
PAPER: Mapping[str, tuple[float, float, float]] = {
    "bound": (0.656, 0.672, 0.594),
    "noise": (0.508, 1.233, 1.060),
    "ours": (0.482, 0.839, 1.374),
    "without_edges": (0.446, 0.953, 0.994),
    "handcrafted": (0.408, 0.987, 1.536),
    "edge map + multicut": (0.283, 3.019, 0.342),
    "discriminative + k-means": (0.215, 1.155, 3.285),
    "discriminative with edges + k-means": (0.248, 1.229, 3.336),
}
#: What the paper's order is, from the best on.
ORDER = ("bound", "ours", "without_edges", "edge map + multicut", "discriminative + k-means")
#: Share of the bound that is wanted of "ours".
WANTED = 0.95
_SCORES = ("sbd", "vi_merge", "vi_split")
Rows = dict[str, list[dict[str, Any]]]


def recorded(results: Path, methods: Iterable[str]) -> None:
    """Put all results of a folder into RESULTS.md, and the learning curves beside them."""
    found: Rows = {}
    for file in sorted(results.glob("*.json")):
        row = json.loads(file.read_text())
        found.setdefault(row["method"], []).append(row)
    if not found:
        raise SystemExit(f"{results} holds no result yet")
    methods = [*methods]
    rows = [_row(method, found) for method in methods if method in found]
    header = (
        "", "seeds", "minutes", "SBD", "of the bound", "VI merge", "VI split",
        "the paper's SBD", "VI merge", "VI split",
    )  # fmt: skip
    lacking = [method for method in methods if method not in found]
    body = [
        f"{next(iter(found.values()))[0]['images']} held-out images; mean and standard deviation "
        "of the seeds. Minutes of training are those of the processor, one core. * is told the "
        "true number of objects; Otsu + watershed is set by the truth of the validation images. "
        "The paper's images are others.",
        "",
        table(header, rows),
        "",
        *_order(found),
        *([f"- not measured yet: {', '.join(lacking)}"] if lacking else []),
    ]
    record(f"table1 {results.name}", f"Table 1 ({results.name})", "\n".join(body))
    curves(found, results / "curves.png")


def curves(found: Rows, path: Path) -> None:
    """Learning curves: the reward of the validation images by steps, one line a seed."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    for number, (method, rows) in enumerate(found.items()):
        for i, row in enumerate(r for r in rows if "curve" in r):
            points = [(p["timestep"], p["reward"]) for p in row["curve"]]
            label = method if i == 0 else None
            axes.plot(
                *zip(*points, strict=True), color=colormaps["tab20"](number % 20), label=label
            )
    if axes.lines:
        axes.set_xlabel("steps")
        axes.set_ylabel("reward of the validation images")
        axes.legend(fontsize=8)
        figure.savefig(path)


def _row(method: str, found: Rows) -> tuple[str, ...]:
    rows = found[method]
    values = {key: np.array([row[key] for row in rows]) for key in _SCORES}
    share = ""
    if "bound" in found:
        share = f"{values['sbd'].mean() / found['bound'][0]['sbd']:.3f}"
    minutes = np.mean([row["minutes"] for row in rows])
    sbd, merge, split = (_spread(values[key]) for key in _SCORES)
    paper = [f"{value:.3f}" for value in PAPER.get(method, ())] or ["", "", ""]
    name = method.replace("_", " ") + "*" * (method in WITH_COUNT)
    seeds = ", ".join(str(row["seed"]) for row in rows)
    return name, seeds, f"{minutes:.1f}", sbd, share, merge, split, *paper


def _spread(values: np.ndarray) -> str:
    spread = f" ± {values.std(ddof=1):.3f}" if len(values) > 1 else ""
    return f"{values.mean():.3f}{spread}"


def _order(found: Rows) -> list[str]:
    """Whether the paper's order holds, gap by gap, and how near "ours" is to the bound."""
    lines = []
    known = [method for method in ORDER if method in found]
    for better, worse in itertools.pairwise(known):
        images = [np.mean([r["sbd_of_images"] for r in found[m]], axis=0) for m in (better, worse)]
        gaps = images[0] - images[1]
        error = gaps.std(ddof=1) / np.sqrt(len(gaps)) if len(gaps) > 1 else float("inf")
        word = "as wanted" if gaps.mean() > error else "not as wanted"
        lines.append(
            f"- {better.replace('_', ' ')} - {worse.replace('_', ' ')}: {gaps.mean():+.3f} SBD, "
            f"standard error over images {error:.3f}: {word}"
        )
    if "bound" in found and "ours" in found:
        ours = np.mean([row["sbd"] for row in found["ours"]])
        share = ours / found["bound"][0]["sbd"]
        word = "reached" if share >= WANTED else "not reached"
        lines.append(f"- ours: {share:.3f} of the bound, {WANTED} wanted: {word}")
    return lines
