"""A whole episode, by what an agent has learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agents.common.agent import Agent
from agents.runs.environment import PixelEnv
from gym_rlseg.envs import SuperpixelEnv


@dataclass(frozen=True, kw_only=True)
class Played:
    """An image as an agent segments it; the environment still holds it.

    Attributes:
        name: of the image.
        reward: the sum over the steps.
        objects: how many were found.
        parts: of the reward, by name; may be empty.
    """

    name: str
    reward: float
    objects: int
    parts: Mapping[str, float]


def played(agent: Agent, env: SuperpixelEnv | PixelEnv, index: int) -> Played:
    """Segment image `index` by deterministic actions."""
    observation, info = env.reset(options={"index": index})
    total, over = 0.0, False
    parts: dict[str, float] = {}
    state: Any = None
    while not over:
        action, state = agent.predict(observation, state, deterministic=True)
        observation, reward, over, _, info = env.step(action)
        total += float(reward)
        for key in [key for key in info if key.startswith("reward_")]:
            part = key.removeprefix("reward_")
            parts[part] = parts.get(part, 0.0) + float(info[key])
    if isinstance(env, SuperpixelEnv):
        name, graph = env.graph.name, env.graph
        parts = dict(env.reward.parts(graph, info["node_labels"][: graph.n_nodes]))
    else:
        name = env.episode.prepared.sample.name
    return Played(name=name, reward=total, objects=int(env.segmentation.max()), parts=parts)


def panels(env: SuperpixelEnv | PixelEnv) -> Any:
    """A picture of what was segmented last."""
    pixels = env.render()
    assert pixels is not None, "the validation environment renders"
    return pixels
