"""From a config to embeddings of its images' pixels, without annotation or reward."""

from __future__ import annotations

import dataclasses
import os
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from agents.common.device import find_device
from agents.common.diverged import check_finite
from agents.common.interrupt import Interrupt
from agents.common.threads import torch_threads
from agents.pixels.pretraining import Pretraining, PretrainingOptions
from agents.runs.config import RunConfig
from agents.runs.durations import parse_duration
from agents.runs.preparing import skipping_unusable, without_graph
from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.options import from_options
from gym_rlseg.paths import output_file, user_path

#: How long it takes where nothing else is said.
DEFAULT_TIME_LIMIT = "3m"
_TELL_EVERY = 30.0  # seconds


@dataclass(frozen=True, kw_only=True)
class Pretrained:
    """What came of it.

    Attributes:
        path: of the file, for `features: {name: embedding, path: ...}`.
        updates: of the network.
        loss: of the last of them.
        interrupted: whether a signal ended it early; the file is written all the same.
    """

    path: Path
    updates: int
    loss: float
    interrupted: bool = False


def pretrain(
    config: Mapping[str, Any] | str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    time_limit: str | float | None = None,
    updates: int | None = None,
    seed: int = 0,
    device: str = "auto",
    threads: int = 1,
    tell: Callable[[str], None] | None = None,
    warn: Callable[[str], None] = warnings.warn,
    **options: Any,
) -> Pretrained:
    """Learn embeddings of pixels from the training images of a config, as `rlseg pretrain` does.

    Args:
        config: as for `agents.train`; its features, agent and training make no difference.
        output: the file to write; ".npz" is appended if missing.
        time_limit: seconds, or a text such as "5m"; None: 3 minutes, unless `updates` is given.
        updates: of the network, at most.
        seed: of weights, images and views.
        device: "auto", "cpu" or "cuda".
        threads: torch's.
        tell: takes lines about the progress.
        warn: takes lines about images that are left out.
        **options: of `agents.pixels.pretraining.PretrainingOptions`.

    Raises:
        ValueError: if the config, its images, an option or the file can't be used.
        DivergedError: if the loss isn't finite.
    """
    chosen = from_options("pretraining", PretrainingOptions, options)
    path = user_path(output)
    path = path if path.suffix == ".npz" else path.with_name(path.name + ".npz")
    output_file(path)
    if time_limit is None and updates is None:
        time_limit = DEFAULT_TIME_LIMIT
    seconds = float("inf") if time_limit is None else parse_duration(time_limit)
    if isinstance(config, Mapping):
        resolved = RunConfig.from_data(config, Path.cwd())
    else:
        resolved = RunConfig.load(user_path(config))
    # The embedding that the features name may be the very one that is made here.
    plain = {**resolved.environment, "features": "handcrafted", "observe_image": False}
    env, _, _ = skipping_unusable(dataclasses.replace(resolved, environment=plain), warn, _prepared)
    channels = len(env.pool.first(range(env.pool.limit))[1].image)
    with torch_threads(threads), Interrupt("stopping after this update, then saving") as stop:
        training = Pretraining(
            lambda rng: env.pool.draw(rng)[1],
            channels,
            chosen,
            seed=seed,
            device=find_device(device),
        )
        started = told = time.monotonic()
        while stop.requested is None and training.updates < (updates or float("inf")):
            training.update()
            check_finite("the loss of the embedding", torch.tensor(training.loss))
            now = time.monotonic()
            if now - started >= seconds:
                break
            if tell is not None and now - told >= _TELL_EVERY:
                told = now
                tell(f"{training.updates} updates, loss {training.loss:.3f}")
        training.network().write(path)
    return Pretrained(
        path=path,
        updates=training.updates,
        loss=training.loss,
        interrupted=stop.requested is not None,
    )


def _prepared(config: RunConfig) -> tuple[SuperpixelEnv, dict[str, str]]:
    """The environment, with the graphs of all files made."""
    env = config.make_env()
    if env.pool.source.size(env.pool.split) is not None:
        env.pool.prepare()
    return env, without_graph(env)
