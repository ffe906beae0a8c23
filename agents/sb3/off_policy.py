"""What `GraphSAC` and `GraphTD3` share: one-step episodes, credit per edge, no warm-up."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
import torch
from stable_baselines3.common.noise import ActionNoise
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.policies import BasePolicy

from agents.graph.batch import GraphBatch
from agents.sb3.buffers import OneStepReplayBuffer, SubgraphReplaySamples
from agents.sb3.credit import check_policy, credited_loss, descend
from agents.sb3.graphs import graph_batch
from agents.sb3.networks import weights


class GraphOffPolicyAlgorithm(OffPolicyAlgorithm):
    """Comes before stable-baselines3's class among the bases of an algorithm.

    Attributes:
        credit: whose rewards the critic learns.
        max_grad_norm: greatest norm of a gradient.
    """

    #: Policies must be of this class.
    graph_policy: ClassVar[type[BasePolicy]]
    actor: Any
    critic: Any
    credit: str
    max_grad_norm: float

    @abstractmethod
    def _optimizers(self) -> list[torch.optim.Optimizer]:
        """Those whose learning rate follows the schedule."""

    @abstractmethod
    def _update_actor(self, batch: GraphBatch) -> dict[str, float]:
        """What follows a critic's update; returns what is worth logging."""

    def _setup_model(self) -> None:
        check_policy(self.policy_class, self.graph_policy)
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
        self._update_learning_rate(self._optimizers())
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
        losses = [credited_loss(self.credit, values, batch, data) for values in taken]
        loss = torch.stack(losses).sum()
        descend(self.critic, loss, self.max_grad_norm)
        return loss.item()

    @contextmanager
    def _critic_at_rest(self) -> Iterator[None]:
        """The critic only passes the gradient on; its own weights need none."""
        self.critic.requires_grad_(False)
        try:
            yield
        finally:
            self.critic.requires_grad_(True)
