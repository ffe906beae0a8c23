"""Image files as tasks of a scheduler: one each, none of which ends the others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property, lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.common.interrupt import Interrupt
from agents.segmenting.blocks.scheduling import WorkersDiedError, workers
from agents.segmenting.blocks.store import BlockStore
from agents.segmenting.exports import Exporter, LabelPages
from agents.segmenting.file_by_file import Tell, any_suits, segment_file
from agents.segmenting.folder_job import FolderJob
from agents.segmenting.label_file import LabelFile
from agents.segmenting.results import LabelFolder, Row
from agents.segmenting.targets import Target
from gym_rlseg.images.reading.pages import PageAxes

_DIED = (
    "workers died time and again of it, of too little memory perhaps; try --tile, a smaller image "
    "or fewer --workers"
)


def segment_by_workers(
    job: FolderJob,
    targets: Sequence[Target],
    folder: LabelFolder,
    tell: Tell,
    *,
    count: int = 1,
    scheduler: str | None = None,
) -> None:
    """Segment image files in other processes, and write what comes of them.

    What is done is remembered in a hidden folder of `job.out` until all is: the same call goes on
    with what is missing. Label files and tables are those of `segment_files`.

    Args:
        job: what is to be done; its paths are absolute, unless workers start where this process
            did.
        targets: the label files to write, with their images.
        folder: takes the tables, and exports of all images together.
        tell: takes a line about every image.
        count: worker processes.
        scheduler: address of a dask scheduler, whose workers are taken then.

    Raises:
        ValueError: if the run is for images of another kind, an option can't be used, or the
            folder holds what another call has begun.
        OSError: if the disk refuses.
    """
    store = BlockStore(Path(job.out) / ".images")
    name = store.begin(job.to_data())
    tasks = {_key(target): target for target in targets}
    call = _Call(job=job, store=store, tasks=tasks, folder=folder)
    if call.enter():
        tell(f"{folder.done} images are kept of an earlier call", "")
    with workers(count, scheduler, store.folder) as rounds:
        while missing := [task for task in tasks.items() if not store.has(task[0])]:
            try:
                for key, _ in rounds(partial(_do, str(store.folder), name), missing):
                    call.tell(key, tell)
                    call.enter()
            except WorkersDiedError as error:
                key, target = error.item
                _give_up(job, store, key, target)
                call.tell(key, tell)
    call.enter()
    for exporter in call.shared:
        exporter.finish()
    store.remove()


@dataclass(kw_only=True)
class _Call:
    """What is done so far, and what of it is in the tables, which have the order of the images."""

    job: FolderJob
    store: BlockStore
    tasks: Mapping[str, Target]
    folder: LabelFolder
    _entered: int = field(default=0, init=False)

    @cached_property
    def shared(self) -> list[Exporter]:
        """Exporters of one file for all images."""
        return [one for one in self.folder.exporters if one.path("") is None]

    def tell(self, key: str, tell: Tell) -> None:
        """Tell what became of a file.

        Raises:
            ValueError: if the run is for other images.
        """
        result = _result(self.store, key)
        foreign = result["foreign"] and not self.folder.segmented
        if foreign and not self._any_suits:
            self.store.remove()
            raise ValueError(result["lines"][0][0])
        self.folder.segmented += result["segmented"]
        for line, kind in result["lines"]:
            tell(line, kind)

    def enter(self) -> bool:
        """Enter what is there into the tables, up to the first that is missing; whether any is."""
        before = self._entered
        for key, target in islice(self.tasks.items(), before, None):
            if not self.store.has(key):
                break
            result = _result(self.store, key)
            rows = [Row(**row) for row in result["rows"]]
            self.folder.finish(rows, result["columns"], result["objects"])
            if any(row.labels for row in rows):
                for exporter in self.shared:
                    exporter.write(_written(target))
            self._entered += 1
        return self._entered > before

    @cached_property
    def _any_suits(self) -> bool:
        images = [image for target in self.tasks.values() for image in target.images.values()]
        return any_suits(self.job.segmenter(), self.job.files(), images)


def _key(target: Target) -> str:
    """The name of what is kept of a file; another one once the file has changed."""
    try:
        found = target.source.stat()
        state = [found.st_mtime_ns, found.st_size]
    except OSError:  # whoever reads it says so
        state = []
    images = {page: str(image) for page, image in target.images.items()}
    content = json.dumps([str(target.source), str(target.path), images, state])
    return f"image-{hashlib.sha256(content.encode()).hexdigest()[:32]}"


def _result(store: BlockStore, key: str) -> dict[str, Any]:
    """What `_keep` was given."""
    content: dict[str, Any] = json.loads(store.load(key)["result"].tobytes())
    return content


def _keep(store: BlockStore, key: str, folder: _OneFile, **further: Any) -> None:
    """Remember what a file adds to the tables, by which it is done."""
    content = json.dumps({**folder.entries, **further}).encode()
    store.save(key, result=np.frombuffer(content, np.uint8))


@dataclass(kw_only=True)
class _OneFile(LabelFolder):
    """Writes labels; what the tables get of a file is `entries`, as plain data."""

    entries: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.exporters = [one for one in self.exporters if one.path("") is not None]

    def finish(self, rows: Sequence[Row], columns: Sequence[str], objects: Sequence[Any]) -> None:
        """See `LabelFolder.finish`."""
        self.entries = {"rows": list(map(asdict, rows)), "columns": columns, "objects": objects}


class _Opened:
    """A job in a worker: what is loaded for one file serves the others."""

    def __init__(self, folder: str) -> None:
        self.store = BlockStore(Path(folder))
        job = FolderJob(**self.store.job())
        self.segmenter, self.source, self.labels = job.segmenter(), job.files(), _one_file(job)


@lru_cache(maxsize=1)
def _opened(folder: str, name: str) -> _Opened:
    """The job in a folder, by what `BlockStore.begin` called it; a process keeps the last one."""
    return _Opened(folder)


def _one_file(job: FolderJob) -> _OneFile:
    labels = job.labels(_OneFile)
    assert isinstance(labels, _OneFile)
    return labels


def _do(folder: str, name: str, task: tuple[str, Target]) -> None:
    """One file, in whatever process."""
    (key, target), opened = task, _opened(folder, name)
    labels, foreign = opened.labels, False
    lines: list[tuple[str, str]] = []
    before = labels.segmented

    def others_may_suit() -> bool:
        nonlocal foreign
        foreign = True
        return True

    with LabelFile(labels, target) as file:
        segment_file(
            opened.segmenter,
            opened.source,
            file,
            lambda *line: lines.append(line),
            Interrupt(""),
            others_may_suit,
        )
    segmented = labels.segmented - before
    _keep(opened.store, key, labels, lines=lines, foreign=foreign, segmented=segmented)


def _give_up(job: FolderJob, store: BlockStore, key: str, target: Target) -> None:
    """Remember that workers die of a file."""
    labels = _one_file(job)
    with LabelFile(labels, target) as file:
        for page in target.images:
            file.failure(page, f"{target.source}: {_DIED}")
        file.discard()
    lines = [(f"{target.source}: {_DIED}", "error")]
    _keep(store, key, labels, lines=lines, foreign=False, segmented=0)


@dataclass(frozen=True, kw_only=True)
class _Pages:
    """The pages of a label file that is there, see `Pages`."""

    path: Path
    axes: PageAxes

    @property
    def shape(self) -> tuple[int, int]:
        height, width = next(iter(self)).shape
        return height, width

    @property
    def highest(self) -> int:
        return max(int(page.max()) for page in self)

    def __iter__(self) -> Iterator[NDArray[np.int32]]:
        import tifffile

        with tifffile.TiffFile(self.path) as file:
            for page in file.pages:
                yield page.asarray().astype(np.int32)


def _written(target: Target) -> LabelPages:
    """A label file that is there."""
    names = (str(target.images.get(i, target.source)) for i in range(target.axes.count))
    pages = _Pages(path=target.path, axes=target.axes)
    return LabelPages(stem=target.path.stem, names=tuple(names), pages=pages)
