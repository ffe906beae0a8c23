"""Environments of every id."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest
from superpixel_envs import IDS, Make, small


@pytest.fixture(autouse=True)
def headless(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No window is opened, and pictures that are saved instead go to a folder of their own."""
    monkeypatch.setattr("gym_rlseg.pictures.viewer._window", lambda shape: None)
    monkeypatch.chdir(tmp_path_factory.mktemp("working_folder"))


@pytest.fixture(params=IDS)
def env_id(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make(env_id: str, image_folder: Path) -> Iterator[Make]:
    """Makes a small environment of the id: make(**kwargs)."""
    made: list[gym.Env] = []

    def make(**kwargs: Any) -> gym.Env:
        made.append(gym.make(env_id, **{**small(env_id, image_folder), **kwargs}))
        return made[-1]

    yield make
    for env in made:
        env.close()
