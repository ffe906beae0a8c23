"""REINFORCE with a reward per sub-graph, with the interface of stable-baselines3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch

from agents.graph.agent import GraphAgent
from agents.graph.batch import GraphState
from agents.graph.interface import padded_action
from agents.graph.replay import Replay, Transition
from agents.subgraph_reinforce.learner import SubgraphREINFORCELearner, Trials
from agents.subgraph_reinforce.options import SubgraphREINFORCEConfig


class SubgraphREINFORCE(GraphAgent):
    """Policy gradient from several weightings of each image, without a critic.

    One-step episodes allow to ask for the same image again: K weightings of it are sampled,
    and what the sub-graphs around an edge earned in one of them, beyond what they earned in
    the others, is the edge's credit (`losses`). A step of these environments costs a tenth
    of a critic's update, so this learns several times as fast as `SubgraphSAC`.

    Args:
        policy: "default"; a `SubgraphREINFORCEConfig`; or "paper", with the actor of
            `SubgraphSAC`'s.
        env: as for `SubgraphSAC`; `reset` must also give info["index"] and take
            options={"index": i}.
        **options: see `GraphAgent`; and fields of `SubgraphREINFORCEConfig` that differ
            from the policy's.

    Raises:
        ValueError: if an argument can't be used.
    """

    config_class = SubgraphREINFORCEConfig
    checkpoint_format: ClassVar[str] = "gym_rlseg.subgraph_reinforce"
    config: SubgraphREINFORCEConfig
    _learner: SubgraphREINFORCELearner

    def _make_learner(self, info: Mapping[str, Any]) -> SubgraphREINFORCELearner:
        if "index" not in info:
            raise ValueError(
                "env.reset() must return info['index'] and take options={'index': i}, as "
                "gym_rlseg's do: every image is tried several times"
            )
        # Episodes since the last update; actions are logits, as they were sampled.
        self._pending: list[Transition] = []
        self._index = 0
        self._distribution: tuple[torch.Tensor, torch.Tensor] | None = None
        return SubgraphREINFORCELearner(
            self.features,
            self.config,
            seed=self.seed,
            device=self.device,
            channels=self.channels,
        )

    def _step(self) -> dict[str, float]:
        first = len(self._pending) % self.config.samples == 0
        with self._watch("environment"):
            options = None if first else {"index": self._index}
            observation, info = self.env.reset(options=options)
        with self._watch("actions"):
            if first:
                self._index, self._distribution = int(info["index"]), None
                state = GraphState.from_observation(
                    observation, info["subgraphs"], pixels=bool(self.channels)
                )
            else:
                state = self._pending[-1].state
            if self._distribution is None:  # it doesn't change between updates
                self._distribution = self._learner.distribution(state)
            mean, std = self._distribution
            logits = mean + std * self._learner.noise(state.n_edges)
            action = padded_action(observation["edge_mask"], torch.sigmoid(logits).numpy())
        with self._watch("environment"):
            _, reward, _, _, info = self.env.step(action)
        self._pending.append(
            Transition(state=state, action=logits.numpy(), rewards=info["subgraph_rewards"])
        )
        self.num_timesteps += self.team.size
        logged = {"train/reward": float(reward)}
        if len(self._pending) == self.config.samples * self.config.images:
            # Forgotten first: after Ctrl-C in the update they would be too many for the next.
            trials, self._pending = self._trials(), []
            with self._watch("updates"):
                logged |= self._learner.update(trials)
        return logged

    def _trials(self) -> list[Trials]:
        """The pending episodes, by image."""
        found = []
        for first in range(0, len(self._pending), self.config.samples):
            episodes = self._pending[first : first + self.config.samples]
            by_size = zip(*(episode.rewards for episode in episodes), strict=True)
            found.append(
                Trials(
                    state=episodes[0].state,
                    logits=np.stack([episode.action for episode in episodes]),
                    rewards=tuple(np.stack(rewards) for rewards in by_size),
                )
            )
        return found

    def _episodes(self, *, include_replay: bool) -> dict[str, Any]:
        if not include_replay:
            return {"index": self._index, "pending": None}
        pending = self._replay()  # keeps each graph once
        for episode in self._pending:
            pending.add(episode)
        return {"index": self._index, "pending": pending.state_dict()}

    def _restore_episodes(self, saved: Mapping[str, Any]) -> None:
        self._index = int(saved["index"])
        self._distribution = None
        if saved["pending"] is not None:
            pending = self._replay()
            pending.load_state_dict(saved["pending"])
            self._pending = pending.transitions()

    def _replay(self) -> Replay:
        return Replay(self.config.samples * self.config.images)
