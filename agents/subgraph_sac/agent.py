"""Sub-graph soft actor-critic with the interface of stable-baselines3."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from agents.graph.acting import edge_weights
from agents.graph.agent import GraphAgent
from agents.graph.batch import GraphState
from agents.graph.interface import padded_action
from agents.graph.objects import of_objects
from agents.graph.replay import Replay, Transition
from agents.subgraph_sac.learner import SubgraphSACLearner
from agents.subgraph_sac.options import SAC_POLICIES, SubgraphSACConfig


class SubgraphSAC(GraphAgent):
    """Soft actor-critic with a reward per sub-graph (section 3 of the paper).

    Args:
        policy: "default"; a `SubgraphSACConfig`; or "paper", all of the paper's choices that
            are options: a start at 0.5 everywhere, standard deviations in (0.01, 5), one round
            of message passing without edge features and without the graph's mean, a critic
            without gate whose heads see all edges of a sub-graph, a single temperature from
            0.1 on, 100 transitions in the replay, an update at every step, an actor that
            doesn't wait for its critic and is no moving average. Sub-graph sizes, reward and
            features are the environment's.
        env: an environment with the observations and infos of `gym_rlseg`.
        **options: see `GraphAgent`; and fields of `SubgraphSACConfig` that differ from
            the policy's.

    Raises:
        ValueError: if an argument can't be used.
    """

    config_class = SubgraphSACConfig
    policies = SAC_POLICIES
    network_options = (
        *GraphAgent.network_options, "gate", "heads", "temperatures", "values", "object_edges"
    )  # fmt: skip
    checkpoint_format: ClassVar[str] = "gym_rlseg.subgraph_sac"
    config: SubgraphSACConfig
    _learner: SubgraphSACLearner

    def _make_learner(self, info: Mapping[str, Any]) -> SubgraphSACLearner:
        self._rng = np.random.default_rng(self.team.seed(self.seed))
        self._replay = Replay(self.config.replay_size)
        self._following: tuple[Any, Any] | None = None  # where episodes have several steps
        by_object = self.config.values == "objects"
        return SubgraphSACLearner(
            self.features,
            (self.config.object_edges,) if by_object else self.sizes,
            self.config,
            seed=self.seed,
            device=self.device,
            channels=self.channels,
        )

    def _step(self) -> dict[str, float]:
        reward = self._interact()
        self.num_timesteps += self.team.size
        logged = {"train/reward": reward}
        if self._due(self.config.train_every * self.team.size, self.config.learning_starts):
            with self._watch("updates"):
                logged |= self._learner.update(
                    self._replay.sample(self.config.batch_size, self._rng),
                    train_actor=self.num_timesteps >= self.config.actor_starts,
                )
        return logged

    def _interact(self) -> float:
        """One step with a sampled action; returns its reward.

        What comes after it makes no difference to the critic, also where an episode goes on.
        """
        with self._watch("environment"):
            observation, info = self._following or self.env.reset()
        with self._watch("actions"):
            state = GraphState.from_observation(
                observation, info["subgraphs"], pixels=bool(self.channels)
            )
            (weights,) = edge_weights(
                self._learner.actor, [state], self._learner.generator, self.device
            )
            action = padded_action(observation["edge_mask"], weights)
        with self._watch("environment"):
            after, reward, terminated, truncated, info = self.env.step(action)
        self._following = None if terminated or truncated else (after, info)
        if self.config.values == "objects":
            count = self.config.object_edges
            episode = of_objects(state, weights, observation, info, count, self._rng)
        else:
            rewards = info["subgraph_rewards"]
            episode = Transition(state=state, action=weights, rewards=rewards)
        self._replay.add(episode)
        return float(reward)

    def _episodes(self, *, include_replay: bool) -> dict[str, Any]:
        return {
            "rng": json.dumps(self._rng.bit_generator.state),
            "replay": self._replay.state_dict() if include_replay else None,
        }

    def _restore_episodes(self, saved: Mapping[str, Any]) -> None:
        self._rng.bit_generator.state = json.loads(saved["rng"])
        if saved["replay"] is not None:
            self._replay.load_state_dict(saved["replay"])
