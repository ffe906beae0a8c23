"""What `acis.py` is measured on: images, and how long to train on them."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
from colouring_sets import PLAIN_DISCS

import gym_rlseg  # noqa: F401  (registers the ids)
from agents.mask_actor_critic.options import MaskActorCriticConfig
from gym_rlseg.envs import MasksEnv

#: Of the test images: those of seed 0 have been looked at.
_FRESH = 1
_SHARED = ("lengths", "critic_lengths", "actor_rate")
_STEPS = ("channel_steps", "mask_steps", "start_steps", "critic_steps", "actor_steps")


@dataclass(frozen=True, kw_only=True)
class Task:
    """Images, and how long to train on them.

    Attributes:
        environment: keywords of RLSeg-Masks-v0.
        options: of `MaskActorCritic`, with the time steps of every stage.
        more: time steps of BL-Trunc beyond what it shares with the others, which take as many
            minutes as critic and actor of those.
        test: how many images of the split "test".
    """

    environment: Mapping[str, Any]
    options: Mapping[str, Any]
    more: int
    test: int = 50

    @property
    def by_truth(self) -> bool:
        """Whether masks are matched with the truth."""
        return self.environment.get("reward") is None

    def shortened(self, share: float) -> Task:
        """The same with a share of all time steps."""
        if share == 1:
            return self
        steps = {name: max(1, int(share * self.options[name])) for name in _STEPS}
        return dataclasses.replace(
            self, options={**self.options, **steps}, more=max(1, int(share * self.more))
        )

    def env(self, split: str = "train", **changes: Any) -> MasksEnv:
        """Its environment; on test images, the number of objects isn't known."""
        options = {**self.environment, "split": split, **changes}
        if split == "validation":
            options["pool_size"] = 30
        if split == "test":
            options |= {"pool_size": self.test, "seed": _FRESH, "known_count": False}
        env = gym.make("RLSeg-Masks-v0", **options).unwrapped
        assert isinstance(env, MasksEnv)
        return env


_DEFAULTS = MaskActorCriticConfig()
#: The agent's own, which models share out and cut short, and more validation images.
_OPTIONS: Mapping[str, Any] = {
    **{name: getattr(_DEFAULTS, name) for name in (*_STEPS, *_SHARED)}, "evaluation_samples": 30
}  # fmt: skip
SETS: Mapping[str, Task] = {
    "rosettes": Task(environment={"pool_size": 3000}, options=_OPTIONS, more=20_000),
    "circles by priors": Task(
        environment={
            "source": PLAIN_DISCS,
            "reward": {"name": "circularity", "radius": [4.0, 10.0], "count": [5, 9]},
            "pool_size": 2000,
        },
        options={
            **_OPTIONS, "teacher": "bright", "diameter": 14.0, "reward_scale": 10.0,
            "channel_steps": 6_000, "mask_steps": 10_000, "start_steps": 30_000,
            "critic_lengths": ((0.0, 10),),
        },
        more=10_000,
    ),
}  # fmt: skip


def folder(path: Path) -> Task:
    """Images and labels of a real set, in windows of 64 x 64."""
    return _of_files(path / "images", path / "labels", size=64, fit="crop")


def cvppp(path: Path, work: Path) -> Task:
    """CVPPP A1, brought to 64 x 64; images and labels go into folders of their own first."""
    images, labels = (work / "cvppp" / name for name in ("images", "labels"))
    for target, kind in ((images, "rgb"), (labels, "label")):
        target.mkdir(parents=True, exist_ok=True)
        files = sorted(path.glob(f"*_{kind}.png"))
        if not files:
            raise SystemExit(f"{path} holds no files plantNNN_{kind}.png")
        for file in files:
            shutil.copy(file, target / file.name.replace(f"_{kind}", ""))
    return _of_files(images, labels, size=64, fit="scale")


def _of_files(images: Path, labels: Path, **fitting: Any) -> Task:
    source = {
        "name": "files", "path": str(images), "labels": str(labels), "test_fraction": 0.2,
    }  # fmt: skip
    environment = {"source": source, "max_masks": 21, "pool_size": 3000, **fitting}
    return Task(environment=environment, options=_OPTIONS, more=20_000, test=25)
