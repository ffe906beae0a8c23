"""Wrappers: what they make of observations and rewards, against values by hand."""

import warnings

import gymnasium as gym
import imageio.v3 as iio
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.spaces import GraphInstance
from gymnasium.utils.env_checker import check_env, data_equivalence
from numpy.testing import assert_array_equal

from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.graph.features import FEATURE_LIMIT
from gym_rlseg.wrappers import (
    FlatObservation,
    GraphObservation,
    ImageObservation,
    NormalizedObservation,
    ScaledReward,
    SubgraphRewardToReward,
)

ENV_ID = "RLSeg-Circles-v0"


# Known to be enough, so that no image has to be looked at to find out.
ROOM = {"max_nodes": 240, "max_edges": 640}


def made(**kwargs):
    return gym.make(ENV_ID, **{"pool_size": 2, "subgraph_sizes": [4], **ROOM, **kwargs})


def direct(**kwargs):
    return SuperpixelEnv("circles", **{"pool_size": 2, "subgraph_sizes": (4,), **ROOM, **kwargs})


@pytest.fixture(scope="module", params=[made, direct, lambda: made(observe_image=True)])
def env(request):
    return request.param()


def test_observations_are_in_their_space(env):
    wrapped = GraphObservation(env)
    assert isinstance(wrapped.observation_space, spaces.Graph)
    observation, _ = wrapped.reset(seed=0)
    assert isinstance(observation, GraphInstance)
    assert observation in wrapped.observation_space
    observation, *_ = wrapped.step(wrapped.action_space.sample())
    assert observation in wrapped.observation_space


def test_spaces_of_nodes_and_edges_are_the_rows_of_the_padded_ones(env):
    space = GraphObservation(env).observation_space
    for part, key in ((space.node_space, "node_features"), (space.edge_space, "edge_features")):
        padded = env.observation_space[key]
        assert part.shape == padded.shape[1:]
        assert part.dtype == padded.dtype
        assert_array_equal(part.low, padded.low[0])
        assert_array_equal(part.high, padded.high[0])


def test_contents_are_those_of_the_padded_observation_and_of_the_graph(env):
    padded, _ = env.reset(seed=3, options={"index": 1})
    observation, _ = GraphObservation(env).reset(seed=3, options={"index": 1})
    n, e = int(padded["node_mask"].sum()), int(padded["edge_mask"].sum())
    assert n < len(padded["node_mask"])  # there is padding to trim
    assert_array_equal(observation.nodes, padded["node_features"][:n])
    assert_array_equal(observation.edges, padded["edge_features"][:e])
    assert_array_equal(observation.edge_links, padded["edge_index"][:, :e].T)
    graph = env.unwrapped.graph
    assert_array_equal(observation.nodes, graph.node_features)
    assert_array_equal(observation.edges, graph.edge_features)
    assert_array_equal(observation.edge_links, graph.edges)
    assert observation.nodes.dtype == observation.edges.dtype == np.float32
    assert observation.edge_links.dtype == np.int64
    assert observation.edge_links.shape == (e, 2)


def test_action_reward_and_info_pass_unchanged():
    plain, wrapped = made(), GraphObservation(made())
    assert wrapped.action_space == plain.action_space
    _, info = plain.reset(seed=0)
    _, wrapped_info = wrapped.reset(seed=0)
    assert data_equivalence(info, wrapped_info, exact=True)
    action = np.linspace(0, 1, plain.action_space.shape[0], dtype=np.float32)
    assert data_equivalence(plain.step(action)[1:], wrapped.step(action)[1:], exact=True)


def test_arrays_are_new_and_the_padded_observation_stays_as_it_was():
    env = direct()
    wrapped = GraphObservation(env)
    padded, _ = env.reset(seed=0)
    before = {key: value.copy() for key, value in padded.items()}
    observation = wrapped.observation(padded)
    for array in observation:
        assert array.flags.c_contiguous
        assert not any(np.shares_memory(array, value) for value in padded.values())
        array += 1
    for key, value in padded.items():
        assert_array_equal(value, before[key])


def test_gymnasium_finds_nothing_to_complain_about():
    wrapped = GraphObservation(made(render_mode="rgb_array"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Said of every environment with a wrapper.
        warnings.filterwarnings("ignore", ".*is different from the unwrapped version")
        check_env(wrapped, skip_render_check=True)


def test_the_spec_survives_json():
    wrapped = GraphObservation(made())
    spec = gym.envs.registration.EnvSpec.from_json(wrapped.spec.to_json())
    again = gym.make(spec)
    assert again.observation_space == wrapped.observation_space
    expected, _ = wrapped.reset(seed=1)
    observation, _ = again.reset(seed=1)
    assert data_equivalence(observation, expected, exact=True)


def test_vector_environments_hold_graphs_of_different_sizes():
    vector = gym.vector.SyncVectorEnv([lambda: GraphObservation(made())] * 2)
    observations, _ = vector.reset(seed=0)
    assert len(observations) == 2
    assert all(isinstance(observation, GraphInstance) for observation in observations)
    vector.close()


class Fixed(gym.Env):
    """An environment that has nothing but an observation space."""

    def __init__(self, observation_space: spaces.Space) -> None:
        self.observation_space = observation_space
        self.action_space = spaces.Discrete(2)


def entries(**changes):
    space = {
        "node_features": spaces.Box(-1, 1, (4, 2)),
        "edge_features": spaces.Box(-1, 1, (5, 3)),
        "edge_index": spaces.Box(0, 3, (2, 5), np.int64),
        "node_mask": spaces.Box(0, 1, (4,), np.int8),
        "edge_mask": spaces.Box(0, 1, (5,), np.int8),
    } | changes
    return spaces.Dict({key: value for key, value in space.items() if value is not None})


def test_accepts_any_environment_with_the_padded_dict():
    space = GraphObservation(Fixed(entries())).observation_space
    assert space.node_space == spaces.Box(-1, 1, (2,))
    assert space.edge_space == spaces.Box(-1, 1, (3,))


@pytest.mark.parametrize(
    ("space", "match"),
    [
        (spaces.Box(0, 1, (3,)), "padded Dict.*got Box"),
        (entries(edge_mask=None), r"\['edge_mask'\] are missing"),
        (entries(node_mask=spaces.Discrete(3)), "'node_mask' must be a Box, got Discrete"),
        (entries(edge_index=spaces.Box(0, 1, (5,))), "'edge_index' must be a Box of 2-D"),
    ],
)
def test_refuses_other_observations(space, match):
    with pytest.raises(ValueError, match=match):
        GraphObservation(Fixed(space))


def test_refuses_to_wrap_twice():
    with pytest.raises(ValueError, match="got Graph"):
        GraphObservation(GraphObservation(made()))


class TestImageObservation:
    def test_has_the_image_and_the_superpixels_alone(self):
        wrapped = ImageObservation(made(observe_image=True))
        observation, _ = wrapped.reset(seed=0)
        graph = wrapped.unwrapped.graph
        assert list(observation) == ["image", "superpixels"]
        assert_array_equal(observation["image"], graph.image)
        assert_array_equal(observation["superpixels"], graph.superpixels)

    def test_edges_say_which_weight_is_whose(self):
        wrapped = ImageObservation(made(observe_image=True), edges=True)
        observation, _ = wrapped.reset(seed=0)
        graph = wrapped.unwrapped.graph
        real = observation["edge_mask"] == 1
        assert_array_equal(observation["edge_index"][:, real].T, graph.edges)
        assert observation["edge_index"].shape[1:] == wrapped.action_space.shape

    def test_as_uint8(self):
        wrapped = ImageObservation(made(observe_image=True), as_uint8=True)
        image = wrapped.reset(seed=0)[0]["image"]
        assert image.dtype == np.uint8
        assert image in wrapped.observation_space["image"]
        assert np.abs(image / 255.0 - wrapped.unwrapped.graph.image).max() <= 0.5 / 255 + 1e-6

    def test_without_images_it_says_what_to_do(self):
        with pytest.raises(
            ValueError, match=r"\['image', 'superpixels'\] are missing .*observe_im"
        ):
            ImageObservation(made())
        with pytest.raises(ValueError, match="as_uint8 must be true or false, got 255"):
            ImageObservation(made(observe_image=True), as_uint8=255)


class TestFlatObservation:
    def test_layout_by_hand(self):
        env = Fixed(entries())
        wrapped = FlatObservation(env, keys=["edge_mask", "node_features", "edge_index"])
        observation = {
            "node_features": np.arange(8, dtype=np.float32).reshape(4, 2) / 10,
            "edge_index": np.array([[0, 0, 1, 2, 0], [1, 2, 3, 3, 0]]),
            "edge_mask": np.array([1, 1, 1, 1, 0], np.int8),
        }
        vector = wrapped.observation(observation)
        assert vector.dtype == np.float32
        np.testing.assert_allclose(
            vector,
            [1, 1, 1, 1, 0, *(0.1 * np.arange(8)), 0, 0, 1, 2, 0, 1, 2, 3, 3, 0],
            atol=1e-7,
        )
        space = wrapped.observation_space
        assert space.shape == vector.shape
        assert_array_equal(space.low, [0] * 5 + [-1] * 8 + [0] * 10)
        assert_array_equal(space.high, [1] * 5 + [1] * 8 + [3] * 10)

    def test_layout_leads_back_to_the_entries(self):
        wrapped = FlatObservation(made())
        assert list(wrapped.layout) == ["edge_features", "edge_mask"]
        vector, _ = wrapped.reset(seed=0)
        assert vector in wrapped.observation_space
        padded, _ = wrapped.env.reset(seed=0)
        for key, (where, shape) in wrapped.layout.items():
            assert_array_equal(vector[where].reshape(shape), padded[key])
        assert sum(where.stop - where.start for where, _ in wrapped.layout.values()) == len(vector)

    def test_a_vector_is_new(self):
        wrapped = FlatObservation(Fixed(entries()), keys=["node_features"])
        padded = {"node_features": np.ones((4, 2), np.float32)}
        wrapped.observation(padded)[:] = 7
        assert (padded["node_features"] == 1).all()

    @pytest.mark.parametrize(
        ("keys", "match"),
        [
            ([], "one or more distinct entries"),
            ("edge_mask", "one or more distinct entries, got 'edge_mask'"),
            (["edge_mask", "edge_mask"], "distinct"),
            (["edge_masks"], r"\['edge_masks'\] are missing"),
            (["image"], "observe_image=True"),
            (["image", "foo"], r"\['image', 'foo'\] are missing from \[.*\]$"),
        ],
    )
    def test_refusals(self, keys, match):
        with pytest.raises(ValueError, match=match):
            FlatObservation(made(), keys=keys)


class TestNormalizedObservation:
    def test_features_of_the_looked_at_images_have_mean_0_and_deviation_1(self):
        # As many images as the pool has, and no clipping: exact up to rounding.
        wrapped = NormalizedObservation(made(), samples=2, keep_evidence=False, clip=1e6)
        nodes, edges = [], []
        for index in range(2):
            observation, _ = wrapped.reset(options={"index": index})
            nodes.append(observation["node_features"][observation["node_mask"] == 1])
            edges.append(observation["edge_features"][observation["edge_mask"] == 1])
        for rows in (np.concatenate(nodes), np.concatenate(edges)):
            deviation = rows.std(axis=0, dtype=np.float64)
            np.testing.assert_allclose(rows.mean(axis=0, dtype=np.float64), 0, atol=1e-5)
            varies = deviation > 0.5
            assert varies.sum() > 3
            np.testing.assert_allclose(deviation[varies], 1, atol=1e-4)
            assert not deviation[~varies].any()

    def test_by_hand(self):
        statistics = {
            "node_mean": [1.0, -2.0],
            "node_std": [0.5, 0.0],
            "edge_mean": [0.5, 0.0, 1.0],
            "edge_std": [0.1, 2.0, 0.25],
        }
        wrapped = NormalizedObservation(Fixed(entries()), statistics=statistics, clip=3.0)
        observation = {
            "node_features": np.array([[2, 5], [1, 5], [0, 5], [0, 0]], np.float32),
            "edge_features": np.array([[0.9, 4, 1], [0, 0, 9], [0, 0, 0], [0, 0, 0], [0, 0, 0]]),
            "edge_index": np.array([[0, 1, 0, 0, 0], [1, 2, 0, 0, 0]]),
            "node_mask": np.array([1, 1, 1, 0], np.int8),
            "edge_mask": np.array([1, 1, 0, 0, 0], np.int8),
        }
        observation["edge_features"] = observation["edge_features"].astype(np.float32)
        before = {key: value.copy() for key, value in observation.items()}
        found = wrapped.observation(observation)
        # (2 - 1) / 0.5 = 2 and so on; the second feature is constant; padding stays 0.
        assert_array_equal(found["node_features"], [[2, 0], [0, 0], [-2, 0], [0, 0]])
        # The evidence is kept; (9 - 1) / 0.25 is clipped.
        np.testing.assert_allclose(
            found["edge_features"], [[0.9, 2, 0], [0, 0, 3], [0, 0, 0], [0, 0, 0], [0, 0, 0]]
        )
        assert found["edge_features"].dtype == np.float32
        for key in ("edge_index", "node_mask", "edge_mask"):
            assert found[key] is observation[key]
        assert data_equivalence(observation, before, exact=True)
        space = wrapped.observation_space
        assert_array_equal(space["edge_features"].low[0], [-1, -3, -3])
        assert_array_equal(space["edge_features"].high[0], [1, 3, 3])
        assert_array_equal(space["node_features"].high[0], [3, 3])
        assert found["node_features"] in space["node_features"]
        assert found["edge_features"] in space["edge_features"]

    def test_the_evidence_is_standardised_on_request(self):
        env = made()
        kept, _ = NormalizedObservation(env, samples=1).reset(seed=0)
        changed, _ = NormalizedObservation(env, samples=1, keep_evidence=False).reset(seed=0)
        padded, _ = env.reset(seed=0)
        real = padded["edge_mask"] == 1
        assert_array_equal(kept["edge_features"][:, 0], padded["edge_features"][:, 0])
        assert changed["edge_features"][real, 0].min() < 0
        assert_array_equal(kept["edge_features"][:, 1:], changed["edge_features"][:, 1:])

    def test_the_spec_holds_the_statistics_for_other_splits(self):
        wrapped = NormalizedObservation(made(), samples=2)
        spec = gym.envs.registration.EnvSpec.from_json(wrapped.spec.to_json())
        test = gym.make(spec, split="test")
        assert test.statistics == wrapped.statistics
        again = NormalizedObservation(made(split="test"), statistics=wrapped.statistics)
        one, two = test.reset(seed=0)[0], again.reset(seed=0)[0]
        assert data_equivalence(one, two, exact=True)
        own = NormalizedObservation(made(split="test"), samples=2)
        assert own.statistics != wrapped.statistics

    def test_images_that_cannot_be_used_are_passed_over(self, tmp_path):
        rng = np.random.default_rng(0)
        for i in range(3):
            image = np.full((48, 48), 7, np.uint8) if i == 1 else rng.integers(0, 255, (48, 48))
            iio.imwrite(tmp_path / f"{i}.png", image.astype(np.uint8))
        env = gym.make("RLSeg-Images-v0", path=str(tmp_path), validation_fraction=0.0)
        wrapped = NormalizedObservation(env, samples=3)
        assert len(env.unwrapped.pool.unusable) == 1
        assert np.isfinite(wrapped.reset(seed=0)[0]["node_features"]).all()

    def test_wraps_and_is_wrapped(self):
        wrapped = GraphObservation(NormalizedObservation(made(observe_image=True), samples=1))
        observation, _ = wrapped.reset(seed=0)
        assert observation in wrapped.observation_space
        assert np.abs(observation.nodes).max() <= 10.0
        assert FEATURE_LIMIT > 10.0  # so that the space has changed

    @pytest.mark.parametrize(
        ("kwargs", "match"),
        [
            ({"samples": 0}, "samples must be a whole number >= 1, got 0"),
            ({"clip": 0.0}, "clip must be a finite number > 0, got 0"),
            ({}, "statistics must be given, as there is no pool of images in Fixed"),
            ({"statistics": {"node_mean": [1.0]}}, "statistics must be a dict of"),
            (
                {
                    "statistics": {
                        "node_mean": [0],
                        "node_std": [1],
                        "edge_mean": [],
                        "edge_std": [],
                    }
                },
                "node_mean must be 2 numbers",
            ),
            (
                {
                    "statistics": {
                        "node_mean": [0, 0],
                        "node_std": [1, -1],
                        "edge_mean": [0] * 3,
                        "edge_std": [1] * 3,
                    }
                },
                "node_std must be >= 0, got -1",
            ),
            ({"samples": 2.5}, "samples must be a whole number >= 1, got 2.5"),
            ({"clip": "a"}, "clip must be a finite number > 0, got 'a'"),
        ],
    )
    def test_refusals(self, kwargs, match):
        with pytest.raises(ValueError, match=match):
            NormalizedObservation(Fixed(entries()), **kwargs)


class TestRewards:
    def outcome(self, wrap):
        """Reward and info of a step, and the graph."""
        env = wrap(made(subgraph_sizes=[3, 9]))
        observation, _ = env.reset(seed=0)
        _, reward, _, _, info = env.step(observation["edge_features"][:, 0])
        return reward, info, env.unwrapped.graph

    def test_global_is_the_environments_own(self):
        plain, info, graph = self.outcome(lambda env: env)
        reward, wrapped_info, _ = self.outcome(
            lambda env: SubgraphRewardToReward(env, mode="global")
        )
        assert type(reward) is float
        assert reward == plain
        assert reward == pytest.approx(info["edge_rewards"][: graph.n_edges].mean(), abs=1e-6)
        assert data_equivalence(info, wrapped_info, exact=True)

    def test_size_mean_gives_every_size_the_same_weight(self):
        reward, info, _ = self.outcome(SubgraphRewardToReward)
        three, nine = info["subgraph_rewards"]
        assert len(three) != len(nine)
        by_hand = 0.5 * (sum(map(float, three)) / len(three) + sum(map(float, nine)) / len(nine))
        assert reward == pytest.approx(by_hand, abs=1e-6)

    def test_a_size_without_subgraphs_is_left_out(self):
        with pytest.warns(UserWarning, match="sub-graph size 100000 is dropped"):
            env = SubgraphRewardToReward(direct(subgraph_sizes=[4, 10**5], pool_size=1))
        observation, _ = env.reset(seed=0)
        _, reward, _, _, info = env.step(observation["edge_features"][:, 0])
        assert reward == pytest.approx(float(info["subgraph_rewards"][0].mean()), abs=1e-6)

    def test_edge_weights_by_the_length_of_contact(self):
        reward, info, graph = self.outcome(lambda env: SubgraphRewardToReward(env, mode="edge"))
        lengths = graph.outlines.length
        total = sum(
            float(length) * float(score)
            for length, score in zip(lengths, info["edge_rewards"][: graph.n_edges], strict=True)
        )
        assert reward == pytest.approx(total / float(lengths.sum()), abs=1e-6)
        assert reward != pytest.approx(info["edge_rewards"][: graph.n_edges].mean(), abs=1e-4)

    def test_scaled(self):
        plain, info, _ = self.outcome(lambda env: env)
        reward, wrapped_info, _ = self.outcome(lambda env: ScaledReward(env, scale=-2.0, shift=3.0))
        assert type(reward) is float
        assert reward == -2.0 * plain + 3.0
        assert data_equivalence(info, wrapped_info, exact=True)

    def test_refusals(self):
        with pytest.raises(ValueError, match=r"mode must be one of .*'size_mean'.*got 'mean'"):
            SubgraphRewardToReward(made(), mode="mean")
        with pytest.raises(ValueError, match="needs a SuperpixelEnv, got Fixed"):
            SubgraphRewardToReward(Fixed(entries()))
        for kwargs in ({"scale": 0.0}, {"scale": np.inf}, {"shift": np.nan}):
            with pytest.raises(ValueError, match=r"must (be a finite number, got|not be 0)"):
                ScaledReward(Fixed(entries()), **kwargs)
        with pytest.raises(ValueError, match="scale must be a finite number, got 'a'"):
            ScaledReward(Fixed(entries()), scale="a")


@pytest.mark.parametrize(
    "wrap",
    [
        FlatObservation,
        lambda env: NormalizedObservation(env, samples=1),
        SubgraphRewardToReward,
        lambda env: ImageObservation(env, edges=True, as_uint8=True),
    ],
)
def test_stable_baselines3_takes_them(wrap):
    env_checker = pytest.importorskip("stable_baselines3.common.env_checker")
    wrapped = wrap(made(observe_image=True))
    with warnings.catch_warnings():
        # Advice, such as on the range of actions.
        warnings.simplefilter("ignore")
        env_checker.check_env(wrapped, skip_render_check=True)


def test_wrapped_environments_are_vectorised():
    wrappers = (lambda env: NormalizedObservation(env, samples=1), FlatObservation)
    vector = gym.make_vec(
        ENV_ID, 2, "sync", wrappers=wrappers, pool_size=2, subgraph_sizes=[4], **ROOM
    )
    observations, _ = vector.reset(seed=0)
    assert observations.shape == (2, *vector.single_observation_space.shape)
    vector.close()
