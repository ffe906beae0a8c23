"""`rlseg envs` and `rlseg doctor`."""

from __future__ import annotations

import importlib.util
import re
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from agents.cli import doctor
from gym_rlseg.registration import ENVIRONMENTS


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


REQUIRES = [
    "numpy>=1.26", "zarr>=3", 'torch>=2.4; extra == "agents"', "filelock; extra == 'agents'",
    'gym-rlseg[agents]; extra == "sb3"', 'stable-baselines3>=2.4; extra == "sb3"',
    'ruff; extra == "dev"',
]  # fmt: skip


@pytest.fixture
def without(monkeypatch):
    """without("zarr", ...): an installation that lacks these packages."""
    version, find = metadata.version, importlib.util.find_spec

    def make(*names: str) -> None:
        def asked(name: str) -> str:
            if name in names:
                raise metadata.PackageNotFoundError(name)
            return version(name)

        monkeypatch.setattr(doctor.metadata, "requires", lambda _: REQUIRES)
        monkeypatch.setattr(doctor.metadata, "version", asked)
        monkeypatch.setattr(
            doctor.importlib.util, "find_spec", lambda name: None if name in names else find(name)
        )

    return make


def test_doctor_asks_for_what_the_package_needs(monkeypatch):
    monkeypatch.setattr(doctor.metadata, "requires", lambda _: REQUIRES)
    assert doctor.requirements() == {
        "": ["numpy", "zarr"], "agents": ["torch", "filelock"], "sb3": ["stable-baselines3"],
        "dev": ["ruff"],
    }  # fmt: skip


def test_doctor_misses_packages(without, rlseg):
    without("zarr", "filelock", "stable-baselines3")
    outcome = rlseg("doctor")
    assert outcome.code == 1
    assert "FAIL  zarr is not installed; run: pip install gym-rlseg\n" in outcome.out
    assert "FAIL  filelock is not installed; run: pip install 'gym-rlseg[agents]'" in outcome.out
    assert "ok    without stable-baselines3, which only those need" in outcome.out


def test_doctor_is_content_with_environments_alone(without, rlseg):
    without("torch", "filelock", "stable-baselines3")
    outcome = rlseg("doctor")
    assert outcome.code == 0, outcome.out
    assert "FAIL" not in outcome.out
    line = "ok    without torch, filelock, which only those need who want to train and segment"
    assert f"{line}: pip install 'gym-rlseg[agents]'\n" in outcome.out
    assert "torch on" not in outcome.out


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
