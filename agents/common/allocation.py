"""Memory that updates need again and again."""

from __future__ import annotations

import ctypes
import sys

#: Parameters of glibc's `mallopt`.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
#: Bytes of the largest arrays that glibc can take from its heap.
LARGEST = 2**25
_KEPT = 2**30


def keep_freed_memory() -> None:
    """Have this process keep what it frees, up to 1 GiB, for its next allocations.

    glibc gives freed memory back to the system and asks for it anew in every update, which
    costs one of small networks a sixth of its time. Elsewhere nothing happens.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, LARGEST)
        mallopt(_TRIM_THRESHOLD, _KEPT)
