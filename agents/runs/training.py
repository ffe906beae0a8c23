"""A training from config to run folder: what `rlseg train` and `agents.train` share."""

from __future__ import annotations

import dataclasses
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from typing import Any

from agents.algorithms import ALGORITHMS
from agents.common.agent import Agent
from agents.common.interrupt import Interrupt
from agents.common.team import Team, torchrun_team
from agents.common.threads import torch_threads
from agents.runs.config import RunConfig
from agents.runs.environment import PixelEnv
from agents.runs.folder import RunFolder
from agents.runs.playing import panels, played
from agents.runs.preparing import skipping_unusable, training_envs
from agents.runs.report import write_report
from agents.runs.resuming import check_agent, resumed_config
from agents.runs.watch import Watch, out_of_patience
from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.writing import write_picture

_WITHOUT_END = 10**12


def silent(line: str) -> None:
    """Takes a line, and does nothing about it."""


@dataclass(frozen=True, kw_only=True)
class TrainingCall:
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
    tell: Callable[[str], None] = silent
    warn: Callable[[str], None] = silent


@dataclass(frozen=True, kw_only=True)
class Trained:
    """How a training ended.

    Attributes:
        agent: as trained.
        further: False if nothing was left to do.
        interrupted: the signal that stopped it, or None; the run is saved all the same.
        signal_name: what people call that signal, such as "Ctrl-C".
        out_of_patience: stopped as the validation reward rose no more.
    """

    agent: Agent
    further: bool = True
    interrupted: signal.Signals | None = None
    signal_name: str = ""
    out_of_patience: bool = False


def train(config: RunConfig, folder: RunFolder, options: TrainingCall) -> Trained:
    """Train, and leave in `folder` what a run holds.

    Started by `torchrun`, with all the processes together; the first one says and writes what
    there is to say and write.

    Raises:
        ValueError: if the folder, the config's images or the weights to start from can't be
            used; a new run's folder is then as it was before.
        OSError: if the disk refuses; the last checkpoint is then whole.
        KeyboardInterrupt: after a second Ctrl-C; it says what is lost.
    """
    with torchrun_team() as team:
        if not team.leads:
            quiet: dict[str, Any] = {"progress_bar": False, "tell": silent, "warn": silent}
            options = dataclasses.replace(options, **quiet)
        return _train(config, folder, options, team)


def _train(config: RunConfig, folder: RunFolder, options: TrainingCall, team: Team) -> Trained:
    started = time.monotonic()
    if options.resume:
        config = resumed_config(config, folder)
    if options.start is not None:
        options.start.check_run(options.start.best)
    with (
        folder.locked() if team.leads else nullcontext(),
        torch_threads(options.threads),
        ExitStack() as ending,
    ):
        skipped: dict[str, str] = {}
        if options.resume:  # the run's config leaves out what can't be used
            (env, eval_env), _ = training_envs(config)
        else:
            if team.leads:
                folder.check_free()
            (env, eval_env), config, skipped = skipping_unusable(
                config, options.warn, training_envs
            )
        if isinstance(env, SuperpixelEnv):
            ending.callback(env.pool.hire, 0)
        agent = _agent(config, folder, options, env, eval_env)
        preparing = time.monotonic() - started

        def show() -> None:
            if not team.leads:
                return
            played(agent, eval_env, (eval_env.pool.size or 1) - 1)
            write_picture(folder.panels, panels(eval_env))
            write_report(folder, config, agent, eval_env, preparing=preparing)

        remaining = (config.training.total_timesteps or _WITHOUT_END) - agent.num_timesteps
        no_patience = out_of_patience(agent.learning_curve, config.training.patience)
        if no_patience or remaining < 1:
            if not folder.shown:  # it was killed
                show()
            return Trained(agent=agent, further=False, out_of_patience=no_patience)
        with Interrupt("stopping after this step, then saving") as interrupt:
            if not options.resume:
                folder.create(config, agent, skipped)
            watch = Watch(agent, folder, interrupt, config.training, options.tell)
            try:
                agent.learn(
                    remaining,
                    callback=watch,
                    progress_bar=options.progress_bar,
                    time_limit=config.training.time_limit,
                )
                watch.save()
                show()
            except (KeyboardInterrupt, SystemError):  # the latter from within compiled code
                if not interrupt.forced:
                    raise
                raise KeyboardInterrupt(watch.lost()) from None
        return Trained(
            agent=agent,
            interrupted=interrupt.requested,
            signal_name=interrupt.name if interrupt.requested else "",
            out_of_patience=watch.out_of_patience,
        )


def _agent(
    config: RunConfig,
    folder: RunFolder,
    options: TrainingCall,
    env: SuperpixelEnv | PixelEnv,
    eval_env: SuperpixelEnv | PixelEnv,
) -> Agent:
    shared: dict[str, Any] = {
        "eval_env": eval_env, "device": options.device, "tensorboard_log": folder.log
    }  # fmt: skip
    agent_class = ALGORITHMS[config.algorithm]
    if options.resume:
        agent = agent_class.load(folder.checkpoint, env, **shared)
        check_agent(agent, config, folder)
        return agent
    agent = agent_class(config.agent, env, seed=config.training.seed, **shared)
    if options.start is not None:
        agent.start_from(options.start.best)
    return agent
