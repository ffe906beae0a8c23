"""The section of RESULTS.md that `acis.py` writes: what is measured, and what is missing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from common import record, table

Rows = list[dict[str, Any]]
_TRIED = """\
Looked at on 20 validation images of rosettes, seed 0, SBD and |DiC|, with masks assigned to objects
all at once in the supervised stages, as in the paper. After those stages (25 minutes) 0.514, 5.65:
the first leaves are drawn well, until a mask adds nothing to what is covered. Then the next one is
the same, for good, or blank, which ends the episode. After 6,500 steps of actor and critic 0.557,
3.9; after 7,500 supervised steps in their place, 5 masks an episode, 0.395, 7.55, and stopped
there. Without the LSTM 0.487, 5.8. Blank masks scaled up instead of the end: 0.541, 3.75. Where a
mask adds nothing, the best of 16 (64) samples of the latent, by new pixels less doubtful ones:
0.550, 5.4 (0.620, 4.2); with actor and critic 0.561, 5.4 (0.584, 5.05). On test images, 65 minutes:
0.560, 4.22.

Masks that repeat are assigned to different objects, and what learns from that draws blanks. Matched
one after the other, each with the best object that none before has drawn, and in episodes of eight
(30 validation images): 0.592, 4.47 after 30 minutes, 0.662, 2.57 after 47. The auto-encoder alone,
given the true masks, has 0.902. The divergence from its latent of the object in addition: a Dice of
single masks of 0.758 after 20,000 images in place of 0.82.

Made into labels by what mirror images agree on (the same networks, 30 validation images): 0.794,
1.17; 0.746, 1.77 from one view; 0.662, 2.57 as drawn.

Actor and critic, from these networks on. Reward on 30 validation images, 7.04 at the start: at an
actor's rate of 3e-4 5.99 and 5.19 after 4,000 and 8,000 images; at 5e-5, with a critic at 1e-3,
6.89, 7.03, 6.17 after every 1,000, and a Dice of the later half of the steps of 0.458 in place of
0.533 (difference -0.075, standard error 0.021); guided by the third stage's loss (`guidance` 0.01,
rate 1e-4) 7.16, 6.61, 7.04, 6.59, later half 0.516 (-0.017, 0.030); the same with a discount of 0.3
in place of 0.9 7.05, 6.75. A critic of so few images knows the state's worth and not the mask's:
what it tells the actor does no good here. The guided one does the least harm and is the default.

Until then the networks were chosen by the reward as drawn, which a single blank mask ends, and that
misjudges what labels are made of: after 20,000 more images of BL-Trunc it was 6.68, below the
start's 7.04, with 0.803, 1.17 of labels (0.794, 1.17) and a later half of 0.572 (+0.039, standard
error 0.032); on test images, what was chosen so had 0.792, 1.26 (BL-Trunc, its start) and 0.782,
1.46 (AC-Dice). Now a blank mask ends no validation. Chosen so, AC-Dice is the network it starts
from (reward 7.57; 7.19 after 4,000 images of actor and critic), BL-Trunc the last one (7.72): so
AC-Dice's lead at the later half of the steps says nothing of the critic. More minutes of the third
stage are next."""
#: The paper's figures on CVPPP (Tables 1 and 2): SBD and |DiC|; Dice and |DiC| by memory.
_PAPER = {
    "BL": (80.0, 1.08),
    "BL-Trunc": (79.4, 1.32),
    "AC-Dice": (80.5, 0.88),
    "AC-Dice-NoKL": (75.4, 1.36),
    "AC-Dice-NoSP": (61.3, 1.52),
}
_PAPER_MEMORIES = {
    "BL": ((78.6, 1.04), (76.6, 4.36), (6.5, 3.96)),
    "BL-Trunc": ((77.9, 1.72), (77.5, 6.24), (6.0, 4.8)),
    "AC-Dice": ((78.4, 0.88), (78.5, 1.92), (5.8, 4.36)),
}
_SETS = """\
50 test images of other seeds than anything was looked at on; validation images choose the networks
by reward. "rosettes": 64 x 64, 5-20 overlapping leaves; "circles by priors": 64 x 64, 5-9 discs,
no mask at any time: Otsu's threshold and a watershed to imitate, then the reward of circularity.
Minutes are those of the processor, of all stages; machines that do other work inflate them, too.
The paper's figures are of CVPPP A1 (other images, larger networks, days on a GPU): SBD and |DiC|.

Labels are what the image's four mirror images agree on (`gym_rlseg.segmentation.agreed`); "one
view": the same of the image alone; "as drawn": SBD and |DiC| of what the environment ends with,
as in the paper: every pixel's mask of greatest value above a half, up to the first blank mask."""


def recorded(results: Path, models: Iterable[str]) -> None:
    """Put all results of a folder into RESULTS.md."""
    rows: Rows = [json.loads(file.read_text()) for file in sorted(results.glob("*.json"))]
    if not rows:
        raise SystemExit(f"{results} holds no result yet")
    parts = [_SETS]
    for name in sorted({row["set"] for row in rows}):
        own = [row for row in rows if row["set"] == name]
        parts += ["", f"### {name}", "", _models(own, models)]
        memories = [row for row in own if "memories" in row]
        if memories:
            parts += ["", "What is left of the memory (Table 2):", "", _memories(memories, models)]
            parts += ["", "Dice by time step (Fig. 3):", "", _by_step(own, models)]
    timed = _of(rows, "AC-Dice")
    if timed:
        parts += ["", _seconds(timed)]
    parts += ["", _wanted(rows), "", _TRIED]
    record("acis", "Masks by actor and critic", "\n".join(parts))


def _models(rows: Rows, models: Iterable[str]) -> str:
    header = (
        "", "seeds", "minutes", "SBD", r"\|DiC\|", "MWCov", "MUCov", "AvgFP", "AvgFN",
        "one view", "as drawn", "paper, CVPPP",
    )  # fmt: skip
    lines = []
    for model in models:
        own = _of(rows, model)
        if not own:
            continue
        keys = ("count_difference", "mwcov", "mucov", "avg_fp", "avg_fn")
        published = None if "priors" in own[0]["set"] else _PAPER.get(model)
        lines.append(
            [
                model,
                ", ".join(str(row["seed"]) for row in own),
                f"{_mean(own, 'minutes'):.0f}",
                f"{_mean(own, 'sbd'):.3f}{_spread(own, 'sbd')}",
                *(f"{_mean(own, key):.3f}" if key in own[0] else "" for key in keys),
                *(_composed(own, way) for way in ("by_one_view", "as_drawn")),
                "" if published is None else f"{published[0]}, {published[1]}",
            ]
        )
    return table(header, lines)


def _composed(rows: Rows, way: str) -> str:
    """SBD and |DiC| of labels that are made of the masks in another way."""
    found = [row[way] for row in rows if way in row]
    return f"{_mean(found, 'sbd'):.3f}, {_mean(found, 'count_difference'):.2f}" if found else ""


def _memories(rows: Rows, models: Iterable[str]) -> str:
    header = ("", "LSTM and mask", "mask alone", "LSTM alone", "paper, CVPPP")
    lines = []
    for model in models:
        own = _of(rows, model)
        if not own:
            continue
        cells = []
        for uses in ("both", "mask", "lstm"):
            found = [row["memories"][uses] for row in own]
            cells.append(f"{_mean(found, 'dice'):.3f}, {_mean(found, 'count_difference'):.2f}")
        published = "; ".join(f"{a}, {b}" for a, b in _PAPER_MEMORIES[model])
        lines.append([model, *cells, published])
    return table(header, lines)


def _by_step(rows: Rows, models: Iterable[str]) -> str:
    named = {model: _steps(_of(rows, model)) for model in models}
    named = {model: steps for model, steps in named.items() if steps}
    most = max(len(steps) for steps in named.values())
    header = ("step", *named, "masks")
    lines = []
    for t in range(most):
        cells = [f"{np.mean(steps[t]):.3f}" if t < len(steps) else "" for steps in named.values()]
        count = max(len(steps[t]) for steps in named.values() if t < len(steps))
        lines.append([str(t + 1), *cells, str(count)])
    return table(header, lines)


def _steps(rows: Rows) -> list[list[float]]:
    """Of every time step, the Dice of all masks of all seeds."""
    images = [image for row in rows for image in row.get("dice_by_step", [])]
    most = max((len(image) for image in images), default=0)
    return [[image[t] for image in images if len(image) > t] for t in range(most)]


def _seconds(rows: Rows) -> str:
    """What an image takes while critic and actor train, by part."""
    images = sum(row["images_seen"] for row in rows)
    totals = {
        part: 1000 * sum(row["seconds"].get(part, 0.0) for row in rows) / images
        for part in rows[0]["seconds"]
    }
    shown = ", ".join(f"{part} {spent:.1f}" for part, spent in totals.items())
    return f"Milliseconds an image while critic and actor train (AC-Dice), by part: {shown}."


def _later_half(rows: Rows) -> dict[tuple[int, int], float]:
    """By seed and image: mean Dice of the later half of its steps."""
    return {
        (row["seed"], index): float(np.mean(image[len(image) // 2 :]))
        for row in rows
        for index, image in enumerate(row.get("dice_by_step", []))
    }


def _wanted(rows: Rows) -> str:
    """What was to be reached and is, or isn't, or wasn't measured."""
    rosettes = [row for row in rows if row["set"] == "rosettes"]
    best = _of(rosettes, "AC-Dice")
    lines = []
    if best:
        sbd, counting = _mean(best, "sbd"), _mean(best, "count_difference")
        lines += [
            _line("AC-Dice, SBD", sbd, 0.75, sbd >= 0.75),
            _line(r"AC-Dice, \|DiC\| at most", counting, 1.2, counting <= 1.2),
        ]
        longest = max(row["minutes"] for row in best)
        lines.append(_line("AC-Dice, minutes at most", longest, 60, longest <= 60))
        for model in ("BL-Trunc",):
            ours, theirs = _later_half(best), _later_half(_of(rosettes, model))
            pairs = [ours[key] - theirs[key] for key in ours if key in theirs]
            if pairs:
                error = float(np.std(pairs, ddof=1) / np.sqrt(len(pairs)))
                gain = float(np.mean(pairs))
                lines.append(
                    f"- AC-Dice over {model} at the later half of the steps: {gain:+.3f} with a "
                    f"standard error of {error:.3f}: {'more' if gain > error else 'not more'}"
                    f"{_untrained(best)}"
                )
        for model in ("AC-Dice-NoKL", "AC-Dice-NoSP"):
            own = _of(rosettes, model)
            if own:
                lines.append(_line(f"{model} below AC-Dice", _mean(own, "sbd"), sbd,
                                   _mean(own, "sbd") < sbd))  # fmt: skip
    priors = [row for row in rows if row["set"] == "circles by priors"]
    if priors:
        sbd = _mean(priors, "sbd")
        lines.append(_line("circles by priors, SBD", sbd, 0.7, sbd >= 0.7))
    return "\n".join(lines)


def _untrained(rows: Rows) -> str:
    """Says so where the networks of most validation reward are those before any update."""
    chosen = [max(row["curve"], key=lambda one: one["reward"]) for row in rows]
    if any(one["timestep"] for one in chosen):
        return ""
    return "; but what is chosen is what AC-Dice starts from, before critic and actor train"


def _line(what: str, got: float, wanted: float, there: bool) -> str:
    return f"- {what}: {got:.3f}, wanted {wanted:.3f}: {'reached' if there else 'not reached'}"


def _of(rows: Rows, model: str) -> Rows:
    return [row for row in rows if row["model"] == model]


def _mean(rows: Sequence[Mapping[str, Any]], key: str) -> float:
    return float(np.mean([row[key] for row in rows]))


def _spread(rows: Rows, key: str) -> str:
    return f" ± {np.std([row[key] for row in rows], ddof=1):.3f}" if len(rows) > 1 else ""
