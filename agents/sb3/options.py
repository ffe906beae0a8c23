"""Options of the policies: which there are, and what becomes of those not given."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

import torch

from agents.graph.options import NetworkOptions
from gym_rlseg.options import check_names

#: Options of the networks: what `policy_kwargs` takes.
NETWORK_OPTIONS = tuple(field.name for field in dataclasses.fields(NetworkOptions))


def network_config(options: Mapping[str, Any]) -> NetworkOptions:
    """The networks' options, those not given at their defaults.

    Raises:
        ValueError: if an option is unknown or its value can't be used.
    """
    check_names("policy_kwargs", options, NETWORK_OPTIONS)
    return NetworkOptions(**options)


def network_options(config: NetworkOptions) -> dict[str, Any]:
    """What `network_config` makes the same options from."""
    return {name: getattr(config, name) for name in NETWORK_OPTIONS}


def check_number(name: str, value: float, *, least: float = 0.0, above: bool = False) -> float:
    """A finite number that is `least` or more; or with `above`, more than that.

    Raises:
        ValueError: naming it otherwise.
    """
    fits = isinstance(value, Real) and math.isfinite(value)
    if not fits or value < least or (above and value == least):
        bound = "" if least == -math.inf else f" {'>' if above else '>='} {least:g}"
        raise ValueError(f"{name} must be a finite number{bound}, got {value!r}")
    return float(value)


def fused(optimizer: type[torch.optim.Optimizer], options: dict[str, Any] | None) -> dict[str, Any]:
    """Adam's fused form unless told otherwise: these networks are many small tensors."""
    if options is None:
        return {"fused": True} if optimizer is torch.optim.Adam else {}
    return options


def refuse_sde(use_sde: bool) -> None:
    """Refuse state-dependent exploration.

    Raises:
        ValueError: if it was asked for.
    """
    if use_sde:
        raise ValueError("use_sde must be False: the noise is per edge, and graphs differ in size")
