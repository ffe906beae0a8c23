"""What trains inside an agent: networks, optimisers, noise."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from agents.common.allocation import keep_freed_memory
from agents.common.diverged import check_finite
from agents.common.team import current


class Learner:
    """Networks that one Adam each trains, and a moving average of the actor.

    Args:
        make: makes the networks, "actor" among them; their weights come from the generator.
        rates: Adam's learning rates, by network.
        gradient_clip: greatest norm of a gradient.
        seed: of the initial weights and of the policy's noise.
        device: where the networks live.
        precision: "float32"; or "bfloat16", in which updates make their matrix products and
            convolutions, while weights, sums and losses stay float32.

    Attributes:
        networks: by name.
        averaged_actor: what is validated and kept.
        optimizers: by network, and by what else a subclass trains.
        generator: of the policy's noise, in each process of a team another.
        team: the processes whose losses it descends together.
    """

    #: What checkpoints of older releases called the only optimiser.
    _ONLY_OPTIMIZER: ClassVar[str] = "optimizer"

    def __init__(
        self,
        make: Callable[[torch.Generator], Mapping[str, nn.Module]],
        rates: Mapping[str, float],
        *,
        gradient_clip: float,
        seed: int,
        device: torch.device,
        precision: str = "float32",
    ) -> None:
        keep_freed_memory()
        self._half = precision == "bfloat16"
        self.device, self._clip, self.team = device, gradient_clip, current()
        self.generator = torch.Generator().manual_seed(seed)
        with torch.random.fork_rng(devices=[]):  # layers draw from torch's generator when made
            self.networks = {name: net.to(device) for name, net in make(self.generator).items()}
        if not self.team.leads:  # the weights are the same, the noise isn't
            self.generator.manual_seed(self.team.seed(seed))
        # Starts as a copy of the online network, not from weights of its own.
        self.averaged_actor: Any = copy.deepcopy(self.networks["actor"]).requires_grad_(False)
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            name: torch.optim.Adam(net.parameters(), lr=rates[name], fused=True)
            for name, net in self.networks.items()
        }

    @property
    def actor(self) -> Any:
        """The policy's network that is trained."""
        return self.networks["actor"]

    def forwards(self) -> torch.autocast:
        """The context of an update's way through the networks, in the precision asked for."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self._half)

    def noise(self, *shape: int) -> Tensor:
        """Standard normal noise from the learner's own generator."""
        return torch.randn(shape, generator=self.generator).to(self.device)

    def descend(self, name: str, loss: Tensor, count: float | None = 1.0) -> None:
        """One step down a loss; weights stay as they were if it can't be taken.

        Args:
            name: of the optimiser; gradients of networks are clipped.
            loss: a scalar.
            count: how many terms it is a mean of; in a team, the loss is that of all terms.
                None: it is so already, and the same in every process.

        Raises:
            DivergedError: if the loss or its gradient isn't finite.
        """
        optimizer = self.optimizers[name]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        (group,) = optimizer.param_groups
        loss = loss.detach() if count is None else self._joint(group["params"], loss, count)
        limit = self._clip if name in self.networks else math.inf
        norm = nn.utils.clip_grad_norm_(group["params"], limit, foreach=True)
        check_finite(f"the loss of the {name} or its gradient", loss, norm)
        optimizer.step()

    def _joint(self, parameters: Sequence[Tensor], loss: Tensor, count: float) -> Tensor:
        """Turn gradients and loss into those of the whole team's terms; returns the loss."""
        if self.team.size == 1:
            return loss.detach()
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        own = torch.cat(
            [*(g.reshape(-1) for g in gradients), loss.detach().reshape(1), loss.new_ones(1)]
        )
        total = self.team.total(own * count)
        total /= total[-1].clone()
        *parts, loss, _ = total.split([*(p.numel() for p in parameters), 1, 1])
        for parameter, gradient, part in zip(parameters, gradients, parts, strict=True):
            parameter.grad = gradient.copy_(part.view(parameter.shape))
        return loss

    def average(self, decay: float) -> None:
        """Let the moving average follow the actor: average <- decay average + (1 - decay) actor."""
        follow(self.averaged_actor, self.actor, decay)

    def state_dict(self) -> dict[str, Any]:
        """Everything that training changes."""
        return {
            **{name: network.state_dict() for name, network in self.networks.items()},
            "averaged_actor": self.averaged_actor.state_dict(),
            "optimizers": {k: o.state_dict() for k, o in self.optimizers.items()},
            "generator": self.generator.get_state(),
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self.load_weights(saved)
        self.averaged_actor.load_state_dict(saved["averaged_actor"])
        states = saved.get("optimizers") or {"actor": saved[self._ONLY_OPTIMIZER]}
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(states[name])
        self.generator.set_state(saved["generator"].cpu())

    def load_weights(self, saved: Mapping[str, Any]) -> None:
        """Take over the networks' weights; the moving average starts at the actor."""
        for name, network in self.networks.items():
            network.load_state_dict(saved[name])
        self.averaged_actor.load_state_dict(saved["actor"])


def follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move a network's average: average <- decay average + (1 - decay) network."""
    with torch.no_grad():  # an average isn't differentiated through
        torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1.0 - decay)
