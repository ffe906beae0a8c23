"""Training and segmentation from Python, as the command line does them.

    import agents

    run = agents.train("config.yaml", output="run", time_limit="5m")
    labels = agents.segment(images, run)

or in one go, for images that there is no run for yet:

    labels = agents.segment(images, {"environment": {"reward": "nuclei"}}, time_limit="2m")
"""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from agents.common.threads import torch_threads
from agents.graph.options import AgentOptions
from agents.one_shot import Config, train_on
from agents.runs.config import RunConfig
from agents.runs.durations import parse_duration
from agents.runs.environment import files_reader
from agents.runs.folder import RunFolder
from agents.runs.training import TrainingCall
from agents.runs.training import train as train_run
from agents.segmenting.adaptation import adapt as adapt_to
from agents.segmenting.by_pixels import pixel_segmenter
from agents.segmenting.found import Filters, Found
from agents.segmenting.given_images import Images, given_images, is_one
from agents.segmenting.measures import MEASURES, check_measures
from agents.segmenting.objects_table import objects_table
from agents.segmenting.segmenter import Segmenter
from gym_rlseg.images import ListedSource, UnusableImageError
from gym_rlseg.options.declared import shown
from gym_rlseg.paths import user_path

Labels = NDArray[np.int32]
#: A dict per object.
Table = list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Run:
    """A finished training.

    Attributes:
        folder: what `rlseg train` writes; `report.html` in it shows what came of it.
        reward: the highest mean reward of the validation images, in [0, 1].
        timesteps: segmentations in all.
    """

    folder: Path
    reward: float
    timesteps: int

    def segment(
        self, images: Images, **options: Any
    ) -> Labels | list[Labels] | tuple[Labels | list[Labels], Table]:
        """`agents.segment` with this run."""
        return segment(images, self, **options)


def train(
    config: Config,
    output: str | os.PathLike[str],
    *,
    time_limit: str | float | None = None,
    timesteps: int | None = None,
    seed: int | None = None,
    resume: bool = False,
    start: Run | str | os.PathLike[str] | None = None,
    device: str = "auto",
    threads: int = 1,
    progress: bool = False,
) -> Run:
    """Train an agent on the images of a config, as `rlseg train` does.

    Args:
        config: a YAML file, or what one would hold as a dict; in a dict, relative paths
            are relative to the working folder.
        output: folder of the run.
        time_limit: seconds, or a text such as "5m"; None: the config's.
        timesteps: segmentations of the run in all; None: the config's.
        seed: None: the config's.
        resume: continue the run in `output`, with these limits.
        start: another run whose weights a new one starts from.
        device: "auto", "cpu" or "cuda".
        threads: torch's; one is best on small graphs.
        progress: whether to show a progress bar.

    Returns:
        The run. Images that can't be used are left out with a warning.

    Raises:
        ValueError: if the config, its images or a folder can't be used.
        KeyboardInterrupt: after Ctrl-C, with the run saved.
    """
    folder = RunFolder(_path(output, "output must be a folder"))
    limits = {"time_limit": time_limit, "total_timesteps": timesteps, "seed": seed}
    if isinstance(config, Mapping):
        resolved = RunConfig.from_data(config, Path.cwd(), limits)
    else:
        resolved = RunConfig.load(_path(config, "config must be a YAML file or a dict"), limits)
    options = TrainingCall(
        resume=resume,
        start=None if start is None else _run_folder(start),
        device=device,
        threads=threads,
        progress_bar=progress,
        warn=_warn,
    )
    outcome = train_run(resolved, folder, options)
    if outcome.interrupted:
        raise KeyboardInterrupt
    agent = outcome.agent
    return Run(folder=folder.path, reward=agent.best_reward, timesteps=agent.num_timesteps)


def segment(
    images: Images,
    run: Run | Config,
    *,
    time_limit: str | float | None = None,
    adapt: str | float | None = None,
    search: bool = True,
    solver: str | None = None,
    tile: int | str | None = "auto",
    min_score: float = 0.0,
    min_size: int = 0,
    no_border: bool = False,
    table: bool = False,
    measure: Sequence[str] = MEASURES,
    device: str = "auto",
    threads: int = 1,
    progress: bool = False,
) -> Labels | list[Labels] | tuple[Labels | list[Labels], Table]:
    """Segment images with a run, or train on these very images by a config first.

    Args:
        images: an array (H, W), (H, W, C) or (C, H, W), the path of an image file, or
            several of both; or the path of a folder with image files. They are converted
            and stretched as the run's config says.
        run: a run or its folder; or a config as for `train`, whose environment needs
            neither id nor path.
        time_limit: of the training, if `run` is a config; None: the config's.
        adapt: how long to go on training a copy of a run's agent on the images first.
        search: look for partitions of a higher reward; False is up to ten times as fast.
        solver: of the multicut; None: the most accurate.
        tile: see `Segmenter`.
        min_score: objects of a lower score are left out, see `Filters`.
        min_size: objects of fewer pixels are left out.
        no_border: objects that touch the border are left out.
        table: return the rows of objects.csv as well.
        measure: further columns of that table, see `measured`.
        device: "auto", "cpu" or "cuda".
        threads: torch's.
        progress: whether training shows a progress bar.

    Returns:
        int32 (H, W), 0 = background, objects 1..N, for one array or file; else a list of
        them, that of a folder in the order of its names. An image that shows nothing gets
        zeros and a warning. With `table`, a pair of that and a dict per object: its image,
        label, score, the lowest term of the score and so on, see `objects_table`.

    Raises:
        ValueError: if an image, the run or the config can't be used.
    """
    filters = Filters(min_score=min_score, min_size=min_size, no_border=no_border)
    measures = check_measures(measure)
    with tempfile.TemporaryDirectory(prefix="rlseg-") as scratch, torch_threads(threads):
        if not _is_config(run):
            if time_limit is not None:
                raise ValueError("time_limit is for a config; a run is trained, see adapt")
            folder = _run_folder(run)
            folder.check_run(folder.best)
            config = RunConfig.load(folder.config)
            source = given_images(images, files_reader(config.environment))
        else:
            folder = RunFolder(Path(scratch) / "run")
            options = TrainingCall(device=device, threads=threads, progress_bar=progress)
            config, source = train_on(images, run, {"time_limit": time_limit}, folder, options)
        if not isinstance(config.agent, AgentOptions):
            if adapt is not None or solver is not None:
                raise ValueError("adapt and solver are for runs on superpixel graphs")
            pixels = pixel_segmenter(
                config.algorithm, folder.best, config.environment, tile=tile, device=device
            )
            found_labels = [pixels.segment(source.load(key).image) for key in source.listing]
            return found_labels[0] if is_one(images, source) else found_labels
        segmenter = Segmenter(
            folder.best, config.environment, solver=solver, search=search, tile=tile, device=device
        )
        if adapt is not None:
            adapted = adapt_to(
                segmenter,
                config.environment,
                [partial(source.load, key) for key in source.listing],
                config=config.agent,
                seconds=parse_duration(adapt),
                seed=config.training.seed,
                device=device,
                progress_bar=progress,
            )
            if adapted.after > adapted.before:
                segmenter.policy = adapted.policy
        labels, rows = [], []
        for key in source.listing:
            found = _segment(segmenter, source, key).filtered(filters)
            labels.append(found.labels)
            if table:
                raw = source.raw(key)
                channels = source.reader.names_of(source.facts(key), len(raw))
                columns, objects = objects_table(found, raw, measures, channels)
                name = source.listing[key]
                rows += [{"image": name, **dict(zip(columns, row, strict=True))} for row in objects]
    result = labels[0] if is_one(images, source) else labels
    return (result, rows) if table else result


def _segment(segmenter: Segmenter, source: ListedSource[Any], key: Any) -> Found:
    try:
        result = segmenter.segment(source.load(key))
    except UnusableImageError:
        _warn(f"{source.called(key)} shows nothing; its labels are all 0")
        labels = np.zeros(source.raw(key).shape[1:], np.int32)
        return Found(labels=labels, scores=np.zeros(0, np.float32), terms={})
    return Found.of(result, segmenter.pipeline.reward)


def _is_config(run: Run | Config) -> TypeGuard[Config]:
    """Whether it is a config rather than a run or its folder."""
    if isinstance(run, Run | Mapping):
        return isinstance(run, Mapping)
    path = _path(run, "run must be a run, its folder or a config")
    return path.suffix.lower() in (".yaml", ".yml")


def _run_folder(run: Run | Config) -> RunFolder:
    return RunFolder(run.folder if isinstance(run, Run) else _path(run, "expected a run"))


def _path(given: Any, wanted: str) -> Path:
    """A path from a user.

    Raises:
        ValueError: saying what was wanted, if it is something else.
    """
    if not isinstance(given, str | os.PathLike):
        raise ValueError(f"{wanted}, got {shown(given)}")
    return user_path(given)


def _warn(line: str) -> None:
    warnings.warn(line, stacklevel=2)
