"""How many threads torch uses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gym_rlseg.options import is_whole

#: torch ends the process where the system can't give what it asks for.
MOST_THREADS = 256


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let torch use so many threads, and as many as before afterwards.

    Raises:
        ValueError: if it is no number of threads.
    """
    if not is_whole(count) or not 1 <= count <= MOST_THREADS:
        raise ValueError(f"threads must be a whole number from 1 to {MOST_THREADS}, got {count!r}")
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
