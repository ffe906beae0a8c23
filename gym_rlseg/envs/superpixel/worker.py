"""A process that segments in a vector environment's stead."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import traceback
import weakref
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.envs.superpixel.pool import GraphPool
from gym_rlseg.graph import SuperpixelGraph
from gym_rlseg.graph.partition import Partition
from gym_rlseg.rewards.base import Reward, Scores
from gym_rlseg.segmentation.segmentation import segment


class Worker:
    """A process that segments graphs of a pool, which it makes and keeps on its own.

    Graphs are pure functions of the pool's options and of the index, and so is what becomes
    of them: it makes no difference which process computes it. The process ends with `close`,
    or once nothing refers to the worker any more.

    Args:
        pool: where graphs come from.
        partition: see `segment`.
        reward: see `segment`.

    Attributes:
        prepared: indices of the graphs prepared last.
    """

    def __init__(self, pool: GraphPool, partition: Partition, reward: Reward) -> None:
        self._partition, self._reward = partition, reward
        self.prepared: list[int] = []
        # Messages on their way: what Ctrl-C leaves of them, a part or a reply, stays in the line.
        self._underway = 0
        # The default way of starting processes, as of Gymnasium's AsyncVectorEnv.
        context = multiprocessing.get_context()
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve,
            args=(self._connection, theirs, pool, partition, reward),
            name="rlseg-worker",
            daemon=True,
        )
        self._process.start()
        theirs.close()
        self._end = weakref.finalize(self, _end, self._process, self._connection, os.getpid())

    @property
    def usable(self) -> bool:
        """Whether it can be asked, between two steps; one that can't has to be replaced."""
        return self._underway == 0 and self._end.alive and self._process.is_alive()

    def knows(self, partition: Partition, reward: Reward) -> bool:
        """Whether it segments by these; someone may have put others in their place."""
        return partition is self._partition and reward is self._reward

    def prepare(self, indices: Sequence[int]) -> None:
        """Have it make the graphs that come next; doesn't wait."""
        self.prepared = list(indices)
        self._send("prepare", self.prepared)
        self._underway -= 1

    def submit(self, weights: Sequence[NDArray[np.float32]]) -> None:
        """Have it segment the graphs prepared last; doesn't wait. `receive` has to follow.

        Args:
            weights: float (E,) per graph.
        """
        self._send("segment", list(weights))

    def receive(self) -> list[tuple[NDArray[np.int32], Scores]] | Exception:
        """Node labels and scores of each graph, in order, or what was raised."""
        try:
            reply = self._connection.recv()
        except (EOFError, OSError):
            return _dead()
        self._underway -= 1
        return reply

    def close(self) -> None:
        """End the process."""
        self._end()

    def _send(self, request: str, data: list) -> None:
        self._underway += 1
        try:
            self._connection.send((request, data))
        except OSError:
            raise _dead() from None


def _dead() -> RuntimeError:
    return RuntimeError("a worker process of the vector environment has died; reset() replaces it")


def _end(process: BaseProcess, connection: Connection, owner: int) -> None:
    """End a worker's process; a fork's copy of the worker has no say in it."""
    connection.close()
    if os.getpid() == owner:
        # Hanging up wouldn't do: workers started later may hold copies of this line's end.
        process.terminate()
        process.join()


def _serve(
    others: Connection,
    connection: Connection,
    pool: GraphPool,
    partition: Partition,
    reward: Reward,
) -> None:
    """Answer until the other side hangs up."""
    others.close()  # else this process would keep its own line open
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the main process's business
    graphs: list[SuperpixelGraph] = []
    failure: Exception | None = None
    # What ends it: the other side is gone.
    with suppress(EOFError, OSError):
        while True:
            request, data = connection.recv()
            if request == "prepare":
                try:
                    graphs, failure = [pool.graph(index) for index in data], None
                except Exception as error:  # what a source or a user's reward may raise
                    failure = error
                continue
            try:
                if failure is not None:
                    raise failure
                results = [
                    segment(graph, weights, partition, reward)
                    for graph, weights in zip(graphs, data, strict=True)
                ]
                reply = pickle.dumps(
                    # The graph is on the other side already.
                    [(result.node_labels, result.scores) for result in results],
                    pickle.HIGHEST_PROTOCOL,
                )
            except Exception as error:
                reply = _pickled(error)
            connection.send_bytes(reply)


def _pickled(error: Exception) -> bytes:
    """An exception on its way to the main process, with where it was raised.

    Not every exception survives the way: those say what they are in a RuntimeError.
    """
    place = "".join(traceback.format_exception(error))
    for sent in (error, RuntimeError(f"{type(error).__name__}: {error}")):
        sent.add_note(f"raised in a worker process:\n{place}")
        with suppress(Exception):
            reply = pickle.dumps(sent)
            pickle.loads(reply)  # noqa: S301  (our own)
            return reply
    raise AssertionError("a RuntimeError can be pickled")
