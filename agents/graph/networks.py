"""The policy network, and the graph neural network beneath actors and critics (Eq. 1)."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import torch
from torch import Tensor, nn

from agents.graph.batch import GraphBatch
from agents.graph.options import NetworkOptions
from agents.graph.passing import ends, messages, single
from agents.pixels.seeing import PixelFeatures, initialise_convolutions

_EVIDENCE_MARGIN = 1e-2


class GraphConvolution(nn.Module):
    """One round of message passing, Eq. 1 (actor) and Eq. 3 (critic).

        f_i <- γ(f_i, 1/|N(i)| Σ_{j in N(i)} φ(f_i, f_j, e_ij))

    with e_ij the edge's features (in the critic with the action among them), and γ, φ
    multi-layer perceptrons. Messages go both ways along each undirected edge. The first
    linear layer of φ on the concatenation is a sum of linear layers per part, applied
    per node before gathering: the same function for a fraction of the work. A residual
    connection and LayerNorm keep several rounds trainable.

    A gate, if given, multiplies the first of φ's hidden units per edge. The critic closes half
    of them on cut edges, so that these units gather what belongs to the same object.

    Shapes: nodes (N, width), edge_index (2, E), edges (E, edge_width) where edge_width may be
    0, gate (E, up to width) or None -> (N, width).
    """

    def __init__(self, width: int, edge_width: int) -> None:
        super().__init__()
        self.phi_self = nn.Linear(width, width)
        self.phi_other = nn.Linear(width, width, bias=False)
        self.phi_edge = nn.Linear(edge_width, width, bias=False) if edge_width else None
        self.phi_out = nn.Linear(width, width)
        self.gamma = nn.Sequential(
            nn.Linear(2 * width, width), nn.ReLU(inplace=True), nn.Linear(width, width)
        )
        self.norm = nn.LayerNorm(width)

    def forward(
        self, nodes: Tensor, edge_index: Tensor, edges: Tensor, gate: Tensor | None = None
    ) -> Tensor:
        """One round; see the class."""
        of_edges = None if self.phi_edge is None else self.phi_edge(edges)
        own, other = self.phi_self(nodes), self.phi_other(nodes)
        received = messages(own, other, of_edges, gate, edge_index)
        # φ's last layer is linear and so commutes with the mean: once per node, not per edge.
        received = self.phi_out(received)
        return self.norm(nodes + self.gamma(torch.cat([nodes, received], dim=1)))


class EdgeEncoder(nn.Module):
    """Features per edge that depend on its surroundings, symmetric in its two nodes.

    After every round of message passing each node also receives its graph's mean node, unless
    `context` is False: rewards depend on the whole image, and two rounds see no further than
    two edges.
    The read-out of edge (u, v) is a perceptron of f_u + f_v, |f_u - f_v| and e_uv.

    Shapes: batch with nodes (N, F), edges (E, D), gate (E, up to width) or None -> (E, width).
    """

    def __init__(
        self,
        node_features: int,
        edge_features: int,
        width: int,
        layers: int,
        *,
        context: bool = True,
    ) -> None:
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(node_features, width), nn.ReLU(inplace=True))
        self.rounds = nn.ModuleList(GraphConvolution(width, edge_features) for _ in range(layers))
        with_context = layers if context else 0
        self.context = nn.ModuleList(nn.Linear(width, width) for _ in range(with_context))
        self.sum_in = nn.Linear(width, width, bias=False)
        self.difference_in = nn.Linear(width, width, bias=False)
        self.edge_in = nn.Linear(edge_features, width) if edge_features else None
        self.out = nn.Sequential(
            nn.ReLU(inplace=True),
            nn.Linear(width, width),
            nn.LayerNorm(width),
            nn.ReLU(inplace=True),
        )

    def forward(self, batch: GraphBatch, edges: Tensor, gate: Tensor | None = None) -> Tensor:
        """Encode; see the class."""
        f = self.embed(batch.node_features)
        for convolution, context in itertools.zip_longest(self.rounds, self.context):
            f = convolution(f, batch.edge_index, edges, gate)
            if context is not None:
                f = f + context(_graph_means(f, batch)).index_select(0, batch.node_graph)
        hidden, difference = ends(self.sum_in(f), f, batch.edge_index)
        hidden = hidden.add_(self.difference_in(difference))
        return self.out(hidden if self.edge_in is None else hidden.add_(self.edge_in(edges)))


class Actor(nn.Module):
    """The policy π: a normal distribution per edge in logit space.

    With `config.unet` it has features of its own besides, which a U-Net learns from pixels.

    Args:
        node_features: F.
        edge_features: D.
        config: options.
        channels: of the images, if it has a U-Net.

    Shapes: batch with E edges -> mean (E,) in ± mean_limit, std (E,) in std_range.
    """

    def __init__(
        self, node_features: int, edge_features: int, config: NetworkOptions, *, channels: int = 0
    ) -> None:
        super().__init__()
        self.pixels = PixelFeatures(channels, config.unet) if config.unet else None
        seen = self.pixels.features if self.pixels is not None else 0
        self.encoder = EdgeEncoder(
            node_features + seen,
            edge_features + seen if config.edge_features else 0,
            config.width,
            config.layers,
            context=config.context,
        )
        self.head = nn.Linear(config.width, 2)
        self.from_evidence = config.initial_policy == "evidence"
        self.mean_limit = config.mean_limit
        self.std_range = config.std_range

    def forward(self, batch: GraphBatch) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of every edge's logit."""
        batch = with_pixels(batch, self.pixels)
        hidden = self.encoder(batch, batch.edge_features)
        raw_mean, raw_std = single(self.head(hidden)).unbind(1)
        if self.from_evidence:
            evidence = batch.edge_features[:, 0].clamp(_EVIDENCE_MARGIN, 1 - _EVIDENCE_MARGIN)
            raw_mean = raw_mean + torch.logit(evidence)
        mean = self.mean_limit * torch.tanh(raw_mean / self.mean_limit)
        low, high = self.std_range
        return mean, low + (high - low) * torch.sigmoid(raw_std)


def with_pixels(batch: GraphBatch, pixels: PixelFeatures | None) -> GraphBatch:
    """A batch with what a U-Net sees as further columns of its features; None changes nothing.

    Raises:
        ValueError: if there are no images to see.
    """
    if pixels is None:
        return batch
    if batch.pixels is None:
        raise ValueError("a policy that sees pixels needs the images of all graphs")
    of_nodes, of_edges = pixels(batch.pixels)
    return replace(
        batch,
        node_features=torch.cat([batch.node_features, of_nodes], dim=1),
        edge_features=torch.cat([batch.edge_features, of_edges], dim=1),
    )


def _graph_means(nodes: Tensor, batch: GraphBatch) -> Tensor:
    """Mean over each graph's nodes: (N, width) -> (G, width)."""
    n_graphs = len(batch.edges_per_graph)
    sums = nodes.new_zeros(n_graphs, nodes.shape[1]).index_add(0, batch.node_graph, nodes)
    return sums / batch.nodes_per_graph[:, None]


def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Draw every layer's weights from `generator`, linear ones as torch's own start does."""
    initialise_convolutions(module, generator)
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            bound = 1 / math.sqrt(layer.in_features)
            with torch.no_grad():
                layer.weight.uniform_(-bound, bound, generator=generator)
                if layer.bias is not None:
                    layer.bias.uniform_(-bound, bound, generator=generator)
    if isinstance(module, Actor):
        # A zero last layer: the untrained policy is the evidence (or 0.5), but for the tanh
        # that keeps its mean within the limit.
        nn.init.zeros_(module.head.weight)
        nn.init.zeros_(module.head.bias)
