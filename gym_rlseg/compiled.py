"""Compiled functions, and where numba keeps them from one process to the next.

By default that is beside the source, or in the user's home. On clusters and in containers
often neither can be written to, which numba takes for an error of the import.
"""

from __future__ import annotations

import os
import stat
import tempfile
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba


def njit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """`numba.njit` with a cache where there can be one.

    Args:
        **options: those of `numba.njit`, such as fastmath.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        try:
            return numba.njit(cache=True, **options)(function)
        except RuntimeError:  # no folder can be written to
            folder = _private_folder()
        if folder is None:
            return numba.njit(**options)(function)
        config: Any = numba.config
        before, config.CACHE_DIR = config.CACHE_DIR, folder
        try:
            return numba.njit(cache=True, **options)(function)
        except RuntimeError:
            return numba.njit(**options)(function)
        finally:
            config.CACHE_DIR = before

    return compiled


def cache_folder() -> str | None:
    """Where compiled functions of this package are kept; None: they aren't."""
    return njit()(lambda: None).stats.cache_path


@cache
def _private_folder() -> str | None:
    """A folder for temporary files that nobody else can write to, or None; warns, once."""
    folder = Path(tempfile.gettempdir()) / f"gym_rlseg-numba-{_user()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        # numba's files run code: someone else may have made the folder.
        private = os.name == "nt" or (found.st_uid == _user() and not found.st_mode & 0o077)
        usable = stat.S_ISDIR(found.st_mode) and private and os.access(folder, os.W_OK)
    except OSError:
        usable = False
    kept = f"kept in {folder}" if usable else "compiled anew by each process"
    warnings.warn(
        "neither the folder of gym_rlseg nor the home folder can be written to, so compiled "
        f"functions are {kept}; set NUMBA_CACHE_DIR to a folder that can",
        stacklevel=2,
    )
    return str(folder) if usable else None


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0
