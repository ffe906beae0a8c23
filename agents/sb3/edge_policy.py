"""What all policies on padded graphs share: the networks' options, and being saved."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import Schedule

from agents.graph.options import NETWORK_OPTIONS, NetworkOptions
from agents.sb3.graphs import check_spaces
from gym_rlseg.options import check_names


class EdgePolicy(BasePolicy):
    """Comes before stable-baselines3's class among the bases of a policy.

    Args:
        observation_space: that of a padded graph.
        action_space: one weight in [0, 1] per edge.
        lr_schedule: learning rate.
        use_sde: must be False.
        optimizer_class: of all networks.
        optimizer_kwargs: its options; None is Adam's fused form, as these networks are many
            small tensors.
        **options: of the networks.

    Raises:
        ValueError: if the spaces aren't those of `gym_rlseg`, or an option can't be used.
    """

    #: Further arguments, which are attributes of the same names.
    _arguments: ClassVar[tuple[str, ...]] = ()
    config: NetworkOptions

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        *,
        use_sde: bool = False,
        optimizer_class: type[torch.optim.Optimizer] = torch.optim.Adam,
        optimizer_kwargs: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        if use_sde:
            raise ValueError(
                "use_sde must be False: the noise is per edge, and graphs differ in size"
            )
        check_spaces(observation_space, action_space)
        check_names("policy_kwargs", options, NETWORK_OPTIONS)
        # stable-baselines3's class builds the networks at once, so this comes before it.
        self.config = NetworkOptions(**options)
        if optimizer_kwargs is None:
            optimizer_kwargs = {"fused": True} if optimizer_class is torch.optim.Adam else {}
        super().__init__(
            observation_space,
            action_space,
            lr_schedule,
            optimizer_class=optimizer_class,
            optimizer_kwargs=optimizer_kwargs,
            **self._extractor(),
        )

    def _extractor(self) -> dict[str, Any]:
        """Keywords about the features extractor; by default networks take the observations."""
        return {}

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {
            "observation_space": self.observation_space,
            "action_space": self.action_space,
            "lr_schedule": self._dummy_schedule,
            "optimizer_class": self.optimizer_class,
            "optimizer_kwargs": self.optimizer_kwargs,
            **{name: getattr(self, name) for name in self._arguments},
            **{name: getattr(self.config, name) for name in NETWORK_OPTIONS},
        }
