"""Edge-equivariant policies for stable-baselines3's SAC and TD3."""

from __future__ import annotations

from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import Schedule, TensorDict
from stable_baselines3.sac.policies import SACPolicy
from stable_baselines3.td3.policies import TD3Policy
from torch import Tensor

from agents.sb3.networks import DeterministicEdgeActor, EdgeActor, EdgeCritic
from agents.sb3.options import fused, network_config, network_options, refuse_sde
from agents.sb3.schedule import ActorSchedule


class EdgeSACPolicy(SACPolicy):
    """SAC's policy on padded graphs: a squashed normal and a value per edge.

    `predict(..., deterministic=True)` uses the actor's moving average.

    Args:
        observation_space: that of a padded graph.
        action_space: one weight in [0, 1] per edge.
        lr_schedule: learning rate.
        use_sde: must be False.
        n_critics: independent critics; one-step episodes have no bootstrapped targets
            whose overestimation a second one would curb.
        actor_starts: updates of the critic before the first of the actor.
        averaging: decay of the actor's moving average.
        optimizer_class: of actor and critic.
        optimizer_kwargs: its options.
        **options: "width", "layers", "initial_policy", "mean_limit", "std_range"; see
            `agents.SubgraphSACConfig`.

    Raises:
        ValueError: if the spaces aren't those of `gym_rlseg`, or an option can't be used.
    """

    actor: EdgeActor  # type: ignore[assignment]
    critic: EdgeCritic  # type: ignore[assignment]

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Box,
        lr_schedule: Schedule,
        *,
        use_sde: bool = False,
        n_critics: int = 1,
        actor_starts: int = 400,
        averaging: float = 0.995,
        optimizer_class: type[torch.optim.Optimizer] = torch.optim.Adam,
        optimizer_kwargs: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        refuse_sde(use_sde)
        # The base class builds the networks at once, so this comes before it.
        self.config = network_config(options)
        self.n_critics, self.actor_starts, self.averaging = n_critics, actor_starts, averaging
        super().__init__(
            observation_space,
            action_space,
            lr_schedule,
            optimizer_class=optimizer_class,
            optimizer_kwargs=fused(optimizer_class, optimizer_kwargs),
        )

    def make_actor(self, features_extractor: BaseFeaturesExtractor | None = None) -> EdgeActor:  # type: ignore[override]
        """A new actor."""
        return EdgeActor(self.observation_space, self.action_space, self.config).to(self.device)

    def make_critic(self, features_extractor: BaseFeaturesExtractor | None = None) -> EdgeCritic:  # type: ignore[override]
        """A new critic."""
        return _make_critic(self)

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        self.averaged_actor = self.make_actor().requires_grad_(False)
        self.averaged_actor.load_state_dict(self.actor.state_dict())
        self.schedule = ActorSchedule(
            self.actor, self.averaged_actor, starts=self.actor_starts, averaging=self.averaging
        )

    def _predict(self, observation: TensorDict, deterministic: bool = False) -> Tensor:  # type: ignore[override]
        actor = self.averaged_actor if deterministic else self.actor
        return actor(observation, deterministic)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {**_constructor_parameters(self), "averaging": self.averaging}


class EdgeTD3Policy(TD3Policy):
    """TD3's policy on padded graphs: a weight and a value per edge.

    `predict(..., deterministic=True)` uses the target actor, a moving average of the
    actor. Neither explores: give `TD3` an `action_noise`.

    Args:
        observation_space: that of a padded graph.
        action_space: one weight in [0, 1] per edge.
        lr_schedule: learning rate.
        n_critics: independent critics.
        actor_starts: updates of the actor, which come less often than the critic's,
            that are left out at the beginning.
        optimizer_class: of actor and critic.
        optimizer_kwargs: its options.
        **options: "width", "layers", "initial_policy", "mean_limit"; see
            `agents.SubgraphSACConfig`.

    Raises:
        ValueError: if the spaces aren't those of `gym_rlseg`, or an option can't be used.
    """

    actor: DeterministicEdgeActor  # type: ignore[assignment]
    actor_target: DeterministicEdgeActor  # type: ignore[assignment]
    critic: EdgeCritic  # type: ignore[assignment]

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Box,
        lr_schedule: Schedule,
        *,
        n_critics: int = 1,
        actor_starts: int = 200,
        optimizer_class: type[torch.optim.Optimizer] = torch.optim.Adam,
        optimizer_kwargs: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.config = network_config(options)  # before the networks are built, as above
        self.n_critics, self.actor_starts = n_critics, actor_starts
        super().__init__(
            observation_space,
            action_space,
            lr_schedule,
            optimizer_class=optimizer_class,
            optimizer_kwargs=fused(optimizer_class, optimizer_kwargs),
        )

    def make_actor(  # type: ignore[override]
        self, features_extractor: BaseFeaturesExtractor | None = None
    ) -> DeterministicEdgeActor:
        """A new actor."""
        spaces_ = self.observation_space, self.action_space
        return DeterministicEdgeActor(*spaces_, self.config).to(self.device)

    def make_critic(self, features_extractor: BaseFeaturesExtractor | None = None) -> EdgeCritic:  # type: ignore[override]
        """A new critic."""
        return _make_critic(self)

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        self.schedule = ActorSchedule(self.actor, None, starts=self.actor_starts, averaging=0.0)

    def _predict(self, observation: TensorDict, deterministic: bool = False) -> Tensor:  # type: ignore[override]
        return (self.actor_target if deterministic else self.actor)(observation)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return _constructor_parameters(self)


def _make_critic(policy: EdgeSACPolicy | EdgeTD3Policy) -> EdgeCritic:
    spaces_ = policy.observation_space, policy.action_space
    return EdgeCritic(*spaces_, policy.config, policy.n_critics).to(policy.device)


def _constructor_parameters(policy: EdgeSACPolicy | EdgeTD3Policy) -> dict[str, Any]:
    return {
        "observation_space": policy.observation_space,
        "action_space": policy.action_space,
        "lr_schedule": policy._dummy_schedule,
        "n_critics": policy.n_critics,
        "actor_starts": policy.actor_starts,
        "optimizer_class": policy.optimizer_class,
        "optimizer_kwargs": policy.optimizer_kwargs,
        **network_options(policy.config),
    }
