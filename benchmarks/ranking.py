"""Fits the weights of `agents.suggest.ranking`: the expected SBD of a recipe without truth.

Every folder with images and labels (or truth) is looked at as it is and once more changed
(smaller, larger, or inverted and blurred, with noise), so that no weight hangs on one set's
scale or polarity. Each recipe's signs and its SBD are a row; the weights are a ridge
regression's, every picture counting the same. It is judged with all of a folder's rows left
out: the share of the best second-looked recipe's SBD that the first one has. Rows are kept in
--keep FOLDER, so that a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from common import record, table
from first_look import Labels, few_of, score
from numpy.typing import NDArray
from scipy import ndimage

from agents.suggest.candidates import Told
from agents.suggest.looking import look
from agents.suggest.one_look import Look
from agents.suggest.ranking import GROUPS, WEIGHTS, agreement, expected_sbd, features, places
from agents.suggest.recipes import FAMILIES
from agents.suggest.signs import Signs
from gym_rlseg.writing import write_text

#: How a set is changed for its second time, by the sum of its name's letters.
CHANGES = ("smaller", "inverted", "larger")
#: So many scales of a family get a second look here, for more rows.
SECOND = 3
_SIDE = 400  # of changed images, in pixels, at most


def main() -> None:
    """Measure, fit, judge, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="sets: images/ and labels/ or truth/")
    parser.add_argument("--keep", type=Path, required=True, help="folder for rows")
    parser.add_argument("--ridge", type=float, default=20.0, help="strength of the ridge")
    parser.add_argument("--dry-run", action="store_true", help="don't write RESULTS.md")
    arguments = parser.parse_args()
    arguments.keep.mkdir(parents=True, exist_ok=True)
    files = [file for folder in arguments.folders for file in measured(folder, arguments.keep)]
    sets = {file.stem: rows for file in files if (rows := usable(json.loads(file.read_text())))}
    body = summary(sets, arguments.ridge)
    print(body)
    print(weights_table(fitted(list(sets.values()), arguments.ridge)))
    if not arguments.dry_run:
        record("ranking", "The ranking of rlseg init", body)


def measured(folder: Path, keep: Path) -> list[Path]:
    """Files with the rows of a set as it is and changed; made if they aren't there."""
    name = folder.resolve().name
    images, truths = few_of(folder)
    change = CHANGES[sum(map(ord, name)) % 3]
    if change == "inverted" and len(images[0]) >= 3:
        change = "larger"  # colours turned round are no tissue
    rng = np.random.default_rng(0)
    pairs = [changed(i, t, change, rng) for i, t in zip(images[:3], truths[:3], strict=True)]
    found = []
    for file, some in (
        (keep / f"{name}.json", list(zip(images, truths, strict=True))),
        (keep / f"{name} {change}.json", [p for p in pairs if p[0].min() < p[0].max()]),
    ):
        if not file.exists():
            looks = look([image for image, _ in some], Told(), second=SECOND)
            rows = [row(one, [truth for _, truth in some]) for one in looks]
            write_text(file, json.dumps(rows))
            print(f"{file.stem}: {len(rows)} recipes", flush=True)
        found.append(file)
    return found


def changed(
    image: NDArray[Any], truth: Labels, change: str, rng: np.random.Generator
) -> tuple[NDArray[Any], Labels]:
    """An image (C, H, W) and its truth as another microscope might have taken them."""
    top = 255 if image.max() <= 255 else 65535
    plane = image.astype(np.float64)
    if change == "inverted":
        low, high = plane.min(), np.percentile(plane, 99.9)
        plane = 1.0 - np.clip((plane - low) / (high - low), 0.0, 1.0)
        plane = 0.15 + 0.85 * ndimage.gaussian_filter(plane, (0, 0.7, 0.7)) ** 1.3
        plane += rng.normal(0.0, 0.015, plane.shape)
        return (2000.0 * np.clip(plane, 0.0, 1.2)).astype(np.uint16), truth
    factor = 0.7 if change == "smaller" else 1.4
    blur = 0.5 if factor < 1.0 else 0.0
    plane = ndimage.gaussian_filter(plane, (0, blur, blur))
    plane = ndimage.zoom(plane, (1, factor, factor), order=1)[:, :_SIDE, :_SIDE]
    span = np.percentile(plane, 99.0) - np.percentile(plane, 1.0)
    plane = np.clip(plane + rng.normal(0.0, 0.03 * span, plane.shape), 0, top)
    kept = ndimage.zoom(truth, factor, order=0)[:_SIDE, :_SIDE]
    return plane.astype(np.uint8 if top == 255 else np.uint16), np.ascontiguousarray(kept)


def row(one: Look, truths: Sequence[Labels]) -> dict[str, Any]:
    """What is measured of a look, with and without truth."""
    known = one.candidate.known
    return {
        "family": one.candidate.family, "diameter": known.diameter, "reward": one.reward,
        "stability": one.stability, "plausible": one.plausible, "width": one.width,
        "count": float(np.mean([part.max() for part in one.labels])) if one.labels else 0.0,
        "signs": None if one.signs is None else asdict(one.signs),
        "sbd": score(one, truths)[0], "score": one.score,
    }  # fmt: skip


def usable(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that had a second look and found something; none where there is nothing to find."""
    if max(one["sbd"] for one in rows) == 0.0:
        return []
    return [one for one in rows if one["stability"] is not None and one["signs"] and one["width"]]


def table_of(rows: Sequence[dict[str, Any]]) -> NDArray[np.float64]:
    """Features (R, F) of rows."""
    names = ("diameter", "reward", "stability", "plausible", "width", "count")
    found = []
    for one in rows:
        given = features(
            one["family"], signs=Signs(**one["signs"]), **{name: one[name] for name in names}
        )
        found.append([given[name] for name in WEIGHTS])
    return np.array(found)


def grouped(rows: Sequence[dict[str, Any]], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Features (R, F), and once more for each group, 0 for families that aren't of it."""
    families = [FAMILIES[one["family"]] for one in rows]
    flags = [np.array([float(getattr(one, group)) for one in families]) for group in GROUPS]
    return np.hstack([values, *(flag[:, None] * values for flag in flags)])


def fitted(sets: Sequence[list[dict[str, Any]]], ridge: float) -> NDArray[np.float64]:
    """Weights float64 (1 + groups, F) of the features as they are."""
    tables = [table_of(rows) for rows in sets]
    together = np.concatenate(tables)
    middle, spread = together.mean(axis=0), together.std(axis=0)
    middle[0], spread[0] = 0.0, 1.0  # the constant
    size, usual = spread.size * (1 + len(GROUPS)), np.mean([len(rows) for rows in sets])
    squares, products = ridge * np.eye(size), np.zeros(size)
    squares[0, 0] = 0.0
    for values, rows in zip(tables, sets, strict=True):
        x, weight = grouped(rows, (values - middle) / spread), usual / len(rows)
        squares += weight * x.T @ x
        products += weight * x.T @ np.array([one["sbd"] for one in rows])
    weights = np.linalg.solve(squares, products).reshape(1 + len(GROUPS), -1) / spread
    weights[:, 0] -= weights @ middle
    return weights


def left_out(sets: dict[str, list[dict[str, Any]]], ridge: float) -> list[tuple[str, float, float]]:
    """Of each set: SBD of the first by weights that never saw it or its twin, and of the best."""
    found = []
    for name, rows in sets.items():
        kind = name.split()[0]
        others = [some for other, some in sets.items() if other.split()[0] != kind]
        weights = table_of_weights(fitted(others, ridge))
        expected = [
            expected_sbd(one["family"], dict(zip(WEIGHTS, values, strict=True)), weights)
            for one, values in zip(rows, table_of(rows), strict=True)
        ]
        agree = [agreement(one["width"], one["diameter"]) for one in rows]
        first = int(np.argmax(places([one["family"] for one in rows], expected, agree)))
        sbd = [one["sbd"] for one in rows]
        found.append((name, sbd[first], max(sbd)))
    return found


def summary(sets: dict[str, list[dict[str, Any]]], ridge: float) -> str:
    """How well the ranking does on sets that its weights never saw."""
    rows, near = [], []
    for name, first, best in left_out(sets, ridge):
        old = max(sets[name], key=plain)
        rows.append((name, f"{old['sbd']:.3f}", f"{first:.3f}", f"{best:.3f}"))
        near.append((old["sbd"] / best, first / best))
    shares = np.array(near)
    head = ("set", "reward x stability", "expected SBD", "best recipe")
    return (
        "SBD of the recipe that comes first, without truth; weights fitted with the set and its "
        f"changed twin left out.\n\n{table(head, rows)}\n\nShare of the best on average: "
        f"{shares[:, 0].mean():.3f} by reward x stability, {shares[:, 1].mean():.3f} by the "
        f"expected SBD; at least {shares[:, 0].min():.2f} and {shares[:, 1].min():.2f}."
    )


def plain(one: dict[str, Any]) -> float:
    """Reward times stability times how well the objects agree with family and scale."""
    agree = agreement(one["width"], one["diameter"])
    return float(one["reward"] * one["stability"] * one["plausible"] * agree)


def table_of_weights(weights: NDArray[np.float64]) -> dict[str, tuple[float, ...]]:
    """In the form of `WEIGHTS`."""
    return {name: tuple(row) for name, row in zip(WEIGHTS, weights.T.tolist(), strict=True)}


def weights_table(weights: NDArray[np.float64]) -> str:
    """The weights as lines of `agents.suggest.ranking.WEIGHTS`."""
    lines = [
        f'    "{name}": ({", ".join(f"{value:.3f}" for value in values)}),'
        for name, values in table_of_weights(weights).items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
