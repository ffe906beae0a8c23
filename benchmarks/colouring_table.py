"""The section of RESULTS.md that `colouring.py` writes: what is measured, and what is missing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from common import record, table

#: Methods of colouring that are told no truth.
WITHOUT_TRUTH = ("colouring by priors", "colouring by proposals")
#: Set and method -> SBD that is wanted at least.
_WANTED = {
    ("circles", "colouring"): 0.92,
    ("plain circles", "colouring"): 0.92,
    ("circles", "colouring by proposals"): 0.75,
    ("membranes", "colouring"): 0.80,
    ("membranes 3D", "colouring"): 0.75,
}
#: Set, method, and what it is wanted to be better than on that set.
_BETTER = (("membranes", "colouring", "U-Net + watershed"),)
_SETS = """\
Held-out images: 50 (3D: 20). "circles": 64 x 64, 5-9 touching discs on striped, cloudy ground;
"plain circles": the same on plainer ground; "rosettes": 64 x 64, 5-20 overlapping leaves;
"membranes": 96 x 96, trained on crops of 64 x 64; "membranes 3D": 32 x 32 x 32. Minutes are those
of the processor. On 40 validation images (3D: 16) are chosen: of colourings the smallest object,
the width of bridges that are cut, and whether basins come to one colour and logits are means over
mirror images; of U-Nets the threshold and the distance of peaks. What learns without truth goes by
what is told. "By components": the same colourings without cuts and votes, the smallest object and
mirror images chosen anew. Machines that do other work besides inflate processor time, too."""
_TRIED = """\
Objects of one colour become one by gaps of a pixel or two in the ground between them, and objects
are torn where colours waver. A vote within basins of the distance to the ground mends the latter, a
cut at bridges the former; together, on validation images, by components / with votes / with both:
circles 0.939 / 0.955 / 0.967, membranes 0.837 / 0.877 / 0.899 (a run with T = 4), membranes 3D
0.750 / 0.759 / 0.842. They were found on those, when test scores by components were known.

Tried on membranes to be better than a U-Net with a watershed (20 validation images, seed 0, 20
minutes, by components): three levels of channels (16, 32, 64), ground's share `first` 0.5: 0.787.
A level more, 0.7: 0.797 after 4 minutes, 0.783 to 0.823 later, at a rate that never fell. Two
levels more (up to 128), rates that fall, 0.8 of the weight going over from splitting to merging:
0.811. Logits smoothed over 1.5, 2.5 or 4 px before the threshold: 0.781, 0.777, 0.754 in place of
0.787. Basins joined where their colours agree by 0.4 to 0.9: 0.890 at best, where a watershed of
that same foreground, which knows no colours, has 0.894. On circles a watershed of the first bit
alone has 0.973.

Of membranes 3D (8 validation volumes, by components): T = 4, `first` 0.67: 0.723 after 30 minutes;
a level more (8 to 64), 0.75: 0.519 after 4 minutes and 0.568 after 8, stopped there; T = 3, 0.8:
0.604, 0.688 and, after 30, 0.732. Several things changed at once; four colours do between walls.

Tried on circles earlier, on 30 other held-out images, without absorbing rims, smallest object 20
px, one seed each: entropy 0.02, 800 images: 0.916 after 10 minutes; entropy 0.005, 800 images:
0.920 after 7; batch 4, rate 2e-3 falling to 3e-4: 0.912 after 3.5 minutes, 0.871-0.896 later, while
the reward of the validation images rose on to 0.85: the network grows sure (entropy 0.01) while
some objects are still torn or joined. Radius 5 in place of 8: 0.887 after 3.5 minutes, stopped
there. For a run of then, absorbing rims gave 0.010 and the smallest object chosen on
validation images 0.022. That run earned the same for 3200 episodes, in which nothing had a colour:
`first` near the objects' share ends this (0.59 on 40 validation images after 51 s). The mean over
four mirror images took the same network from 0.908 to 0.921 on 50 validation images; over all eight
symmetries to 0.904. Four steps in place of three (eight colours) are the next thing to try."""
_PRIORS = """\
"By proposals" is told radius, count and that objects are brighter, and no truth: discs that stand
out on all sides take the truth's place. The share by which they have to was chosen on 20 validation
images with their truth.

By priors on plain circles, with roundness alone (an earlier reward, one seed, other test images),
the start by brightness (Otsu's threshold, objects in one colour) had 0.838 before any training. Ten
minutes raised the reward of the validation images from 0.363 to 0.619 and took SBD down to 0.783.
What went wrong the audit shows: roundness alone pays for discs that nobody sees. With the audit's
last reward and the start by highlights, a minute on striped circles left SBD at 0.62 (40 validation
images, from the start's about 0.6): discs that touch stay joined and earn nothing, and their dim
pixels turn to ground."""
#: ColorRL's own figures, in its supplement and in the notebooks of its released code.
_PUBLISHED = """\
Beside it, what is published of ColorRL (other images, GPUs, days): KITTI, test: MWCov 77.0, MUCov
68.5, average FP 0.249, FN 0.128 (supplement, Table 1; actor-critic instance segmentation: 75.6,
57.3, 0.338, 0.309). Zebrafish, 3D, 40 volumes: best Dice 0.902, adapted Rand error 0.038, AJI 0.886
(U-Net + watershed: 0.855, 0.055, 0.843; notebooks of the released code). On the splitting weight,
the supplement's finding (Fig. 2) is that w_s should not be below w_m for learning to get over its
first local minimum. Here, on circles, w_s 0.5 of w_m 1 gets over it as well (one seed, its row)."""
Rows = list[dict[str, Any]]


def recorded(results: Path, tasks: Mapping[str, Any], methods: Iterable[str]) -> None:
    """Put all results of a folder into RESULTS.md."""
    rows: Rows = [json.loads(file.read_text()) for file in sorted(results.glob("*.json"))]
    if not rows:
        raise SystemExit(f"{results} holds no result yet")
    parts = [_SETS, ""]
    for name in [*tasks, *sorted({row["set"] for row in rows} - set(tasks))]:
        own = [row for row in rows if row["set"] == name]
        if own:
            parts += [f"### {name}", "", _table(own, methods), ""]
    parts += [_missing(rows, tasks, methods), "", _TRIED, "", _PRIORS, "", _PUBLISHED]
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
                ", ".join(f"{row['components']:.3f}" for row in own if "components" in row),
                f"{means[1]:.3f}",
                f"{means[2]:.2f}",
            ]
        )
    header = (
        "", "seeds", "minutes of one core", "episodes", "SBD", "by components", "AP50", r"\|DiC\|",
    )  # fmt: skip
    return table(header, lines)


def _missing(rows: Rows, tasks: Mapping[str, Any], methods: Iterable[str]) -> str:
    """What was to be reached and is, or isn't, or wasn't measured."""
    lines = []
    for (name, method), wanted in _WANTED.items():
        own = [row for row in rows if (row["set"], row["method"]) == (name, method)]
        if own:
            got = float(np.mean([row["sbd"] for row in own]))
            word = "reached" if got >= wanted else "not reached"
            minutes = np.mean([row["minutes"] for row in own])
            seeds = f"{len(own)} of 3 seeds, {minutes:.0f} of {tasks[name].minutes:.0f} minutes"
            lines.append(f"- {name}, {method}: {got:.3f} of {wanted:.2f} wanted, {word} ({seeds})")
        else:
            lines.append(f"- {name}, {method}: {wanted:.2f} wanted, not measured yet")
    for name, *methods_compared in _BETTER:
        one, other = (
            [row["sbd"] for row in rows if (row["set"], row["method"]) == (name, method)]
            for method in methods_compared
        )
        if one and other:
            word = "reached" if np.mean(one) > np.mean(other) else "not reached"
            lines.append(
                f"- {name}, {' above '.join(methods_compared)} wanted: {np.mean(one):.3f} against "
                f"{np.mean(other):.3f}, {word}"
            )
    there = {(row["set"], row["method"]) for row in rows}
    for name in tasks:
        lacking = [m for m in methods if applies(name, m) and (name, m) not in there]
        if lacking:
            lines.append(f"- {name}: no seed yet of {'; '.join(lacking)}")
    return "\n".join(lines)


def applies(name: str, method: str) -> bool:
    """Whether a set is measured with a method.

    Priors are for discs here; membranes have no reward without truth in this benchmark.
    """
    others = ("colouring, w_s 0.5", "SubgraphREINFORCE")
    return "circles" in name or method not in (*WITHOUT_TRUTH, *others)
