"""Evolution instead of learning: search the weights of each single image by its reward.

The cross-entropy method (Rubinstein, 1999) on one image at a time, from the evidence: draw
weights around a mean, look at the rewards, move mean and spread to the best quarter.
No network, nothing carried over from image to image, and as the reward needs no truth,
held-out images can be searched like any others. An image has hundreds of edges, of which
one number says little; `info` holds the rewards of sub-graphs, so each edge has its own
best quarter: by the rewards of the sub-graphs that it is in. `--credit image` is the
textbook's method.

    python examples/evolution_search.py --steps 500     # per image; --seconds are for all
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from held_out import (
    Proceed,
    budget,
    evidence,
    held_out_env,
    make_env,
    max_edges,
    parser,
    quality,
)
from numpy.typing import NDArray

from agents.common.evaluation import available_samples
from gym_rlseg.rewards import edge_credit

MARGIN = 1e-2


@dataclass(frozen=True, kw_only=True)
class Options:
    """Hyperparameters.

    Attributes:
        population: weightings per generation.
        elite: share of them that the next generation follows.
        spread: standard deviation at the start, in logit space.
        least_spread: and at the least.
        rate: how far mean and spread go towards those of the best.
        credit: "subgraph" or "image".
    """

    population: int = 24
    elite: float = 0.25
    spread: float = 1.0
    least_spread: float = 0.2
    rate: float = 0.5
    credit: str = "subgraph"


def search(
    env: gym.Env[Any, Any],
    index: int,
    *,
    rng: np.random.Generator,
    proceed: Proceed,
    options: Options | None = None,
) -> tuple[NDArray[np.float32], float]:
    """The best weights found for image `index`, and their reward.

    Args:
        env: the environment.
        index: of the image.
        rng: draws the populations.
        proceed: called after every step; see `held_out`.
        options: hyperparameters.
    """
    options = options or Options()
    observation, info = env.reset(options={"index": index})
    n_edges = int(observation["edge_mask"].sum())
    start = evidence(observation)
    best, best_reward = start, float(env.step(start)[1])
    steps, going = 1, proceed(1, lambda _: start)
    centre = start[:n_edges].astype(np.float64).clip(MARGIN, 1 - MARGIN)
    mean = np.log(centre / (1 - centre))
    std = np.full(n_edges, options.spread)
    elite = max(2, round(options.elite * options.population))
    while going:
        logits = mean + std * rng.standard_normal((options.population, n_edges))
        scores = np.full_like(logits, -np.inf)
        for sample, score in zip(logits, scores, strict=True):
            weights = np.zeros(max_edges(env), np.float32)
            weights[:n_edges] = 1 / (1 + np.exp(-sample))
            env.reset(options={"index": index})
            _, earned, _, _, info = env.step(weights)
            reward = float(earned)
            score[:] = edge_credit(info, n_edges) if options.credit == "subgraph" else reward
            if reward > best_reward:
                best, best_reward = weights, reward
            steps += 1
            going = proceed(steps, lambda _, best=best: best)  # type: ignore[misc]
            if not going:
                return best, best_reward
        chosen = np.argsort(-scores, axis=0, kind="stable")[:elite]
        leaders = np.take_along_axis(logits, chosen, axis=0)
        mean += options.rate * (leaders.mean(axis=0) - mean)
        std += options.rate * (leaders.std(axis=0) - std)
        np.maximum(std, options.least_spread, out=std)
    return best, best_reward


def main(argv: Sequence[str] | None = None) -> None:
    """Search each held-out image for its share of the time."""
    arguments = parser(__doc__)
    arguments.add_argument("--credit", choices=("subgraph", "image"), default="subgraph")
    options = arguments.parse_args(argv)
    env = held_out_env(make_env(options), options.images)
    images = available_samples(env, options.images)
    rng = np.random.default_rng(options.seed)
    outcomes = []
    for index in range(images):
        weights, reward = search(
            env,
            index,
            rng=rng,
            proceed=budget(options.steps, options.seconds / images),
            options=Options(credit=options.credit),
        )
        env.reset(options={"index": index})
        env.step(weights)
        outcomes.append((reward, quality(env)))
    reward, sbd = np.mean(outcomes, axis=0)
    print(f"{'evolution search':24} reward {reward:.4f}   SBD {sbd:.4f}   on {images} images")


if __name__ == "__main__":
    main()
