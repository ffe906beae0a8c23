"""Graphs and observations as torch-geometric has them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch_geometric.loader import DataLoader
from torch_geometric.nn import GCNConv

from agents.graph.to_pyg import to_pyg
from gym_rlseg.envs import SuperpixelEnv, SuperpixelVectorEnv

KEYWORDS = {"source": "circles", "height": 64, "width": 64, "pool_size": 2, "subgraph_sizes": (4,)}


@pytest.fixture(scope="module")
def env() -> SuperpixelEnv:
    return SuperpixelEnv(**KEYWORDS)  # type: ignore[arg-type]


def test_graph_and_observation_agree(env: SuperpixelEnv) -> None:
    observation, _ = env.reset(options={"index": 1})
    graph, data = env.graph, to_pyg(env.graph)
    assert data.validate()
    assert data.is_undirected()
    assert (data.num_nodes, data.num_edges) == (graph.n_nodes, 2 * graph.n_edges)
    np.testing.assert_array_equal(data.x, graph.node_features)
    np.testing.assert_array_equal(data.edge_index[:, : graph.n_edges].T, graph.edges)
    np.testing.assert_array_equal(data.edge_index[:, graph.n_edges :].T, graph.edges[:, ::-1])
    for half in (slice(None, graph.n_edges), slice(graph.n_edges, None)):
        np.testing.assert_array_equal(data.edge_attr[half], graph.edge_features)
    other = to_pyg(observation)
    for name in ("x", "edge_index", "edge_attr"):
        assert torch.equal(data[name], other[name])
        assert data[name].dtype == (torch.int64 if name == "edge_index" else torch.float32)
    data.x[:] = 0.0  # a copy
    assert env.graph.node_features.any()


def test_batches_and_convolutions_take_them(env: SuperpixelEnv) -> None:
    graphs = [env.pool.graph(index) for index in range(2)]
    batch = next(iter(DataLoader([to_pyg(graph) for graph in graphs], batch_size=2)))
    assert batch.num_nodes == sum(graph.n_nodes for graph in graphs)
    out = GCNConv(batch.x.shape[1], 3)(batch.x, batch.edge_index)
    assert out.shape == (batch.num_nodes, 3)


def test_refuses_a_batch() -> None:
    observations, _ = SuperpixelVectorEnv(2, **KEYWORDS).reset(seed=0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="to_pyg takes one observation"):
        to_pyg(observations)
    one = {name: array[0] for name, array in observations.items()}
    assert to_pyg(one).num_nodes == int(one["node_mask"].sum())
