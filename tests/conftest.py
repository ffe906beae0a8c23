"""What tests of both packages share."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest


def pytest_sessionstart() -> None:
    """Signals as a terminal gives them, also where tests run in the background or by nohup.

    There they are ignored, and so they would be in everything that tests start and interrupt.
    """
    for name, handler in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a GPU where there is none."""
    if item.get_closest_marker("gpu") is not None:
        torch = pytest.importorskip("torch")
        if not torch.cuda.is_available():
            pytest.skip("torch sees no GPU")


@pytest.fixture
def one_thread_of_torch() -> Iterator[None]:
    """The graphs are tiny: threads wait for each other, on a busy machine for minutes."""
    import torch  # here, as the tests of gym_rlseg have to run without it

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
