"""The section of RESULTS.md that `colouring.py` writes: what is measured, and what is missing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from common import record, table

#: Set and method -> SBD that is wanted at least.
_WANTED = {
    ("circles", "colouring"): 0.92,
    ("circles", "colouring by priors"): 0.75,
    ("membranes", "colouring"): 0.80,
    ("membranes 3D", "colouring"): 0.75,
}
#: ColorRL's own figures, in its supplement and in the notebooks of its released code.
_PUBLISHED = """\
Beside it, what is published of ColorRL (other images, GPUs, days): KITTI, test: MWCov 77.0, MUCov
68.5, average FP 0.249, FN 0.128 (supplement, Table 1; actor-critic instance segmentation: 75.6,
57.3, 0.338, 0.309). Zebrafish, 3D, 40 volumes: best Dice 0.902, adapted Rand error 0.038, AJI 0.886
(U-Net + watershed: 0.855, 0.055, 0.843; notebooks of the released code). On the splitting weight,
the supplement's finding (Fig. 2) is that w_s should not be below w_m for learning to get over its
first local minimum."""
Rows = list[dict[str, Any]]


def recorded(results: Path, tasks: Mapping[str, Any], methods: Iterable[str]) -> None:
    """Put all results of a folder into RESULTS.md."""
    rows: Rows = [json.loads(file.read_text()) for file in sorted(results.glob("*.json"))]
    if not rows:
        raise SystemExit(f"{results} holds no result yet")
    parts = []
    for name in [*tasks, *sorted({row["set"] for row in rows} - set(tasks))]:
        own = [row for row in rows if row["set"] == name]
        if own:
            parts += [f"### {name}", "", _table(own, methods), ""]
    parts += [_missing(rows), "", _PUBLISHED]
    record("colouring", "Colouring", "\n".join(parts))


def _table(rows: Rows, methods: Iterable[str]) -> str:
    lines = []
    for method in methods:
        own = [row for row in rows if row["method"] == method]
        if not own:
            continue
        means = [np.mean([row[key] for row in own]) for key in ("sbd", "ap50", "count_difference")]
        spread = f" ± {np.std([row['sbd'] for row in own], ddof=1):.3f}" if len(own) > 1 else ""
        minutes = np.mean([row["minutes"] for row in own])
        episodes = [row["episodes"] for row in own if "episodes" in row]
        lines.append(
            [
                method,
                ", ".join(str(row["seed"]) for row in own),
                f"{minutes:.0f}",
                f"{np.mean(episodes):.0f}" if episodes else "",
                f"{means[0]:.3f}{spread}",
                f"{means[1]:.3f}",
                f"{means[2]:.2f}",
            ]
        )
    header = ("", "seeds", "minutes of one core", "episodes", "SBD", "AP50", r"\|DiC\|")
    return table(header, lines)


def _missing(rows: Rows) -> str:
    """What was to be reached and is, or isn't, or wasn't measured."""
    lines = []
    for (name, method), wanted in _WANTED.items():
        own = [row for row in rows if (row["set"], row["method"]) == (name, method)]
        if own:
            got = float(np.mean([row["sbd"] for row in own]))
            word = "reached" if got >= wanted else "not reached"
            seeds = f"{len(own)} of 3 seeds"
            lines.append(f"- {name}, {method}: {got:.3f} of {wanted:.2f} wanted, {word} ({seeds})")
        else:
            lines.append(f"- {name}, {method}: {wanted:.2f} wanted, not measured yet")
    return "\n".join(lines)
