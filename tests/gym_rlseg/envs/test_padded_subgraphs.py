"""`pad_subgraphs=True`: infos of one shape, for code that batches."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import gym_rlseg  # noqa: F401
from gym_rlseg.rewards import edge_credit

ID = "RLSeg-Circles-v0"
SMALL: dict[str, Any] = {
    "height": 48,
    "width": 56,
    "count": [3, 4],
    "radius": [5.0, 7.0],
    "reward": {"name": "circularity", "count": [3, 4], "radius": [4.0, 8.0]},
    "pool_size": 4,
    "max_nodes": 64,
    "max_edges": 160,
    "subgraph_sizes": [2, 5],
}


def shapes(info: Mapping[str, Any]) -> dict[str, Any]:
    return {key: (np.asarray(value).dtype, np.shape(value)) for key, value in info.items()}


def test_every_info_has_one_shape():
    env = gym.make(ID, pad_subgraphs=True, **SMALL)
    expected = {
        "index": (np.int64, ()),
        "subgraphs_2": (np.int64, (159, 2)),
        "subgraph_rewards_2": (np.float32, (159,)),
        "subgraph_mask_2": (np.int8, (159,)),
        "subgraphs_5": (np.int64, (156, 5)),
        "subgraph_rewards_5": (np.float32, (156,)),
        "subgraph_mask_5": (np.int8, (156,)),
        "edge_rewards": (np.float32, (160,)),
        "node_labels": (np.int32, (64,)),
    }
    for index in range(4):
        observation, info = env.reset(options={"index": index})
        *_, after = env.step(observation["edge_features"][:, 0])
        assert shapes(info) == shapes(after) == expected
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped, skip_render_check=True)


def test_what_is_real_is_what_ragged_infos_hold():
    padded, ragged = (gym.make(ID, pad_subgraphs=pad, **SMALL) for pad in (True, False))
    observation, info = padded.reset(seed=1)
    ragged.reset(seed=1)
    action = observation["edge_features"][:, 0]
    after, expected = padded.step(action)[4], ragged.step(action)[4]
    for i, size in enumerate(SMALL["subgraph_sizes"]):
        count = len(expected["subgraphs"][i])
        mask = info[f"subgraph_mask_{size}"]
        assert mask.tolist() == [1] * count + [0] * (len(mask) - count)
        assert np.array_equal(info[f"subgraphs_{size}"][:count], expected["subgraphs"][i])
        assert not info[f"subgraphs_{size}"][count:].any()
        rewards = after[f"subgraph_rewards_{size}"]
        assert np.array_equal(rewards[:count], expected["subgraph_rewards"][i])
        assert not rewards[count:].any()
        assert not info[f"subgraph_rewards_{size}"].any()  # nothing is scored yet
    assert not info["edge_rewards"].any()
    assert (info["node_labels"] == -1).all()
    assert np.array_equal(after["edge_rewards"], expected["edge_rewards"])
    assert np.array_equal(edge_credit(after, 160), edge_credit(expected, 160))


@pytest.mark.parametrize("kind", ["sync", "vector_entry_point"])
def test_batches(kind: str):
    vector = gym.make_vec(ID, 3, kind, pad_subgraphs=True, **SMALL)
    observations, infos = vector.reset(seed=0)
    assert infos["subgraphs_2"].shape == (3, 159, 2)
    assert infos["subgraph_mask_5"].dtype == np.int8
    *_, infos = vector.step(observations["edge_features"][:, :, 0])
    final = infos.get("final_info", infos)
    assert final["subgraph_rewards_5"].shape == (3, 156)
    assert edge_credit(infos, 160).shape == (3, 160)
    one = {key: value[1] for key, value in final.items()}
    assert np.array_equal(edge_credit(infos, 160)[1], edge_credit(one, 160))
    vector.close()


def test_a_size_that_is_dropped_has_no_real_ones():
    with pytest.warns(UserWarning, match="size 1000 is dropped"):
        env = gym.make(ID, pad_subgraphs=True, **{**SMALL, "subgraph_sizes": [2, 1000]})
    _, info = env.reset(options={"index": 0})
    assert info["subgraphs_1000"].shape == (1, 1000)
    assert not info["subgraph_mask_1000"].any()
