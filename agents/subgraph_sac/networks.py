"""Actor and critic: graph neural networks on the superpixel graph (Eq. 1 and 3)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch_geometric.nn import MessagePassing
from torch_geometric.utils import scatter

from agents.agent_options import NetworkOptions
from agents.subgraph_sac.batch import GraphBatch

_EVIDENCE_MARGIN = 1e-2
_ACTION_MARGIN = 1e-3
_CUT_STEEPNESS = 3.0
_ACTION_INPUTS = 3


class GraphConvolution(MessagePassing):
    """One round of message passing, Eq. 1 (actor) and Eq. 3 (critic).

        f_i <- γ(f_i, 1/|N(i)| Σ_{j in N(i)} φ(f_i, f_j, e_ij))

    with e_ij the edge's features (in the critic with the action among them), and γ, φ
    multi-layer perceptrons. Messages go both ways along each undirected edge. The first
    linear layer of φ on the concatenation is a sum of linear layers per part, applied
    per node before gathering: the same function for a fraction of the work. A residual
    connection and LayerNorm keep several rounds trainable.

    A gate, if given, multiplies φ's hidden units per edge. The critic closes half of
    them on cut edges, so that these units gather what belongs to the same object.

    Shapes: nodes (N, width), edge_index (2, E), edges (E, edge_width), gate (E, width)
    or None -> (N, width).
    """

    def __init__(self, width: int, edge_width: int) -> None:
        super().__init__(aggr="mean")
        self.phi_self = nn.Linear(width, width)
        self.phi_other = nn.Linear(width, width, bias=False)
        self.phi_edge = nn.Linear(edge_width, width, bias=False)
        self.phi_out = nn.Linear(width, width)
        self.gamma = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, width))
        self.norm = nn.LayerNorm(width)

    def forward(
        self, nodes: Tensor, edge_index: Tensor, edges: Tensor, gate: Tensor | None = None
    ) -> Tensor:
        """One round; see the class."""
        both_ways = torch.cat([edge_index, edge_index.flip(0)], dim=1)
        received = self.propagate(
            both_ways,
            size=(nodes.shape[0], nodes.shape[0]),
            own=self.phi_self(nodes),
            other=self.phi_other(nodes),
            from_edges=self.phi_edge(edges).repeat(2, 1),
            gate=None if gate is None else gate.repeat(2, 1),
        )
        # φ's last layer is linear and so commutes with the mean: once per node, not per edge.
        received = self.phi_out(received)
        return self.norm(nodes + self.gamma(torch.cat([nodes, received], dim=1)))

    def message(
        self, own_i: Tensor, other_j: Tensor, from_edges: Tensor, gate: Tensor | None
    ) -> Tensor:
        """φ without its last layer, for each directed edge."""
        message = torch.relu(own_i + other_j + from_edges)
        return message if gate is None else message * gate


class EdgeEncoder(nn.Module):
    """Features per edge that depend on its surroundings, symmetric in its two nodes.

    After every round of message passing each node also receives its graph's mean node:
    rewards depend on the whole image, and two rounds see no further than two edges.
    The read-out of edge (u, v) is a perceptron of f_u + f_v, |f_u - f_v| and e_uv.

    Shapes: batch with nodes (N, F), edges (E, D), gate (E, width) or None -> (E, width).
    """

    def __init__(self, node_features: int, edge_features: int, width: int, layers: int) -> None:
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(node_features, width), nn.ReLU())
        self.rounds = nn.ModuleList(GraphConvolution(width, edge_features) for _ in range(layers))
        self.context = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
        self.sum_in = nn.Linear(width, width, bias=False)
        self.difference_in = nn.Linear(width, width, bias=False)
        self.edge_in = nn.Linear(edge_features, width)
        self.out = nn.Sequential(nn.ReLU(), nn.Linear(width, width), nn.LayerNorm(width), nn.ReLU())

    def forward(self, batch: GraphBatch, edges: Tensor, gate: Tensor | None = None) -> Tensor:
        """Encode; see the class."""
        f = self.embed(batch.node_features)
        for convolution, context in zip(self.rounds, self.context, strict=True):
            f = convolution(f, batch.edge_index, edges, gate)
            f = f + context(_graph_means(f, batch))[batch.node_graph]
        u, v = batch.edge_index
        projected = self.sum_in(f)
        # index_select rather than f[u]: its backward pass is several times faster.
        difference = (f.index_select(0, u) - f.index_select(0, v)).abs()
        hidden = projected.index_select(0, u) + projected.index_select(0, v)
        hidden = hidden + self.difference_in(difference) + self.edge_in(edges)
        return self.out(hidden)


class Actor(nn.Module):
    """The policy π: a normal distribution per edge in logit space.

    Shapes: batch with E edges -> mean (E,) in ± mean_limit, std (E,) in std_range.
    """

    def __init__(self, node_features: int, edge_features: int, config: NetworkOptions) -> None:
        super().__init__()
        self.encoder = EdgeEncoder(node_features, edge_features, config.width, config.layers)
        self.head = nn.Linear(config.width, 2)
        self.from_evidence = config.initial_policy == "evidence"
        self.mean_limit = config.mean_limit
        self.std_range = config.std_range

    def forward(self, batch: GraphBatch) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of every edge's logit."""
        hidden = self.encoder(batch, batch.edge_features)
        raw_mean, raw_std = self.head(hidden).unbind(1)
        if self.from_evidence:
            evidence = batch.edge_features[:, 0].clamp(_EVIDENCE_MARGIN, 1 - _EVIDENCE_MARGIN)
            raw_mean = raw_mean + torch.logit(evidence)
        mean = self.mean_limit * torch.tanh(raw_mean / self.mean_limit)
        low, high = self.std_range
        return mean, low + (high - low) * torch.sigmoid(raw_std)


class Critic(nn.Module):
    """The action values Q_sg: an edge encoder that sees the action, and a head per size.

    The action enters φ of Eq. 3 in two ways: as features of the edge, and as a gate that
    lets half of φ's units pass merged edges only. Without the gate the critic explains
    rewards by the image alone and hardly reacts to the action.

    A head takes the mean of its sub-graph's edge features, as rewards are means too:
    the value doesn't depend on the order in which a sub-graph's edges are listed.

    Shapes: batch with E edges, action (E,) in [0, 1] -> one (S_k,) tensor per size.
    """

    def __init__(
        self, node_features: int, edge_features: int, n_sizes: int, config: NetworkOptions
    ) -> None:
        super().__init__()
        width = self.width = config.width
        self.encoder = EdgeEncoder(
            node_features, edge_features + _ACTION_INPUTS, width, config.layers
        )
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))
            for _ in range(n_sizes)
        )

    def _gate(self, merged: Tensor) -> Tensor:
        """(E,) -> (E, width): `merged` for the first half of the units, 1 for the others."""
        closing = merged[:, None].expand(-1, self.width // 2)
        open_ = torch.ones_like(merged)[:, None].expand(-1, self.width - self.width // 2)
        return torch.cat([closing, open_], dim=1)

    def forward(self, batch: GraphBatch, action: Tensor) -> list[Tensor]:
        """Q of every sub-graph, per size."""
        logit = torch.logit(action.clamp(_ACTION_MARGIN, 1 - _ACTION_MARGIN))
        # The partition turns weights into cuts near 0.5: a steep sigmoid says so.
        merged = torch.sigmoid(-_CUT_STEEPNESS * logit)
        inputs = torch.stack([action, merged, logit / _CUT_STEEPNESS], dim=1)
        hidden = self.encoder(
            batch, torch.cat([batch.edge_features, inputs], dim=1), self._gate(merged)
        )
        return [
            head(_subgraph_means(hidden, ids)).squeeze(1)
            for head, ids in zip(self.heads, batch.subgraphs, strict=True)
        ]


def _graph_means(nodes: Tensor, batch: GraphBatch) -> Tensor:
    """Mean over each graph's nodes: (N, width) -> (G, width)."""
    n_graphs = len(batch.edges_per_graph)
    return scatter(nodes, batch.node_graph, dim=0, dim_size=n_graphs, reduce="mean")


def _subgraph_means(hidden: Tensor, ids: Tensor) -> Tensor:
    """Mean over each sub-graph's edges: (E, width), (S, k) -> (S, width)."""
    members = hidden.index_select(0, ids.reshape(-1))
    return members.view(*ids.shape, hidden.shape[1]).mean(dim=1)


def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Draw every linear layer's weights from `generator`, as torch's own start does."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            bound = 1 / math.sqrt(layer.in_features)
            with torch.no_grad():
                layer.weight.uniform_(-bound, bound, generator=generator)
                if layer.bias is not None:
                    layer.bias.uniform_(-bound, bound, generator=generator)
    if isinstance(module, Actor):
        # A zero last layer: the untrained policy is exactly the evidence (or 0.5).
        nn.init.zeros_(module.head.weight)
        nn.init.zeros_(module.head.bias)
