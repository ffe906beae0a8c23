"""REINFORCE with a baseline per edge, in one file (Williams, 1992; Kool et al., 2019).

`agents.SubgraphREINFORCE` is the package's agent of this kind, with validation, checkpoints
and batched updates; here is how little the idea needs. Several weightings are sampled
for the same image, which `reset(options={"index": i})` allows. `info` says what the
sub-graphs around each edge earned in each of them; what they earned on average in the
others is the edge's baseline. So luck with the image or with a far part of it cancels:

    A_ke = r_ke - 1/(K-1) Σ_{j≠k} r_je         advantage of edge e in sample k
    loss = -mean_ke[ A_ke log π(a_ke) ] - β mean_e[ log std_e ]

    python examples/reinforce.py --seconds 120
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from held_out import Predict, Proceed, arguments, budget, make_env, report
from torch import Tensor, nn

from agents import SubgraphSACConfig
from agents.graph.batch import GraphState, collate
from agents.graph.interface import feature_counts, padded_action
from agents.graph.networks import Actor, initialise
from gym_rlseg.rewards import edge_credit


@dataclass(frozen=True, kw_only=True)
class Options:
    """Hyperparameters.

    Attributes:
        samples: K, weightings per image.
        images: in an update.
        learning_rate: Adam's.
        entropy: β, which keeps the standard deviation from collapsing.
        scale: advantages are divided by their standard deviation over the batch, but at
            least by this.
        averaging: decay of the moving average of the weights, which is what predicts.
    """

    samples: int = 8
    images: int = 4
    learning_rate: float = 1e-3
    entropy: float = 1e-2
    scale: float = 1e-2
    averaging: float = 0.98


def train(
    env: gym.Env[Any, Any], *, seed: int, proceed: Proceed, options: Options | None = None
) -> Predict:
    """Train until `proceed` says stop."""
    options = options or Options()
    generator = torch.Generator().manual_seed(seed)
    actor = Actor(*feature_counts(env.observation_space), SubgraphSACConfig())
    initialise(actor, generator)
    average = torch.optim.swa_utils.AveragedModel(
        actor, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(options.averaging)
    )
    optimizer = torch.optim.Adam(actor.parameters(), lr=options.learning_rate)

    def predict(observation: dict[str, Any]) -> Any:
        batch = collate([GraphState.from_observation(observation)], torch.device("cpu"))
        with torch.no_grad():
            weights = torch.sigmoid(average(batch)[0]).numpy()
        return padded_action(observation["edge_mask"], weights)

    env.reset(seed=seed)
    steps = 0
    while True:
        losses = []
        for _ in range(options.images):
            # One image, K weightings sampled in logit space, K episodes.
            observation, info = env.reset()
            state = GraphState.from_observation(observation)
            mean, std = actor(collate([state], torch.device("cpu")))
            noise = torch.randn((options.samples, state.n_edges), generator=generator)
            logits = (mean + std * noise).detach()
            rewards = []
            for row in torch.sigmoid(logits).numpy():
                env.reset(options={"index": info["index"]})
                outcome = env.step(padded_action(observation["edge_mask"], row))[-1]
                rewards.append(edge_credit(outcome, state.n_edges))
                steps += 1
                if not proceed(steps, predict):
                    return predict
            losses.append(loss(mean, std, logits, np.stack(rewards), options))
        optimizer.zero_grad()
        torch.stack(losses).mean().backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(actor.parameters(), 10.0)
        optimizer.step()
        average.update_parameters(actor)


def loss(
    mean: Tensor, std: Tensor, logits: Tensor, rewards: np.ndarray, options: Options
) -> Tensor:
    """See the file's docstring; mean, std (E,), logits and rewards (K, E)."""
    r = torch.from_numpy(rewards)
    others = (r.sum(dim=0) - r) / (len(r) - 1)
    advantage = r - others
    advantage = advantage / advantage.std().clamp(min=options.scale)
    # The sigmoid's Jacobian doesn't depend on the parameters, so logits will do.
    log_probability = -0.5 * ((logits - mean) / std).square() - std.log()
    return -(advantage * log_probability).mean() - options.entropy * std.log().mean()


def main(argv: Sequence[str] | None = None) -> None:
    """Train, measure."""
    options = arguments(__doc__, argv)
    torch.set_num_threads(1)
    env = make_env(options)
    predict = train(env, seed=options.seed, proceed=budget(options.steps, options.seconds))
    report("REINFORCE", env, predict, options.images)


if __name__ == "__main__":
    main()
