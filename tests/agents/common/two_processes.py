"""What each of two processes does for `test_team.py`, or one alone; run as a script."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch

import gym_rlseg  # noqa: F401
from agents import SubgraphSAC
from agents.common.team import Agreement, Team, torchrun_team
from agents.graph.batch import GraphState
from agents.graph.replay import Transition
from agents.subgraph_sac.learner import SubgraphSACLearner
from agents.subgraph_sac.options import SubgraphSACConfig

SIZES = (2, 4)
#: How many graphs each process has: a mean of means isn't the mean.
SHARES = (3, 1)


def transitions() -> list[Transition]:
    """Four rings of different lengths with random features, actions and rewards."""
    rng, found = np.random.default_rng(0), []
    for n in (5, 9, 7, 12):
        ends = np.sort(np.stack([np.arange(n), np.roll(np.arange(n), -1)]), axis=0)
        subgraphs = tuple(
            np.stack([np.roll(np.arange(n), -i)[:k] for i in range(n)]) for k in SIZES
        )
        state = GraphState(
            node_features=rng.standard_normal((n, 3), np.float32),
            edge_features=rng.random((n, 4), np.float32),
            edge_index=ends,
            subgraphs=subgraphs,
        )
        rewards = tuple(rng.random(len(ids), np.float32) for ids in subgraphs)
        found.append(Transition(state=state, action=rng.random(n, np.float32), rewards=rewards))
    return found


def update(team: Team) -> dict[str, Any]:
    """Gradients of one update on this process's graphs, and the weights after it."""
    config = SubgraphSACConfig(width=8, initial_policy="neutral")
    learner = SubgraphSACLearner((3, 4), SIZES, config, seed=0, device=torch.device("cpu"))
    mine = transitions()
    noise = torch.randn(33, generator=torch.Generator().manual_seed(1))
    if team.size > 1:
        first = sum(SHARES[: team.rank])
        before = sum(t.state.n_edges for t in mine[:first])
        mine, noise = mine[first : first + SHARES[team.rank]], noise[before:]
    learner.noise = lambda *shape: noise[: shape[0]]  # type: ignore[method-assign]
    learner.update(mine)
    named = [p for network in learner.networks.values() for p in network.parameters()]
    gradients = [learner.log_temperatures.grad, *(p.grad for p in named)]
    return {"gradients": gradients, "weights": [p.detach() for p in named]}


def training(team: Team, folder: Path) -> dict[str, Any]:
    """A training that is saved halfway, and the second half once more from there."""
    env = gym.make(
        "RLSeg-Circles-v0", height=48, width=48, count=[2, 3], radius=[6, 9], pool_size=6,
        subgraph_sizes=SIZES,
    )  # fmt: skip
    options: dict[str, Any] = {
        "width": 8, "learning_starts": 4, "actor_starts": 8, "evaluate_every": 16,
        "evaluation_samples": 3,
    }  # fmt: skip
    agent = SubgraphSAC("default", env, seed=3, device="cpu", **options)
    drawn = int(env.unwrapped.np_random.bit_generator.state["state"]["state"] % 2**31)
    agent.learn(16)
    agent.save(folder / "half")
    agent.learn(16)
    again = SubgraphSAC.load(folder / "half", env=env, device="cpu")
    again.learn(16)
    weights = [list(one._learner.actor.state_dict().values()) for one in (agent, again)]
    return {
        "drawn": drawn,
        "timesteps": agent.num_timesteps,
        "weights": weights,
        "curve": [row["reward"] for row in agent.learning_curve],
    }


def agreement(team: Team) -> list[bool]:
    """What comes of a wish that the last process has at the third of 16 calls."""
    agreed = Agreement(team)
    return [agreed(i == 2 and team.rank == team.size - 1)[0] for i in range(16)]


def everything(team: Team, folder: Path) -> dict[str, Any]:
    """All that `test_team.py` looks at of two processes on one machine."""
    return {**small(team), "training": training(team, folder), "agreement": agreement(team)}


def small(team: Team) -> dict[str, Any]:
    """What goes by the connections, or by gloo where processes are on several machines."""
    means = team.means([torch.full((team.rank + 1,), float(team.rank)), torch.empty(0)])
    return {"update": update(team), "means": means}


if __name__ == "__main__":
    torch.set_num_threads(1)
    output, ports = Path(sys.argv[1]), sys.argv[2:]
    for name, local, port in zip(("near", "far"), ("2", "1"), ports, strict=True):
        os.environ.update(LOCAL_WORLD_SIZE=local, MASTER_PORT=port)
        with torchrun_team() as team:
            found = everything(team, output) if name == "near" else small(team)
            torch.save(found, output / f"{name}-{team.rank}.pt")
