"""The first look of `rlseg init`: how good is the recipe that it takes, without any truth?

For every folder with images and labels (or truth) beside each other: what the recipe that is
taken first gives without training, the best of those on the sheet, the best of all that were
tried, chosen in hindsight, Otsu + watershed (the better of bright and dark, with the
diameter of the first), and the bound of the first recipe's superpixels. All are measured on
the windows that were looked at. Outcomes are kept in --keep FOLDER, so that a run that was
stopped goes on; --minutes trains the first and the best of six on all images as well.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from common import record, table
from numpy.typing import NDArray

from agents.baselines import OtsuWatershed
from agents.runs.environment import resolve
from agents.suggest.candidates import Told
from agents.suggest.few_images import look_at_few
from agents.suggest.looking import look, shown
from agents.suggest.one_look import Look
from agents.suggest.parsing import parse_count
from agents.suggest.settings import settings
from agents.suggest.suggestions import cards, suggestion_sheet
from gym_rlseg.graph import GraphRecipe
from gym_rlseg.images import FilesSource, Sample
from gym_rlseg.images.reading.colour import convert
from gym_rlseg.images.reading.contrast import normalise
from gym_rlseg.metrics import evaluate, superpixel_bound
from gym_rlseg.writing import write_picture, write_text

Labels = NDArray[np.int32]
#: What is known of some sets, by their folders' names; see `Told`.
ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "vignetting": {"diameter": 22, "count": "50-90", "dark": False},
    "long-filaments": {"diameter": 7, "count": "10-20", "shape": "elongated", "dark": False},
    "sizes-1-to-7": {"diameter": 20, "dark": False},
    "bright-debris": {"diameter": 22, "count": "40-70", "dark": False},
    "sparse-field": {"diameter": 22, "count": "1-10", "dark": False},
    "empty-fields": {"diameter": 22, "dark": False},
    "membranes-only": {"diameter": 33, "count": "80-130"},
    "out-of-focus": {"diameter": 22, "dark": False},
    "stones-no-ground": {"diameter": 43, "count": "45-80"},
}
COLUMNS = ("first", "six", "hindsight", "classical", "bound")


def main() -> None:
    """Measure, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="sets: images/ and labels/ or truth/")
    parser.add_argument("--keep", type=Path, required=True, help="folder for outcomes and sheets")
    parser.add_argument("--answers", action="store_true", help="tell what is known of the cases")
    parser.add_argument("--minutes", type=float, default=0.0, help="of training")
    parser.add_argument("--suffix", default="", help="of a section of its own in RESULTS.md")
    parser.add_argument("--dry-run", action="store_true", help="don't write RESULTS.md")
    arguments = parser.parse_args()
    arguments.keep.mkdir(parents=True, exist_ok=True)
    found = []
    for folder in arguments.folders:
        file = arguments.keep / f"{folder.resolve().name}.json"
        if not file.exists():
            outcome = measured(folder.resolve(), arguments)
            write_text(file, json.dumps(outcome, indent=1))
        found.append(json.loads(file.read_text()))
        print(row(found[-1]), flush=True)
    body = summary(found)
    print(body)
    if not arguments.dry_run:
        name = "first look with answers" if arguments.answers else "first look"
        name += arguments.suffix
        record(name, f"The {name} of rlseg init", body)


def measured(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Scores of a set, and seconds."""
    answers = dict(ANSWERS.get(folder.name, {})) if arguments.answers else {}
    if "count" in answers:
        answers["count"] = parse_count(answers["count"])
    told = Told(**answers)
    images, truths = few_of(folder)
    started = time.perf_counter()
    looks = look(images, told)
    seconds = time.perf_counter() - started
    scores = [score(one, truths) for one in looks]
    six = shown(looks)
    of_six = [score(one, truths) for one in six]
    pictures, lines = cards(images, six)
    write_picture(arguments.keep / f"{folder.name}.png", suggestion_sheet(pictures, lines))
    first, best = six[0], int(np.argmax([sbd for sbd, _ in of_six]))
    outcome = {
        "set": folder.name,
        "recipe": f"{first.candidate.family}, {first.candidate.known.diameter:g} px",
        "first": of_six[0],
        "six": of_six[best],
        "hindsight": max(scores),
        "best": f"{looks[int(np.argmax([s for s, _ in scores]))].candidate.family}",
        "classical": classical(first, images, truths),
        "bound": bound(first, images, truths),
        "seconds": seconds,
        "tried": len(looks),
    }
    if arguments.minutes:
        shape = max(i.shape[1] for i in images), max(i.shape[2] for i in images)
        outcome["first trained"] = trained(first, folder, arguments.minutes, shape)
        outcome["six trained"] = (
            trained(six[best], folder, arguments.minutes, shape)
            if six[best] is not first
            else outcome["first trained"]
        )
    return outcome


def labels_of(folder: Path) -> Path:
    """The folder of a set's truth."""
    return next(folder / name for name in ("labels", "truth") if (folder / name).is_dir())


def few_of(folder: Path) -> tuple[list[NDArray[Any]], list[Labels]]:
    """The images of a set that `init` looks at, (C, H, W) each, and their truth."""
    source = FilesSource(path=str(folder / "images"), labels=str(labels_of(folder)))
    looked, _ = look_at_few(source)
    return list(looked.values()), [truth_of(source.load(path)) for path in looked]


def score(one: Look, truths: Sequence[Labels]) -> tuple[float, float]:
    """Mean SBD and AJI on the windows that were looked at."""
    found = [
        evaluate(labels, np.ascontiguousarray(truths[index][window]))
        for index, window, labels in zip(one.images, one.windows, one.labels, strict=True)
    ]
    if not found:
        return 0.0, 0.0
    return float(np.mean([s.sbd for s in found])), float(np.mean([s.aji for s in found]))


def parts(
    one: Look, images: Sequence[NDArray[Any]], truths: Sequence[Labels]
) -> list[tuple[NDArray[np.float32], Labels]]:
    """What was looked at, as the recipe sees it, and the truth."""
    options = one.candidate.environment()
    found = []
    for index, window in zip(one.images, one.windows, strict=True):
        seen = normalise(convert(images[index], options["colour"]), compress=options["compress"])
        truth = np.ascontiguousarray(truths[index][window])
        found.append((np.ascontiguousarray(seen[:, *window]), truth))
    return found


def classical(
    one: Look, images: Sequence[NDArray[Any]], truths: Sequence[Labels]
) -> tuple[float, float]:
    """Otsu + watershed, the better of both polarities."""
    d = one.candidate.known.diameter
    found = []
    for dark in (False, True):
        method = OtsuWatershed(
            smoothing=0.06 * d,
            min_distance=max(1, round(0.25 * d)),
            distance_smoothing=0.06 * d,
            dark=dark,
        )
        scores = [evaluate(method(image), truth) for image, truth in parts(one, images, truths)]
        sbd, aji = np.mean([s.sbd for s in scores]), np.mean([s.aji for s in scores])
        found.append((float(sbd), float(aji)))
    return max(found)


def bound(
    one: Look, images: Sequence[NDArray[Any]], truths: Sequence[Labels]
) -> tuple[float, float]:
    """The best that its superpixels allow."""
    recipe = GraphRecipe.from_options(options_of(one))
    found = []
    for image, truth in parts(one, images, truths):
        graph = recipe.graph(Sample(image=image, truth=None, name="window"))
        found.append(evaluate(superpixel_bound(graph.superpixels, truth), truth))
    return float(np.mean([s.sbd for s in found])), float(np.mean([s.aji for s in found]))


def options_of(one: Look) -> dict[str, Any]:
    """The resolved environment, without images."""
    return resolve({"id": "RLSeg-Images-v0", "path": ".", **one.candidate.environment()}, Path())


def trained(one: Look, folder: Path, minutes: float, shape: tuple[int, int]) -> tuple[float, float]:
    """SBD and AJI over all images after training on them."""
    import agents

    config = settings(one.candidate, *shape)
    config["environment"]["path"] = str(folder / "images")
    source = FilesSource(path=str(folder / "images"), labels=str(labels_of(folder)))
    files = source.all_files()
    with tempfile.TemporaryDirectory() as output:
        run = agents.train(config, Path(output) / "run", time_limit=60.0 * minutes, seed=0)
        found = agents.segment([str(path) for path in files], run)
    pairs = zip(found, files, strict=True)
    scores = [evaluate(labels, truth_of(source.load(path))) for labels, path in pairs]
    return float(np.mean([s.sbd for s in scores])), float(np.mean([s.aji for s in scores]))


def truth_of(sample: Sample) -> Labels:
    """The truth, which all samples have here."""
    if sample.truth is None:
        raise ValueError(f"{sample.name} has no truth")
    return sample.truth


def row(outcome: Mapping[str, Any]) -> str:
    """One line of progress."""
    values = ", ".join(f"{name} {outcome[name][0]:.3f}" for name in COLUMNS)
    return f"{outcome['set']}: {outcome['recipe']}; {values}; {outcome['seconds']:.0f} s"


def summary(found: Sequence[Mapping[str, Any]]) -> str:
    """Table and a line on what was reached."""
    extra = [name for name in ("first trained", "six trained") if name in found[0]]
    shown = (*COLUMNS, *extra)
    header = ("set", "recipe taken", *shown, "AJI: first", "six", "classical", "seconds")
    rows = [
        (one["set"], one["recipe"], *(f"{one[c][0]:.3f}" for c in shown),
         *(f"{one[c][1]:.3f}" for c in ("first", "six", "classical")), f"{one['seconds']:.0f}")
        for one in found
    ]  # fmt: skip
    near = sum(one["first"][0] >= one["hindsight"][0] - 0.05 for one in found)
    share = [one["first"][0] / max(one["hindsight"][0], 1e-9) for one in found]
    six = sum(one["six"][0] >= one["hindsight"][0] - 0.02 for one in found)
    after = " Trained: on all images, over all of each." if extra else ""
    return (
        "SBD, and AJI where it is said, on the windows that were looked at, without training."
        f"{after}\n\n"
        f"{table(header, rows)}\n\n"
        f"First within 0.05 of hindsight on {near} of {len(found)} sets, "
        f"{np.mean(share):.2f} of it on average, {min(share):.2f} at least; the best of six "
        f"within 0.02 on {six} of {len(found)}."
    )


if __name__ == "__main__":
    main()
