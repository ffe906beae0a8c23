"""The table of formats: its files hold what they say, and its questions can be answered no."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


@pytest.mark.filterwarnings("ignore")
def test_every_format_is_read_as_it_was_written(benchmark, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    files, formats = benchmark("format_files"), benchmark("formats")
    scenes = [files.scene(i, shift=i % 4) for i in range(12)]
    cases = files.cases()
    assert len({case.name for case in cases}) == len(cases) > 60
    for number, case in enumerate(cases):
        path = tmp_path / str(number) / "in" / case.file
        path.parent.mkdir(parents=True)
        case.write(path, scenes)
        with formats.address(case, path) as place:
            if case.says:
                with pytest.raises(ValueError, match=case.says):
                    formats.check_read(case, scenes, place)
            else:
                formats.check_read(case, scenes, place)
    turned = files.Case(
        name="turned", file="a.npy", write=lambda p, s: np.save(p, s[0].image[::-1])
    )
    turned.write(tmp_path / "a.npy", scenes)
    with pytest.raises(ValueError, match="correlation"):
        formats.check_read(turned, scenes, tmp_path / "a.npy")


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread_of_torch")
def test_a_row_of_the_table(benchmark, monkeypatch, capsys):
    formats = benchmark("formats")
    monkeypatch.setattr(sys, "argv", ["formats.py", "--only", "ImageJ, movie (t)", "--dry-run"])
    code = formats.main()
    out = capsys.readouterr().out
    assert "ImageJ, movie (t) | `--page each` | ok | ok | ok | ok" in out
    assert code == 0
