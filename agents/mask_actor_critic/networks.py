"""Convolutions over what stays the same in an episode and what changes from step to step."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

from gym_rlseg.rewards.drawn_masks import DRAWN

_FORGETS = -4.0  # logit of what an LSTM keeps, to begin with
_SLOPE = 0.01  # of leaky ReLUs, as in the released code


class Trunk(nn.Module):
    """3×3 convolutions, each with ReLU and max pooling, to a vector.

    The first is the sum of one over what stays the same in an episode and one over what
    changes, which is the same as one over both: the former is computed once.

    Args:
        fixed: channels that stay the same.
        changing: channels that change.
        widths: channels of the convolutions.
        side: (H, W), multiples of 2^len(widths).
    """

    def __init__(
        self, fixed: int, changing: int, widths: tuple[int, ...], side: tuple[int, int]
    ) -> None:
        super().__init__()
        self.of_fixed = nn.Conv2d(fixed, widths[0], 3, padding=1)
        self.of_changing = nn.Conv2d(changing, widths[0], 3, padding=1, bias=False)
        self.others = nn.ModuleList(
            nn.Conv2d(before, width, 3, padding=1) for before, width in itertools.pairwise(widths)
        )
        factor = 2 ** len(widths)
        self.size = widths[-1] * (side[0] // factor) * (side[1] // factor)

    def forward(self, first: Tensor, changing: Tensor) -> Tensor:
        """Features (N, size) of `of_fixed`'s output and what changes (N, changing, H, W)."""
        pixels = functional.max_pool2d(torch.relu(first + self.of_changing(changing)), 2)
        for convolution in self.others:
            pixels = functional.max_pool2d(torch.relu(convolution(pixels)), 2)
        return pixels.flatten(1)


class MaskEncoder(nn.Module):
    """Mean and logarithm of the variance of the latent of a mask, which it sees (pre-training).

    Shapes: first (N, width, H, W), mask (N, 1, H, W) -> two of (N, latent).
    """

    def __init__(self, trunk: Trunk, features: int, latent: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.inner = nn.Linear(trunk.size, features)
        self.latent = nn.Linear(features, 2 * latent)

    def forward(self, first: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        features = functional.leaky_relu(self.inner(self.trunk(first, mask)), _SLOPE)
        return _bounded(self.latent(features))


class ActorNetwork(nn.Module):
    """The latent of the next mask, from what is seen, what is covered and the LSTM's memory.

    Args:
        trunk: sees the image and what is covered.
        features: width of the layers around the LSTM.
        memory: size of the LSTM.
        latent: l.
        uses: see `MaskNetworkOptions.memory`.
        hard: see `MaskNetworkOptions.hard`.

    Attributes:
        uses: the same; it may be changed, to see what a trained actor makes of half its memory.
    """

    def __init__(
        self, trunk: Trunk, features: int, memory: int, latent: int, uses: str, hard: bool
    ) -> None:
        super().__init__()
        self._hard = hard
        self.trunk, self.uses, self._memory = trunk, uses, memory
        self.inner = nn.Linear(trunk.size, features)
        self.lstm = nn.LSTMCell(features, memory)
        self.joined = nn.Linear(features + memory, features)
        self.latent = nn.Linear(features, 2 * latent)
        self.stop = nn.Linear(features + memory, 1)
        # It begins without a memory, and keeps none from episodes of one step: what these teach
        # holds at any step.
        with torch.no_grad():
            self.lstm.weight_hh.zero_()
            self.lstm.bias_hh[memory : 2 * memory] = _FORGETS

    def start(self, count: int) -> tuple[Tensor, Tensor]:
        """The memory before the first step of N episodes."""
        zeros = self.inner.weight.new_zeros(count, self._memory)
        return zeros, zeros

    def forward(
        self, first: Tensor, covered: Tensor, memory: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor, Tensor, tuple[Tensor, Tensor]]:
        """One step.

        Args:
            first: output of `trunk.of_fixed`.
            covered: (N, 1, H, W).
            memory: the LSTM's, two of (N, memory).

        Returns:
            Mean and logarithm of the variance (N, l), the logit (N,) of going on, and the
            memory after it.
        """
        if self.uses == "lstm":
            covered = torch.zeros_like(covered)
        elif self._hard:
            covered = (covered > DRAWN).to(covered.dtype)
        features = functional.leaky_relu(self.inner(self.trunk(first, covered)), _SLOPE)
        if self.uses == "mask":
            memory = self.start(len(covered))
        memory = self.lstm(features, memory)
        both = torch.cat([memory[0], features], dim=1)
        mean, log_variance = _bounded(self.latent(functional.leaky_relu(self.joined(both), _SLOPE)))
        return mean, log_variance, self.stop(both)[:, 0], memory


class CriticNetwork(nn.Module):
    """Q of a state and a mask: what is still to be earned, from it on (Eq. 6).

    Shapes: first (N, width, H, W), covered and mask (N, 1, H, W) -> (N,).
    """

    def __init__(self, trunk: Trunk, features: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = nn.Sequential(
            nn.Linear(trunk.size, features),
            nn.LeakyReLU(_SLOPE),
            nn.Linear(features, features),
            nn.LeakyReLU(_SLOPE),
            nn.Linear(features, 1),
        )

    def forward(self, first: Tensor, covered: Tensor, mask: Tensor) -> Tensor:
        """See the class."""
        return self.head(self.trunk(first, torch.cat([covered, mask], dim=1)))[:, 0]


def _bounded(pair: Tensor) -> tuple[Tensor, Tensor]:
    mean, log_variance = pair.chunk(2, dim=1)
    return mean, log_variance.clamp(-8.0, 4.0)
