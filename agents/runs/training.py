"""A training from config to run folder: what `rlseg train` and `agents.train` share."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.algorithms import ALGORITHMS
from agents.common.threads import torch_threads
from agents.graph.agent import GraphAgent
from agents.runs.config import RunConfig
from agents.runs.folder import RunFolder
from agents.runs.image_files import without_unusable
from agents.runs.interrupt import Interrupt
from agents.runs.report import write_report
from agents.runs.watch import Watch, out_of_patience
from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.envs.superpixel.observation import check_fits
from gym_rlseg.images import ConstantImageError
from gym_rlseg.writing import write_picture

_WITHOUT_END = 10**12


def _silent(line: str) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a training is carried out, which isn't the config's business.

    Attributes:
        resume: continue the run in the folder instead of starting one.
        start: folder of another run whose weights a new one starts from, or None.
        device: "auto", "cpu" or "cuda".
        threads: torch's.
        progress_bar: shows one on the terminal.
        tell: takes lines about the progress.
        warn: takes lines about images that are left out.
    """

    resume: bool = False
    start: RunFolder | None = None
    device: str = "auto"
    threads: int = 1
    progress_bar: bool = False
    tell: Callable[[str], None] = _silent
    warn: Callable[[str], None] = _silent


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a training ended.

    Attributes:
        agent: as trained.
        trained: False if nothing was left to do.
        interrupted: by Ctrl-C; the run is saved all the same.
        out_of_patience: stopped as the validation reward rose no more.
    """

    agent: GraphAgent
    trained: bool = True
    interrupted: bool = False
    out_of_patience: bool = False


def train(config: RunConfig, folder: RunFolder, options: Options) -> Outcome:
    """Train, and leave in `folder` what a run holds.

    Raises:
        ValueError: if the folder, the config's images or the weights to start from can't be
            used; a new run's folder is then as it was before.
        OSError: if the disk refuses; the last checkpoint is then whole.
    """
    started = time.monotonic()
    if options.resume:
        folder.check_run(folder.checkpoint)
    if options.start is not None:
        options.start.check_run(options.start.best)
    with folder.locked(), torch_threads(options.threads):
        if not options.resume:
            folder.check_free()
            config, skipped = without_unusable(config, options.warn)
        else:
            skipped = {}  # the run's config leaves them out
        try:
            env, eval_env = _prepared(config)
        except ConstantImageError:
            config, more = without_unusable(config, options.warn, graphs=True)
            if options.resume or not more:
                raise
            skipped |= more
            env, eval_env = _prepared(config)
        agent = _agent(config, folder, options, env, eval_env)
        preparing = time.monotonic() - started
        remaining = (config.training.total_timesteps or _WITHOUT_END) - agent.num_timesteps
        patience = config.training.patience
        if out_of_patience(agent.learning_curve, patience):
            return Outcome(agent=agent, trained=False, out_of_patience=True)
        if remaining < 1:
            return Outcome(agent=agent, trained=False)
        with Interrupt() as interrupt:
            if not options.resume:
                folder.create(config, agent, skipped)
            watch = Watch(agent, folder, interrupt, config.training, options.tell)
            agent.learn(
                remaining,
                callback=watch,
                progress_bar=options.progress_bar,
                time_limit=config.training.time_limit,
            )
            folder.save(agent)
            write_picture(folder.panels, _panels(agent, eval_env))
            write_report(folder, config, agent, eval_env, preparing=preparing)
        return Outcome(
            agent=agent,
            interrupted=interrupt.requested,
            out_of_patience=watch.out_of_patience,
        )


def _prepared(config: RunConfig) -> tuple[SuperpixelEnv, SuperpixelEnv]:
    """Environments of training and validation, with the graphs of all files made.

    Raises:
        ConstantImageError: naming an image of a single superpixel.
        ValueError: naming the image that can't be used.
    """
    env = config.make_env()
    eval_env = env.variant(
        split="validation", pool_size=config.agent.evaluation_samples, render_mode="rgb_array"
    )
    for one in (env, eval_env):
        # Generated images are never bad, and there may be many.
        if one is eval_env or one.pool.source.size(one.pool.split) is not None:
            for index in range(one.pool.size or 0):
                check_fits(one.pool.graph(index), one.capacity)
    return env, eval_env


def _agent(
    config: RunConfig,
    folder: RunFolder,
    options: Options,
    env: SuperpixelEnv,
    eval_env: SuperpixelEnv,
) -> GraphAgent:
    shared: dict[str, Any] = {
        "eval_env": eval_env, "device": options.device, "tensorboard_log": folder.log
    }  # fmt: skip
    agent_class = ALGORITHMS[config.algorithm]
    if options.resume:
        return agent_class.load(folder.checkpoint, env, **shared)
    agent = agent_class(config.agent, env, seed=config.training.seed, **shared)
    if options.start is not None:
        agent.start_from(options.start.best)
    return agent


def _panels(agent: GraphAgent, eval_env: SuperpixelEnv) -> NDArray[np.uint8]:
    observation, _ = eval_env.reset(options={"index": (eval_env.pool.size or 1) - 1})
    weights, _ = agent.predict(observation, deterministic=True)
    eval_env.step(weights)
    panels = eval_env.render()
    assert panels is not None, "the validation environment renders"
    return panels
