"""A large image from its file to its labels, round by round."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from agents.segmenting.blocks.job import Job, OpenJob, file_hash, opened
from agents.segmenting.blocks.labels import (
    create_output,
    finish_output,
    is_done,
    regions,
    write_region,
)
from agents.segmenting.blocks.measuring import measured
from agents.segmenting.blocks.merging import merge_objects
from agents.segmenting.blocks.objects import find_objects
from agents.segmenting.blocks.pieces import find_pieces, join_pieces
from agents.segmenting.blocks.scheduling import workers
from agents.segmenting.blocks.store import BlockStore
from gym_rlseg.images.reading.formats import image_size, read_facts
from gym_rlseg.images.reading.pages import split_page
from gym_rlseg.images.reading.reader import Reader
from gym_rlseg.images.reading.regions import region_channel
from gym_rlseg.paths import output_folder

#: Takes the name of a round, how many of its blocks are done, and of how many.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a large image.

    Attributes:
        blocks: how many it was divided into.
        kept: how many of its blocks an earlier call had done, of both rounds.
        objects: how many were found; None: the labels were there already.
        superpixels: how many they are made of; 0 if the labels were there.
    """

    blocks: int
    kept: int
    objects: int | None
    superpixels: int = 0


def job_of(
    image: Path, reader: Reader, checkpoint: Path, environment: Mapping[str, Any], **options: Any
) -> Job:
    """What is to be done.

    Args:
        image: the file or Zarr folder, or a page.
        reader: how it is read.
        checkpoint: the agent's.
        environment: resolved options of the environment that it was trained in.
        options: further ones of `Job`.

    Raises:
        ValueError: if the image can't be read in parts, or the run looks at whole images.
    """
    if isinstance(reader.region, str) and region_channel(reader.region) is None:
        raise ValueError(
            "--region: of images in blocks, only a channel can be the region (channel:NAME)"
        )
    if environment.get("features") == "polar":
        raise ValueError("the run's features (polar) look at the whole image, not at blocks of it")
    file = split_page(image)[0]
    stored = file.stat()
    return Job(
        image=str(image.absolute()),
        size=image_size(file, reader.key, reader.level),
        stored=(stored.st_mtime_ns, stored.st_size),
        reader=asdict(reader),
        checkpoint=str(checkpoint.absolute()),
        agent=file_hash(checkpoint),
        environment=environment,
        **options,
    )


def segment_blocks(
    job: Job,
    out: Path,
    *,
    count: int = 1,
    scheduler: str | None = None,
    progress: Progress = lambda *_: None,
) -> Outcome:
    """Segment an image block by block.

    Args:
        job: what is to be done.
        out: Zarr folder for the labels. It is there once all of them are; a call that was
            stopped leaves what it has done in a hidden folder beside it, and the same call
            goes on.
        count: worker processes.
        scheduler: address of a dask scheduler, whose workers are taken then.
        progress: is told of every block.

    Raises:
        ValueError: if the output holds something else, or an image or option can't be used.
        UnusableImageError: if there is nothing to see in the image.
        OSError: if the disk refuses.
    """
    grid = job.grid
    if is_done(job, out):
        return Outcome(blocks=len(grid), kept=2 * len(grid), objects=None)
    output_folder(out.parent)
    store = BlockStore(out.absolute().parent / f".{out.name}.blocks")
    name = store.begin(job.to_data())
    call = opened(str(store.folder), name)
    kept = sum(store.has(f"{kind}-{i}") for kind in ("pieces", "objects") for i in range(len(grid)))
    # What one of the workers does alone, while others load what they will need.
    loading = [("policy", index) for index in range(1, count)]
    with workers(count, scheduler, store.folder) as rounds:
        do = partial(rounds, partial(_do, str(store.folder), name))
        if not store.has("measure"):
            _all(do([("measure", 0), *loading]))
        _round(do, store, progress, "pieces", range(len(grid)))
        if not store.has("joined"):
            _all(do([("joined", 0), *loading]))
        _round(do, store, progress, "objects", range(len(grid)))
        objects = merge_objects(call)
        file = split_page(Path(job.image))[0]
        facts = read_facts(file, job.reader["key"], job.reader["level"])
        create_output(call, objects, facts.pixel_size)
        _round(do, store, progress, "labels", range(len(regions(job.size))))
    finish_output(call, out)
    superpixels = call.joined["area"].size
    return Outcome(blocks=len(grid), kept=kept, objects=objects, superpixels=superpixels)


def _round(
    do: Callable[[Sequence[Any]], Iterator[Any]],
    store: BlockStore,
    progress: Progress,
    kind: str,
    blocks: Sequence[int],
) -> None:
    """Do what is missing of a round."""
    missing = [(kind, index) for index in blocks if not store.has(f"{kind}-{index}")]
    done = len(blocks) - len(missing)
    progress(kind, done, len(blocks))
    for _ in do(missing):
        done += 1
        progress(kind, done, len(blocks))


def _all(done: Iterator[Any]) -> None:
    for _ in done:
        pass


def _measure(job: OpenJob, _: int) -> None:
    reader, boundary = Reader(**job.job.reader), job.pipeline.recipe.boundary
    job.store.save("measure", **measured(job.job.image, job.job.size, reader, boundary).to_arrays())


_TASKS: dict[str, Callable[[OpenJob, int], object]] = {
    "measure": _measure,
    "policy": lambda job, _: job.policy,
    "pieces": find_pieces,
    "joined": lambda job, _: join_pieces(job),
    "objects": find_objects,
    "labels": write_region,
}


def _do(folder: str, name: str, item: tuple[str, int]) -> None:
    """One task, in whatever process."""
    kind, index = item
    _TASKS[kind](opened(folder, name), index)
