"""`rlseg segment RUN FOLDER -o OUT --workers N`: as without workers, whatever happens to them."""

from __future__ import annotations

import argparse
import csv
import errno
import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import tifffile

from agents.cli import by_workers as command
from agents.cli.segment import add_arguments
from agents.runs.config import RunConfig
from agents.runs.folder import RunFolder
from agents.segmenting import by_workers, file_by_file
from agents.segmenting.blocks.scheduling import WorkersDiedError
from agents.segmenting.by_workers import segment_by_workers

EXPORTS = ("--export", "coco,geojson")


@pytest.fixture(scope="module")
def images(trained: Path, draw: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four images, a stack, one that shows nothing and one that is broken; read only."""
    folder = tmp_path_factory.mktemp("many") / "images"
    shutil.copytree(trained / "images", folder)
    stack = np.stack([draw(20 + i)[0] for i in range(2)])
    tifffile.imwrite(folder / "stack.tif", stack, imagej=True, metadata={"axes": "TYX"})
    tifffile.imwrite(folder / "nothing.tif", np.zeros((30, 40), np.uint8))
    (folder / "broken.tif").write_bytes(b"II*\0 and no more")
    return folder


@pytest.fixture(scope="module")
def call(trained: Path, images: Path) -> tuple[Any, ...]:
    """A call without its output."""
    return ("segment", trained / "run", images, "--page", "each", *EXPORTS, "--no-search", "-o")


@pytest.fixture
def expected(rlseg: Any, call: tuple[Any, ...], tmp_path: Path) -> dict[str, Any]:
    """What it leaves without workers."""
    assert rlseg(*call, tmp_path / "expected").code == 1
    return left(tmp_path / "expected")


def left(out: Path) -> dict[str, Any]:
    """All that is in a folder, by name, but for the seconds that images took."""
    found: dict[str, Any] = {}
    for file in sorted(path for path in out.rglob("*") if path.is_file()):
        content: Any = file.read_bytes()
        if file.suffix == ".csv":
            content = list(csv.DictReader(content.decode().splitlines()))
            for row in content:
                row.pop("seconds", None)
        elif file.suffix in (".json", ".geojson"):
            content = json.loads(content)
        elif file.suffix == ".tif":
            content = tifffile.imread(file).tolist()
        found[str(file.relative_to(out))] = content
    return found


@pytest.mark.slow
def test_one_of_two_workers_is_killed(
    rlseg: Any,
    call: tuple[Any, ...],
    expected: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    killed: list[int] = []

    def kill(job: Any, targets: Any, folder: Any, tell: Any, **where: Any) -> None:
        def told(line: str, kind: str) -> None:
            if not killed:
                started = psutil.Process().children(recursive=True)
                killed.extend(p.pid for p in started if "spawn_main" in " ".join(p.cmdline()))
                os.kill(killed[0], signal.SIGKILL)
            tell(line, kind)

        segment_by_workers(job, targets, folder, told, **where)

    monkeypatch.setattr(by_workers, "segment_by_workers", kill)
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    outcome = rlseg(*call, tmp_path / "out", "--workers", 2)
    assert outcome.code == 1
    assert len(killed) == 2
    assert "7 of 8 images segmented" in outcome.out
    assert outcome.err.count("broken.tif") == 1
    assert left(tmp_path / "out") == expected


def test_a_second_call_goes_on(
    rlseg: Any,
    call: tuple[Any, ...],
    expected: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[str] = []

    def full(segmenter: Any, source: Any, file: Any, *others: Any) -> None:
        tried.append(file.target.path.name)
        if len(tried) == 4:
            raise OSError(errno.ENOSPC, "No space left on device", "im2.tif")
        file_by_file.segment_file(segmenter, source, file, *others)

    monkeypatch.setattr(by_workers, "segment_file", full)
    out = tmp_path / "out"
    outcome = rlseg(*call, out, "--workers", 1)
    assert outcome.code == 2
    assert "im2.tif: No space left on device" in outcome.err
    assert "the same command goes on" in outcome.err
    assert {row["image"] for row in left(out)["summary.csv"]} == {
        row["image"] for row in expected["summary.csv"][:3]
    }
    rlseg(*call[:-1], "--min-size", 9, "-o", out, "--workers", 1).refused(
        "holds results of another call, which differs in filters"
    )
    outcome = rlseg(*call, out, "--workers", 1)
    assert outcome.code == 1
    assert "2 images are kept of an earlier call" in outcome.out
    assert len(tried) == 8
    assert tried[3] == tried[4] == "im2.tif"
    assert left(out) == expected


def test_workers_that_die_of_an_image(
    rlseg: Any,
    call: tuple[Any, ...],
    expected: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def rounds(task: Any, items: Any) -> Iterator[Any]:
        for item in items:
            if "im1" in item[1].path.name:
                raise WorkersDiedError(item)
            task(item)
            yield item

    class Hired:
        def __init__(self, *_: Any) -> None: ...
        def __enter__(self) -> Any:
            return rounds

        def __exit__(self, *_: Any) -> None: ...

    monkeypatch.setattr(by_workers, "workers", Hired)
    outcome = rlseg(*call, tmp_path / "out", "--workers", 2)
    assert outcome.code == 1
    assert "im1.tif: workers died time and again of it" in outcome.err
    assert "6 of 8 images segmented" in outcome.out
    found = left(tmp_path / "out")
    assert "im1.tif" not in found
    assert found["stack.tif"] == expected["stack.tif"]


def test_an_agent_adapted_to_them_is_refused(
    rlseg: Any, call: tuple[Any, ...], tmp_path: Path
) -> None:
    outcome = rlseg(*call, tmp_path / "out", "--workers", 2, "--adapt", "9s")
    outcome.refused("--adapt: not with --workers")


def test_a_run_for_other_images(rlseg: Any, trained: Path, tmp_path: Path, draw: Any) -> None:
    (tmp_path / "rgb").mkdir()
    for number in range(2):
        picture = np.stack([draw(3 * number + i)[0] for i in range(3)], axis=-1)
        tifffile.imwrite(tmp_path / "rgb" / f"{number}.tif", picture, photometric="rgb")
    call = ("segment", trained / "run", tmp_path / "rgb", "-o", tmp_path / "out", "--workers", 1)
    rlseg(*call).refused("3 channels make (node, edge) features")
    assert not (tmp_path / "out" / ".images").exists()


def test_a_scheduler_gets_absolute_paths(
    trained: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(images.parent)
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    line = ["run", "images", "-o", "out", "--region", "masks", "--scheduler", "tcp://host:8786"]
    args = parser.parse_args(line)
    folder = RunFolder(str(trained / "run"))
    job = command.job_of(args, RunConfig.load(folder.config), folder, Path("out"))
    assert job.source["path"] == (str(images),)
    assert job.source["region"] == str(images.parent / "masks")
    assert job.out == str(images.parent / "out")
