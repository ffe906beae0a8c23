"""Importing gym_rlseg: quick, silent, without torch, and it registers the ids."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import pytest

import gym_rlseg
from gym_rlseg.registration import ENVIRONMENTS, register_environments

ROOT = Path(gym_rlseg.__file__).parents[1]


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_importing_is_silent_and_light() -> None:
    done = run(
        "import sys, gym_rlseg\n"
        "heavy = {'torch', 'matplotlib', 'elf', 'nifty', 'pandas', 'sklearn'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    assert (done.stdout, done.stderr.strip(), done.returncode) == ("", "", 0)


@pytest.mark.parametrize("env_id", ["RLSeg-Circles-v0", "RLSeg-Coins-v0"])
def test_an_environment_needs_no_torch_either(env_id: str) -> None:
    done = run(
        "import sys\n"
        "sys.modules['torch'] = None\n"  # importing it fails
        "import gymnasium\n"
        f"env = gymnasium.make('gym_rlseg:{env_id}', pool_size=1)\n"
        "env.reset(seed=0)\n"
        "env.step(env.action_space.sample())\n"
        "assert 'nifty' not in sys.modules"
    )
    assert (done.stdout, done.stderr.strip(), done.returncode) == ("", "", 0)


def test_every_id_is_registered_with_its_defaults() -> None:
    for env_id, kwargs in ENVIRONMENTS.items():
        spec = gym.spec(env_id)
        assert spec.entry_point == "gym_rlseg.envs:SuperpixelEnv"
        assert spec.kwargs == dict(kwargs)


def test_registering_again_changes_nothing() -> None:
    before = {env_id: gym.spec(env_id) for env_id in ENVIRONMENTS}
    register_environments()  # a second registration would warn
    for env_id, spec in before.items():
        assert gym.spec(env_id) is spec


def test_making_does_not_change_the_registry() -> None:
    env = gym.make("RLSeg-Circles-v0", pool_size=1, height=64, width=64, count=[2, 3])
    env.close()
    assert gym.spec("RLSeg-Circles-v0").kwargs == dict(ENVIRONMENTS["RLSeg-Circles-v0"])


def test_version() -> None:
    numbers = gym_rlseg.__version__.split(".")
    assert len(numbers) >= 3
    assert all(part.isdigit() for part in numbers[:2])
