"""Graphs made in other processes before they are asked for."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor

from gym_rlseg.graph import SuperpixelGraph

Make = Callable[[int], SuperpixelGraph]
#: What makes graphs in a worker process; nothing in any other one.
_MAKE: list[Make] = []


class GraphsAhead:
    """Worker processes that make the graphs which come next.

    They make no difference to what comes: a graph that they haven't made, or can't make, is left
    to whoever needs it. If one of them dies, all are given up.

    Args:
        make: the graph of a sample, by its index alone; it is sent to the processes.
        count: of processes.

    Attributes:
        reach: how many graphs they are told of ahead.
    """

    def __init__(self, make: Make, count: int) -> None:
        self.reach = 4 * count
        self._coming: dict[int, Future[SuperpixelGraph]] = {}
        # No longer wanted. They aren't cancelled: when a worker dies, a cancelled one breaks the
        # executor's thread before Python 3.12.
        self._in_vain: list[Future[SuperpixelGraph]] = []
        # Not forked: this process may have threads.
        self._executor = ProcessPoolExecutor(
            count, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(make,)
        )

    def expect(self, indices: Iterable[int]) -> None:
        """Have these graphs made, the first ones first; others that were expected no longer are."""
        wanted = dict.fromkeys(indices)
        for index in [index for index in self._coming if index not in wanted]:
            self._in_vain.append(self._coming.pop(index))
        self._in_vain = [future for future in self._in_vain if not future.done()]
        try:
            for index in wanted:
                waiting = len(self._coming) + len(self._in_vain)
                if index not in self._coming and waiting < 2 * self.reach:
                    self._coming[index] = self._executor.submit(_made, index)
        except BrokenExecutor:
            self._coming.clear()

    def take(self, index: int) -> SuperpixelGraph | None:
        """A graph, if it was expected; waits for it. None if there is none, whatever the reason."""
        future = self._coming.pop(index, None)
        if future is None:
            return None
        if not (future.running() or future.done()):  # nobody has begun
            self._in_vain.append(future)
            return None
        try:
            graph = future.result()
        except Exception:  # it comes again where the graph is made
            return None
        # Arrays that come from elsewhere can be written into.
        outlines, sums = dataclasses.replace(graph.outlines), dataclasses.replace(graph.sums)
        return dataclasses.replace(graph, outlines=outlines, sums=sums)

    def close(self) -> None:
        """End the processes."""
        self._executor.shutdown(wait=True, cancel_futures=True)


def _begin(make: Make) -> None:
    """What a worker process does first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the main process's business
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _MAKE.append(make)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "it was started by one"
    parent.join()
    os._exit(1)


def _made(index: int) -> SuperpixelGraph:
    return _MAKE[0](index)
