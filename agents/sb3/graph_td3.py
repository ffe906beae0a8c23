"""TD3 for one-step episodes on graphs, with credit per edge."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from stable_baselines3 import TD3
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.preprocessing import get_action_dim
from stable_baselines3.common.utils import polyak_update

from agents.graph.batch import GraphBatch
from agents.sb3.off_policy import GraphOffPolicyAlgorithm
from agents.sb3.policies import EdgeTD3Policy
from gym_rlseg.options import check_declared
from gym_rlseg.options.ranges import NotNegative


class GraphTD3(GraphOffPolicyAlgorithm, TD3):
    """stable-baselines3's TD3 with the changes of `GraphSAC`, but for the entropy.

    One-step episodes leave no target to smooth: what remains of TD3 is a deterministic
    actor, updated less often than the critic, and its moving average.

    Args:
        policy: "EdgeTD3Policy", or a subclass of it.
        env: as for TD3; wrapped in `VecNormalize` only with norm_obs=False.
        noise: standard deviation of the exploration's noise, for weights in [0, 1]; unless
            `action_noise` is given.
        **options: see `GraphOffPolicyAlgorithm`: "credit" says whose rewards the critic learns.

    Raises:
        ValueError: if an argument can't be used.
    """

    policy_aliases = {"EdgeTD3Policy": EdgeTD3Policy}  # noqa: RUF012  (the base class's form)
    graph_policy = EdgeTD3Policy
    policy: EdgeTD3Policy  # type: ignore[assignment]

    def __init__(
        self,
        policy: str | type[BasePolicy],
        env: Any,
        *,
        noise: NotNegative = 0.15,
        **options: Any,
    ) -> None:
        check_declared(GraphTD3.__init__, {"noise": noise})
        self.noise = noise
        super().__init__(policy, env, **options)

    def _setup_model(self) -> None:
        if self.action_noise is None:
            zeros = np.zeros(get_action_dim(self.action_space), np.float32)
            # stable-baselines3's actions are twice as wide as weights.
            self.action_noise = NormalActionNoise(zeros, np.full_like(zeros, 2 * self.noise))
        super()._setup_model()

    def _update_actor(self, batch: GraphBatch) -> dict[str, float]:
        if self._n_updates % self.policy_delay:
            return {}
        if self.policy.schedule.standing_still:
            self.policy.schedule.skip()
            return {}
        with self._critic_at_rest():
            mean, _ = self.actor.network(batch)
            loss_actor = -self.critic.edge_values(batch, torch.sigmoid(mean))[0].mean()
            self._descend(self.actor, loss_actor)
        polyak_update(self.actor.parameters(), self.policy.actor_target.parameters(), self.tau)
        return {"actor_loss": loss_actor.item()}
