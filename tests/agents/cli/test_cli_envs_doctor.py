"""`rlseg envs` and `rlseg doctor`."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from agents.cli import doctor
from gym_rlseg.registration import ENVIRONMENTS

PYPROJECT = Path(__file__).parents[3] / "pyproject.toml"


def test_envs_lists_ids_and_defaults(rlseg):
    outcome = rlseg("envs")
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    for env_id in ENVIRONMENTS:
        assert env_id in lines
    assert "  subgraph_sizes: [4, 8, 16]" in lines
    assert "  height: 128" in lines
    assert "  gamma: 1.0" in lines
    assert any(line.startswith("  path: (required)") for line in lines)
    assert "  partition: multicut" in lines


def test_doctor_finds_nothing_wrong_here(rlseg):
    outcome = rlseg("doctor")
    lines = outcome.out.splitlines()
    assert all(re.match(r"(ok  |FAIL)  \S", line) for line in lines)
    assert [line for line in lines if line.startswith("FAIL")] == []
    assert (outcome.code, outcome.err) == (0, "")
    for words in ("python 3.", "python-elf", "bioimage-cpp", "CPU cores", "torch on", "self-test"):
        assert words in outcome.out


def test_doctor_asks_for_what_the_project_needs():
    project = tomllib.loads(PYPROJECT.read_text())["project"]

    def names(requirements: list[str]) -> set[str]:
        return {re.split(r"[\[<>=~! ]", line)[0].lower() for line in requirements}

    extras = project["optional-dependencies"]
    assert set(doctor.REQUIRED) == names(project["dependencies"])
    assert set(doctor.AGENTS) == names(extras["agents"])
    assert set(doctor.OPTIONAL) == names(extras["sb3"]) - {"gym-rlseg"}


def test_doctor_misses_packages(monkeypatch, rlseg):
    version = metadata.version

    def without(name: str) -> str:
        if name in ("zarr", "torch-geometric", "stable-baselines3"):
            raise metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(doctor.metadata, "version", without)
    outcome = rlseg("doctor")
    assert outcome.code == 1
    assert "FAIL  zarr is not installed; run: pip install gym-rlseg\n" in outcome.out
    assert "torch-geometric is not installed; run: pip install 'gym-rlseg[agents]'" in outcome.out
    assert "ok    stable-baselines3 is not installed" in outcome.out


@pytest.mark.parametrize(
    ("name", "files", "right"),
    [
        ("elf", ["elf/__init__.py", "elf/aoc.py"], False),
        ("elf", ["elf/__init__.py", "elf/evaluation/__init__.py"], True),
        ("nifty", ["nifty/__init__.py", "nifty/physics.py"], False),
        ("nifty", ["nifty/__init__.py", "nifty/graph/__init__.py"], True),
        ("nifty", None, True),
        ("affogato", ["affogato/cli.py"], False),
        ("affogato", ["affogato/segmentation/__init__.py"], True),
    ],
)
def test_doctor_knows_look_alikes(name, files, right, monkeypatch):
    distribution = metadata.distribution

    def installed(asked: str):
        if asked != name:
            return distribution(asked)
        return SimpleNamespace(files=None if files is None else [Path(file) for file in files])

    monkeypatch.setattr(doctor.metadata, "distribution", installed)
    checks = list(doctor.look_alike(name))
    assert all(passed for passed, _ in checks) == right
    if not right:
        assert f"pip uninstall {name}" in checks[0][1]


def test_doctor_survives_whatever_is_broken(monkeypatch, rlseg):
    import gym_rlseg.envs

    def broken(*_, **__):
        raise RuntimeError("undefined symbol:\n  x")

    monkeypatch.setattr(gym_rlseg.envs, "SuperpixelEnv", broken)
    outcome = rlseg("doctor")
    assert outcome.code == 1
    assert "FAIL  self_test: RuntimeError: undefined symbol: x\n" in outcome.out
