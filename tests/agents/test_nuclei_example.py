"""The example runs from start to end, within seconds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import tifffile

import agents

ROOT = Path(agents.__file__).parents[1]


def test_it_counts_nuclei(tmp_path):
    command = [sys.executable, str(ROOT / "examples" / "nuclei.py")]
    options = ["--time-limit", "1s", "--images", "3", "--out", str(tmp_path)]
    done = subprocess.run(
        [*command, *options],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = re.findall(r"nuclei\d\.tif: (\d+) nuclei found, (\d+) drawn", done.stdout)
    assert len(found) == 3
    for number, drawn in found:
        assert abs(int(number) - int(drawn)) <= 8  # hardly trained
    for number in range(3):
        labels = tifffile.imread(tmp_path / "labels" / f"nuclei{number}.tif")
        assert labels.shape == (128, 128)
    assert (tmp_path / "run" / "report.html").is_file()
