"""Several processes that train one agent, as `torchrun` starts them.

Each has environments of its own and computes the gradients of its own episodes; what they
descend is the loss of all episodes together. Weights, moving averages and selections are thus
the same in every process, and one of them writes the files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

# Steps after which processes ask each other whether to stop: it takes 0.1 ms and some waiting.
_AGREE_EVERY = 8


@dataclass(frozen=True)
class Team:
    """The processes of a training; by default there is one.

    Attributes:
        rank: which of them this one is, from 0.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this one writes and shows what all of them have."""
        return self.rank == 0

    def seed(self, seed: int) -> int:
        """A seed of this process; the first one's is the seed itself."""
        if self.leads:
            return seed
        return int(np.random.SeedSequence([seed, self.rank]).generate_state(1)[0])

    def share(self, count: int) -> range:
        """Which of 0..count - 1 are up to this process; the last one is the first process's."""
        return range((count - 1 - self.rank) % self.size, count, self.size)

    def total(self, values: Tensor) -> Tensor:
        """The sum over all processes, for each of which it is the same to the last bit."""
        if self.size > 1:
            import torch.distributed as dist

            from agents.common.nearby import links_for

            links = links_for(values, self.rank, self.size)
            if links is not None:
                return links.total(values.detach())
            values = values.clone()
            dist.all_reduce(values)
        return values

    def means(self, parts: Sequence[Tensor]) -> list[Tensor]:
        """The mean of each of some tensors over all processes, (1,); (0,) if all are empty."""
        if self.size == 1:
            return list(parts)
        import torch

        sums = torch.stack([part.detach().sum() for part in parts])
        counts = sums.new_tensor([part.numel() for part in parts])
        sums, counts = self.total(torch.stack([sums, counts]))
        return [s[None] / n if n else s.new_empty(0) for s, n in zip(sums, counts, strict=True)]

    def gather(self, content: Any) -> list[Any]:
        """What each process has, at the first one; the others get nothing."""
        if self.size == 1:
            return [content]
        import torch.distributed as dist

        found: list[Any] | None = [None] * self.size if self.leads else None
        dist.gather_object(content, found)
        return found or []


class Agreement:
    """Has processes stop or save in the same step, though each has a clock of its own.

    Args:
        team: of these processes; all of them have to ask equally often.
    """

    def __init__(self, team: Team) -> None:
        self._team, self._calls = team, 0
        self._wishes: list[bool] = []

    def __call__(self, *wishes: bool) -> tuple[bool, ...]:
        """Whether any process has had each of these wishes, told every few calls."""
        if self._team.size == 1:
            return wishes
        import torch

        had = self._wishes or [False] * len(wishes)
        self._wishes = [a or b for a, b in zip(had, wishes, strict=True)]
        self._calls += 1
        if self._calls % _AGREE_EVERY:
            return (False,) * len(wishes)
        total = self._team.total(torch.tensor(self._wishes, dtype=torch.float32))
        self._wishes = []
        return tuple((total > 0).tolist())


def current() -> Team:
    """The team that this process is in, see `torchrun_team`."""
    import torch.distributed as dist

    if not (dist.is_available() and dist.is_initialized()):
        return Team()
    return Team(rank=dist.get_rank(), size=dist.get_world_size())


@contextmanager
def torchrun_team() -> Iterator[Team]:
    """Join the processes that `torchrun` has started beside this one, if it has.

    Sums go by gloo between CPUs and by NCCL between GPUs.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or "RANK" not in os.environ:
        yield Team()
        return
    import torch
    import torch.distributed as dist

    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield current()
    finally:
        dist.destroy_process_group()


def starts_first() -> bool:
    """Whether this is the first or the only process, before it has joined the others."""
    return os.environ.get("RANK", "0") == "0"


def restarted() -> bool:
    """Whether `torchrun` has started the processes again, as one of them had died."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0
