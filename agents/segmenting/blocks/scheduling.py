"""Who does the tasks: this process, processes of this machine, or a scheduler's workers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agents.common.allocation import LARGEST

#: Seconds to wait for a scheduler that may not be there.
_PATIENCE = 20
#: Large arrays come from the heap and go back to it, rather than to the system and anew from it,
#: as dask would have it, which costs workers a third of their time; what is free at the heap's
#: end goes back, so that memory stays bounded. One arena, as the heaps of threads hold few arrays.
_MEMORY = {
    "MALLOC_ARENA_MAX": 1,
    "MALLOC_MMAP_THRESHOLD_": LARGEST,
    "MALLOC_TRIM_THRESHOLD_": 2**26,
}
#: Dask looks at what it does a hundred times a second, which takes a tenth of the time.
_UNWATCHED = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.admin.system-monitor.gil.enabled": False,
}
#: Does all items of a round by a function of an item, and gives each as it is done.
Rounds = Callable[[Callable[[Any], None], Sequence[Any]], Iterator[Any]]


class WorkersDiedError(ValueError):
    """Workers died of an item, and others of it again.

    Attributes:
        item: which.
    """

    def __init__(self, item: Any) -> None:
        super().__init__(
            "workers died time and again of one block, of too little memory perhaps; try a "
            "smaller --block or fewer --workers"
        )
        self.item = item


@contextmanager
def workers(count: int, scheduler: str | None, scratch: Path) -> Iterator[Rounds]:
    """Workers, as long as the context lasts.

    What one process does needs no other package. Further ones are dask's: it gives the block of
    a worker that dies to another one.

    Args:
        count: processes; one is this one.
        scheduler: address of a dask scheduler whose workers see the same files; None: of this
            machine's own.
        scratch: folder for dask's temporary files.

    Raises:
        ValueError: if dask is not installed, or no scheduler answers.
    """
    if scheduler is None and count == 1:
        yield _here
        return
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise ValueError(
            "several workers need the package distributed; run: pip install 'gym-rlseg[blocks]'"
        ) from error
    import dask

    quiet = {
        "distributed.worker.memory.target": False,
        "distributed.worker.memory.spill": False,
        "distributed.worker.memory.pause": False,
        "distributed.worker.memory.terminate": False,
        # No task waits in a worker, or it would be held guilty of its death as well.
        "distributed.scheduler.worker-saturation": 1.0,
        "temporary-directory": str(scratch),
        **_UNWATCHED,
        **{f"distributed.nanny.pre-spawn-environ.{name}": n for name, n in _MEMORY.items()},
    }
    with dask.config.set(quiet):
        if scheduler is not None:
            try:
                client = Client(scheduler, timeout=_PATIENCE)
            except (OSError, ValueError) as error:
                raise ValueError(
                    f"no dask scheduler answers at {scheduler} ({error}); start one with: "
                    "dask scheduler"
                ) from error
            with client:
                yield _Rounds(client)
            return
        with (
            _environment_kept(),
            LocalCluster(
                n_workers=count, threads_per_worker=1, processes=True, memory_limit=0,
                silence_logs=50,
                # Any port: other calls may have dask's own.
                dashboard_address="127.0.0.1:0", scheduler_kwargs={"dashboard": False},
            ) as cluster,
            Client(cluster) as client,
        ):  # fmt: skip
            yield _Rounds(client)


@contextmanager
def _environment_kept() -> Iterator[None]:
    """Take back what dask sets in this process's environment for those that it starts."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


def _here(task: Callable[[Any], None], items: Sequence[Any]) -> Iterator[Any]:
    for item in items:
        task(item)
        yield item


class _Rounds:
    """See `Rounds`."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __call__(self, task: Callable[[Any], None], items: Sequence[Any]) -> Iterator[Any]:
        """As `Rounds`.

        Raises:
            WorkersDiedError: if workers die of an item time and again.
        """
        from distributed import KilledWorker, as_completed

        # Not pure: what a task leaves is a file, not its result.
        futures = {self._client.submit(task, item, pure=False): item for item in items}
        try:
            for future in as_completed(futures):
                try:
                    future.result()
                except KilledWorker as error:
                    raise WorkersDiedError(futures[future]) from error
                yield futures[future]
        finally:
            self._client.cancel(list(futures))
