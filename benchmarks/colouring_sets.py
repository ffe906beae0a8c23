"""What `colouring.py` is measured on: images, rewards, and how long to train on them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym

import gym_rlseg  # noqa: F401  (registers the ids)
from gym_rlseg.envs import ColouringEnv

#: Of the test images: those of seed 0 have been looked at.
_FRESH = 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """Images, and how long to train on them.

    Attributes:
        name: of the images.
        environment: keywords of RLSeg-Colouring-v0.
        crop: side of the crops to train on; None: whole images.
        minutes: of one core.
        agent: options of `Colouring`.
        test: how many images of the split "test".
        sizes: of the smallest object, in pixels, to choose from on the split "validation", as
            the supplement does; without truth, the environment's stays.
        validation: how many images of it.
    """

    name: str
    environment: Mapping[str, Any]
    crop: int | None = None
    minutes: float
    agent: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    test: int = 50
    sizes: tuple[int, ...] = (10, 20, 30, 40, 60, 80)
    validation: int = 40

    def env(self, split: str = "train", **changes: Any) -> ColouringEnv:
        """Its environment; crops are for training alone."""
        options = {**self.environment, "split": split, **changes}
        if self.crop is not None and split == "train":
            options["crop"] = self.crop
        if split != "train":
            options["pool_size"] = self.test if split == "test" else self.validation
        if split == "test":
            options["seed"] = _FRESH
        env = gym.make("RLSeg-Colouring-v0", **options).unwrapped
        assert isinstance(env, ColouringEnv)
        return env


_QUICK = {
    "batch": 4, "entropy": 0.01, "averaging": 0.99, "evaluate_every": 400,
}  # fmt: skip
_DISCS = {**_QUICK, "rates": ((0, 1e-3), (6000, 3e-4), (9000, 1e-4))}
#: Round, brighter than what is around, with edges along the outline; and pixel by pixel, objects
#: bright and ground dark.
PRIOR = {
    "name": "priors",
    "pixels": "brightness",
    "reward": {
        "name": "priors",
        "objects": [
            {"name": "circularity", "radius": [4.0, 10.0]},
            "boundary_evidence",
            "brighter",
        ],
        "ground": "largest",
        "count": [5, 9],
        "boundary": 0.0,
        "coupling": 0.0,
    },
}
#: Touching discs on plainer ground than that of the environment.
PLAIN_DISCS: Mapping[str, Any] = {
    "name": "circles", "height": 64, "width": 64, "count": [5, 9],
    "radius": [5.0, 9.0], "gap": -2.0, "ground": 0.04,
}  # fmt: skip
#: Against truth, or what stands in for it: of objects about 16 px wide.
_PROX = {"name": "prox", "radii": [8.0], "first": 0.3}
#: Discs that stand out, in place of the truth.
PROPOSALS = {
    "name": "proposals", "radius": [5.0, 9.0], "count": [5, 9],
    "reward": _PROX,
}  # fmt: skip
_TASKS = (
    Task(
        name="circles",
        environment={
            "reward": _PROX, "pool_size": 3000,
        },
        minutes=10,
        agent=_DISCS,
    ),
    Task(
        name="plain circles",
        environment={
            "source": PLAIN_DISCS, "reward": _PROX, "pool_size": 3000,
        },
        minutes=10,
        agent=_DISCS,
    ),
    Task(
        name="rosettes",
        environment={
            "source": {"name": "rosettes", "height": 64, "width": 64}, "steps": 4,
            "reward": _PROX, "pool_size": 3000,
        },
        minutes=20,
        agent=_DISCS,
    ),
    Task(
        name="membranes",
        environment={
            "source": "membranes", "steps": 3,
            "reward": {"name": "prox", "radii": [5.0], "first": 0.7},
        },
        crop=64,
        minutes=20,
        agent={
            **_QUICK, "widths": (16, 32, 64, 64), "averaging": 0.995,
            "rates": ((0, 2e-3), (6500, 1e-3), (9500, 3e-4)),
        },
    ),
    Task(
        name="membranes 3D",
        environment={
            "source": {
                "name": "membranes", "depth": 32, "height": 32, "width": 32, "cell": 16.0,
            },
            "steps": 3, "reward": {"name": "prox", "radii": [4.0], "first": 0.8},
            "pool_size": 600,
        },
        crop=24,
        minutes=30,
        agent={
            **_QUICK, "batch": 2, "widths": (8, 16, 32), "evaluate_every": 400,
            "evaluation_samples": 8, "averaging": 0.995,
            "rates": ((0, 2e-3), (5000, 1e-3), (8000, 4e-4), (10000, 1.5e-4)),
        },
        test=20,
        sizes=(50, 100, 150, 200, 300),
        validation=16,
    ),
)  # fmt: skip
TASKS: dict[str, Task] = {task.name: task for task in _TASKS}


def folder(images: str, labels: str, crop: int, steps: int, radii: list[float]) -> Task:
    """Images of one's own and their labels."""
    source = {"name": "files", "path": images, "labels": labels, "test_fraction": 0.2}
    environment = {
        "source": source,
        "crop": crop,
        "steps": steps,
        "reward": {"name": "prox", "radii": radii},
    }
    name = Path(images).name
    return Task(name=name, environment=environment, crop=crop, minutes=60, agent=_QUICK)
