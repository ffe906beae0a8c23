"""stable-baselines3's agents, as they come and with the policies of `agents.sb3`.

As they come ("stock_sac", "stock_td3", "stock_ppo": `MultiInputPolicy`, a perceptron on the
flattened padded observation) they run and learn next to nothing: they don't know that
edges are alike, nor where to start. With policies per edge, PPO learns; with credit per
edge on top, so do SAC and TD3 ("graph_sac", "graph_td3"). Between the two: "sac" and "td3",
the stock algorithms with our policies, whose critics see one number per image.

    python examples/sb3_agents.py --agent graph_sac --seconds 120
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from held_out import Predict, Proceed, budget, make_env, max_edges, parser, report
from stable_baselines3 import PPO, SAC, TD3
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.noise import NormalActionNoise

from agents.common.evaluation import available_samples
from agents.sb3 import (
    EdgePPOPolicy,
    EdgeSACPolicy,
    EdgeTD3Policy,
    GraphSAC,
    GraphTD3,
    OneStepReplayBuffer,
)

# Of stable-baselines3's defaults only what can't stay: a million padded observations take
# 90 GB, and batches of 256 of them take a second.
STOCK: dict[str, Any] = {"buffer_size": 5000, "batch_size": 64}
PPO_OPTIONS: dict[str, Any] = {"n_steps": 64, "batch_size": 16, "n_epochs": 3}


def ours(seed: int) -> dict[str, Any]:
    """What our policies need from algorithms that they don't come with."""
    return {
        "buffer_size": 4000,
        "batch_size": 4,
        "train_freq": 2,
        "learning_rate": 1e-3,
        "learning_starts": 1,
        "replay_buffer_class": OneStepReplayBuffer,
        "replay_buffer_kwargs": {"seed": seed},
        "seed": seed,
    }


def noise(env: gym.Env[Any, Any]) -> NormalActionNoise:
    """Exploration for TD3, in actions from -1 to 1."""
    zeros = np.zeros(max_edges(env), np.float32)
    return NormalActionNoise(zeros, np.full_like(zeros, 0.3))


def target_entropy(env: gym.Env[Any, Any]) -> float:
    """-1.5 per edge: SAC takes one number for all images, here that of a typical one."""
    indices = range(available_samples(env, 8))
    edges = [env.reset(options={"index": i})[0]["edge_mask"].sum() for i in indices]
    return -1.5 * float(np.mean(edges))


#: Agents by name: what makes one from an environment and a seed.
AGENTS: Mapping[str, Callable[[Any, int], BaseAlgorithm]] = {
    "graph_sac": lambda env, seed: GraphSAC("EdgeSACPolicy", env, seed=seed),
    "graph_td3": lambda env, seed: GraphTD3("EdgeTD3Policy", env, seed=seed),
    "sac": lambda env, seed: SAC(
        EdgeSACPolicy,
        env,
        ent_coef="auto_0.0001",
        target_entropy=target_entropy(env),
        **ours(seed),
    ),
    "td3": lambda env, seed: TD3(EdgeTD3Policy, env, action_noise=noise(env), **ours(seed)),
    "ppo": lambda env, seed: PPO(EdgePPOPolicy, env, seed=seed, learning_rate=1e-3, **PPO_OPTIONS),
    "stock_sac": lambda env, seed: SAC("MultiInputPolicy", env, seed=seed, **STOCK),
    "stock_td3": lambda env, seed: TD3(
        "MultiInputPolicy", env, seed=seed, action_noise=noise(env), **STOCK
    ),
    "stock_ppo": lambda env, seed: PPO("MultiInputPolicy", env, seed=seed),
}


class AskAfterEveryStep(BaseCallback):
    """Stops the training when `proceed` says so."""

    def __init__(self, proceed: Proceed) -> None:
        super().__init__()
        self.proceed = proceed

    def _on_step(self) -> bool:
        return self.proceed(self.num_timesteps, predictor(self.model))


def predictor(model: BaseAlgorithm) -> Predict:
    """Deterministic actions."""
    return lambda observation: model.predict(observation, deterministic=True)[0]


def train(env: gym.Env[Any, Any], *, seed: int, proceed: Proceed, agent: str) -> Predict:
    """Train the agent of that name until `proceed` says stop."""
    model = AGENTS[agent](env, seed)
    model.learn(10**12, callback=AskAfterEveryStep(proceed), log_interval=10**9)
    return predictor(model)


def main(argv: Sequence[str] | None = None) -> None:
    """Train, measure."""
    arguments = parser(__doc__)
    arguments.add_argument("--agent", choices=sorted(AGENTS), default="graph_sac")
    options = arguments.parse_args(argv)
    torch.set_num_threads(1)
    env = make_env(options)
    predict = train(
        env, seed=options.seed, proceed=budget(options.steps, options.seconds), agent=options.agent
    )
    report(options.agent, env, predict, options.images)


if __name__ == "__main__":
    main()
