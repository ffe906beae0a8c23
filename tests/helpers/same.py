"""Whether two things are the same."""

from __future__ import annotations

from typing import Any

import numpy as np


def assert_same(one: Any, two: Any, path: str = "", *, ordered: bool = False) -> None:
    """Equal in structure, type, dtype and every bit; if `ordered`, in the order of keys, too."""
    assert type(one) is type(two), path
    if isinstance(one, dict):
        assert one.keys() == two.keys(), path
        assert not ordered or list(one) == list(two), path
        for key in one:
            assert_same(one[key], two[key], f"{path}/{key}", ordered=ordered)
    elif isinstance(one, tuple | list) or (isinstance(one, np.ndarray) and one.dtype == object):
        assert len(one) == len(two), path
        for i, (a, b) in enumerate(zip(one, two, strict=True)):
            assert_same(a, b, f"{path}/{i}", ordered=ordered)
    elif isinstance(one, np.ndarray):
        assert one.dtype == two.dtype, path
        assert np.array_equal(one, two), path
    else:
        assert one == two, path
