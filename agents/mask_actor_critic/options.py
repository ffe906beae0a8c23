"""Options of the agent that draws one mask after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, Self

from annotated_types import Ge, Gt, Le, Len, Lt

from agents.mask_actor_critic.suggested import Teacher
from gym_rlseg.options import Options, Rule
from gym_rlseg.options.ranges import Length, NotNegative, Positive, Share

#: Named policies: options that differ from the defaults; those of the paper's Table 1.
POLICIES: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "bl": {"training": "supervised", "truncated": False},
    "bl_trunc": {"training": "supervised"},
    "no_kl": {"kl": 0.0, "explores": False},
    "no_pyramid": {"pyramid": False},
    # Of the paper and its released code; days on a GPU.
    "paper": {
        "widths": (32, 48, 64, 96, 128),
        "memory_size": 512,
        "channel_widths": (32, 64, 128, 256),
        "batch": 8,
        "guidance": 0.0,
        "actor_rate": 3e-4,
        "critic_rate": 2.0,
        "critic_lengths": ((0.0, 8), (0.5, 21)),
    },
}

_Width = Annotated[int, Ge(1), Le(4096)]
_Count = Annotated[int, Ge(0), Le(10**9)]
_Some = Annotated[int, Ge(1), Le(10**9)]
_Few = Annotated[int, Ge(1), Le(10_000)]


def _in_turn(stages: tuple[tuple[float, int], ...]) -> bool:
    starts = [start for start, _ in stages]
    return starts[0] == 0 and starts == sorted(set(starts))


@dataclass(frozen=True, kw_only=True)
class MaskNetworkOptions(Options):
    """What the networks are made of.

    Attributes:
        widths: channels of the convolutions from full resolution down, each at half the
            resolution of the one before; of the encoders, the critic and, turned round, the
            decoder. Image sides have to be multiples of 2^len(widths).
        latent: l, numbers of an action.
        features: width of the layers between convolutions and latent.
        memory_size: of the LSTM.
        channel_widths: of the U-Net of foreground and angles, see `UNetOptions.widths`.
        pyramid: whether the decoder sees image, foreground and angles (the state pyramid).
        memory: what tells the actor about earlier masks: "both", "mask" (what is covered) or
            "lstm"; the other is replaced by zeros.
        hard: whether the actor sees what is covered as 0 or 1, above a half, rather than as the
            soft masks that it is made of.
    """

    widths: Annotated[tuple[_Width, ...], Len(2, 8)] = (16, 32, 48, 64)
    latent: _Width = 16
    features: _Width = 256
    memory_size: _Width = 128
    channel_widths: Annotated[tuple[_Width, ...], Len(1, 8)] = (16, 32, 64)
    pyramid: bool = True
    memory: Literal["both", "mask", "lstm"] = "both"
    hard: bool = True


#: Their names: without the same options, weights mean something else.
NETWORK_OPTIONS = tuple(field.name for field in fields(MaskNetworkOptions))


@dataclass(frozen=True, kw_only=True)
class MaskActorCriticConfig(MaskNetworkOptions):
    """Options; the defaults are those of the measured results.

    A time step is an image in a batch, whatever the stage: foreground and angles, then the
    auto-encoder of masks, then the actor by the masks themselves, then the critic alone, and
    from then on actor and critic.

    Attributes:
        training: "actor_critic"; or "supervised", the baselines, which goes on with the third
            stage for good.
        truncated: whether no gradient goes from a step to the one before it.
        explores: whether actions are sampled while training; else they are the mean.
        teacher: what the stages before the critic learn from: "truth"; or, where rewards of
            priors score the masks, "bright" or "dark" for the blobs of Otsu's threshold and a
            watershed.
        diameter: of those blobs in pixels.
        batch: images that are played together, and make one update.
        channel_steps: time steps of the first stage.
        mask_steps: of the second.
        start_steps: of the third.
        critic_steps: of the fourth, the critic's warm-up.
        actor_steps: of the fifth, after which learning rates stay at their lowest.
        matching: how masks get the objects that they learn from, in the third stage and in the
            baselines. "next": one after the other, each the object of most Dice that no mask
            before has drawn; "assignment", as in the paper: all at once.
        lengths: greatest number of masks that an episode draws, ((from which share of a stage
            on, masks), ...); the masks before those are given. Of the third stage.
        critic_lengths: the same, of the fourth and fifth.
        objects: masks per image of the second stage.
        redraws: whether objects that are given are covered as the auto-encoder draws them, rather
            than exactly: so are those that the actor has drawn.
        gamma: discount of the critic's target.
        reward_scale: what rewards are multiplied by before the critic learns them.
        kl: weight of the divergence of actions from the prior, while the actor trains.
        guidance: weight of the third stage's loss beside the critic's values, while the actor
            trains.
        start_kl: the same, of the third stage.
        start_dice: weight of what masks lack of a Dice of 1, in the third stage, beside the
            cross-entropy, to which small objects hardly count.
        mask_kl: as `kl`, of the auto-encoder.
        stop: weight of the termination unit's loss.
        critic_updates: batches for the critic alone before each one for both.
        rate: Adam's learning rate at the beginning of every stage.
        actor_rate: the same, of the fifth.
        critic_rate: the critic's, as a multiple of the actor's.
        decay: what part of a rate is left at the end of its stage.
        averaging: decay of the moving average of the networks per update, which is what is
            validated and kept.
        gradient_clip: greatest norm of a gradient.
        evaluate_every: time steps between validations.
        evaluation_samples: validation images.
    """

    training: Literal["actor_critic", "supervised"] = "actor_critic"
    truncated: bool = True
    explores: bool = True
    teacher: Teacher = "truth"
    diameter: Length = 12.0
    batch: _Few = 16
    channel_steps: _Count = 12_000
    mask_steps: _Count = 24_000
    start_steps: _Count = 100_000
    critic_steps: _Count = 2_000
    actor_steps: _Count = 4_000
    matching: Literal["next", "assignment"] = "next"
    lengths: Annotated[
        tuple[tuple[Share, _Few], ...],
        Len(1, 100),
        Rule(_in_turn, "the first from 0 on and the others behind it in turn"),
    ] = ((0.0, 1), (0.24, 3), (0.36, 8))
    critic_lengths: Annotated[
        tuple[tuple[Share, _Few], ...],
        Len(1, 100),
        Rule(_in_turn, "the first from 0 on and the others behind it in turn"),
    ] = ((0.0, 8),)
    objects: _Few = 4
    redraws: bool = True
    gamma: Share = 0.9
    reward_scale: Positive = 1.0
    kl: NotNegative = 0.01
    guidance: NotNegative = 0.01
    start_kl: NotNegative = 0.1
    start_dice: NotNegative = 30.0
    mask_kl: NotNegative = 0.1
    stop: NotNegative = 1.0
    critic_updates: _Count = 1
    rate: Positive = 1e-3
    actor_rate: Positive = 1e-4
    critic_rate: Positive = 10.0
    decay: Annotated[float, Gt(0), Le(1)] = 0.1
    averaging: Annotated[float, Ge(0), Lt(1)] = 0.98
    gradient_clip: Positive = 10.0
    evaluate_every: _Some = 4_000
    evaluation_samples: _Few = 16

    def continued(self) -> Self:
        """The options of a training that starts from another's weights."""
        return self
