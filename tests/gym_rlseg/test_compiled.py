"""Compiled functions are kept where there is a place for them; without one, all still works."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import gym_rlseg
from gym_rlseg.compiled import cache_folder, njit

CODE = """
import warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import gym_rlseg.envs
    from gym_rlseg.compiled import cache_folder
    from gym_rlseg.rewards.adjacency import _count
    import gym_rlseg.rewards.priors
print(gym_rlseg.__file__)
print(sum("NUMBA_CACHE_DIR" in str(w.message) for w in caught))
print(cache_folder())
import numpy as np
print(_count(np.array([0, 1, 2]), np.array([1, 0]), np.ones(2, bool)).tolist())
"""


def test_options_are_numbas_and_functions_their_own() -> None:
    @njit(fastmath=True)
    def double(x):  # type: ignore[no-untyped-def]
        return 2 * x

    assert double(21) == double.py_func(21) == 42
    assert double.targetoptions["fastmath"]
    assert cache_folder() is not None


def imported(folder: Path, temporary: Path) -> list[str]:
    """What a process says whose package and home can't be written to.

    A file where a folder should be keeps everybody out, even root, whom permissions don't.
    """
    package = folder / "gym_rlseg"
    if not package.exists():
        source = Path(gym_rlseg.__file__).parent
        shutil.copytree(source, package, ignore=shutil.ignore_patterns("__pycache__"))
        for inner in (package, *(p for p in package.rglob("*") if p.is_dir())):
            (inner / "__pycache__").touch()
    barred = folder / "file"
    barred.touch()
    names = ("HOME", "USERPROFILE", "LOCALAPPDATA", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR")
    environment = os.environ | dict.fromkeys(names, str(barred / "none"))
    environment |= {"TMPDIR": str(temporary), "TEMP": str(temporary), "TMP": str(temporary)}
    environment |= {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(
        [sys.executable, "-c", CODE], env=environment, cwd=folder, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert lines[0].startswith(str(package))
    return lines[1:]


@pytest.mark.skipif(sys.platform == "win32", reason="whose folder it is can't be told there")
def test_neither_the_package_nor_a_home_can_be_written_to(tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    warned, kept, result = imported(tmp_path, temporary)
    assert (warned, result) == ("1", "[1, 1]")
    (private,) = temporary.iterdir()
    assert kept.startswith(str(private))
    assert private.stat().st_mode & 0o777 == 0o700
    assert list(private.rglob("*.nbc"))
    # A folder that others may write to could hold anything: nothing is kept there.
    private.chmod(0o777)
    warned, kept, result = imported(tmp_path, temporary)
    assert (warned, kept, result) == ("1", "None", "[1, 1]")
