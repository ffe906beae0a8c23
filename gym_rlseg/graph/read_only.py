"""Arrays that nobody can write into: graphs are kept and handed out again and again."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def freeze(holder: Any) -> None:
    """Make the arrays of a frozen dataclass read-only views; those it was given stay as they are.

    Args:
        holder: whose fields are arrays, tuples of arrays, or anything else.
    """
    for name, value in list(vars(holder).items()):
        if isinstance(value, np.ndarray):
            object.__setattr__(holder, name, read_only(value))
        elif isinstance(value, tuple):
            object.__setattr__(holder, name, tuple(map(read_only, value)))


def read_only(array: NDArray) -> NDArray:
    """A view that can't be written into."""
    view = array.view()
    view.flags.writeable = False
    return view
