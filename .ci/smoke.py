"""What an installed wheel must do without torch: python -I smoke.py ENVIRONMENT."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import gymnasium as gym

import gym_rlseg
from gym_rlseg.images.coins import coins_truth


def main(environment: Path) -> None:
    """Make an environment, take a step, read the package's data, call the command."""
    check(environment in Path(gym_rlseg.__file__).parents, f"imported from {gym_rlseg.__file__}")
    check(importlib.util.find_spec("torch") is None, "torch is installed, so this proves nothing")
    env = gym.make("RLSeg-Circles-v0", pool_size=1)
    observation, info = env.reset(seed=0)
    check(observation in env.observation_space, "the observation isn't in its space")
    _, reward, terminated, _, info = env.step(observation["edge_features"][:, 0])
    check(terminated and 0 <= reward <= 1, f"reward {reward}, terminated {terminated}")
    check(len(info["subgraph_rewards"]) == 3, f"info {sorted(info)}")
    check(coins_truth().max() == 24, "the coins' outlines are wrong")
    check("torch" not in sys.modules, "torch was imported")
    command = Path(sys.executable).with_name("rlseg")
    said = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    check(gym_rlseg.__version__ in said.stdout, f"rlseg --version said {said.stdout!r}")


def check(passed: bool, message: str) -> None:
    """End with a message unless something holds; `assert` may be switched off."""
    if not passed:
        raise SystemExit(message)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
