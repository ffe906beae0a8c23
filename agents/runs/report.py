"""The report of a run: one page to look at in a browser, without any other file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agents.common.agent import Agent
from agents.common.evaluation import available_samples
from agents.runs.config import RunConfig
from agents.runs.environment import PixelEnv
from agents.runs.folder import RunFolder
from agents.runs.learning_curve import render_learning_curve
from agents.runs.playing import panels as render
from agents.runs.playing import played
from agents.runs.yaml_files import one_line
from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.pictures.html_page import heading, page, paragraph, picture, table
from gym_rlseg.writing import read_csv, write_text

#: Validation images shown in panels: those of the lowest rewards, and some of the others.
WORST, OTHERS = 3, 2
_SECONDS = {
    "environment": "environment (images, superpixels, multicut, rewards)",
    "actions": "actions (the policy)",
    "updates": "updates of the networks",
    "validation": "validation",
}


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A validation image as the run segments it.

    Attributes:
        index: in the validation split.
        name: of the image.
        objects: how many were found.
        reward: in [0, 1].
        parts: of the reward, by name; may be empty.
    """

    index: int
    name: str
    objects: int
    reward: float
    parts: Mapping[str, float]


def write_report(
    folder: RunFolder,
    config: RunConfig,
    agent: Agent,
    eval_env: SuperpixelEnv | PixelEnv,
    *,
    preparing: float,
) -> None:
    """Write report.html; the validation images are segmented once more for it.

    Args:
        folder: of the run.
        config: as resolved.
        agent: as trained.
        eval_env: validation images; renders panels.
        preparing: seconds that it took to read images and make graphs.

    Raises:
        OSError: if the disk refuses; an earlier report is then as it was.
    """
    samples = available_samples(eval_env, config.agent.evaluation_samples)
    judged = sorted((judge(agent, eval_env, i) for i in range(samples)), key=lambda j: j.reward)
    parts = [
        *_outcome(agent, judged),
        *_images(agent, eval_env, judged),
        *_skipped(folder),
        *_timing(agent, preparing),
        *_settings(config),
    ]
    write_text(folder.report, page(f"Training {folder.path.absolute().name}", parts))


def judge(agent: Agent, env: SuperpixelEnv | PixelEnv, index: int) -> Judged:
    """Segment sample `index` by deterministic actions, and look at its reward."""
    found = played(agent, env, index)
    return Judged(index=index, **vars(found))


def _outcome(agent: Agent, judged: Sequence[Judged]) -> Iterator[str]:
    curve = agent.learning_curve
    rewards = [one.reward for one in judged]
    yield paragraph(
        f"Mean reward of {len(judged)} validation images: {np.mean(rewards):.3f} (lowest "
        f"{rewards[0]:.3f}, highest {rewards[-1]:.3f}), after {agent.num_timesteps} "
        "segmentations. No ground truth enters it unless the reward itself uses some."
    )
    if curve:
        yield heading("Learning curve")
        yield picture(
            render_learning_curve(curve),
            f"From {curve[0]['reward']:.3f} to {agent.best_reward:.3f} in {len(curve)} validations",
        )
    names = list(dict.fromkeys(name for one in judged for name in one.parts))
    if names:
        yield heading("What the reward is made of")
        means = [float(np.mean([one.parts.get(n, 0.0) for one in judged])) for n in names]
        yield table(("part", "mean"), zip(names, means, strict=True))


def _images(agent: Agent, env: SuperpixelEnv | PixelEnv, judged: Sequence[Judged]) -> Iterator[str]:
    def panels(one: Judged) -> str:
        judge(agent, env, one.index)  # the environment shows what it segmented last
        return picture(render(env), f"{one.name}: {one.objects} objects, reward {one.reward:.3f}")

    yield heading("Validation images of the lowest reward")
    yield from map(panels, judged[:WORST])
    rest = judged[WORST:]
    if rest:
        yield heading("Others")
        chosen = np.unique(np.linspace(0, len(rest) - 1, OTHERS + 1)[1:].round().astype(int))
        yield from (panels(rest[i]) for i in chosen)
    yield heading("All validation images")
    yield table(
        ("image", "objects", "reward"), [(one.name, one.objects, one.reward) for one in judged]
    )


def _skipped(folder: RunFolder) -> Iterator[str]:
    if folder.skipped.exists():
        rows = read_csv(folder.skipped)
        yield heading("Images that were left out")
        yield table(tuple(rows[0]), [tuple(row.values()) for row in rows])


def _timing(agent: Agent, preparing: float) -> Iterator[str]:
    seconds = agent.seconds
    total = sum(seconds.values())
    yield heading("Time")
    rows = [("reading and preparing images, this time", preparing)]
    rows += [(what, seconds[part]) for part, what in _SECONDS.items() if part in seconds]
    yield table((), [(name, f"{spent:.1f} s") for name, spent in rows])
    if total > 0:
        yield paragraph(f"{agent.num_timesteps / total:.1f} segmentations a second.")


def _settings(config: RunConfig) -> Iterator[str]:
    yield heading("Settings")
    for name, section in config.sections().items():
        rows = [(key, one_line(value)) for key, value in section.items()]
        yield table((name, ""), rows)
