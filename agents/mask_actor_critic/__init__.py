"""One mask after the other, by an actor and a critic (Araslanov et al., 2019)."""

from agents.mask_actor_critic.agent import MaskActorCritic
from agents.mask_actor_critic.options import MaskActorCriticConfig

__all__ = ["MaskActorCritic", "MaskActorCriticConfig"]
