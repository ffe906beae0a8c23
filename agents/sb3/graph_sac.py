"""SAC for one-step episodes on graphs of different sizes, with credit per edge."""

from __future__ import annotations

from typing import Any

import torch
from stable_baselines3 import SAC
from stable_baselines3.common.policies import BasePolicy
from torch import Tensor

from agents.graph.batch import GraphBatch
from agents.graph.losses import actor_loss, temperature_loss
from agents.sb3.off_policy import GraphOffPolicyAlgorithm
from agents.sb3.policies import EdgeSACPolicy
from gym_rlseg.options import check_declared


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
        target_entropy: per edge, of a weight in [0, 1].
        ent_coef: see SAC; per edge.
        **options: see `GraphOffPolicyAlgorithm`: "credit" says whose rewards the critic learns.

    Raises:
        ValueError: if an argument can't be used.
    """

    policy_aliases = {"EdgeSACPolicy": EdgeSACPolicy}  # noqa: RUF012  (the base class's form)
    graph_policy = EdgeSACPolicy
    policy: EdgeSACPolicy  # type: ignore[assignment]

    def __init__(
        self,
        policy: str | type[BasePolicy],
        env: Any,
        *,
        target_entropy: float = -1.5,
        ent_coef: str | float = "auto_0.008",
        **options: Any,
    ) -> None:
        # SAC takes "auto" for the number of edges there is room for.
        check_declared(GraphSAC.__init__, {"target_entropy": target_entropy})
        super().__init__(policy, env, target_entropy=target_entropy, ent_coef=ent_coef, **options)

    def _update_actor(self, batch: GraphBatch) -> dict[str, float]:
        if self.policy.schedule.standing_still:
            self.policy.schedule.skip()
            return {}
        sampled, log_probability = self.actor.sample(batch)
        with self._critic_at_rest():
            values = torch.stack(self.critic.edge_values(batch, sampled)).amin(dim=0)
            # Each edge is a sub-graph of its own: Eq. 2 with k = 1.
            loss_actor = actor_loss([values], [log_probability], self._temperature[None])
            self._descend(self.actor, loss_actor)
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
