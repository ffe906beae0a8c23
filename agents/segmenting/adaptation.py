"""Test-time adaptation: more training, on the very images that are to be segmented.

The reward needs no truth, so it can be raised on new images as on those of the training.
The agent starts from what it has learned, as images of another microscope or another day
differ in looks, but not in what their objects are like.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.algorithms import agent_of
from agents.graph.options import AgentOptions
from agents.graph.policy import Policy
from agents.segmenting.segmenter import Segmenter
from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.images import ImageSource, Sample, Split

#: Images that are trained on at most, and the steps after which the reward is looked at.
MOST_IMAGES, EVALUATE_EVERY = 200, 250


@dataclass(frozen=True, kw_only=True)
class Adapted:
    """What came of an adaptation.

    Attributes:
        policy: trained on the images.
        before: mean reward of the images, segmented with the policy as it was.
        after: the same with `policy`.
        images: how many of them there were.
        timesteps: segmentations that the training took.
    """

    policy: Policy
    before: float
    after: float
    images: int
    timesteps: int


def adapt(
    segmenter: Segmenter,
    environment: Mapping[str, Any],
    images: Sequence[Callable[[], Sample]],
    *,
    config: AgentOptions,
    seconds: float,
    seed: int = 0,
    device: str = "auto",
    progress_bar: bool = False,
) -> Adapted:
    """Train a copy of an agent on images, without truth; neither it nor its run is changed.

    Args:
        segmenter: of the run; its checkpoint is where the training starts, its pipeline
            what is measured before and after.
        environment: resolved options of the environment that the run was trained in.
        images: each reads one. Those that can't be segmented are passed over; of more
            than `MOST_IMAGES`, so many are taken, evenly spread.
        config: options of the run's agent.
        seconds: of training; reading the images comes on top.
        seed: of exploration and the order of images.
        device: "auto", "cpu" or "cuda".
        progress_bar: shows one on the terminal.

    Raises:
        ValueError: if no image can be used, or the reward needs truth.
    """
    chosen, rewards, room = _usable(segmenter, images)
    env = SuperpixelEnv(
        chosen,
        **vars(segmenter.pipeline.recipe),
        reward=segmenter.pipeline.reward,
        partition=environment["partition"],
        subgraph_sizes=environment["subgraph_sizes"],
        pool_size=len(rewards),
        max_nodes=room[0],
        max_edges=room[1],
    )
    # The networks must be as they were.
    options = dataclasses.replace(
        config.continued(), evaluate_every=min(config.evaluate_every, EVALUATE_EVERY)
    )
    # A copy shares the graphs, but not the place in the episode.
    agent = agent_of(config)(options, env, eval_env=copy.copy(env), seed=seed, device=device)
    agent.start_from(segmenter.path)
    env.pool.prepare()
    agent.learn(10**12, time_limit=seconds, progress_bar=progress_bar)
    after = [
        segmenter.pipeline.segment(agent.policy, env.pool.graph(index)).reward
        for index in range(len(rewards))
    ]
    return Adapted(
        policy=agent.policy,
        before=float(np.mean(rewards)),
        after=float(np.mean(after)),
        images=len(rewards),
        timesteps=agent.num_timesteps,
    )


@dataclass(frozen=True, kw_only=True)
class _Chosen(ImageSource):
    """Images in every split: nothing is held out from an adaptation."""

    images: tuple[Callable[[], Sample], ...]

    def size(self, split: Split) -> int:
        return len(self.images)

    def sample(self, split: Split, index: int, seed: int) -> Sample:
        return self.images[index]()


def _usable(
    segmenter: Segmenter, images: Sequence[Callable[[], Sample]]
) -> tuple[_Chosen, list[float], tuple[int, int]]:
    """Images that can be segmented, their rewards, and room for their nodes and edges.

    Raises:
        ValueError: if there is none.
    """
    spread = np.linspace(0, len(images) - 1, min(len(images), MOST_IMAGES)).round().astype(int)
    chosen, rewards, sizes, reasons = [], [], [(0, 0)], []
    for index in np.unique(spread):
        try:
            graph = segmenter.graph(images[index]())
            rewards.append(segmenter.pipeline.segment(segmenter.policy, graph).reward)
        except ValueError as error:
            reasons.append(str(error))
        else:
            chosen.append(images[index])
            sizes.append((graph.n_nodes, graph.n_edges))
    if not chosen:
        raise ValueError(f"none of the images can be adapted to: {reasons[0]}")
    nodes, edges = (max(size) for size in zip(*sizes, strict=True))
    return _Chosen(images=tuple(chosen)), rewards, (nodes, edges)
