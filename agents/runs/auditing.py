"""The audit of a config's reward: its images, their truth where labels are given, a run."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agents.graph.policy import Policy
from agents.runs.config import RunConfig
from agents.runs.folder import RunFolder
from agents.runs.preparing import skipping_unusable, without_graph
from agents.segmenting.pipeline import Pipeline
from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.graph import SuperpixelGraph
from gym_rlseg.paths import user_path
from gym_rlseg.rewards import Reward
from gym_rlseg.rewards.audit import Audit, audit
from gym_rlseg.rewards.landscape import Landscape, landscape
from gym_rlseg.writing import write_csv


@dataclass(frozen=True, kw_only=True)
class ConfigAudit:
    """The audit of a config, and what it was made of.

    Attributes:
        audit: of easy partitions, the truth and the trained run.
        graphs: of the images.
        reward: of the config.
    """

    audit: Audit
    graphs: list[SuperpixelGraph]
    reward: Reward

    def landscape(self) -> Landscape:
        """Reward and quality around the truth.

        Raises:
            ValueError: if no image has labels.
        """
        known = [graph for graph in self.graphs if graph.truth is not None]
        return landscape(known, self.reward, np.random.default_rng(0))


def audit_config(
    config: RunConfig,
    images: int,
    warn: Callable[[str], None],
    *,
    labels: str | os.PathLike[str] | None = None,
    trained: RunFolder | None = None,
) -> ConfigAudit:
    """Audit the reward of a config on its training images.

    Args:
        config: of any environment.
        images: how many at most.
        warn: takes a line about every file that is left out, as a training does.
        labels: true ones of images from files; None takes the config's.
        trained: a run whose partitions take part.

    Raises:
        ValueError: if an image, the labels or the run can't be used.
    """
    if config.by_pixels:
        kind = "colourings" if config.algorithm == "colouring" else "masks"
        raise ValueError(f"audits are for rewards of superpixel graphs, not of {kind}")
    if trained is not None:
        trained.check_run(trained.best)
    changes: dict[str, object] = {}
    if labels is not None:
        source = config.environment["source"]
        if source != "files":
            raise ValueError(f"labels are for images from files, these are from {source!r}")
        changes["labels"] = str(user_path(labels).absolute())
    augment = config.environment["augment"]
    if not (isinstance(augment, Mapping) and augment["crop"]):
        # A mirrored image says nothing new. Crops of large ones do, and take less time.
        changes["augment"] = False
    config = dataclasses.replace(config, environment={**config.environment, **changes})

    def prepare(
        config: RunConfig,
    ) -> tuple[tuple[SuperpixelEnv, list[SuperpixelGraph]], dict[str, str]]:
        env = config.make_env()
        graphs = env.pool.graphs(images)
        return (env, graphs), without_graph(env)

    (env, graphs), config, _ = skipping_unusable(config, warn, prepare)
    extra = {}
    if trained is not None:
        policy = Policy.load(trained.best, device="cpu")
        pipeline = Pipeline.from_options(config.environment)
        extra["trained run"] = [pipeline.segment(policy, graph).node_labels for graph in graphs]
    result = audit(graphs, env.reward, np.random.default_rng(0), extra)
    return ConfigAudit(audit=result, graphs=graphs, reward=env.reward)


def write_audit(path: Path, result: Audit) -> None:
    """One row per image and candidate, with what each part of the reward contributes."""
    names = result.part_names
    rows = []
    for row in result.rows:
        values = (row.reward, row.sbd, *(row.parts.get(name) for name in names))
        texts = ("" if value is None else f"{value:.6f}" for value in values)
        rows.append((row.image, row.candidate, *texts))
    write_csv(path, ("image", "candidate", "reward", "sbd", *names), rows)
