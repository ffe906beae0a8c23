"""Edge-equivariant policies for stable-baselines3's SAC and TD3."""

from __future__ import annotations

from typing import Any

from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import Schedule, TensorDict
from stable_baselines3.sac.policies import SACPolicy
from stable_baselines3.td3.policies import TD3Policy
from torch import Tensor

from agents.sb3.edge_policy import EdgePolicy
from agents.sb3.networks import DeterministicEdgeActor, EdgeActor, EdgeCritic
from agents.sb3.schedule import ActorSchedule


class _ActorCriticPolicy(EdgePolicy):
    """Makes the networks of SAC's and TD3's policies."""

    n_critics: int

    def make_actor(self, features_extractor: BaseFeaturesExtractor | None = None) -> EdgeActor:
        """A new actor."""
        return EdgeActor(self.observation_space, self.action_space, self.config).to(self.device)

    def make_critic(self, features_extractor: BaseFeaturesExtractor | None = None) -> EdgeCritic:
        """A new critic."""
        spaces_ = self.observation_space, self.action_space
        return EdgeCritic(*spaces_, self.config, self.n_critics).to(self.device)


class EdgeSACPolicy(_ActorCriticPolicy, SACPolicy):  # type: ignore[misc]
    """SAC's policy on padded graphs: a squashed normal and a value per edge.

    `predict(..., deterministic=True)` uses the actor's moving average.

    Args:
        *args: see `EdgePolicy`.
        n_critics: independent critics; one-step episodes have no bootstrapped targets
            whose overestimation a second one would curb.
        actor_starts: updates of the critic before the first of the actor.
        averaging: decay of the actor's moving average.
        **options: those of `EdgePolicy`; and "width", "layers", "initial_policy",
            "mean_limit", "std_range", see `agents.SubgraphSACConfig`.

    Raises:
        ValueError: if the spaces aren't those of `gym_rlseg`, or an option can't be used.
    """

    _arguments = ("n_critics", "actor_starts", "averaging")
    actor: EdgeActor  # type: ignore[assignment]
    critic: EdgeCritic  # type: ignore[assignment]

    def __init__(
        self,
        *args: Any,
        n_critics: int = 1,
        actor_starts: int = 400,
        averaging: float = 0.995,
        **options: Any,
    ) -> None:
        self.n_critics, self.actor_starts, self.averaging = n_critics, actor_starts, averaging
        super().__init__(*args, **options)

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


class EdgeTD3Policy(_ActorCriticPolicy, TD3Policy):  # type: ignore[misc]
    """TD3's policy on padded graphs: a weight and a value per edge.

    `predict(..., deterministic=True)` uses the target actor, a moving average of the
    actor. Neither explores: give `TD3` an `action_noise`.

    Args:
        *args: see `EdgePolicy`.
        n_critics: independent critics.
        actor_starts: updates of the actor, which come less often than the critic's,
            that are left out at the beginning.
        **options: those of `EdgePolicy`; and "width", "layers", "initial_policy",
            "mean_limit", see `agents.SubgraphSACConfig`.

    Raises:
        ValueError: if the spaces aren't those of `gym_rlseg`, or an option can't be used.
    """

    _arguments = ("n_critics", "actor_starts")
    actor: DeterministicEdgeActor  # type: ignore[assignment]
    actor_target: DeterministicEdgeActor  # type: ignore[assignment]
    critic: EdgeCritic  # type: ignore[assignment]

    def __init__(
        self, *args: Any, n_critics: int = 1, actor_starts: int = 200, **options: Any
    ) -> None:
        self.n_critics, self.actor_starts = n_critics, actor_starts
        super().__init__(*args, **options)

    def make_actor(  # type: ignore[override]
        self, features_extractor: BaseFeaturesExtractor | None = None
    ) -> DeterministicEdgeActor:
        """A new actor."""
        spaces_ = self.observation_space, self.action_space
        return DeterministicEdgeActor(*spaces_, self.config).to(self.device)

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        self.schedule = ActorSchedule(self.actor, None, starts=self.actor_starts, averaging=0.0)

    def _predict(self, observation: TensorDict, deterministic: bool = False) -> Tensor:  # type: ignore[override]
        return (self.actor_target if deterministic else self.actor)(observation)
