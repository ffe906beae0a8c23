"""What `compare_agents.py` runs: agents by name, their budget and their measurements."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from agent_curves import BOUND, EVIDENCE
from common import versions

sys.path.append(str(Path(__file__).parents[1] / "examples"))

import evolution_search
import held_out
import reinforce
import sb3_agents
import supervised_edges

from agents import SubgraphREINFORCE, SubgraphSAC
from agents.graph.agent import GraphAgent
from gym_rlseg.graph.partition import first_node_labels
from gym_rlseg.metrics import project_truth, superpixel_bound, symmetric_best_dice

EVOLUTION, SUPERVISED = "evolution search (per image)", "supervised edges (uses truth)"

FRACTIONS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)

Measure = Callable[[held_out.Predict], dict[str, float]]
Row = dict[str, Any]


class Meter:
    """Measures an agent at fractions of its budget, with the clock stopped meanwhile.

    Called after every environment step as `held_out.Proceed`. Its clock counts the
    processor's time of this process, which with one thread is wall time on an idle core: so
    runs may share a machine with others.

    Args:
        measure: gives "validation", "reward" and "sbd" of an agent.
        budgets: of environment steps ("steps"), of seconds of processor time ("time"), or both.
    """

    def __init__(self, measure: Measure, budgets: Mapping[str, float]) -> None:
        self.measure, self.budgets = measure, budgets
        self.due = {mode: list(FRACTIONS) for mode in budgets}
        self.rows: list[Row] = []
        self._started = time.process_time()

    def __call__(self, steps: int, predict: held_out.Predict) -> bool:
        """Measure if it is time; whether to go on."""
        stopped = time.process_time()
        spent = {"steps": float(steps), "time": stopped - self._started}
        reached = [
            (mode, fraction)
            for mode, fractions in self.due.items()
            for fraction in fractions
            if spent[mode] >= fraction * self.budgets[mode]
        ]
        if reached:
            outcome = self.measure(predict)
            for mode, fraction in reached:
                self.due[mode].remove(fraction)
                self.rows.append(
                    {
                        "mode": mode,
                        "fraction": fraction,
                        "budget": self.budgets[mode],
                        "steps": steps,
                        "seconds": round(spent["time"], 2),
                        **outcome,
                    }
                )
        self._started += time.process_time() - stopped
        return any(spent[mode] < budget for mode, budget in self.budgets.items())


class Stopped:
    """What an agent of the package would predict by if its training stopped now.

    That is the better of its latest actor and of those of its own validations, which come
    every few thousand steps. It decides when it is measured, so the clock stands still.
    """

    def __init__(self, agent: GraphAgent) -> None:
        self.agent, self._decided = agent, -1

    def __call__(self, observation: dict[str, Any]) -> Any:
        """Edge weights."""
        if self._decided != self.agent.num_timesteps:
            self.agent._conclude(self.agent._validation())
            self._decided = self.agent.num_timesteps
        return self.agent.predict(observation, deterministic=True)[0]


def _ours(agent_class: type[GraphAgent]) -> Callable[..., None]:
    """An agent of the package; its own validations count as training."""

    def train(env: gym.Env[Any, Any], *, seed: int, proceed: held_out.Proceed) -> None:
        agent = agent_class("default", env, seed=seed)
        predict = Stopped(agent)
        agent.learn(10**12, callback=lambda *_: proceed(agent.num_timesteps, predict))

    return train


def _sb3(name: str) -> Callable[..., Any]:
    return lambda env, **options: sb3_agents.train(env, agent=name, **options)


#: Agents that train: what runs them on an environment with a seed, asking `proceed`.
TRAINED: dict[str, Callable[..., Any]] = {
    "SubgraphSAC": _ours(SubgraphSAC),
    "SubgraphREINFORCE": _ours(SubgraphREINFORCE),
    "SB3 GraphSAC": _sb3("graph_sac"),
    "SB3 GraphTD3": _sb3("graph_td3"),
    "SB3 PPO, edge policy": _sb3("ppo"),
    "SB3 SAC, edge policy": _sb3("sac"),
    "SB3 TD3, edge policy": _sb3("td3"),
    "SB3 SAC, stock": _sb3("stock_sac"),
    "SB3 TD3, stock": _sb3("stock_td3"),
    "SB3 PPO, stock": _sb3("stock_ppo"),
    "REINFORCE": reinforce.train,
    SUPERVISED: supervised_edges.train,
}
#: Short names for the command line.
NAMES = {
    "subgraph_sac": "SubgraphSAC",
    "subgraph_reinforce": "SubgraphREINFORCE",
    "graph_sac": "SB3 GraphSAC",
    "graph_td3": "SB3 GraphTD3",
    "ppo": "SB3 PPO, edge policy",
    "sac": "SB3 SAC, edge policy",
    "td3": "SB3 TD3, edge policy",
    "stock_sac": "SB3 SAC, stock",
    "stock_td3": "SB3 TD3, stock",
    "stock_ppo": "SB3 PPO, stock",
    "reinforce": "REINFORCE",
    "supervised": SUPERVISED,
    "evolution": EVOLUTION,
}


class Bench:
    """One environment with its held-out images, prepared once for all runs.

    Args:
        env_id: which.
        options: the command line's.
    """

    def __init__(self, env_id: str, options: argparse.Namespace) -> None:
        self.env_id, self.options = env_id, options
        budgets = {"steps": float(options.steps), "time": 60 * options.minutes}
        self.budgets = {mode: budgets[mode] for mode in options.modes}
        self.env = gym.make(env_id, **json.loads(options.options))
        self.test = held_out.held_out_env(self.env, options.images)
        self.validation = held_out.held_out_env(self.env, options.images, "validation")
        for env in (self.env, self.test, self.validation):
            env.unwrapped.pool.prepare()  # type: ignore[attr-defined]

    def measure(self, predict: held_out.Predict) -> dict[str, float]:
        """Validation reward, test reward and test SBD."""
        images = self.options.images
        validation, _ = held_out.measure(self.validation, predict, images)
        reward, sbd = held_out.measure(self.test, predict, images)
        return {"validation": validation, "reward": reward, "sbd": sbd}

    def run(self, agent: str, seed: int) -> list[Row]:
        """Train and measure one agent."""
        if agent == EVOLUTION:
            return self._labelled(agent, seed, self._evolution(seed))
        meter = Meter(self.measure, self.budgets)
        TRAINED[agent](self.env, seed=seed, proceed=meter)
        return self._labelled(agent, seed, meter.rows)

    def references(self) -> list[Row]:
        """The evidence and the best that the superpixels allow, with what that earns."""
        base: Any = self.test.unwrapped
        bounds, returns = [], []
        for index in range(self.options.images):
            graph = base.pool.graph(index)
            best = superpixel_bound(graph.superpixels, graph.truth)
            bounds.append(symmetric_best_dice(best, graph.truth))
            projected = first_node_labels(project_truth(graph.superpixels, graph.truth))
            returns.append(base.reward(graph, projected).total)
        bound = {"validation": 0.0, "reward": np.mean(returns), "sbd": np.mean(bounds)}
        rows = []
        for name, outcome in ((EVIDENCE, self.measure(held_out.evidence)), (BOUND, bound)):
            own = [
                {"mode": m, "fraction": 1.0, "budget": b, "steps": 0, "seconds": 0, **outcome}
                for m, b in self.budgets.items()
            ]
            rows += self._labelled(name, 0, own)
        return rows

    def _evolution(self, seed: int) -> list[Row]:
        """Each test image searched with its share of the budget; means over the images."""
        images, rng = self.options.images, np.random.default_rng(seed)
        # The search has an environment of its own, as measuring resets the other one.
        searched: Any = held_out.held_out_env(self.env, images)
        searched.pool = self.test.unwrapped.pool  # type: ignore[attr-defined]
        share = {
            mode: max(1.0, budget // images) if mode == "steps" else budget / images
            for mode, budget in self.budgets.items()
        }
        meters = []
        for index in range(images):

            def measure(predict: held_out.Predict, index: int = index) -> dict[str, float]:
                observation, _ = self.test.reset(options={"index": index})
                _, reward, *_ = self.test.step(predict(observation))
                sbd = held_out.quality(self.test)
                return {"validation": float(reward), "reward": float(reward), "sbd": sbd}

            meter = Meter(measure, share)
            evolution_search.search(searched, index, rng=rng, proceed=meter)
            meters.append({(row["mode"], row["fraction"]): row for row in meter.rows})
        rows = []
        for label in meters[0]:
            own = [meter[label] for meter in meters]
            mean = {k: float(np.mean([r[k] for r in own])) for k in ("validation", "reward", "sbd")}
            total = {k: sum(r[k] for r in own) for k in ("budget", "steps", "seconds")}
            rows.append({"mode": label[0], "fraction": label[1], **total, **mean})
        return rows

    def _labelled(self, agent: str, seed: int, rows: Iterable[Row]) -> list[Row]:
        packages = f"{versions()}, stable-baselines3 {version('stable-baselines3')}"
        shared = {
            "env": self.env_id,
            "agent": agent,
            "seed": seed,
            "images": self.options.images,
            "versions": packages,
        }
        return [{**shared, **row} for row in rows]
