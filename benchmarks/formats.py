"""Files in, labels out: every format and layout, read, segmented, exported and read back.

A run is trained for a second on grey TIFFs of the same kind of scene. Then each format gets a
file of known content in a temporary folder, and four questions:

- read: does the image correlate with what was written by 0.95 or more, upright, in every page?
- segment: does `rlseg segment` with that run find the objects, SBD 0.8 or more in every page?
- labels back: do tifffile and Pillow read the labels as they are, and does `rlseg evaluate`
  give them the SBD computed here?
- exports back: do other packages read the same pixels out of every export?

The exit code is 1 if any answer is no.
"""

from __future__ import annotations

import argparse
import contextlib
import http.server
import io
import os
import shutil
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import yaml
from common import record, table
from format_exports import EXPORTS, read_back
from format_files import Case, Scene, cases, scene, u16
from numpy.typing import NDArray
from PIL import Image

from agents.cli.main import main as rlseg
from gym_rlseg.images import FilesSource
from gym_rlseg.metrics import symmetric_best_dice

QUESTIONS = ("read", "segment", "labels back", "exports back")
CONFIG = """\
environment:
  id: RLSeg-Images-v0
  path: images
  reward: {name: circularity, count: [6, 8], radius: [7, 12]}
  boundary: {name: gradient, sigma: 1.0}
  superpixels: {name: seeded_watershed, min_distance: 2}
  subgraph_sizes: [4, 8]
agent: {width: 8, layers: 1, batch_size: 4, learning_starts: 8, actor_starts: 16,
  evaluate_every: 40, evaluation_samples: 2}
"""


def main() -> int:
    """Try every format, print, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", metavar="TEXT", default="", help="formats with that in the name")
    parser.add_argument("--dry-run", action="store_true", help="don't write RESULTS.md")
    arguments = parser.parse_args()
    started = time.monotonic()
    scenes = [scene(10 + i, shift=i % 4) for i in range(12)]
    chosen = [case for case in cases() if arguments.only in case.name]
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["XDG_CACHE_HOME"] = scratch  # what is fetched isn't kept
        run = trained(Path(scratch))
        for number, case in enumerate(chosen):
            answers = tried(case, scenes, run, Path(scratch) / str(number))
            rows.append([case.name, shown({**case.options, **case.beside}), *answers])
            print(" | ".join(rows[-1]), flush=True)
    good = sum("**no**" not in " ".join(row) for row in rows)
    body = (
        f"{good} of {len(rows)} formats pass all questions, in {time.monotonic() - started:.0f} s. "
        f"Exports: {', '.join(EXPORTS)}. What is read with `each` has a label page per page. "
        f"Written and read back by {packages()}.\n\n"
        + table(["format", "options", *QUESTIONS], rows)
    )
    print(f"\n{good} of {len(rows)}")
    if not arguments.dry_run and not arguments.only:
        record("formats", "Files in, labels out", body)
    return int(good < len(rows))


def packages() -> str:
    """Who reads and writes files, with versions."""
    names = ("tifffile", "pillow", "h5py", "zarr", "roifile", "shapely", "pycocotools")
    return ", ".join(f"{name} {version(name)}" for name in names)


def trained(folder: Path) -> Path:
    """A run on four grey images."""
    (folder / "images").mkdir()
    for number in range(4):
        tifffile.imwrite(folder / "images" / f"{number}.tif", u16(scene(number)))
    (folder / "config.yaml").write_text(CONFIG)
    command(
        "train", folder / "config.yaml", "-o", folder / "run", "--timesteps", 120, "--quiet"
    )  # fmt: skip
    return folder / "run"


def tried(case: Case, scenes: list[Scene], run: Path, folder: Path) -> list[str]:
    """The answers to the four questions: "ok", or what went wrong."""
    (folder / "in").mkdir(parents=True)
    path = folder / "in" / case.file
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        case.write(path, scenes)
    expected = [inside(one.truth, case) for one in scenes[: case.pages]]
    with address(case, path) as place:
        steps = (
            lambda: check_read(case, scenes, place),
            lambda: check_segment(case, expected, run, place, folder / "out"),
            lambda: check_labels(expected, folder),
            lambda: check_exports(case, run, place, folder),
        )
        answers: list[str] = []
        for step in steps:
            if len(answers) > 1 and answers[1] != "ok":
                answers.append("-")  # nothing came of it
                continue
            try:
                step()
                answers.append("ok")
            except Exception as error:  # whatever it is, it is an answer
                answers.append(answer(error, case, folder))
    return answers


@contextlib.contextmanager
def address(case: Case, path: Path) -> Iterator[Path | str]:
    """Where the file is read from: where it lies, or a server of its folder."""
    if not case.served:
        yield path
        return
    handler = partial(Quiet, directory=str(path.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/{path.name}"
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder without a word."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def answer(error: Exception, case: Case, folder: Path) -> str:
    """What an error says, in one line without the folder's name."""
    text = " ".join(str(error).split()) or type(error).__name__
    text = text.replace(f"{folder / 'in'}/", "").replace(f"{folder}/", "").replace("|", "\\|")
    if case.says:
        return f"ok: {text}" if case.says in text else f"**no**: {text}"
    return f"**no**: {text[:200]}"


def inside(labels: NDArray[Any], case: Case) -> NDArray[Any]:
    """The labels where the file has pixels."""
    return labels if case.inside is None else np.where(case.inside, labels, 0)


def check_read(case: Case, scenes: list[Scene], path: Path | str) -> None:
    """Compare what is read with what was written."""
    options = given(case, path)
    if case.colour:
        options["colour"] = "grey"
    source = FilesSource(path=str(path), **options)
    images = source.all_files()
    check(len(images) == case.pages, f"{len(images)} images instead of {case.pages}")
    for image, one in zip(images, scenes, strict=False):
        read = source.load(image).image
        check(len(read) == 1, f"{len(read)} channels instead of 1")
        check(read[0].shape == one.image.shape, f"{read[0].shape} pixels")
        seen = np.ones(read[0].shape, bool) if case.inside is None else case.inside
        alike = np.corrcoef(read[0][seen], one.image[seen])[0, 1]
        check(alike > 0.95, f"correlation {alike:.2f} with what was written")


def check_segment(
    case: Case, expected: list[NDArray[Any]], run: Path, path: Path | str, out: Path
) -> None:
    """Segment by the command, and compare with the truth."""
    segment(case, run, path, out)
    labels = pages(out / "a.tif")
    check(len(labels) == len(expected), f"{len(labels)} pages of labels")
    for page, truth in zip(labels, expected, strict=True):
        check(page.shape == truth.shape, f"labels of {page.shape}")
        sbd = symmetric_best_dice(page, truth)
        check(sbd > 0.8, f"SBD {sbd:.2f}")


def check_labels(expected: list[NDArray[Any]], folder: Path) -> None:
    """Read the labels by other packages, and score them by the command."""
    labels = pages(folder / "out" / "a.tif")
    with Image.open(folder / "out" / "a.tif") as file:
        for number, page in enumerate(labels):
            file.seek(number)
            check(np.array_equal(np.asarray(file), page), f"Pillow reads page {number} otherwise")
    truth = np.stack(expected).astype(np.uint16)
    true = truth if len(truth) > 1 else truth[0]
    tifffile.imwrite(folder / "a.tif", true, photometric="minisblack")
    output = command("evaluate", folder / "out" / "a.tif", folder / "a.tif", "--csv",
                     folder / "scores.csv")  # fmt: skip
    check("a" in output, "evaluate says nothing")
    lines = (folder / "scores.csv").read_text().splitlines()[1:]
    for line, page, true in zip(lines, labels, expected, strict=False):
        sbd = symmetric_best_dice(page, true)
        check(abs(float(line.split(",")[1]) - sbd) < 1e-6, f"evaluate gives {line}")


def check_exports(case: Case, run: Path, path: Path | str, folder: Path) -> None:
    """Write every export, read it by another package, and compare the pixels."""
    segment(case, run, path, folder / "again", "--export", ",".join(EXPORTS))
    labels = np.stack(pages(folder / "out" / "a.tif"))
    for name in EXPORTS:
        found = read_back(name, folder / "again", labels.shape)
        check(np.array_equal(found, labels), f"{name} differs")


def segment(case: Case, run: Path, path: Path | str, out: Path, *more: str) -> None:
    """Call `rlseg segment` as the row says."""
    flags = [text for name, value in given(case, path).items() for text in (f"--{name}", value)]
    with configured(run, {"colour": "grey"} if case.colour else {}) as folder:
        command("segment", folder, path, "-o", out, "--no-search", *flags, *more)


def pages(path: Path) -> list[NDArray[Any]]:
    """Labels of a file, page by page."""
    labels = tifffile.imread(path)
    return list(labels.reshape(-1, *labels.shape[-2:]))


def given(case: Case, path: Path | str) -> dict[str, Any]:
    """Options of the row."""
    beside = {name: str(Path(path).parent / value) for name, value in case.beside.items()}
    return {**case.options, **beside}


@contextlib.contextmanager
def configured(run: Path, options: Mapping[str, Any]) -> Iterator[Path]:
    """A copy of the run whose images are read otherwise."""
    if not options:
        yield run
        return
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(shutil.copytree(run, Path(scratch) / "run"))
        config = yaml.safe_load((copy / "config.yaml").read_text())
        config["environment"].update(options)
        (copy / "config.yaml").write_text(yaml.safe_dump(config))
        yield copy


def command(*arguments: object) -> str:
    """What `rlseg` prints; an error if it fails."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = rlseg([str(argument) for argument in arguments])
    if code:
        lines = err.getvalue().splitlines() or ["no message"]
        raise RuntimeError(lines[0].removeprefix("rlseg: error: "))
    return out.getvalue()


def check(holds: bool, message: str) -> None:
    """Raise an error with the message unless it holds."""
    if not holds:
        raise ValueError(message)


def shown(options: Mapping[str, Any]) -> str:
    """Options as `rlseg segment` takes them."""
    return " ".join(f"`--{name} {value}`" for name, value in options.items())


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
