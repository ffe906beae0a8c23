"""GraphObservation: the padded observation, trimmed."""

import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.spaces import GraphInstance
from gymnasium.utils.env_checker import check_env, data_equivalence
from numpy.testing import assert_array_equal

from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.wrappers import GraphObservation

ENV_ID = "RLSeg-Circles-v0"


def made(**kwargs):
    return gym.make(ENV_ID, **{"pool_size": 2, "subgraph_sizes": [4], **kwargs})


def direct(**kwargs):
    return SuperpixelEnv("circles", **{"pool_size": 2, "subgraph_sizes": (4,), **kwargs})


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
        check_env(wrapped)


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
        (entries(node_mask=spaces.Discrete(3)), "'node_mask' must be a Box of 1-D"),
        (entries(edge_index=spaces.Box(0, 1, (5,))), "'edge_index' must be a Box of 2-D"),
    ],
)
def test_refuses_other_observations(space, match):
    with pytest.raises(ValueError, match=match):
        GraphObservation(Fixed(space))


def test_refuses_to_wrap_twice():
    with pytest.raises(ValueError, match="got Graph"):
        GraphObservation(GraphObservation(made()))
