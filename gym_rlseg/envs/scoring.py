"""What a step computes, here or in another process."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.envs.pool import GraphPool
from gym_rlseg.graph import SuperpixelGraph
from gym_rlseg.graph.partition import Partition
from gym_rlseg.rewards.base import Reward, Scores
from gym_rlseg.rewards.objects import subgraph_scores

_PATIENCE = 5.0  # seconds for a process to end by itself


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A segmented graph of N superpixels and E edges.

    Attributes:
        labels: int32 (N,), objects 0..K-1.
        scores: the reward's.
        subgraphs: one float32 (S_k,) array of scores per sub-graph size.
    """

    labels: NDArray[np.int32]
    scores: Scores
    subgraphs: tuple[NDArray[np.float32], ...]


def segment(
    graph: SuperpixelGraph, weights: NDArray[np.float32], partition: Partition, reward: Reward
) -> Outcome:
    """Partition a graph and score the result.

    Args:
        graph: E edges.
        weights: float (E,) in [0, 1]; 1 = cut, 0 = merge.
        partition: turns weights into objects.
        reward: scores objects.
    """
    labels = partition(graph.solver, weights)
    scores = reward(graph, labels)
    return Outcome(
        labels=labels, scores=scores, subgraphs=subgraph_scores(scores.edges, graph.subgraphs)
    )


class Worker:
    """A process that segments graphs of a pool, which it makes and keeps on its own.

    Graphs are pure functions of the pool's options and of the index, and so is what becomes
    of them: it makes no difference which process computes it.

    Args:
        pool: where graphs come from.
        partition: see `segment`.
        reward: see `segment`.
    """

    def __init__(self, pool: GraphPool, partition: Partition, reward: Reward) -> None:
        self._partition, self._reward = partition, reward
        self._asked = 0
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

    def knows(self, partition: Partition, reward: Reward) -> bool:
        """Whether it segments by these; someone may have put others in their place."""
        return partition is self._partition and reward is self._reward

    def prepare(self, indices: Sequence[int]) -> None:
        """Have it make the graphs that come next; doesn't wait."""
        self._send("prepare", 0, list(indices))

    def submit(self, weights: Sequence[NDArray[np.float32]]) -> None:
        """Have it segment the graphs prepared last; doesn't wait. `receive` has to follow.

        Args:
            weights: float (E,) per graph.
        """
        self._asked += 1
        self._send("segment", self._asked, list(weights))

    def receive(self) -> list[Outcome] | Exception:
        """What came out, in order, or what was raised."""
        try:
            # What was asked by a step that Ctrl-C ended is passed over.
            while True:
                number, reply = self._connection.recv()
                if number == self._asked:
                    return reply
        except (EOFError, OSError):
            return _dead()

    def close(self) -> None:
        """End the process."""
        # Hanging up wouldn't do: workers started later may hold copies of this line's end.
        with suppress(RuntimeError):
            self._send("close", 0, [])
        self._connection.close()
        self._process.join(_PATIENCE)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join()

    def _send(self, request: str, number: int, data: list) -> None:
        try:
            self._connection.send((request, number, data))
        except OSError:
            raise _dead() from None


def _dead() -> RuntimeError:
    return RuntimeError("a worker process of the vector environment has died")


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
    reply: list[Outcome] | Exception
    failure: Exception | None = None
    while True:
        try:
            request, number, data = connection.recv()
        except (EOFError, OSError):
            return
        if request == "close":
            return
        if request == "prepare":
            try:
                graphs, failure = [pool.graph(index) for index in data], None
            except Exception as error:  # what a source or a user's reward may raise
                failure = error
            continue
        try:
            if failure is not None:
                raise failure
            reply = [
                segment(graph, weights, partition, reward)
                for graph, weights in zip(graphs, data, strict=True)
            ]
        except Exception as error:
            reply = error
        connection.send((number, reply))
