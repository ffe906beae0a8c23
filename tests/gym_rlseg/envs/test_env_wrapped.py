"""Environments of every id, as vectors and in wrappers."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv
from same import assert_same
from superpixel_envs import (
    Make,
    sensible,
    small,
)

from gym_rlseg.envs import SuperpixelVectorEnv
from gym_rlseg.wrappers import (
    FlatObservation,
    GraphObservation,
    ImageObservation,
    NormalizedObservation,
    ScaledReward,
    SubgraphRewardToReward,
)

# Vector environments


def sync_vector(env_fns: list[Any], **_: Any) -> gym.vector.VectorEnv:
    return SyncVectorEnv(env_fns, autoreset_mode=AutoresetMode.SAME_STEP)


def async_vector(env_fns: list[Any], **_: Any) -> gym.vector.VectorEnv:
    return AsyncVectorEnv(env_fns, shared_memory=False, autoreset_mode=AutoresetMode.SAME_STEP)


def made_vector(env_fns: list[Any], env_id: str, kwargs: Any) -> gym.vector.VectorEnv:
    return gym.make_vec(
        env_id,
        num_envs=len(env_fns),
        vectorization_mode="sync",
        vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP},
        **kwargs,
    )


def native_vector(env_fns: list[Any], env_id: str, kwargs: Any) -> gym.vector.VectorEnv:
    vector = gym.make_vec(
        env_id, num_envs=len(env_fns), vectorization_mode="vector_entry_point", **kwargs
    )
    assert isinstance(vector, SuperpixelVectorEnv)
    assert vector.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    return vector


def native_with_worker(env_fns: list[Any], env_id: str, kwargs: Any) -> gym.vector.VectorEnv:
    return native_vector(env_fns, env_id, {**kwargs, "workers": 1})


@pytest.mark.parametrize(
    "vectorise", [sync_vector, async_vector, made_vector, native_vector, native_with_worker]
)
def test_vector_equals_single_environments(
    make: Make, env_id: str, image_folder: Path, vectorise: Callable[..., gym.vector.VectorEnv]
) -> None:
    kwargs = small(env_id, image_folder)
    # The name of the module registers the id in processes that start afresh.
    env_fns = [partial(gym.make, f"gym_rlseg:{env_id}", **kwargs) for _ in range(2)]
    vector = vectorise(env_fns, env_id=env_id, kwargs=kwargs)
    try:
        singles = [make() for _ in range(2)]
        rng = np.random.default_rng(0)
        observations, infos = vector.reset(seed=[11, 12])
        expected = [env.reset(seed=11 + i) for i, env in enumerate(singles)]
        for _ in range(3):
            for i, (observation, info) in enumerate(expected):
                assert_same({k: v[i] for k, v in observations.items()}, observation)
                assert_same(infos["subgraphs"][i], info["subgraphs"])
                assert infos["index"][i] == info["index"]
            actions = np.stack([sensible(observation, rng) for observation, _ in expected])
            observations, reward, terminated, truncated, infos = vector.step(actions)
            steps = [env.step(action) for env, action in zip(singles, actions, strict=True)]
            assert terminated.tolist() == [True, True]
            assert truncated.tolist() == [False, False]
            for i, (observation, value, _, _, info) in enumerate(steps):
                assert reward[i] == value
                assert_same(infos["final_obs"][i], observation)
                final = infos["final_info"]
                for key, found in info.items():
                    if isinstance(found, int):
                        assert final[key][i] == found
                    else:
                        assert_same(final[key][i], found, key)
            # Every step is an episode: the next image is there already, no step is a dummy.
            expected = [env.reset() for env in singles]
    finally:
        vector.close()


# Wrappers


WRAPPERS: dict[str, tuple[Callable[[gym.Env], gym.Env], dict[str, Any]]] = {
    "graph": (GraphObservation, {}),
    "image": (ImageObservation, {"observe_image": True}),
    "image and edges": (
        lambda env: ImageObservation(env, edges=True, as_uint8=True),
        {"observe_image": True},
    ),
    "flat": (FlatObservation, {}),
    "normalized": (lambda env: NormalizedObservation(env, samples=3), {}),
    "normalized, flat": (
        lambda env: FlatObservation(NormalizedObservation(env, samples=2), keys=["node_features"]),
        {},
    ),
    "mean of the sizes": (SubgraphRewardToReward, {}),
    "mean by contact": (lambda env: SubgraphRewardToReward(env, mode="edge"), {}),
    "scaled": (lambda env: ScaledReward(env, scale=2.0, shift=-1.0), {}),
}


def play_blindly(env: gym.Env) -> list[Any]:
    """As `play`, whatever the observations are."""
    rng = np.random.default_rng(7)
    seen = []
    for episode in range(3):
        at_reset = env.reset(seed=3 if episode == 0 else None)
        action = rng.random(env.action_space.shape, np.float32)  # type: ignore[arg-type]
        seen.append((at_reset, env.step(action)))
    return seen


def test_wrappers_keep_the_contract(
    make: Make, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    room = make().unwrapped.capacity  # type: ignore[attr-defined]
    quick = {
        "max_nodes": room.nodes,
        "max_edges": room.edges,
        "pool_size": 2,
        "cache": str(tmp_path / "cache"),
    }
    for name, (wrap, kwargs) in WRAPPERS.items():
        wrapped, twin = (wrap(make(**quick, **kwargs)) for _ in range(2))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # Said of every environment with a wrapper.
            warnings.filterwarnings("ignore", ".*is different from the unwrapped version")
            check_env(wrapped, skip_render_check=True)
        assert capfd.readouterr() == ("", ""), name
        episodes = play_blindly(wrapped)
        assert_same(play_blindly(twin), episodes, name)
        for (observation, _), (last, *_) in episodes:
            assert observation in wrapped.observation_space, name
            assert last in wrapped.observation_space, name
        assert wrapped.spec is not None
        again = gym.make(EnvSpec.from_json(wrapped.spec.to_json()))
        assert again.spec == wrapped.spec, name
        assert again.observation_space == wrapped.observation_space, name
        assert_same(play_blindly(again), episodes, name)
