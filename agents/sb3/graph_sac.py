"""SAC for one-step episodes on graphs of different sizes, with credit per edge."""

from __future__ import annotations

import math
from typing import Any

import torch
from stable_baselines3 import SAC
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import GymEnv, Schedule
from torch import Tensor

from agents.graph.batch import GraphBatch
from agents.graph.losses import actor_loss, temperature_loss
from agents.sb3.buffers import SubgraphReplayBuffer
from agents.sb3.credit import check_credit, descend
from agents.sb3.off_policy import GraphOffPolicyAlgorithm
from agents.sb3.options import check_number
from agents.sb3.policies import EdgeSACPolicy


class GraphSAC(GraphOffPolicyAlgorithm, SAC):
    """stable-baselines3's SAC with four changes that these environments call for.

    - The target entropy counts the real edges of each image, not the room for edges.
    - There is nothing to bootstrap, so no target network is asked.
    - The critic learns from the rewards of edges (or of sub-graphs) that `info` holds,
      not from their mean alone; with hundreds of edges this is what makes it learn.
    - Exploration starts from the policy, which starts from the evidence; uniformly random
      weights, SAC's warm-up, cut images to pieces that teach nothing.

    Everything else is SAC's: `learn`, callbacks, `save`, `load`, vector environments.

    Args:
        policy: "EdgeSACPolicy", or a subclass of it.
        env: as for SAC; wrapped in `VecNormalize` only with norm_obs=False.
        credit: whose rewards the critic learns: "edge", "subgraph" or "image". The first two
            need a `SubgraphReplayBuffer`.
        target_entropy: per edge, of a weight in [0, 1].
        max_grad_norm: greatest norm of a gradient.
        learning_rate: see SAC, as for all others.
        buffer_size: see SAC.
        learning_starts: see SAC.
        batch_size: see SAC; images.
        train_freq: see SAC.
        gradient_steps: see SAC.
        ent_coef: see SAC; per edge.
        replay_buffer_class: see SAC.
        replay_buffer_kwargs: see SAC; "seed" is the agent's unless given.
        **options: SAC's further keywords.

    Raises:
        ValueError: if an argument can't be used.
    """

    policy_aliases = {"EdgeSACPolicy": EdgeSACPolicy}  # noqa: RUF012  (the base class's form)
    graph_policy = EdgeSACPolicy
    policy: EdgeSACPolicy  # type: ignore[assignment]

    def __init__(
        self,
        policy: str | type[BasePolicy],
        env: GymEnv | str,
        *,
        credit: str = "edge",
        target_entropy: float = -1.5,
        max_grad_norm: float = 10.0,
        learning_rate: float | Schedule = 1e-3,
        buffer_size: int = 4000,
        learning_starts: int = 64,
        batch_size: int = 4,
        train_freq: int | tuple[int, str] = 2,
        gradient_steps: int = 1,
        ent_coef: str | float = "auto_0.008",
        replay_buffer_class: type[ReplayBuffer] = SubgraphReplayBuffer,
        replay_buffer_kwargs: dict[str, Any] | None = None,
        _init_setup_model: bool = True,
        **options: Any,
    ) -> None:
        self.credit = check_credit(credit, replay_buffer_class)
        self.max_grad_norm = check_number("max_grad_norm", max_grad_norm, above=True)
        entropy = check_number("target_entropy", target_entropy, least=-math.inf)
        super().__init__(
            policy,  # type: ignore[arg-type]
            env,
            learning_rate=learning_rate,
            buffer_size=buffer_size,
            learning_starts=learning_starts,
            batch_size=batch_size,
            train_freq=train_freq,
            gradient_steps=gradient_steps,
            replay_buffer_class=replay_buffer_class,
            replay_buffer_kwargs=replay_buffer_kwargs,
            ent_coef=ent_coef,
            # SAC takes "auto" for the number of edges there is room for.
            target_entropy=entropy,
            _init_setup_model=_init_setup_model,
            **options,
        )

    def _optimizers(self) -> list[torch.optim.Optimizer]:
        found = [self.actor.optimizer, self.critic.optimizer]
        return found if self.ent_coef_optimizer is None else [*found, self.ent_coef_optimizer]

    def _update_actor(self, batch: GraphBatch) -> dict[str, float]:
        if self.policy.schedule.standing_still:
            self.policy.schedule.skip()
            return {}
        sampled, log_probability = self.actor.sample(batch)
        with self._critic_at_rest():
            values = torch.stack(self.critic.edge_values(batch, sampled)).amin(dim=0)
            # Each edge is a sub-graph of its own: Eq. 2 with k = 1.
            loss_actor = actor_loss([values], [log_probability], self._temperature[None])
            descend(self.actor, loss_actor, self.max_grad_norm)
        if self.ent_coef_optimizer is not None:
            assert self.log_ent_coef is not None
            loss = temperature_loss(
                self.log_ent_coef, [log_probability], (1,), float(self.target_entropy)
            )
            self.ent_coef_optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self.ent_coef_optimizer.step()
        return {
            "actor_loss": loss_actor.item(),
            "ent_coef": self._temperature.item(),
            "entropy_per_edge": -log_probability.mean().item(),
        }

    @property
    def _temperature(self) -> Tensor:
        if self.log_ent_coef is None:
            return self.ent_coef_tensor
        return self.log_ent_coef.detach().exp()[0]
