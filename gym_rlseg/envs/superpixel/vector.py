"""Several environments stepped together: one pool of graphs, one batch of observations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from gymnasium.error import ClosedEnvironmentError, ResetNeeded
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.vector.utils import create_empty_array
from numpy.typing import NDArray

from gym_rlseg.envs.arguments import reset_options
from gym_rlseg.envs.superpixel.action import check_actions, of_environment
from gym_rlseg.envs.superpixel.env import SuperpixelEnv
from gym_rlseg.envs.superpixel.episode import gathered
from gym_rlseg.envs.superpixel.observation import Observation, fill
from gym_rlseg.envs.superpixel.worker import Worker
from gym_rlseg.options import is_whole
from gym_rlseg.segmentation.segmentation import Segmentation, segment

Infos = dict[str, Any]
Weights = NDArray[np.float32]
#: The most environments and processes: numbers above are a slip of the pen.
_MOST = {"num_envs": 2**16, "workers": 256}


class SuperpixelVectorEnv(SyncVectorEnv):
    """N environments that differ only in which images they draw.

    Equal seeds and actions give what Gymnasium's `SyncVectorEnv` of N `SuperpixelEnv` gives
    with the same `autoreset_mode`, bit for bit. Graphs are prepared and kept once rather than
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
        worker_time_limit: seconds that a step waits for one of them before it raises.
        autoreset_mode: what follows the end of an episode, which every step is. "SameStep":
            the next one begins at once, and infos["final_obs"] and infos["final_info"] hold
            what belongs to the one that ended. "NextStep": the next step begins it, whatever
            the action, with the reward 0. "Disabled": a reset has to.
        **kwargs: those of `SuperpixelEnv`.

    Raises:
        ValueError: if an argument can't be used.
    """

    # Closing must work where making failed.
    _workers: Sequence[Worker] = ()

    def __init__(
        self,
        num_envs: int = 1,
        *,
        copy: bool = True,
        workers: int = 0,
        worker_time_limit: float = 120.0,
        autoreset_mode: str | AutoresetMode = AutoresetMode.SAME_STEP,
        **kwargs: Any,
    ) -> None:
        for name, value, least in (("num_envs", num_envs, 1), ("workers", workers, 0)):
            if not is_whole(value) or not least <= value <= _MOST[name]:
                raise ValueError(
                    f"{name} must be a whole number in [{least}, {_MOST[name]}], got {value!r}"
                )
        if not 0.0 < worker_time_limit < np.inf:
            raise ValueError(f"worker_time_limit must be > 0 s, got {worker_time_limit!r}")
        modes = [mode.value for mode in AutoresetMode]
        if autoreset_mode not in (*AutoresetMode, *modes):
            raise ValueError(f"autoreset_mode must be one of {modes}, got {autoreset_mode!r}")
        first = SuperpixelEnv(**kwargs)
        first.capacity.check_batch(num_envs)
        self._singles = [first, *(first.sibling() for _ in range(num_envs - 1))]
        super().__init__(
            [lambda env=env: env for env in self._singles],  # type: ignore[misc]
            copy=copy,
            autoreset_mode=autoreset_mode,
        )
        processes = min(workers + 1, num_envs)
        self._shares = [range(i, num_envs, processes) for i in range(processes)]
        self._time_limit = worker_time_limit
        self._rows: list[Observation] = []
        self._ready = False
        self._ended = np.zeros(num_envs, np.bool_)

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
            ClosedEnvironmentError: after `close`.
            ResetNeeded: if some are left out the first time.
            ValueError: naming the environment, if it can't be reset.
        """
        self._check_open()
        options = reset_options(options, "index", "reset_mask")
        mask = _mask(options.get("reset_mask"), self.num_envs)
        if not self._ready and not mask.all():
            raise ResetNeeded("some environments have no image yet: reset all of them")
        seeds = _spread("seed", seed, self.num_envs, _later)
        indices = _spread("index", options.get("index"), self.num_envs, lambda x, _: x)
        self._ready = False
        self._staff()
        infos: list[Infos | None] = [None] * self.num_envs
        for i in np.flatnonzero(mask).tolist():
            with of_environment(i):
                self._singles[i].begin(seed=seeds[i], options={"index": indices[i]})
            infos[i] = self._singles[i].info()
            if self.render_mode == "human":
                self._singles[i].show(self._singles[i].episode)
        self._prepare(replace=True)
        observations = self._observe()
        self._ended &= ~mask
        self._ready = True
        return observations, gathered(infos)

    def step(
        self, actions: Weights
    ) -> tuple[Observation, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], Infos]:
        """Segment N images.

        Args:
            actions: (N, max_edges) in [0, 1].

        Returns:
            Observations, with SAME_STEP of the next episodes; rewards float64 (N,); terminated,
            False where an episode only begins; truncated (all False); infos.

        Raises:
            ClosedEnvironmentError: after `close`.
            ResetNeeded: before the first reset, after a step or reset that failed, and with
                DISABLED for episodes that have ended.
            ValueError: naming the environment, if an action can't be used; nothing ends.
            RuntimeError: if a worker has died, or doesn't answer.
        """
        self._check_open()
        if not self._ready:
            raise ResetNeeded("call reset() before step()")
        mode, ended = self.autoreset_mode, np.flatnonzero(self._ended).tolist()
        if mode is AutoresetMode.DISABLED and ended:
            raise ResetNeeded(f"the episodes of environments {ended} have ended: reset them")
        singles = self._singles
        actions = check_actions(actions, self.num_envs, singles[0].capacity.edges)
        if len(self._workers) < len(self._shares) - 1:  # a copy has none yet
            self._staff()
            self._prepare()
        self._ready = False
        episodes = [env.episode for env in singles]
        weights = {
            i: actions[i, : episode.graph.n_edges]
            for i, episode in enumerate(episodes)
            if i not in ended
        }
        results: dict[int, Segmentation] = {}
        with self._helped(weights, results) as own:
            for i in own:
                env = singles[i]
                results[i] = segment(episodes[i].graph, weights[i], env.partition, env.reward)
            last_rows = self._rows
            following = range(self.num_envs) if mode is AutoresetMode.SAME_STEP else ended
            for i in following:
                singles[i].begin()
            if following:
                self._prepare()
            observations = self._observe()
        for i, result in results.items():
            episodes[i].result = result
        infos = gathered([env.info() for env in singles])
        if mode is AutoresetMode.SAME_STEP:
            final = [env.info(episode) for env, episode in zip(singles, episodes, strict=True)]
            every = np.ones(self.num_envs, np.bool_)
            infos = {"final_obs": _objects(last_rows), "_final_obs": every, **infos}
            infos |= {"final_info": gathered(final), "_final_info": every.copy()}
        else:
            self._ended[:] = [i in results for i in range(self.num_envs)]
        if self.render_mode == "human":
            for env, episode in zip(singles, episodes, strict=True):
                for shown in {id(one): one for one in (episode, env.episode)}.values():
                    env.show(shown)
        terminated = np.array([i in results for i in range(self.num_envs)])
        rewards = [results[i].reward if i in results else 0.0 for i in range(self.num_envs)]
        self._ready = True
        return observations, np.array(rewards), terminated, np.zeros_like(terminated), infos

    def __getstate__(self) -> dict[str, Any]:
        """For copies, also in other processes: with workers of their own."""
        return {**self.__dict__, "_workers": (), "env_fns": ()}

    def close_extras(self, **kwargs: Any) -> None:
        """End the processes and close windows."""
        for worker in self._workers:
            worker.close()
        super().close_extras(**kwargs)

    def _check_open(self) -> None:
        if self.closed:
            raise ClosedEnvironmentError("the environment is closed; make another one")

    def _observe(self) -> Observation:
        """The batch of observations, of which a copy is handed out and the rows are kept."""
        space = self.single_observation_space
        batch: Observation = create_empty_array(space, n=self.num_envs, fn=np.zeros)  # type: ignore[assignment]
        self._rows = [{key: array[i] for key, array in batch.items()} for i in range(self.num_envs)]
        for row, env in zip(self._rows, self._singles, strict=True):
            fill(row, env.graph)
        return {key: array.copy() for key, array in batch.items()} if self.copy else batch

    def _staff(self) -> None:
        """Start the workers that are missing, and others in place of those that are lost."""
        self._workers = list(self._workers)
        for k in range(len(self._shares) - 1):
            if k == len(self._workers):
                self._workers.append(self._worker())
            elif not self._workers[k].answers():
                self._replace(k)

    def _worker(self) -> Worker:
        first = self._singles[0]
        return Worker(first.pool, first.partition, first.reward, self._time_limit)

    def _replace(self, k: int) -> None:
        assert isinstance(self._workers, list)
        self._workers[k].close()
        self._workers[k] = self._worker()

    def _prepare(self, *, replace: bool = False) -> None:
        """Tell the workers which graphs come next."""
        for k, share in enumerate(self._shares[1:]):
            indices = [self._singles[i].episode.index for i in share]
            try:
                self._workers[k].prepare(indices)
            except RuntimeError:  # it died this very moment
                if not replace:
                    raise
                self._replace(k)
                self._workers[k].prepare(indices)

    @contextmanager
    def _helped(
        self, weights: Mapping[int, Weights], results: dict[int, Segmentation]
    ) -> Iterator[list[int]]:
        """Has the workers segment their shares meanwhile and adds what came out to `results`.

        Yields the environments that are left to this process.
        """
        graphs = [env.graph for env in self._singles]
        share, *others = self._shares
        own, busy = [i for i in share if i in weights], []
        for worker, share in zip(self._workers, others, strict=True):
            envs = [self._singles[i] for i in share]
            # Some may only begin an episode; and someone may have reset one of them by itself.
            same = worker.prepared == [env.episode.index for env in envs]
            same = same and all(worker.knows(env.partition, env.reward) for env in envs)
            if same and all(i in weights for i in share):
                worker.submit([weights[i] for i in share])
                busy.append((worker, share))
            else:
                own += [i for i in share if i in weights]
        try:
            yield own
        finally:
            # What was asked has to be fetched, or the worker is of no use any more.
            replies = [(worker.receive(), share) for worker, share in busy]
        for reply, share in replies:
            if isinstance(reply, Exception):
                raise reply
            for i, (labels, scores) in zip(share, reply or (), strict=True):
                results[i] = Segmentation(
                    graph=graphs[i], weights=weights[i], node_labels=labels, scores=scores
                )


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
