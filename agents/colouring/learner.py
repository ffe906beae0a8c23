"""The network with its optimiser: episodes are played with it, and it learns from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from agents.colouring.drawing import thresholds
from agents.colouring.losses import actor_critic_losses, advantages
from agents.colouring.network import ColouringNetwork
from agents.colouring.options import ColouringConfig
from agents.common.diverged import check_finite
from agents.common.learner import Learner
from agents.pixels.symmetries import Symmetry

Observations = Mapping[str, NDArray[np.float32]]
#: Takes the bits of N images; gives the observations that follow, and the rewards of pixels.
Step = Callable[[NDArray[np.int8]], tuple[Observations, NDArray[np.float32]]]


class ColouringLearner(Learner):
    """Plays batches of episodes, and takes a step down the losses of each.

    A3C's workers each play an episode on weights that are a little out of date. A batch of
    episodes has the same gradient, of weights that are those of the moment; and one pass through
    the network serves both the choice of bits and the loss.

    Args:
        channels: of the images.
        steps: T.
        dimensions: 2 or 3.
        config: options.
        seed: of the initial weights, of the bits and of augmentation.
        device: where the network lives.
    """

    def __init__(
        self,
        channels: int,
        steps: int,
        dimensions: int,
        config: ColouringConfig,
        *,
        seed: int,
        device: torch.device,
    ) -> None:
        self.config, self.steps = config, steps

        def make(generator: torch.Generator) -> dict[str, nn.Module]:
            torch.manual_seed(generator.initial_seed())  # within the caller's fork of the state
            network: nn.Module = ColouringNetwork(channels, steps, dimensions, config)
            # A third faster on a CPU.
            layout = torch.channels_last if dimensions == 2 else torch.channels_last_3d
            return {"actor": network.to(memory_format=layout)}  # type: ignore[call-overload]

        rates = {"actor": config.rates[0][1]}
        super().__init__(make, rates, gradient_clip=config.gradient_clip, seed=seed, device=device)

    def episodes(
        self, observations: Observations, step: Step, kept: NDArray | None, timestep: int
    ) -> dict[str, float]:
        """Play a batch of episodes to their end, and learn from them.

        Args:
            observations: of the N first states.
            step: plays a step of all of them.
            kept: (N, ...), 0 where a pixel doesn't count; None: all do.
            timestep: which says what the learning rate is.

        Returns:
            What is worth logging.
        """
        image = self._tensor(observations["image"])
        shape = (len(image), *image.shape[2:])
        symmetry = Symmetry()
        if self.config.augment:
            symmetry = Symmetry.draw(shape[1:], self.generator)
        seen = symmetry(self._jittered(image))
        logits, values, actions, rewards = [], [], [], []
        for _ in range(self.steps):
            logit, value = self.actor(seen, symmetry(self._tensor(observations["bits"])))
            logit, value = symmetry.back(logit), symmetry.back(value)
            drawn = thresholds(shape, self.config.noise, self.generator).to(self.device)
            action = drawn < torch.sigmoid(logit.detach())
            observations, reward = step(action.cpu().numpy().astype(np.int8))
            logits.append(logit)
            values.append(value)
            actions.append(action)
            rewards.append(self._tensor(reward))
        stacked = [torch.stack(one) for one in (logits, values, actions, rewards)]
        return self._update(*stacked, kept=kept, timestep=timestep)

    def _update(
        self,
        logits: Tensor,
        values: Tensor,
        actions: Tensor,
        rewards: Tensor,
        *,
        kept: NDArray | None,
        timestep: int,
    ) -> dict[str, float]:
        config = self.config
        advantage = advantages(rewards, values.detach(), gamma=config.gamma, gae=config.gae)
        check_finite("what pixels earn", advantage)
        counts = torch.ones_like(rewards)
        if kept is not None:
            counts = counts * self._tensor(kept)
        policy, value, entropy = actor_critic_losses(
            logits, values, actions.to(logits.dtype), advantage, counts
        )
        for group in self.optimizers["actor"].param_groups:
            group["lr"] = config.rate(timestep)
        loss = policy + config.value * value - config.entropy * entropy
        self.descend("actor", loss, float(counts.sum()))
        self.average(config.averaging)
        return {
            "train/policy_loss": policy.item(),
            "train/value_loss": value.item(),
            "train/entropy": entropy.item(),
            "train/learning_rate": config.rate(timestep),
        }

    def _jittered(self, image: Tensor) -> Tensor:
        if self.config.jitter == 0:
            return image
        shape = (*image.shape[:2], *[1] * (image.ndim - 2))
        contrast = (self.config.jitter * self.noise(*shape)).exp()
        mean = image.flatten(2).mean(dim=2).view(shape)
        return mean + contrast * (image - mean) + self.config.jitter * self.noise(*shape)

    def _tensor(self, array: NDArray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array, np.float32)).to(self.device)
