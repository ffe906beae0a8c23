"""What wrappers expect of an observation space."""

from __future__ import annotations

from collections.abc import Sequence

from gymnasium import spaces

from gym_rlseg.envs.superpixel.observation import GRAPH_KEYS


def boxes(space: spaces.Space, wrapper: str, keys: Sequence[str]) -> dict[str, spaces.Box]:
    """Some entries of a Dict space.

    Args:
        space: an environment's observation space.
        wrapper: the wrapper's name, for the message.
        keys: the entries that it needs.

    Raises:
        ValueError: if the space is no Dict, or an entry is missing or no Box.
    """
    expected = f"{wrapper} needs the padded Dict observation with the keys {tuple(keys)}"
    if not isinstance(space, spaces.Dict):
        raise ValueError(f"{expected}, got {space}")
    missing = [key for key in keys if key not in space.spaces]
    if missing:
        hint = ""
        if set(missing) <= {"image", "superpixels"}:
            hint = "; make the environment with observe_image=True"
        raise ValueError(f"{expected}; {missing} are missing from {list(space.spaces)}{hint}")
    found = {}
    for key in keys:
        entry = space[key]
        if not isinstance(entry, spaces.Box):
            raise ValueError(f"{expected}; {key!r} must be a Box, got {entry}")
        found[key] = entry
    return found


def padded_entries(space: spaces.Space, wrapper: str) -> dict[str, spaces.Box]:
    """The entries that make up the graph.

    Raises:
        ValueError: if one is missing or has another form.
    """
    entries = boxes(space, wrapper, GRAPH_KEYS)
    for key, entry in entries.items():
        dimensions = 1 if key.endswith("mask") else 2
        if len(entry.shape) != dimensions:
            raise ValueError(
                f"{wrapper} needs the padded Dict observation; {key!r} must be a Box of "
                f"{dimensions}-D, got {entry}"
            )
    return entries
