"""What is trained at a time step, and how fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from agents.mask_actor_critic.options import MaskActorCriticConfig

StageName = Literal["channels", "masks", "start", "critic", "actor"]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A part of a training.

    Attributes:
        name: "channels", "masks", "start", "critic" or "actor".
        share: of it that is done, from 0 to 1.
        rate: the actor's learning rate.
        length: greatest number of masks that an episode draws.
    """

    name: StageName
    share: float
    rate: float
    length: int

    @classmethod
    def at(cls, config: MaskActorCriticConfig, timestep: int) -> Stage:
        """The stage of a time step; the last one has no end."""
        stages: list[tuple[StageName, int]] = [
            ("channels", config.channel_steps),
            ("masks", config.mask_steps),
            ("start", config.start_steps),
        ]
        if config.training == "actor_critic":
            stages += [("critic", config.critic_steps), ("actor", config.actor_steps)]
        for name, steps in stages:
            if timestep < steps or name == stages[-1][0]:
                break
            timestep -= steps
        share = min(1.0, timestep / max(steps, 1))
        critical = name in ("critic", "actor")
        first = config.actor_rate if critical else config.rate
        lengths = config.critic_lengths if critical else config.lengths
        return cls(
            name=name,
            share=share,
            rate=first * (config.decay**share if name != "critic" else 1.0),
            length=[length for begin, length in lengths if begin <= share][-1],
        )
