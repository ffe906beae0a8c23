"""A features extractor for policies of one's own: features per edge."""

from __future__ import annotations

from typing import Any

from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import TensorDict
from torch import Tensor

from agents.graph.interface import feature_counts
from agents.graph.networks import EdgeEncoder
from agents.sb3.graphs import graph_batch, padded


class GraphExtractor(BaseFeaturesExtractor):
    """A graph neural network from padded observations to features per edge.

    Renumbering a graph's nodes or edges renumbers the features and changes nothing else;
    padding neither enters them nor gets any. A head that is applied to each edge alone,
    such as `nn.Linear(features_dim, 1)`, keeps that property; an MLP on the flattened
    features would lose it.

    Shapes: observation with a batch axis B -> (B, max_edges, width), 0 on the padding.

    Args:
        observation_space: that of a padded graph.
        width: features per edge, `features_dim`.
        layers: rounds of message passing.
    """

    def __init__(
        self, observation_space: spaces.Space[Any], *, width: int = 32, layers: int = 2
    ) -> None:
        node_features, edge_features = feature_counts(observation_space)
        super().__init__(observation_space, features_dim=width)
        self.encoder = EdgeEncoder(node_features, edge_features, width, layers)

    def forward(self, observations: TensorDict) -> Tensor:
        """Encode; see the class."""
        batch = graph_batch(observations)
        return padded(self.encoder(batch, batch.edge_features), observations["edge_mask"], 0.0)
