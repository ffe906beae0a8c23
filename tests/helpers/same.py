"""Whether two things are the same."""

from __future__ import annotations

from typing import Any

import numpy as np


def assert_same(one: Any, two: Any, path: str = "") -> None:
    """Equal in structure, type, dtype and every bit."""
    assert type(one) is type(two), path
    if isinstance(one, dict):
        assert one.keys() == two.keys(), path
        for key in one:
            assert_same(one[key], two[key], f"{path}/{key}")
    elif isinstance(one, tuple | list):
        assert len(one) == len(two), path
        for i, (a, b) in enumerate(zip(one, two, strict=True)):
            assert_same(a, b, f"{path}/{i}")
    elif isinstance(one, np.ndarray):
        assert one.dtype == two.dtype, path
        assert np.array_equal(one, two), path
    else:
        assert one == two, path
