"""What `GraphSAC` and `GraphTD3` share: one-step episodes, credit per edge, no warm-up."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from stable_baselines3.common.noise import ActionNoise
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.policies import BasePolicy
from torch import Tensor, nn

from agents.graph.batch import GraphBatch
from agents.graph.losses import critic_loss
from agents.sb3.buffers import OneStepReplayBuffer, SubgraphReplayBuffer, SubgraphReplaySamples
from agents.sb3.graphs import graph_batch, per_graph, unpadded
from agents.sb3.networks import weights
from gym_rlseg.options import check_declared
from gym_rlseg.options.ranges import Positive

_DEFAULTS: Mapping[str, Any] = {
    "learning_rate": 1e-3,
    "buffer_size": 4000,
    "learning_starts": 64,
    "batch_size": 4,
    "train_freq": 2,
    "replay_buffer_class": SubgraphReplayBuffer,
}


class GraphOffPolicyAlgorithm(OffPolicyAlgorithm):
    """Comes before stable-baselines3's class among the bases of an algorithm.

    Args:
        policy: name of a policy, or its class.
        env: wrapped in `VecNormalize` only with norm_obs=False.
        credit: whose rewards the critic learns. "edge" and "subgraph" need a
            `SubgraphReplayBuffer`.
        max_grad_norm: greatest norm of a gradient.
        **options: the algorithm's own keywords, but learning_rate=1e-3, buffer_size=4000,
            learning_starts=64, batch_size=4 (images), train_freq=2 and
            replay_buffer_class=SubgraphReplayBuffer unless given; the "seed" of
            replay_buffer_kwargs is the agent's.

    Raises:
        ValueError: if an argument can't be used.
    """

    #: Policies must be of this class.
    graph_policy: ClassVar[type[BasePolicy]]
    actor: Any
    critic: Any

    def __init__(
        self,
        policy: str | type[BasePolicy],
        env: Any,
        *,
        credit: Literal["edge", "subgraph", "image"] = "edge",
        max_grad_norm: Positive = 10.0,
        **options: Any,
    ) -> None:
        self.credit, self.max_grad_norm = credit, max_grad_norm
        own = {"credit": credit, "max_grad_norm": max_grad_norm}
        check_declared(GraphOffPolicyAlgorithm.__init__, own)
        options = {**_DEFAULTS, **options}
        buffer = options["replay_buffer_class"]
        if credit != "image" and not issubclass(buffer, SubgraphReplayBuffer):
            raise ValueError(
                f"credit={credit!r} needs a SubgraphReplayBuffer, got {buffer.__name__}; "
                "only credit='image' does without"
            )
        super().__init__(policy, env, **options)  # type: ignore[arg-type]

    @abstractmethod
    def _update_actor(self, batch: GraphBatch) -> dict[str, float]:
        """What follows a critic's update; returns what is worth logging."""

    def _setup_model(self) -> None:
        wanted = self.graph_policy
        if not issubclass(self.policy_class, wanted):  # without values per edge
            raise ValueError(f"policy must be {wanted.__name__}, got {self.policy_class.__name__}")
        assert self.replay_buffer_class is not None
        if issubclass(self.replay_buffer_class, OneStepReplayBuffer):
            self.replay_buffer_kwargs = {"seed": self.seed or 0, **self.replay_buffer_kwargs}
        super()._setup_model()
        normalize = self.get_vec_normalize_env()
        if normalize is not None and normalize.norm_obs:
            raise ValueError(
                "VecNormalize must leave observations alone, norm_obs=False: the policy starts "
                "from the evidence, which is one of the features"
            )

    def _sample_action(
        self, learning_starts: int, action_noise: ActionNoise | None = None, n_envs: int = 1
    ) -> tuple[np.ndarray, np.ndarray]:
        # No uniformly random warm-up.
        return super()._sample_action(0, action_noise, n_envs)

    def train(self, gradient_steps: int, batch_size: int = 4) -> None:
        """`gradient_steps` updates of the critic, and of the actor as the algorithm has it."""
        self.policy.set_training_mode(True)
        optimizers = [self.actor.optimizer, self.critic.optimizer]
        temperature = getattr(self, "ent_coef_optimizer", None)
        self._update_learning_rate(optimizers + [temperature] * (temperature is not None))
        assert self.replay_buffer is not None
        for _ in range(gradient_steps):
            self._n_updates += 1
            data: Any = self.replay_buffer.sample(batch_size, env=self._vec_normalize_env)
            batch = graph_batch(data.observations)
            logged = {"critic_loss": self._update_critic(batch, data), **self._update_actor(batch)}
            for name, value in logged.items():
                self.logger.record_mean(f"train/{name}", value)
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")

    def _update_critic(self, batch: GraphBatch, data: SubgraphReplaySamples) -> float:
        """One update, Eq. 4; returns the loss."""
        taken = self.critic.edge_values(batch, weights(data.actions, data.observations))
        loss = torch.stack([self._credited_loss(values, batch, data) for values in taken]).sum()
        self._descend(self.critic, loss)
        return loss.item()

    def _credited_loss(
        self, values: Tensor, batch: GraphBatch, data: SubgraphReplaySamples
    ) -> Tensor:
        """Eq. 4 on the rewards of edges, of sub-graphs or of images.

        A sub-graph's or an image's value is the mean of its edges', as its reward is.

        Shapes: values (E,) -> scalar.
        """
        if self.credit == "edge":
            rewards = unpadded(data.edge_rewards, data.observations["edge_mask"])
            return critic_loss([values], [rewards])
        if self.credit == "subgraph":
            of_subgraphs = [values[ids].mean(dim=1) for ids in data.subgraphs]
            return critic_loss(of_subgraphs, data.subgraph_rewards)
        return critic_loss([per_graph(values, batch, "mean")], [data.rewards[:, 0]])

    def _descend(self, network: Any, loss: Tensor) -> None:
        """One step of the network's own optimiser on a clipped gradient."""
        network.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), self.max_grad_norm)
        network.optimizer.step()

    @contextmanager
    def _critic_at_rest(self) -> Iterator[None]:
        """The critic only passes the gradient on; its own weights need none."""
        self.critic.requires_grad_(False)
        try:
            yield
        finally:
            self.critic.requires_grad_(True)
