"""Environments of every id: index, splits and pool of images."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from same import assert_same
from superpixel_envs import (
    IDS,
    ONE_PICTURE,
    ROOT,
    Make,
    indices,
    play,
    small,
)

from gym_rlseg.images.base import SPLITS


def test_index_takes_that_sample(make: Make) -> None:
    env = make()
    pool = env.unwrapped.pool  # type: ignore[attr-defined]
    count = pool.source.size("train") or 4
    assert count > 1
    seen = []
    for index in [*range(count), 0]:
        _, info = env.reset(options={"index": index})
        assert info["index"] == index
        graph = env.unwrapped.graph  # type: ignore[attr-defined]
        sample = pool.source.sample("train", index, pool.seed)
        assert np.array_equal(graph.image, sample.image)
        assert graph.name == sample.name
        seen.append(graph.image.tobytes())
    assert len(set(seen)) == count
    env.reset(options={"index": np.int64(1)})
    # It draws nothing: the images that come after are those that would have come.
    drawn = indices(play(env, 5, seed=7))
    env.reset(seed=7)
    env.reset(options={"index": 1})
    assert [drawn[0], *indices(play(env, 4))] == drawn


def test_index_beyond_the_source(make: Make) -> None:
    env = make()
    size = env.unwrapped.pool.source.size("train")  # type: ignore[attr-defined]
    if size is None:
        # Generated without end; beyond the pool as well.
        assert env.reset(options={"index": 10**9})[1]["index"] == 10**9
    else:
        with pytest.raises(ValueError, match=rf"index must be in \[0, {size}\).*got {size}"):
            env.reset(options={"index": size})


def test_splits_are_disjoint_whatever_the_seed(make: Make, env_id: str) -> None:
    seen: dict[str, set[bytes]] = {}
    for split in SPLITS:
        for seed in (0, 5):
            env = make(split=split, seed=seed)
            pool = env.unwrapped.pool  # type: ignore[attr-defined]
            for index in range(min(5, pool.source.size(split) or 5)):
                env.reset(options={"index": index})
                image = env.unwrapped.graph.image  # type: ignore[attr-defined]
                seen.setdefault(split, set()).add(image.tobytes())
    train, validation, test = (seen[split] for split in SPLITS)
    assert train
    assert validation
    assert test
    if env_id in ONE_PICTURE:
        assert validation == test
        assert test < train
    else:
        assert not train & validation
        assert not train & test
        assert not validation & test


def test_every_split_has_the_same_spaces(make: Make) -> None:
    # Agents trained on one are evaluated on the others.
    envs = [make(split=split, seed=seed) for seed, split in enumerate(SPLITS)]
    for env in envs[1:]:
        assert env.observation_space == envs[0].observation_space
        assert env.action_space == envs[0].action_space


def test_capacity_holds_what_comes(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gym_rlseg.envs.superpixel.pool._PROBES", 16)
    env = make(pool_size=None)
    room = env.unwrapped.capacity  # type: ignore[attr-defined]
    largest = 0
    for index in range(env.unwrapped.pool.source.size("train") or 30):  # type: ignore[attr-defined]
        env.reset(options={"index": index})
        largest = max(largest, env.unwrapped.graph.n_edges)  # type: ignore[attr-defined]
    assert largest <= room.edges < 2.5 * largest


def test_pool_draws_from_its_first_samples_and_makes_them_once(make: Make) -> None:
    env = make(pool_size=2)
    graphs: dict[int, set[int]] = {}
    for episode in range(12):
        _, info = env.reset(seed=0 if episode == 0 else None)
        graphs.setdefault(info["index"], set()).add(id(env.unwrapped.graph))  # type: ignore[attr-defined]
    assert set(graphs) == {0, 1}
    assert all(len(objects) == 1 for objects in graphs.values())


def test_without_a_pool_nothing_is_kept_and_everything_can_come(make: Make) -> None:
    env, pooled = make(pool_size=None), make()
    source = env.unwrapped.pool.source  # type: ignore[attr-defined]
    env.reset(options={"index": 0})
    first = env.unwrapped.graph  # type: ignore[attr-defined]
    env.reset(options={"index": 0})
    assert env.unwrapped.graph is not first  # type: ignore[attr-defined]
    assert np.array_equal(env.unwrapped.graph.node_features, first.node_features)  # type: ignore[attr-defined]
    drawn = indices(play(env, 8, seed=0))
    if (size := source.size("train")) is None:
        assert len(set(drawn)) == 8
    else:
        assert set(drawn) <= set(range(size))
        assert len(set(drawn)) > 1
    # With or without a pool sample 1 is the same, and so are its sub-graphs.
    assert_same(env.reset(options={"index": 1}), pooled.reset(options={"index": 1}))


@pytest.mark.parametrize("split", ["validation", "test"])
def test_evaluation_takes_one_image_after_the_other(make: Make, split: str) -> None:
    env = make(split=split, pool_size=3)
    size = env.unwrapped.pool.size  # type: ignore[attr-defined]
    order = [i % size for i in range(5)]
    assert indices(play(env, 5)) == order
    assert indices(play(env, 5, seed=7)) == order  # a seed begins again
    # Looking one up changes nothing, and a copy goes on where it is.
    env.reset(seed=0)
    env.reset(options={"index": 0})
    twin = copy.deepcopy(env)
    for one in (env, twin):
        assert one.reset()[1]["index"] == 1 % size
    sibling = env.unwrapped.sibling()  # type: ignore[attr-defined]
    assert sibling.reset()[1]["index"] == 0
    # Without a pool, too.
    assert indices(play(make(split=split, pool_size=None), 2)) == [0, 1 % (size or 2)]


def test_seed_selects_the_stream_of_generated_images(make: Make) -> None:
    one, two = make(), make(seed=1)
    found = [env.reset(options={"index": 0}) for env in (one, two)]
    images = [env.unwrapped.graph.image for env in (one, two)]  # type: ignore[attr-defined]
    endless = one.unwrapped.pool.source.size("train") is None  # type: ignore[attr-defined]
    assert np.array_equal(*images) is not endless
    # Sub-graphs are drawn anew in any case.
    assert not np.array_equal(found[0][1]["subgraphs"][0], found[1][1]["subgraphs"][0])


DIGEST = """
import hashlib, json, sys
import gymnasium, gym_rlseg
for env_id, kwargs in json.loads(sys.argv[1]).items():
    digest = hashlib.sha256()
    env = gymnasium.make(env_id, **kwargs)
    for index in (1, 0):
        observation, info = env.reset(options={"index": index})
        action = observation["edge_features"][:, 0].clip(0, 1)
        *_, step_info = env.step(action)
        graph = env.unwrapped.graph
        for array in (graph.image, graph.superpixels, *observation.values(), *info["subgraphs"],
                      step_info["edge_rewards"], step_info["node_labels"]):
            digest.update(str((array.dtype, array.shape)).encode() + array.tobytes())
    print(env_id, digest.hexdigest())
"""


def test_every_process_makes_the_same_images(
    image_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gym_rlseg.envs.superpixel.pool._PROBES", 16)  # as elsewhere
    wanted = {env_id: {**small(env_id, image_folder), "seed": 3} for env_id in IDS}
    argument = json.dumps(wanted)
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", DIGEST, argument],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            timeout=200,
            check=True,
        )
        if hash_seed == "1":
            argument = json.dumps(dict(reversed(wanted.items())))
            first = sorted(done.stdout.splitlines())
    assert sorted(done.stdout.splitlines()) == first
    assert len(set(first)) == len(IDS)
    # And so does this process, whatever it made before.
    kept, sys.argv = sys.argv, ["", argument]
    try:
        exec(DIGEST, {"hashlib": hashlib})
    finally:
        sys.argv = kept
    assert sorted(capsys.readouterr().out.splitlines()) == first


def test_variant_changes_what_it_is_told(make: Make) -> None:
    env = make().unwrapped
    other = env.variant(split="validation", partition="agglomeration")  # type: ignore[attr-defined]
    assert other.pool.split == "validation"
    assert other.observation_space == env.observation_space
    assert other.reward == env.reward  # type: ignore[attr-defined]
    assert type(other.partition).__name__ == "Agglomeration"
    same = env.variant()  # type: ignore[attr-defined]
    assert_same(play(same, 3, seed=1), play(env, 3, seed=1))


def test_variants_keep_the_render_mode_but_open_no_window(make: Make) -> None:
    modes = {mode: make(render_mode=mode).unwrapped for mode in ("rgb_array", "human", None)}
    found = {mode: env.variant().render_mode for mode, env in modes.items()}  # type: ignore[attr-defined]
    assert found == {"rgb_array": "rgb_array", "human": None, None: None}
    assert modes[None].variant(render_mode="human").render_mode == "human"  # type: ignore[attr-defined]


def test_siblings_share_the_pool_and_nothing_else(make: Make) -> None:
    env, reference = make().unwrapped, make()
    play(env, 2, seed=5)
    other = env.sibling()  # type: ignore[attr-defined]
    assert other.pool is env.pool  # type: ignore[attr-defined]
    with pytest.raises(ResetNeeded):
        _ = other.graph
    play(reference, 2, seed=5)
    play(other, 3, seed=1)
    assert_same(play(env, 3), play(reference, 3))
    assert_same(play(other, 3, seed=4), play(reference, 3, seed=4))
