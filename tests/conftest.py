"""What tests of both packages share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture
def one_thread_of_torch() -> Iterator[None]:
    """The graphs are tiny: threads wait for each other, on a busy machine for minutes."""
    import torch  # here, as the tests of gym_rlseg have to run without it

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
