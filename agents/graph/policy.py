"""What an agent has learned, and all that prediction needs: no environment, no optimiser."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from agents.common import checkpoint
from agents.common.loading import load_policy
from agents.graph.acting import edge_weights
from agents.graph.batch import GraphState, collate
from agents.graph.interface import padded_action
from agents.graph.networks import Actor
from agents.graph.options import NETWORK_OPTIONS, NetworkOptions

_FORM = checkpoint.Form(name="Policy", text="gym_rlseg.policy")


class Policy:
    """Weighs the edges of any graph that has the features it was trained with.

    Args:
        actor: the network, on `device`.
        options: that the network was made with.
        features: numbers of node and edge features, (F, D).
        device: where the network lives.
        seed: of the samples.
    """

    def __init__(
        self,
        actor: Actor,
        options: NetworkOptions,
        features: tuple[int, int],
        *,
        device: torch.device,
        seed: int = 0,
    ) -> None:
        self.actor, self.options, self.features, self.device = actor, options, features, device
        # Its own generator: asking for actions must not change a training.
        self._sampling = torch.Generator().manual_seed(seed)

    @classmethod
    def load(cls, path: str | Path, *, device: str = "auto") -> Self:
        """The policy of a checkpoint: one of `save`, or of any agent on graphs.

        Args:
            path: the file; ".pt" is appended if missing.
            device: "auto", "cpu" or "cuda".

        Raises:
            ValueError: naming the file, if it can't be used.
        """

        def make(saved: dict[str, Any], known: dict[str, Any], where: torch.device) -> Any:
            nodes, edges = (int(count) for count in saved["features"])
            # Older files have none.
            (channels,) = (int(count) for count in saved.get("channels", [0]))
            options = NetworkOptions(**known)
            actor = Actor(nodes, edges, options, channels=channels)
            return cls(actor, options, (nodes, edges), device=where)

        policy: Self = load_policy(path, NETWORK_OPTIONS, make, device=device)
        return policy

    @property
    def channels(self) -> int:
        """Channels of the images that it sees, 0 if it sees none."""
        return 0 if self.actor.pixels is None else self.actor.pixels.channels

    @property
    def sees_pixels(self) -> bool:
        """Whether observations must hold the image."""
        return self.actor.pixels is not None

    def save(self, path: str | Path) -> Path:
        """Write a small file from which `load` makes the same policy.

        Args:
            path: file; ".pt" is appended if missing.

        Returns:
            The file written.
        """
        options = {name: getattr(self.options, name) for name in NETWORK_OPTIONS}
        content = {
            "config": options,
            "features": list(self.features),
            "channels": [self.channels],
            "selected": self.actor.state_dict(),
        }
        return checkpoint.write(path, content, form=_FORM)

    def predict(
        self,
        observation: Mapping[str, NDArray],
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[NDArray[np.float32], Any]:
        """Edge weights for one observation, or for a batch of them.

        Args:
            observation: as the environment gives it, with or without a leading batch axis.
            state: returned as it came; the policy has no memory.
            episode_start: ignored.
            deterministic: σ(mean) instead of a sample.

        Returns:
            float32 (max_edges,) or (B, max_edges) in [0, 1], 0 on the padding; and `state`.

        Raises:
            ValueError: if the observation's features aren't those of the policy.
        """
        single = np.asarray(observation["edge_mask"]).ndim == 1
        batch = observation if not single else {k: v[None] for k, v in observation.items()}
        self._check_features(batch)
        states = [
            self._state({k: v[i] for k, v in batch.items()}) for i in range(len(batch["edge_mask"]))
        ]
        generator = None if deterministic else self._sampling
        parts = edge_weights(self.actor, states, generator, self.device)
        weights = np.stack(
            [padded_action(m, w) for m, w in zip(batch["edge_mask"], parts, strict=True)]
        )
        return (weights[0] if single else weights), state

    def distribution(
        self, observation: Mapping[str, NDArray]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and standard deviation of the edges' logits, float32 (E,) each, unpadded."""
        self._check_features(observation)
        batch = collate([self._state(observation)], self.device)
        with torch.no_grad():
            mean, std = self.actor(batch)
        return mean.cpu().numpy(), std.cpu().numpy()

    def _state(self, observation: Mapping[str, NDArray]) -> GraphState:
        return GraphState.from_observation(observation, pixels=self.sees_pixels)

    def _check_features(self, batch: Mapping[str, NDArray]) -> None:
        got = batch["node_features"].shape[-1], batch["edge_features"].shape[-1]
        if got != self.features:
            raise ValueError(
                f"observation must have (node, edge) features {self.features}, got {got}"
            )
