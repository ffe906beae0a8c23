"""TD3 for one-step episodes on graphs, with credit per edge."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from stable_baselines3 import TD3
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.noise import ActionNoise, NormalActionNoise
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.preprocessing import get_action_dim
from stable_baselines3.common.type_aliases import GymEnv, Schedule
from stable_baselines3.common.utils import polyak_update

from agents.graph.batch import GraphBatch
from agents.sb3.buffers import SubgraphReplayBuffer
from agents.sb3.credit import check_credit, descend
from agents.sb3.off_policy import GraphOffPolicyAlgorithm
from agents.sb3.options import check_number
from agents.sb3.policies import EdgeTD3Policy


class GraphTD3(GraphOffPolicyAlgorithm, TD3):
    """stable-baselines3's TD3 with the changes of `GraphSAC`, but for the entropy.

    One-step episodes leave no target to smooth: what remains of TD3 is a deterministic
    actor, updated less often than the critic, and its moving average.

    Args:
        policy: "EdgeTD3Policy", or a subclass of it.
        env: as for TD3; wrapped in `VecNormalize` only with norm_obs=False.
        credit: whose rewards the critic learns: "edge", "subgraph" or "image". The first two
            need a `SubgraphReplayBuffer`.
        noise: standard deviation of the exploration's noise, for weights in [0, 1]; unless
            `action_noise` is given.
        max_grad_norm: greatest norm of a gradient.
        learning_rate: see TD3, as for all others.
        buffer_size: see TD3.
        learning_starts: see TD3.
        batch_size: see TD3; images.
        train_freq: see TD3.
        gradient_steps: see TD3.
        action_noise: see TD3.
        replay_buffer_class: see TD3.
        replay_buffer_kwargs: see TD3; "seed" is the agent's unless given.
        **options: TD3's further keywords.

    Raises:
        ValueError: if an argument can't be used.
    """

    policy_aliases = {"EdgeTD3Policy": EdgeTD3Policy}  # noqa: RUF012  (the base class's form)
    graph_policy = EdgeTD3Policy
    policy: EdgeTD3Policy  # type: ignore[assignment]

    def __init__(
        self,
        policy: str | type[BasePolicy],
        env: GymEnv | str,
        *,
        credit: str = "edge",
        noise: float = 0.15,
        max_grad_norm: float = 10.0,
        learning_rate: float | Schedule = 1e-3,
        buffer_size: int = 4000,
        learning_starts: int = 64,
        batch_size: int = 4,
        train_freq: int | tuple[int, str] = 2,
        gradient_steps: int = 1,
        action_noise: ActionNoise | None = None,
        replay_buffer_class: type[ReplayBuffer] = SubgraphReplayBuffer,
        replay_buffer_kwargs: dict[str, Any] | None = None,
        _init_setup_model: bool = True,
        **options: Any,
    ) -> None:
        self.credit = check_credit(credit, replay_buffer_class)
        self.noise = check_number("noise", noise)
        self.max_grad_norm = check_number("max_grad_norm", max_grad_norm, above=True)
        super().__init__(
            policy,  # type: ignore[arg-type]
            env,
            learning_rate=learning_rate,
            buffer_size=buffer_size,
            learning_starts=learning_starts,
            batch_size=batch_size,
            train_freq=train_freq,
            gradient_steps=gradient_steps,
            action_noise=action_noise,
            replay_buffer_class=replay_buffer_class,
            replay_buffer_kwargs=replay_buffer_kwargs,
            _init_setup_model=_init_setup_model,
            **options,
        )

    def _setup_model(self) -> None:
        if self.action_noise is None:
            zeros = np.zeros(get_action_dim(self.action_space), np.float32)
            # stable-baselines3's actions are twice as wide as weights.
            self.action_noise = NormalActionNoise(zeros, np.full_like(zeros, 2 * self.noise))
        super()._setup_model()

    def _optimizers(self) -> list[torch.optim.Optimizer]:
        return [self.actor.optimizer, self.critic.optimizer]

    def _update_actor(self, batch: GraphBatch) -> dict[str, float]:
        if self._n_updates % self.policy_delay:
            return {}
        if self.policy.schedule.standing_still:
            self.policy.schedule.skip()
            return {}
        with self._critic_at_rest():
            mean, _ = self.actor.network(batch)
            loss_actor = -self.critic.edge_values(batch, torch.sigmoid(mean))[0].mean()
            descend(self.actor, loss_actor, self.max_grad_norm)
        polyak_update(self.actor.parameters(), self.policy.actor_target.parameters(), self.tau)
        return {"actor_loss": loss_actor.item()}
