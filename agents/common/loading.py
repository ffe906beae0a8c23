"""Policies from checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch
from torch import nn

from agents.common import checkpoint
from agents.common.device import find_device


class _HasActor(Protocol):
    actor: Any


PolicyT = TypeVar("PolicyT", bound=_HasActor)
#: From all that was saved, the options of the network among it, and the device: a policy whose
#: weights are yet to come.
Make = Callable[[dict[str, Any], dict[str, Any], torch.device], PolicyT]


def load_policy(
    path: str | Path,
    options: Collection[str],
    make: Make[PolicyT],
    *,
    form: checkpoint.Form | None = None,
    device: str = "auto",
) -> PolicyT:
    """The policy of a checkpoint: with the actor that was selected, not to be trained.

    Args:
        path: the file; ".pt" is appended if missing.
        options: names of those that a network is made of.
        make: makes the policy.
        form: what the file must be; None takes any agent's.
        device: "auto", "cpu" or "cuda".

    Raises:
        ValueError: naming the file, if it can't be used.
    """
    path = checkpoint.checkpoint_path(path)
    saved, where = checkpoint.read(path, form), find_device(device)
    with checkpoint.naming(path):
        known = {name: value for name, value in saved["config"].items() if name in options}
        with torch.random.fork_rng(devices=[]):  # layers draw from torch's generator
            policy = make(saved, known, where)
        actor: nn.Module = policy.actor
        actor.requires_grad_(False).load_state_dict(saved["selected"])
        actor.to(where)
    return policy
