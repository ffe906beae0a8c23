"""SuperpixelVectorEnv: the same as N single environments, with and without worker processes."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.error import ClosedEnvironmentError, ResetNeeded
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers.vector import FilterObservation
from numpy.typing import NDArray
from same import assert_same as assert_same_but_for_order

from gym_rlseg.envs import SuperpixelEnv, SuperpixelVectorEnv
from gym_rlseg.envs.superpixel.worker import Worker
from gym_rlseg.rewards import CircularityReward
from gym_rlseg.rewards.base import Reward, Scores

ID = "RLSeg-Circles-v0"
SMALL: dict[str, Any] = {
    "height": 48,
    "width": 56,
    "count": [3, 4],
    "radius": [5.0, 7.0],
    "reward": {"name": "circularity", "count": [3, 4], "radius": [4.0, 8.0]},
    "pool_size": 4,
    "max_nodes": 64,  # known, so that no image has to be looked at
    "max_edges": 160,
}

Make = Callable[..., SuperpixelVectorEnv]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[SuperpixelVectorEnv] = []

    def make(num_envs: int = 3, **kwargs: Any) -> SuperpixelVectorEnv:
        vector = gym.make_vec(ID, num_envs, "vector_entry_point", **{**SMALL, **kwargs})
        assert isinstance(vector, SuperpixelVectorEnv)
        made.append(vector)
        return vector

    yield make
    for vector in made:
        vector.close()


def sync(
    num_envs: int = 3, mode: AutoresetMode = AutoresetMode.SAME_STEP, **kwargs: Any
) -> gym.vector.VectorEnv:
    own = {"autoreset_mode": mode}
    return gym.make_vec(ID, num_envs, "sync", vector_kwargs=own, **{**SMALL, **kwargs})


assert_same = partial(assert_same_but_for_order, ordered=True)


def same_keys(data: Any) -> Any:
    """Dicts with sorted keys: an observation's order is its space's, or the environment's."""
    if isinstance(data, dict):
        return {key: same_keys(data[key]) for key in sorted(data)}
    if isinstance(data, np.ndarray) and data.dtype == object:
        result = np.empty_like(data)
        for i, value in enumerate(data):
            result[i] = same_keys(value)
        return result
    return data


def assert_same_step(one: Any, two: Any) -> None:
    assert_same(tuple(map(same_keys, one)), tuple(map(same_keys, two)))


def actions_for(observations: dict[str, NDArray], rng: np.random.Generator) -> NDArray[np.float32]:
    evidence = observations["edge_features"][..., 0]
    return np.clip(evidence + rng.normal(0, 0.2, evidence.shape), 0, 1).astype(np.float32)


def arrays_in(data: Any) -> Iterator[NDArray]:
    if isinstance(data, dict):
        data = tuple(data.values())
    if isinstance(data, tuple | list) or (isinstance(data, np.ndarray) and data.dtype == object):
        for value in data:
            yield from arrays_in(value)
    elif isinstance(data, np.ndarray):
        yield data


class TestEqualsSyncVectorEnv:
    @pytest.mark.parametrize(
        "kwargs",
        [
            {},
            {"workers": 1},
            {"workers": 5},
            {"observe_image": True},
            {"pool_size": None, "workers": 1},
            {"copy": False},
        ],
        ids=str,
    )
    def test_every_bit_of_some_steps(self, make: Make, kwargs: dict[str, Any]) -> None:
        own = {key: kwargs[key] for key in ("workers", "copy") if key in kwargs}
        other = {key: value for key, value in kwargs.items() if key not in own}
        vector, reference = make(**kwargs), sync(**other)
        rng = np.random.default_rng(0)
        found, expected = vector.reset(seed=5), reference.reset(seed=5)
        rewards = set()
        for _ in range(4):
            assert_same_step(found, expected)
            actions = actions_for(expected[0], rng)
            found, expected = vector.step(actions), reference.step(actions)
            rewards |= set(expected[1].tolist())
        assert_same_step(found, expected)
        assert len(rewards) > 6  # the comparison means something
        reference.close()

    @pytest.mark.parametrize(
        "arguments",
        [
            {"seed": [4, 9, 4]},
            {"seed": 3, "options": {"index": 2}},
            {"seed": [1, 2, 3], "options": {}},
        ],
        ids=str,
    )
    def test_resets(self, make: Make, arguments: dict[str, Any]) -> None:
        vector, reference = make(), sync()
        assert_same_step(vector.reset(**arguments), reference.reset(**arguments))
        actions = np.full(vector.action_space.shape, 0.4, np.float32)
        assert_same_step(vector.step(actions), reference.step(actions))
        # Without a seed the draws go on.
        assert_same_step(vector.reset(), reference.reset())

    def test_masked_resets(self, make: Make) -> None:
        vector, reference = make(), sync()
        vector.reset(seed=0), reference.reset(seed=0)
        actions = np.full(vector.action_space.shape, 0.4, np.float32)
        vector.step(actions), reference.step(actions)
        for mask in ([True, False, True], [False, True, False]):
            options = [{"reset_mask": np.array(mask)} for _ in range(2)]
            assert_same_step(
                vector.reset(seed=8, options=options[0]),
                reference.reset(seed=8, options=options[1]),
            )
            assert "reset_mask" in options[0]  # the caller's own
            assert_same_step(vector.step(actions), reference.step(actions))

    def test_without_seed_every_environment_has_its_own_draws(self, make: Make) -> None:
        vector = make(8, pool_size=None)
        _, infos = vector.reset()
        assert len(set(infos["index"].tolist())) == 8
        assert len(set(vector.np_random_seed)) == 8

    def test_spaces_and_metadata(self, make: Make) -> None:
        vector, reference = make(), sync()
        for name in (
            "observation_space", "single_observation_space", "action_space",
            "single_action_space", "num_envs", "metadata", "render_mode",
        ):  # fmt: skip
            assert getattr(vector, name) == getattr(reference, name), name
        assert vector.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
        assert "autoreset_mode" not in SuperpixelEnv.metadata
        observations, _ = vector.reset(seed=0)
        assert observations in vector.observation_space

    def test_actions_of_other_kinds(self, make: Make) -> None:
        vector, reference = make(2), sync(2)
        vector.action_space.seed(0)
        actions = vector.action_space.sample()
        for kind in (actions.astype(np.float64), list(actions), tuple(actions.tolist())):
            vector.reset(seed=0), reference.reset(seed=0)
            assert_same_step(vector.step(kind), reference.step(actions))


class TestAutoreset:
    @pytest.mark.parametrize("workers", [0, 1])
    def test_next_step_equals_sync_vector_env(self, make: Make, workers: int) -> None:
        vector = make(autoreset_mode="NextStep", workers=workers)
        reference = sync(mode=AutoresetMode.NEXT_STEP)
        assert vector.metadata == reference.metadata
        rng = np.random.default_rng(0)
        found, expected = vector.reset(seed=5), reference.reset(seed=5)
        for _ in range(5):
            assert_same_step(found, expected)
            actions = actions_for(expected[0], rng)
            found, expected = vector.step(actions), reference.step(actions)
        # Some begin anew while the others are in an episode, and the other way round.
        for mask in ([True, False, True], [False, True, False], [False, False, True]):
            options = [{"reset_mask": np.array(mask)} for _ in range(2)]
            assert_same_step(vector.reset(options=options[0]), reference.reset(options=options[1]))
            found, expected = vector.step(actions), reference.step(actions)
            assert_same_step(found, expected)
            assert set(expected[2].tolist()) == {True, False}

    @pytest.mark.parametrize("workers", [0, 1])
    def test_disabled_equals_sync_vector_env(self, make: Make, workers: int) -> None:
        vector = make(autoreset_mode=AutoresetMode.DISABLED, workers=workers)
        reference = sync(mode=AutoresetMode.DISABLED)
        vector.reset(seed=5)
        actions = actions_for(reference.reset(seed=5)[0], np.random.default_rng(0))
        assert_same_step(vector.step(actions), reference.step(actions))
        with pytest.raises(ResetNeeded, match=r"environments \[0, 1, 2\] have ended"):
            vector.step(actions)
        options = [{"reset_mask": np.array([True, False, True])} for _ in range(2)]
        assert_same_step(vector.reset(options=options[0]), reference.reset(options=options[1]))
        with pytest.raises(ResetNeeded, match=r"environments \[1\] have ended"):
            vector.step(actions)
        assert_same_step(vector.reset(), reference.reset())
        assert_same_step(vector.step(actions), reference.step(actions))

    def test_segmentations_stay_until_the_next_episode(self, make: Make) -> None:
        vector = make(2, autoreset_mode="NextStep")
        observations, _ = vector.reset(seed=5)
        vector.step(actions_for(observations, np.random.default_rng(0)))
        for found in vector.get_attr("segmentation"):
            assert found.max() > 1
        assert all(scores is not None for scores in vector.get_attr("scores"))

    def test_vector_observation_wrappers_of_gymnasium(self, make: Make) -> None:
        for mode in ("NextStep", "Disabled"):
            vector = FilterObservation(make(2, autoreset_mode=mode), ["edge_features"])
            observations, _ = vector.reset(seed=0)
            assert set(observations) == {"edge_features"}
            filtered, *_ = vector.step(observations["edge_features"][:, :, 0])
            assert filtered in vector.observation_space

    def test_a_mode_in_the_spec_survives_json(self, make: Make) -> None:
        vector = make(2, autoreset_mode="Disabled")
        assert vector.spec is not None
        again = gym.make_vec(EnvSpec.from_json(vector.spec.to_json()))
        assert again.metadata["autoreset_mode"] is AutoresetMode.DISABLED


class TestMaking:
    def test_make_vec_prefers_it(self) -> None:
        assert isinstance(gym.make_vec(ID, **SMALL), SuperpixelVectorEnv)

    def test_the_spec_survives_json(self, make: Make) -> None:
        vector = make(2, subgraph_sizes=[3, 5], copy=False)
        assert vector.spec is not None
        again = gym.make_vec(EnvSpec.from_json(vector.spec.to_json()))
        assert isinstance(again, SuperpixelVectorEnv)
        assert again.num_envs == 2
        assert not again.copy
        assert_same_step(again.reset(seed=1), vector.reset(seed=1))

    def test_graphs_are_made_once(self, make: Make) -> None:
        vector = make(3, pool_size=2)
        for _ in range(3):
            vector.reset()
        pools = {id(pool) for pool in vector.get_attr("pool")}
        assert len(pools) == 1
        graphs = [env.unwrapped.graph for env in vector.envs]
        assert len({id(graph) for graph in graphs}) <= 2

    @pytest.mark.parametrize(
        ("kwargs", "match"),
        [
            ({"num_envs": 0}, "num_envs must be a whole number in .1, 65536., got 0"),
            ({"workers": -1}, "workers must be a whole number in .0, 256., got -1"),
            ({"workers": 10**6}, "workers must be a whole number in .0, 256., got 1000000"),
            ({"num_envs": 10**9}, "num_envs must be a whole number in .1, 65536., got 1000000000"),
            (
                {"num_envs": 60000, "max_edges": 10**5},
                "60000 environments .* GiB.* num_envs",
            ),
            ({"worker_time_limit": 0}, "worker_time_limit must be > 0 s, got 0"),
            ({"autoreset_mode": "Next"}, "autoreset_mode must be one of .*NextStep.*, got 'Next'"),
            ({"pool_sise": 3}, "unexpected keyword argument 'pool_sise'; did you mean 'pool_size'"),
            ({"render_mode": "ansi"}, "render_mode must be one of"),
        ],
    )
    def test_wrong_keywords(self, kwargs: dict[str, Any], match: str) -> None:
        with pytest.raises(ValueError, match=match):
            SuperpixelVectorEnv(**{**SMALL, "source": "circles", **kwargs})


class TestMemory:
    def test_nothing_handed_out_is_shared(self, make: Make) -> None:
        vector = make(2)
        handed_out: list[Any] = [*vector.reset(seed=0)]
        for _ in range(2):
            actions = actions_for(handed_out[0], np.random.default_rng(0))
            handed_out += [actions, *vector.step(actions)]
        graphs = [env.unwrapped.graph for env in vector.envs]
        kept = [v for graph in graphs for v in (*vars(graph).values(), *vars(graph.sums).values())]
        arrays = list(arrays_in(handed_out))
        assert len(arrays) > 60
        for i, array in enumerate(arrays):
            for other in (*arrays[:i], *arrays_in(kept)):
                assert not np.shares_memory(array, other)

    def test_spoiling_what_was_handed_out_changes_nothing(self, make: Make) -> None:
        vector, reference = make(2), sync(2)
        expected = reference.reset(seed=0)
        found = vector.reset(seed=0)
        for _ in range(3):
            assert_same_step(found, expected)
            actions = actions_for(expected[0], np.random.default_rng(0))
            own = actions.copy()
            for array in arrays_in(found):
                array[...] = 99
            found, expected = vector.step(own), reference.step(actions)
            assert np.array_equal(own, actions)
            own[:] = 0.123
        assert_same_step(found, expected)

    def test_without_copies_final_observations_are_what_was_handed_out(self, make: Make) -> None:
        vector = make(2, copy=False)
        observations, _ = vector.reset(seed=0)
        *_, infos = vector.step(actions_for(observations, np.random.default_rng(0)))
        for i, final in enumerate(infos["final_obs"]):
            assert all(np.shares_memory(final[key], observations[key][i]) for key in final)


class TestOptions:
    def test_an_index_per_environment(self, make: Make) -> None:
        vector = make(3)
        observations, infos = vector.reset(options={"index": [3, 0, np.int64(2)]})
        assert infos["index"].tolist() == [3, 0, 2]
        single = SuperpixelEnv("circles", **SMALL)
        for i, index in enumerate((3, 0, 2)):
            expected, info = single.reset(options={"index": index})
            assert_same({key: observations[key][i] for key in expected}, expected)
            assert_same(infos["subgraphs"][i], info["subgraphs"])

    @pytest.mark.parametrize(
        ("arguments", "match"),
        [
            ({"options": 5}, r"reset options must be a dict such as \{'index': 0\}, got 5"),
            ({"options": {"idnex": 1}}, "unknown option 'idnex'; did you mean 'index'"),
            ({"options": {"mask": 1}}, "unknown option 'mask'; .*index, reset_mask"),
            ({"options": {"index": [0, 1]}}, "index must be one value or one per .*3, got 2"),
            ({"options": {"index": [0, 1, "a"]}}, "environment 2: .*index must be an integer"),
            ({"seed": [1, 2]}, "seed must be one value or one per environment, 3, got 2"),
            ({"options": {"reset_mask": [1, 0, 1]}}, r"reset_mask must be bool \(3,\)"),
            ({"options": {"reset_mask": np.zeros(3, bool)}}, "at least one True"),
        ],
    )
    def test_refusals(self, make: Make, arguments: dict[str, Any], match: str) -> None:
        with pytest.raises(ValueError, match=match):
            make(3).reset(**arguments)


class TestRefusals:
    def test_a_bad_action_is_named_and_ends_nothing(self, make: Make) -> None:
        vector, reference = make(3), sync(3)
        observations, _ = vector.reset(seed=0)
        reference.reset(seed=0)
        good = actions_for(observations, np.random.default_rng(0))
        bad = good.copy()
        bad[2, -1] = np.nan
        for actions, match in (
            (bad, r"environment 2: action must lie in \[0, 1\] without NaN"),
            (good + 1, "environment 0: action must lie"),
            (good[:, 1:], rf"environment 0: action must have shape \({good.shape[1]},\)"),
            ([good[0], good[1][:5], good[2]], r"environment 1: action must have shape .* \(5,\)"),
            (np.ones(good.shape, int), "environment 0: action must hold floats"),
            (
                good[:2],
                r"actions must have shape \(3, 160\), one row per environment, got \(2, 160\)",
            ),
            (list(good[:2]), r"one row per environment, got 2"),
            (good[0], r"one row per environment, got \(160,\)"),
            (0.5, r"actions must have shape .*, one row per environment, got 0\.5"),
            (np.array(0.5), "actions must have shape"),
        ):
            with pytest.raises(ValueError, match=match):
                vector.step(actions)
        assert_same_step(vector.step(good), reference.step(good))

    def test_step_needs_a_reset(self, make: Make) -> None:
        vector = make(2)
        actions = np.zeros(vector.action_space.shape, np.float32)
        with pytest.raises(ResetNeeded):
            vector.step(actions)
        with pytest.raises(ResetNeeded, match="reset all of them"):
            vector.reset(options={"reset_mask": np.array([True, False])})
        vector.reset()
        vector.step(actions)
        vector.step(actions)  # no dummy steps, no resets between


class TestRendering:
    def test_frames_are_those_of_the_environments(self, make: Make) -> None:
        vector, reference = make(2, render_mode="rgb_array"), sync(2, render_mode="rgb_array")
        vector.reset(seed=0), reference.reset(seed=0)
        frames = vector.render()
        assert isinstance(frames, tuple)
        for frame, expected in zip(frames, reference.render(), strict=True):
            assert np.array_equal(frame, expected)

    def test_human_mode_shows_results_before_the_next_images(
        self, make: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shown: list[NDArray] = []
        monkeypatch.setattr(
            "gym_rlseg.pictures.viewer.Viewer.show", lambda _, picture: shown.append(picture)
        )
        vector = make(2, render_mode="human")
        singles = [SuperpixelEnv("circles", **SMALL, render_mode="rgb_array") for _ in range(2)]
        observations, _ = vector.reset(seed=3)
        actions = actions_for(observations, np.random.default_rng(0))
        vector.step(actions)
        expected: list[Any] = []
        for i, env in enumerate(singles):
            env.reset(seed=3 + i)
            expected.append(env.render())
        for env, action in zip(singles, actions, strict=True):
            env.step(action)
            expected.append(env.render())
            env.reset()
            expected.append(env.render())
        assert len(shown) == len(expected) == 6
        for picture, frame in zip(shown, expected, strict=True):
            assert np.array_equal(picture, frame)
        assert vector.render() == (None, None)


@dataclass(frozen=True, kw_only=True)
class Failing(Reward):
    """Refuses every partition that has merged anything."""

    def __call__(self, graph: Any, node_labels: NDArray[np.int32]) -> Scores:
        if node_labels.max() + 1 < graph.n_nodes:
            raise ArithmeticError("merged")
        return CircularityReward(count=3)(graph, node_labels)


def refuse(*_: Any) -> Any:
    """What an exception would be made by again."""
    raise TypeError("two arguments were given")


class CodedError(Exception):
    """Can be pickled, but not unpickled; not even where dask has taught pickle more."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")

    def __reduce__(self) -> Any:
        return refuse, self.args


@dataclass(frozen=True, kw_only=True)
class Odd(Reward):
    """Refuses every partition that has merged anything, by an exception of its own."""

    kind: str

    def __call__(self, graph: Any, node_labels: NDArray[np.int32]) -> Scores:
        class LocalError(Exception):
            """Can't be pickled."""

        if node_labels.max() + 1 < graph.n_nodes:
            raise LocalError("3 is odd") if self.kind == "local" else CodedError(3, "is odd")
        return CircularityReward(count=3)(graph, node_labels)


class TestWorkers:
    @pytest.mark.parametrize("workers", [0, 1])
    def test_a_failing_reward_is_passed_on_and_a_reset_mends_it(
        self, make: Make, workers: int
    ) -> None:
        vector = make(2, reward=Failing(), workers=workers)
        vector.reset(seed=0)
        split = np.ones(vector.action_space.shape, np.float32)
        for row in range(2):
            actions = split.copy()
            actions[row] = 0.0
            with pytest.raises(ArithmeticError, match="merged"):
                vector.step(actions)
            with pytest.raises(ResetNeeded):
                vector.step(split)
            vector.reset(seed=row)
        vector.step(split)

    def test_another_reward_reaches_all_processes(self, make: Make) -> None:
        vector, reference = make(3, workers=1), sync(3)
        other = CircularityReward(count=(1, 9), radius=(3.0, 9.0))
        observations, _ = vector.reset(seed=0)
        reference.reset(seed=0)
        actions = actions_for(observations, np.random.default_rng(0))
        expected = reference.step(actions)
        assert_same_step(vector.step(actions), expected)
        for rewards in (other, [other, CircularityReward(), other]):
            for envs in (vector, reference):
                envs.reset(seed=0)
                envs.set_attr("reward", rewards)
            changed = reference.step(actions)
            assert (changed[1] != expected[1]).all()
            assert_same_step(vector.step(actions), changed)

    @pytest.mark.parametrize("when", ["sending", "waiting", "receiving"])
    def test_an_interrupted_step_leaves_no_trace(
        self, make: Make, monkeypatch: pytest.MonkeyPatch, when: str
    ) -> None:
        """Ctrl-C may come at any time."""
        vector, reference = make(2, workers=1), sync(2)
        observations, _ = vector.reset(seed=0)
        actions = actions_for(observations, np.random.default_rng(0))
        (worker,) = vector._workers
        line = worker._connection

        def half(_: object) -> None:
            os.write(line.fileno(), b"\0\0")
            raise KeyboardInterrupt

        def part() -> None:
            os.read(line.fileno(), 3)
            raise KeyboardInterrupt

        def ends(*_: object) -> None:
            raise KeyboardInterrupt

        place = {"sending": ("send", half), "receiving": ("recv", part)}
        target, (name, replacement) = (
            (line, place[when]) if when in place else (worker, ("receive", ends))
        )
        with monkeypatch.context() as patch:
            patch.setattr(target, name, replacement)
            with pytest.raises(KeyboardInterrupt):
                vector.step(actions)
        with pytest.raises(ResetNeeded):
            vector.step(actions)
        vector.reset(seed=0), reference.reset(seed=0)
        assert_same_step(vector.step(actions), reference.step(actions))

    def test_a_dead_process_is_told_and_replaced(self, make: Make) -> None:
        vector, reference = make(2, workers=1), sync(2)
        observations, _ = vector.reset(seed=0)
        (worker,) = vector._workers
        worker._process.terminate()
        worker._process.join()
        actions = actions_for(observations, np.random.default_rng(0))
        with pytest.raises(RuntimeError, match=r"worker process .* has died; reset\(\) replaces"):
            vector.step(actions)
        vector.reset(seed=0), reference.reset(seed=0)
        assert_same_step(vector.step(actions), reference.step(actions))

    @pytest.mark.parametrize("kind", ["local", "two arguments"])
    def test_an_exception_that_does_not_survive_the_way_says_what_it_was(
        self, make: Make, kind: str
    ) -> None:
        vector = make(2, reward=Odd(kind=kind), workers=1)
        vector.reset(seed=0)
        actions = np.ones(vector.action_space.shape, np.float32)
        actions[1] = 0.0
        with pytest.raises(RuntimeError, match=r"^(Local|Coded)Error: 3 is odd") as caught:
            vector.step(actions)
        (note,) = caught.value.__notes__
        assert note.startswith("raised in a worker process:\nTraceback")
        assert "in __call__" in note
        vector.reset(seed=0)
        vector.step(np.ones_like(actions))

    def test_an_environment_reset_from_outside(self, make: Make) -> None:
        """What it shows then is segmented, not what its worker was told."""
        vector, plain = make(2, workers=1), make(2)
        for envs in (vector, plain):
            envs.reset(seed=0)
            envs.envs[1].reset(options={"index": 3})
        actions = np.random.default_rng(0).random(vector.action_space.shape).astype(np.float32)
        assert_same_step(vector.step(actions), plain.step(actions))

    @pytest.mark.parametrize("workers", [0, 1])
    @pytest.mark.parametrize("copied", [copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))])
    def test_a_copy_has_the_same_future(
        self, make: Make, workers: int, copied: Callable[[Any], Any]
    ) -> None:
        vector = make(2, workers=workers)
        observations, _ = vector.reset(seed=0)
        rng = np.random.default_rng(0)
        vector.step(actions_for(observations, rng))
        twin = copied(vector)
        actions = rng.random(vector.action_space.shape).astype(np.float32)
        for _ in range(2):
            assert_same_step(twin.step(actions), vector.step(actions))
        twin.close()
        vector.step(actions)

    @pytest.mark.parametrize("workers", [0, 1])
    def test_nothing_can_be_done_after_close(self, make: Make, workers: int) -> None:
        vector = make(2, workers=workers)
        observations, _ = vector.reset(seed=0)
        vector.close()
        actions = actions_for(observations, np.random.default_rng(0))
        for call in (vector.reset, lambda: vector.step(actions)):
            with pytest.raises(ClosedEnvironmentError, match="is closed; make another one"):
                call()
        vector.close_extras()

    def test_a_reset_right_after_a_death(self, make: Make) -> None:
        vector, reference = make(2, workers=1), sync(2)
        observations, _ = vector.reset(seed=0)
        actions = actions_for(observations, np.random.default_rng(0))
        for _ in range(5):
            (worker,) = vector._workers
            os.kill(worker._process.pid, signal.SIGKILL)  # type: ignore[arg-type]
            vector.reset(seed=0), reference.reset(seed=0)
            assert_same_step(vector.step(actions), reference.step(actions))

    def test_a_death_between_greeting_and_preparing(
        self, make: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        vector, reference = make(2, workers=1), sync(2)
        observations, _ = vector.reset(seed=0)
        answers = Worker.answers

        def and_dies(self: Worker) -> bool:
            answered = answers(self)
            self._process.kill()
            self._process.join()
            return answered

        with monkeypatch.context() as patch:
            patch.setattr(Worker, "answers", and_dies)
            vector.reset(seed=0), reference.reset(seed=0)
        actions = actions_for(observations, np.random.default_rng(0))
        assert_same_step(vector.step(actions), reference.step(actions))

    def test_a_stopped_process_holds_nothing_up_for_ever(self, make: Make) -> None:
        vector, reference = make(2, workers=1, worker_time_limit=0.5), sync(2)
        observations, _ = vector.reset(seed=0)
        actions = actions_for(observations, np.random.default_rng(0))
        (worker,) = vector._workers
        os.kill(worker._process.pid, signal.SIGSTOP)  # type: ignore[arg-type]
        with pytest.raises(RuntimeError, match=r"has not answered for 0\.5 s; reset\(\) replaces"):
            vector.step(actions)
        vector.reset(seed=0), reference.reset(seed=0)
        assert_same_step(vector.step(actions), reference.step(actions))
        # Nor does a reset wait for ever, nor whoever sends more than the line holds.
        (worker,) = vector._workers
        os.kill(worker._process.pid, signal.SIGSTOP)  # type: ignore[arg-type]
        with pytest.raises(RuntimeError, match=r"has read nothing for 0\.5 s"):
            worker.submit([np.zeros(10**6, np.float32)])
        vector.reset(seed=0), reference.reset(seed=0)
        assert_same_step(vector.step(actions), reference.step(actions))

    def test_they_end_with_what_they_belong_to(self, make: Make) -> None:
        """Even if workers started later hold copies of the line to them."""
        vector = SuperpixelVectorEnv(2, source="circles", workers=1, **SMALL)
        vector.reset(seed=0)
        make(2, workers=1).reset(seed=0)
        (process,) = [worker._process for worker in vector._workers]
        assert process.is_alive()
        del vector
        gc.collect()
        assert not process.is_alive()

    def test_close_ends_them(self, make: Make) -> None:
        vector = make(3, workers=2)
        vector.reset(seed=0)
        processes = [worker._process for worker in vector._workers]
        assert len(processes) == 2
        vector.close()
        vector.close()
        assert not any(process.is_alive() for process in processes)
