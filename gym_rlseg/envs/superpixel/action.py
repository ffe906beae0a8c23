"""Batches of actions as they come in: one weight per edge and environment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.envs.action import check_action


def check_actions(actions: Any, n_envs: int, n_edges: int) -> NDArray[np.float32]:
    """A batch of actions as a new array (n_envs, n_edges).

    Raises:
        ValueError: if there are more or fewer of them, or if `check_action` refuses one,
            naming its environment.
    """
    expected = f"actions must have shape ({n_envs}, {n_edges}), one row per environment"
    try:
        count = len(actions)
    except TypeError:
        raise ValueError(f"{expected}, got {actions!r}") from None
    if count != n_envs:
        raise ValueError(f"{expected}, got {getattr(actions, 'shape', count)}")
    if isinstance(actions, np.ndarray) and actions.shape == (n_envs, n_edges):
        # All at once; what is refused here is looked at one by one, for the message's sake.
        floats = np.issubdtype(actions.dtype, np.floating)
        if floats and actions.min() >= 0.0 and actions.max() <= 1.0:
            return actions.copy()
    checked = []
    for i, action in enumerate(actions):
        with of_environment(i):
            checked.append(check_action(action, (n_edges,)))
    return np.stack(checked)


@contextmanager
def of_environment(number: int) -> Iterator[None]:
    """Puts the environment's number in front of what a ValueError says."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"environment {number}: {error}") from error
