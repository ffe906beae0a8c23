"""The networks with their optimisers, and an update of each stage."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from agents.common.learner import Learner
from agents.common.reporting import Stopwatch
from agents.mask_actor_critic.batch import Batch, Start
from agents.mask_actor_critic.channels import CHANNELS, channel_loss
from agents.mask_actor_critic.drawer import MaskDrawer
from agents.mask_actor_critic.losses import (
    divergence,
    following,
    matched,
    reconstruction,
    returns,
    soft_dice,
    termination,
)
from agents.mask_actor_critic.networks import CriticNetwork, Trunk
from agents.mask_actor_critic.options import MaskActorCriticConfig
from agents.mask_actor_critic.rollout import Rollout, roll_out
from gym_rlseg.images.angles import angle_classes
from gym_rlseg.rewards.drawn_masks import DRAWN

Logged = dict[str, float]


class MaskLearner(Learner):
    """Takes a step down the loss of a stage.

    Args:
        channels: of the images.
        side: (H, W) of the images.
        config: options.
        by_truth: whether masks are scored by the truth; else rewards tell how long there is
            something to draw.
        seed: of the initial weights, of actions and of what is given.
        device: where the networks live.
        watch: of the parts of an update.
    """

    def __init__(
        self,
        channels: int,
        side: tuple[int, int],
        config: MaskActorCriticConfig,
        *,
        by_truth: bool,
        seed: int,
        device: torch.device,
        watch: Stopwatch,
    ) -> None:
        self.config, self._by_truth, self._watch = config, by_truth, watch

        def make(generator: torch.Generator) -> dict[str, nn.Module]:
            torch.manual_seed(generator.initial_seed())  # within the caller's fork of the state
            trunk = Trunk(channels + CHANNELS, 2, config.widths, side)
            networks: dict[str, nn.Module] = {
                "actor": MaskDrawer(channels, side, config),
                "critic": CriticNetwork(trunk, config.features),
            }
            # A third faster on a CPU.
            layout = torch.channels_last
            return {name: net.to(memory_format=layout) for name, net in networks.items()}  # type: ignore[call-overload]

        rates = {"actor": config.rate, "critic": config.rate * config.critic_rate}
        super().__init__(make, rates, gradient_clip=config.gradient_clip, seed=seed, device=device)

    def set_rate(self, rate: float) -> None:
        """Change Adam's learning rates; the critic's is a multiple."""
        for name, factor in (("actor", 1.0), ("critic", self.config.critic_rate)):
            for group in self.optimizers[name].param_groups:
                group["lr"] = rate * factor

    def learn_channels(self, batch: Batch) -> Logged:
        """Foreground and angles."""
        self._training("channels")
        wanted = self.tensor(np.stack([angle_classes(labels) for labels in batch.labels]))
        with self._watch("channels"):
            loss = channel_loss(self.actor.channels(self.tensor(batch.pixels)), wanted)
            self.descend("actor", loss, len(batch.pixels))
        return {"train/channel_loss": loss.item()}

    def learn_masks(self, batch: Batch, seen: Tensor) -> Logged:
        """The auto-encoder of masks: some objects of every image, at random."""
        self._training("encoder", "decoder")
        drawer: MaskDrawer = self.actor
        chosen = self.tensor(batch.objects(self.config.objects, self.generator))
        rows = torch.arange(len(chosen)).repeat_interleave(chosen.shape[1])
        masks = chosen.flatten(0, 1)
        with self._watch("auto-encoder"):
            first, levels = drawer.encoder.trunk.of_fixed(seen), drawer.decoder.views(seen)
            mean, log_variance = drawer.encoder(first[rows], masks[:, None])
            latent = mean + (0.5 * log_variance).exp() * self.noise(*mean.shape)
            logits = drawer.decoder(latent, [level[rows] for level in levels])[:, 0]
            error = reconstruction(logits, masks).mean()
            kl = divergence(mean, log_variance).mean()
            self.descend("actor", error + self.config.mask_kl * kl, len(masks))
        dice = soft_dice(torch.sigmoid(logits.detach())[:, None], masks[:, None]).mean()
        return {
            "train/mask_loss": error.item(),
            "train/mask_kl": kl.item(),
            "train/mask_dice": dice.item(),
        }

    def redrawn(
        self, labels: NDArray[np.integer], seen: Tensor, noise: torch.Generator
    ) -> NDArray[np.bool_]:
        """The objects of an image as encoder and decoder draw them, bool (objects, H, W).

        Args:
            labels: (H, W), 0 = background, objects 1..N.
            seen: of the image, (1, C + 9, H, W).
            noise: of the latents.
        """
        count, drawer = int(labels.max()), self.actor
        if count == 0:
            return np.zeros((0, *labels.shape), np.bool_)
        masks = self.tensor(labels[None] == np.arange(1, count + 1)[:, None, None])[:, None]
        with torch.no_grad():
            mean, log_variance = drawer.encoder(drawer.encoder.trunk.of_fixed(seen), masks)
            spread = (0.5 * log_variance).exp()
            latent = mean + spread * torch.randn(mean.shape, generator=noise).to(self.device)
            logits = drawer.decoder(latent, drawer.decoder.views(seen))[:, 0]
        return np.asarray((torch.sigmoid(logits) > DRAWN).cpu().numpy())

    def learn_start(self, batch: Batch, seen: Tensor, length: int) -> Logged:
        """The actor, by the objects that its masks are matched with: the paper's baselines."""
        self._training("actor")
        config = self.config
        start = Start.draw(batch, length, self.generator)
        with self._watch("actor"):
            rollout = self._play(seen, start, explores=False)
            drawn = start.drawn(rollout.length)
            loss, dice = self._matched(batch, start, rollout, drawn)
            going_on = self.tensor(drawn)
            counts = self.tensor(start.played(rollout.length))
            stop = termination(rollout.stops, going_on, counts)
            self.descend("actor", loss + config.stop * stop, len(batch.pixels))
        return {"train/start_loss": loss.item(), "train/dice": dice, "train/stop_loss": stop.item()}

    def learn_by_critic(self, batch: Batch, seen: Tensor, length: int, *, actor: bool) -> Logged:
        """Algorithm 1 on a batch: the critic, and the actor by it."""
        self._training(*["actor"] * actor)
        config = self.config
        start = (
            Start.draw(batch, length, self.generator)
            if self._by_truth
            else Start.empty(batch, length)
        )
        with self._watch("actor"), torch.set_grad_enabled(actor):
            rollout = self._play(seen, start, explores=config.explores)
        counts = start.played(rollout.length)
        left = start.drawn(rollout.length)
        drawn = left if self._by_truth else counts
        masks = torch.sigmoid(rollout.logits)
        with self._watch("rewards"):
            rewards = _rewards(batch, start, masks.detach().cpu().numpy(), drawn)
        goals = config.reward_scale * returns(rewards, config.gamma)
        logged = {"train/reward": float(rewards.sum(axis=1).mean())}
        at = np.nonzero(drawn)
        if not len(at[0]):
            return logged
        with self._watch("critic"):
            critic: Any = self.networks["critic"]
            goal, mask = self.tensor(goals[at]), masks[at].detach()[:, None]
            covered = rollout.covered[at][:, None]

            def valued(mask: Tensor) -> Tensor:
                return critic(critic.trunk.of_fixed(seen)[at[0]], covered, mask)

            loss = (valued(mask) - goal).square().mean()
            self.descend("critic", loss, len(goal))
        logged["train/critic_loss"] = loss.item()
        if not actor:
            return logged
        with self._watch("critic"):
            mask.requires_grad_()
            values = valued(mask)
            (gradient,) = torch.autograd.grad(values.sum(), mask)
        with self._watch("actor"):
            gain = (masks[at] * gradient[:, 0]).sum() / len(goal)
            kl = divergence(rollout.means[at], rollout.log_variances[at]).mean()
            going_on = drawn if self._by_truth else goals > 0
            stop = termination(rollout.stops, self.tensor(going_on), self.tensor(counts))
            loss = config.kl * kl - gain + config.stop * stop
            if config.guidance:
                loss = loss + config.guidance * self._matched(batch, start, rollout, left)[0]
            self.descend("actor", loss, len(goal))
        return logged | {
            "train/value": values.mean().item(),
            "train/kl": kl.item(),
            "train/stop_loss": stop.item(),
        }

    def _play(self, seen: Tensor, start: Start, *, explores: bool) -> Rollout:
        length = int(start.steps.max())
        noise = self.noise(len(start.steps), length, self.config.latent) if explores else None
        return roll_out(
            self.actor,
            seen,
            self.tensor(start.covered),
            start.steps,
            noise=noise,
            truncated=self.config.truncated,
        )

    def _matched(
        self, batch: Batch, start: Start, rollout: Rollout, drawn: NDArray[np.bool_]
    ) -> tuple[Tensor, float]:
        """Reconstruction and divergence of drawn masks, and their mean Dice."""
        if not drawn.any():
            return rollout.logits.sum() * 0, 0.0
        numbers = np.arange(1, int(batch.labels.max()) + 1)
        objects = self.tensor(batch.labels[:, None] == numbers[:, None, None])
        with torch.no_grad():
            scores = soft_dice(torch.sigmoid(rollout.logits), objects).cpu().numpy()
        match = following if self.config.matching == "next" else matched
        target = np.zeros(drawn.shape, np.int64)
        for index, (score, given) in enumerate(zip(scores, start.given, strict=True)):
            there = np.setdiff1d(np.arange(1, batch.counts[index] + 1), given) - 1
            steps = int(drawn[index].sum())
            target[index, :steps] = there[match(score[:steps, there])]
        at = np.nonzero(drawn)
        which = target[at]
        error = reconstruction(rollout.logits[at], objects[at[0], which]).mean()
        kl = divergence(rollout.means[at], rollout.log_variances[at]).mean()
        masks, wanted = torch.sigmoid(rollout.logits[at])[:, None], objects[at[0], which][:, None]
        missed = 1 - soft_dice(masks, wanted).mean()
        loss = error + self.config.start_dice * missed + self.config.start_kl * kl
        return loss, float(scores[(*at, which)].mean())

    def _training(self, *names: str) -> None:
        """Only these parts of the drawer change, and the critic."""
        for name, part in self.actor.named_children():
            part.requires_grad_(name in names)

    def tensor(self, array: NDArray) -> Tensor:
        """An array as float32, where the networks are."""
        return torch.from_numpy(np.ascontiguousarray(array, np.float32)).to(self.device)


def _rewards(
    batch: Batch, start: Start, masks: NDArray[np.float32], drawn: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Eq. 5 of every step that is drawn, (N, T); else 0."""
    rewards = np.zeros(drawn.shape)
    for index, judging in enumerate(batch.judging):
        judge = judging(start.given[index].tolist())
        for step in np.flatnonzero(drawn[index]):
            rewards[index, step] = judge.add(masks[index, step])
    return rewards
