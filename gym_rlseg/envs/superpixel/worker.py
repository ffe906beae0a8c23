"""A process that segments in a vector environment's stead."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import socket
import struct
import traceback
import weakref
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

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
        time_limit: seconds after which one that doesn't answer counts as dead.

    Attributes:
        prepared: indices of the graphs prepared last.
    """

    def __init__(
        self, pool: GraphPool, partition: Partition, reward: Reward, time_limit: float
    ) -> None:
        self._partition, self._reward, self._limit = partition, reward, time_limit
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
        if os.name == "posix":  # or a stopped process would hold up who sends it much
            with socket.socket(fileno=os.dup(self._connection.fileno())) as line:
                limit = struct.pack("ll", int(time_limit), int(time_limit % 1 * 1e6))
                line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        self._end = weakref.finalize(self, _end, self._process, self._connection, os.getpid())

    def answers(self) -> bool:
        """Whether it can be asked, between two steps; one that can't has to be replaced.

        Waits until it has prepared what it was told to.
        """
        if self._underway or not self._end.alive or not self._process.is_alive():
            return False
        try:
            self._send("greet", None)
        except RuntimeError:
            return False
        return self.receive() is None

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

    def receive(self) -> list[tuple[NDArray[np.int32], Scores]] | Exception | None:
        """Node labels and scores of each graph, in order, or what was raised."""
        try:
            if not self._connection.poll(self._limit):
                return _lost(f"has not answered for {self._limit:g} s")
            reply = self._connection.recv()
        except (EOFError, OSError):
            return _lost("has died")
        self._underway -= 1
        return reply

    def close(self) -> None:
        """End the process."""
        self._end()

    def _send(self, request: str, data: Any) -> None:
        self._underway += 1
        try:
            self._connection.send((request, data))
        except BlockingIOError:
            raise _lost(f"has read nothing for {self._limit:g} s") from None
        except OSError:
            raise _lost("has died") from None


def _lost(how: str) -> RuntimeError:
    return RuntimeError(f"a worker process of the vector environment {how}; reset() replaces it")


def _end(process: BaseProcess, connection: Connection, owner: int) -> None:
    """End a worker's process; a fork's copy of the worker has no say in it."""
    connection.close()
    if os.getpid() == owner:
        # Hanging up wouldn't do: workers started later may hold copies of this line's end.
        # Nor would a request to terminate: a stopped process doesn't hear it.
        process.kill()
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
            if request == "greet":
                connection.send(None)
                continue
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
