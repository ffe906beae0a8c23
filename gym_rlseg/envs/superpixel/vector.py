"""Several environments stepped together: one pool of graphs, one batch of observations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.vector.utils import create_empty_array
from numpy.typing import NDArray

from gym_rlseg.envs.superpixel.action import check_actions, of_environment
from gym_rlseg.envs.superpixel.env import SuperpixelEnv
from gym_rlseg.envs.superpixel.observation import Capacity, Observation, fill
from gym_rlseg.envs.superpixel.worker import Worker
from gym_rlseg.graph import SuperpixelGraph
from gym_rlseg.options import check_names, is_whole
from gym_rlseg.segmentation.segmentation import Segmentation, segment

Infos = dict[str, Any]
Weights = NDArray[np.float32]


class SuperpixelVectorEnv(SyncVectorEnv):
    """N environments that differ only in which images they draw.

    Equal seeds and actions give what Gymnasium's `SyncVectorEnv` of N `SuperpixelEnv` gives
    with `AutoresetMode.SAME_STEP`, bit for bit: every step ends N episodes, whose last
    observations and infos are in infos["final_obs"] and infos["final_info"], and returns
    the first observations of the next ones. Graphs are prepared and kept once rather than
    N times, observations are written straight into the batch, and partitions and rewards
    may be computed in several processes. (Threads don't pay: what a step does consists of
    many short calls that would wait for each other.)

    Args:
        num_envs: N.
        copy: whether observations are handed out as copies. If not, infos["final_obs"] of
            the next step share their memory, which saves a copy of the batch.
        workers: processes besides this one, each of which segments an equal share of the
            images and keeps its own graphs. They are started by the first reset, in
            multiprocessing's default way: where that isn't "fork", a script has to guard
            its main part by `if __name__ == "__main__"`. They gain little with
            `pool_size=None`, as every graph is then made twice, for its observation here and
            for its partition there. What an interrupted step (Ctrl-C) leaves of them, the next
            reset replaces.
        **kwargs: those of `SuperpixelEnv`.

    Raises:
        ValueError: if an argument can't be used.
    """

    # Closing must work where making failed.
    _workers: Sequence[Worker] = ()

    def __init__(
        self, num_envs: int = 1, *, copy: bool = True, workers: int = 0, **kwargs: Any
    ) -> None:
        for name, value, least in (("num_envs", num_envs, 1), ("workers", workers, 0)):
            if not is_whole(value) or value < least:
                raise ValueError(f"{name} must be a whole number >= {least}, got {value!r}")
        first = SuperpixelEnv(**kwargs)
        self._singles = [first, *(first.sibling() for _ in range(num_envs - 1))]
        super().__init__(
            [lambda env=env: env for env in self._singles],  # type: ignore[misc]
            copy=copy,
            autoreset_mode=AutoresetMode.SAME_STEP,
        )
        processes = min(workers + 1, num_envs)
        self._shares = [range(i, num_envs, processes) for i in range(processes)]
        self._rows: list[Observation] = []
        self._ready = False

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Observation, Infos]:
        """Begin an episode in every environment.

        Args:
            seed: re-seeds the draws: environment i by seed + i, or by the i-th of a list.
            options: "index" takes that sample of the source's split, or the i-th of a list in
                environment i; "reset_mask", bool (N,), leaves out the environments where it
                is False: their observations stay as they are and infos don't mention them.

        Returns:
            The batch of observations, and infos as of Gymnasium's vector environments.

        Raises:
            ResetNeeded: if some are left out the first time.
            ValueError: naming the environment, if it can't be reset.
        """
        options = dict(options or {})
        check_names("reset options", options, ("index", "reset_mask"))
        mask = _mask(options.pop("reset_mask", None), self.num_envs)
        if not self._ready and not mask.all():
            raise ResetNeeded("some environments have no image yet: reset all of them")
        seeds = _spread("seed", seed, self.num_envs, _later)
        indices = _spread("index", options.pop("index", None), self.num_envs, lambda x, _: x)
        self._ready = False
        self._staff()
        infos: Infos = {}
        for i in np.flatnonzero(mask).tolist():
            with of_environment(i):
                info = self._singles[i]._begin(seeds[i], {**options, "index": indices[i]})
            infos = self._add_info(infos, info, i)
            if self.render_mode == "human":
                self._singles[i].render()
        self._prepare()
        observations = self._observe()
        self._ready = True
        return observations, infos

    def step(
        self, actions: Weights
    ) -> tuple[Observation, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], Infos]:
        """Segment N images; all episodes end and the next ones begin.

        Args:
            actions: (N, max_edges) in [0, 1].

        Returns:
            Observations of the next episodes, rewards float64 (N,), terminated (all True),
            truncated (all False), infos.

        Raises:
            ResetNeeded: before the first reset, and after a step or reset that failed.
            ValueError: naming the environment, if an action can't be used; nothing ends.
        """
        if not self._ready:
            raise ResetNeeded("call reset() before step()")
        envs, capacity = self._singles, self._singles[0].capacity
        actions = check_actions(actions, self.num_envs, capacity.edges)
        if len(self._workers) < len(self._shares) - 1:  # a copy has none yet
            self._staff()
            self._prepare()
        self._ready = False
        graphs = [env.graph for env in envs]
        weights = [row[: graph.n_edges] for row, graph in zip(actions, graphs, strict=True)]
        results: dict[int, Segmentation] = {}
        with self._helped(graphs, weights, results) as own:
            for i in own:
                results[i] = segment(graphs[i], weights[i], envs[i].partition, envs[i].reward)
            final_info, final_obs = self._info(), _objects(self._rows)
            for env in envs:
                env._begin()
            self._prepare()
            observations = self._observe()
        ended = [results[i] for i in range(self.num_envs)]
        if self.render_mode == "human":
            for env, result in zip(envs, ended, strict=True):
                env._show(env._picture(result.graph, result))
                env.render()
        final_info |= _with_masks(_step_info(ended, capacity))
        self._ready = True
        return (
            observations,
            np.array([result.reward for result in ended]),
            np.ones(self.num_envs, np.bool_),
            np.zeros(self.num_envs, np.bool_),
            _with_masks({"final_obs": final_obs, "final_info": final_info}) | self._info(),
        )

    def __getstate__(self) -> dict[str, Any]:
        """For copies, also in other processes: with workers of their own."""
        return {**self.__dict__, "_workers": (), "env_fns": ()}

    def close_extras(self, **kwargs: Any) -> None:
        """End the processes and close windows."""
        for worker in self._workers:
            worker.close()
        super().close_extras(**kwargs)

    def _observe(self) -> Observation:
        """The batch of observations, of which a copy is handed out and the rows are kept."""
        space = self.single_observation_space
        batch: Observation = create_empty_array(space, n=self.num_envs, fn=np.zeros)  # type: ignore[assignment]
        self._rows = [{key: array[i] for key, array in batch.items()} for i in range(self.num_envs)]
        for row, env in zip(self._rows, self._singles, strict=True):
            fill(row, env.graph)
        return {key: array.copy() for key, array in batch.items()} if self.copy else batch

    def _info(self) -> Infos:
        """The environments' infos after a reset, all at once."""
        infos = [env._info() for env in self._singles]
        return _with_masks(
            {
                "subgraphs": _objects([info["subgraphs"] for info in infos]),
                "index": np.array([info["index"] for info in infos]),
            }
        )

    def _staff(self) -> None:
        """Start the workers that are missing, and others in place of those that are unusable."""
        first = self._singles[0]
        workers = self._workers = list(self._workers)
        # One by one: those that run must be known when the next one can't be started.
        for k in range(len(self._shares) - 1):
            if k < len(workers) and not workers[k].usable:
                workers[k].close()
                workers[k] = Worker(first.pool, first.partition, first.reward)
            elif k == len(workers):
                workers.append(Worker(first.pool, first.partition, first.reward))

    def _prepare(self) -> None:
        """Tell the workers which graphs come next."""
        _, *others = self._shares
        for worker, share in zip(self._workers, others, strict=True):
            worker.prepare([self._singles[i]._index for i in share])

    @contextmanager
    def _helped(
        self,
        graphs: list[SuperpixelGraph],
        weights: list[Weights],
        results: dict[int, Segmentation],
    ) -> Iterator[list[int]]:
        """Has the workers segment their shares meanwhile and adds what came out to `results`.

        Yields the environments that are left to this process.
        """
        share, *others = self._shares
        own, busy = list(share), []
        for worker, share in zip(self._workers, others, strict=True):
            envs = [self._singles[i] for i in share]
            # Someone may have reset one of them by itself.
            same = worker.prepared == [env._index for env in envs]
            if same and all(worker.knows(env.partition, env.reward) for env in envs):
                worker.submit([weights[i] for i in share])
                busy.append((worker, share))
            else:
                own += share
        try:
            yield own
        finally:
            # What was asked has to be fetched, or the worker is of no use any more.
            replies = [(worker.receive(), share) for worker, share in busy]
        for reply, share in replies:
            if isinstance(reply, Exception):
                raise reply
            for i, (labels, scores) in zip(share, reply, strict=True):
                results[i] = Segmentation(
                    graph=graphs[i], weights=weights[i], node_labels=labels, scores=scores
                )


def _step_info(results: list[Segmentation], capacity: Capacity) -> Infos:
    """What a step's info holds besides a reset's, for N episodes at once."""
    edge_rewards = np.zeros((len(results), capacity.edges), np.float32)
    node_labels = np.full((len(results), capacity.nodes), -1, np.int32)
    for i, result in enumerate(results):
        edge_rewards[i, : result.graph.n_edges] = result.scores.edges
        node_labels[i, : result.graph.n_nodes] = result.node_labels
    return {
        "subgraph_rewards": _objects([result.subgraph_scores for result in results]),
        "edge_rewards": edge_rewards,
        "node_labels": node_labels,
    }


def _with_masks(infos: Infos) -> Infos:
    """Adds to each key the mask that Gymnasium has beside it: every environment has a value."""
    n = len(next(value for value in infos.values() if isinstance(value, np.ndarray)))
    result: Infos = {}
    for key, value in infos.items():
        result[key], result[f"_{key}"] = value, np.ones(n, np.bool_)
    return result


def _objects(values: Sequence[Any]) -> NDArray[np.object_]:
    """A 1-D array of objects, be they sequences or not."""
    array = np.empty(len(values), object)
    for i, value in enumerate(values):
        array[i] = value
    return array


def _mask(mask: Any, n: int) -> NDArray[np.bool_]:
    """Which environments to reset, bool (n,); None: all."""
    if mask is None:
        return np.ones(n, np.bool_)
    mask = np.asarray(mask)
    if mask.shape != (n,) or mask.dtype != np.bool_ or not mask.any():
        raise ValueError(
            f"reset options: reset_mask must be bool ({n},) with at least one True, "
            f"got {mask.dtype} {mask.shape}: {mask}"
        )
    return mask


def _spread(name: str, value: Any, n: int, of: Callable[[int, int], int]) -> list[Any]:
    """One value per environment, from None, one value or a sequence of n."""
    if value is None:
        return [None] * n
    if np.ndim(value) == 0:
        return [of(value, i) for i in range(n)]
    if len(value) != n:
        raise ValueError(f"{name} must be one value or one per environment, {n}, got {len(value)}")
    return list(value)


def _later(seed: Any, i: int) -> Any:
    """The seed of environment i."""
    if not is_whole(seed.item() if isinstance(seed, np.ndarray) else seed):
        raise ValueError(f"seed must be a whole number or one per environment, got {seed!r}")
    return int(seed) + i
