"""Replay of one-step episodes: what was seen, the action taken on it and the rewards."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from agents.graph.batch import GraphState


@dataclass(frozen=True, kw_only=True, eq=False)
class Transition:
    """One episode.

    Attributes:
        state: the graph.
        action: float32 (E,).
        rewards: float32 arrays, one (S_k,) per sub-graph size or others.
    """

    state: GraphState
    action: NDArray[np.float32]
    rewards: tuple[NDArray[np.float32], ...]


class Replay:
    """The last `capacity` transitions, in a ring.

    Environments show the same image many times; each graph is kept once, however many
    transitions refer to it.

    Args:
        capacity: transitions.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._next = 0
        self._entries: list[tuple[bytes, Transition]] = []
        self._states: dict[bytes, tuple[GraphState, int]] = {}  # and its references

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def n_states(self) -> int:
        """Number of different graphs kept."""
        return len(self._states)

    def add(self, transition: Transition) -> None:
        """Append; the oldest transition gives way when the ring is full."""
        key = _key(transition.state)
        state, references = self._states.get(key, (transition.state, 0))
        self._states[key] = (state, references + 1)
        entry = key, Transition(state=state, action=transition.action, rewards=transition.rewards)
        if len(self._entries) < self.capacity:
            self._entries.append(entry)
            return
        self._release(self._entries[self._next][0])
        self._entries[self._next] = entry
        self._next = (self._next + 1) % self.capacity

    def sample(self, count: int, rng: np.random.Generator) -> list[Transition]:
        """`count` transitions, drawn with replacement."""
        return [self._entries[i][1] for i in rng.integers(len(self._entries), size=count)]

    def transitions(self) -> list[Transition]:
        """All that are kept, the oldest first."""
        kept = [transition for _, transition in self._entries]
        return kept[self._next :] + kept[: self._next]

    def state_dict(self) -> dict[str, Any]:
        """Tensors, lists and numbers from which `load_state_dict` restores the replay."""
        keys = list(dict.fromkeys(key for key, _ in self._entries))
        position = {key: i for i, key in enumerate(keys)}
        return {
            "next": self._next,
            "graphs": [_tensors(self._states[key][0].arrays) for key in keys],
            "entries": [
                {
                    "graph": position[key],
                    "action": torch.from_numpy(t.action),
                    "rewards": _tensors(t.rewards),
                }
                for key, t in self._entries
            ],
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        states = [
            GraphState.from_arrays([t.numpy() for t in tensors]) for tensors in saved["graphs"]
        ]
        self._entries, self._states, self._next = [], {}, 0
        for entry in saved["entries"]:
            self.add(
                Transition(
                    state=states[entry["graph"]],
                    action=entry["action"].numpy(),
                    rewards=tuple(r.numpy() for r in entry["rewards"]),
                )
            )
        self._next = saved["next"]

    def _release(self, key: bytes) -> None:
        state, references = self._states[key]
        if references == 1:
            del self._states[key]
        else:
            self._states[key] = (state, references - 1)


def _key(state: GraphState) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for array in state.arrays:
        # With the shape: the same ids may be three sub-graphs of four edges or four of three.
        digest.update(repr(array.shape).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.digest()


def _tensors(arrays: Sequence[NDArray]) -> list[torch.Tensor]:
    return [torch.from_numpy(np.ascontiguousarray(a)) for a in arrays]
