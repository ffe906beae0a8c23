"""Which device networks live on."""

from __future__ import annotations

import os

import torch

from agents.common.team import current


def find_device(name: str) -> torch.device:
    """The device of that name; "auto" is a GPU if there is one, in a team each process's own.

    Raises:
        ValueError: if there is no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and torch.cuda.is_available() and current().size > 1:
        name = f"cuda:{os.environ['LOCAL_RANK']}"
        torch.cuda.set_device(name)  # where NCCL looks
    try:
        device = torch.device(str(name))
    except RuntimeError as error:
        raise ValueError(f"device must be 'auto', 'cpu' or 'cuda', got {name!r}") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device {name!r} was asked for, but torch sees no GPU; use 'cpu'")
    return device
