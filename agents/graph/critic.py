"""The critic: values of sub-graphs under given weights (Eq. 3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from agents.graph.batch import GraphBatch
from agents.graph.networks import EdgeEncoder, with_pixels
from agents.graph.options import NetworkOptions
from agents.graph.passing import means, single
from agents.pixels.seeing import PixelFeatures

_ACTION_MARGIN = 1e-3
_CUT_STEEPNESS = 3.0
_ACTION_INPUTS = 3


class Critic(nn.Module):
    """The action values Q_sg: an edge encoder that sees the action, and a head per size.

    The action enters φ of Eq. 3 in two ways: as features of the edge, and as a gate that
    lets half of φ's units pass merged edges only. Without the gate the critic explains
    rewards by the image alone and hardly reacts to the action.

    A head takes the mean of its sub-graph's edge features, as rewards are means too:
    the value doesn't depend on the order in which a sub-graph's edges are listed. The
    paper's, with `pooled` False, takes all of them.

    With `config.unet` it has features of its own besides, which a U-Net learns from pixels: one
    pass of `see` serves several calls of `values`.

    Shapes: batch with E edges, action (E,) in [0, 1] -> one (S_k,) tensor per size.
    """

    def __init__(
        self,
        node_features: int,
        edge_features: int,
        sizes: Sequence[int],
        config: NetworkOptions,
        *,
        gate: bool = True,
        pooled: bool = True,
        channels: int = 0,
    ) -> None:
        super().__init__()
        self.pixels = PixelFeatures(channels, config.unet) if config.unet else None
        seen = self.pixels.features if self.pixels is not None else 0
        width = self.width = config.width
        self.sees_edges, self.gated, self.pooled = config.edge_features, gate, pooled
        self.encoder = EdgeEncoder(
            node_features + seen,
            (edge_features + seen) * config.edge_features + _ACTION_INPUTS,
            width,
            config.layers,
            context=config.context,
        )
        self.heads = nn.ModuleList(
            nn.Sequential(
                nn.Linear(width if pooled else size * width, width),
                nn.ReLU(inplace=True),
                nn.Linear(width, 1),
            )
            for size in sizes
        )

    def _gate(self, merged: Tensor) -> Tensor:
        """(E,) -> (E, width / 2): `merged` for the first half of the units."""
        return merged[:, None].expand(-1, self.width // 2)

    def forward(self, batch: GraphBatch, action: Tensor) -> list[Tensor]:
        """Q of every sub-graph, per size."""
        return self.values(self.see(batch), action)

    def see(self, batch: GraphBatch) -> GraphBatch:
        """The batch with what the U-Net sees, if there is one."""
        return with_pixels(batch, self.pixels)

    def values(self, batch: GraphBatch, action: Tensor) -> list[Tensor]:
        """Q of every sub-graph, per size, of a batch that `see` gave."""
        logit = torch.logit(action.clamp(_ACTION_MARGIN, 1 - _ACTION_MARGIN))
        # The partition turns weights into cuts near 0.5: a steep sigmoid says so.
        merged = torch.sigmoid(-_CUT_STEEPNESS * logit)
        inputs = torch.stack([action, merged, logit / _CUT_STEEPNESS], dim=1)
        if self.sees_edges:
            inputs = torch.cat([batch.edge_features, inputs], dim=1)
        hidden = self.encoder(batch, inputs, self._gate(merged) if self.gated else None)
        return [
            single(head(self._of_subgraphs(hidden, ids))).squeeze(1)
            for head, ids in zip(self.heads, batch.subgraphs, strict=True)
        ]

    def _of_subgraphs(self, hidden: Tensor, ids: Tensor) -> Tensor:
        """(E, width), (S, k) -> (S, width), or (S, k width)."""
        if self.pooled:
            return means(hidden, ids)
        return hidden.index_select(0, ids.reshape(-1)).view(len(ids), -1)
