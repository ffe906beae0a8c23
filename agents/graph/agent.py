"""What every agent on superpixel graphs shares: its training, and the checkpoints of it all."""

from __future__ import annotations

import copy
import dataclasses
from abc import abstractmethod
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from agents.common.agent import Agent
from agents.common.evaluation import Predict
from agents.common.learner import Learner
from agents.common.selection import Selection
from agents.graph.acting import act
from agents.graph.interface import feature_counts, image_channels, subgraph_sizes
from agents.graph.options import NETWORK_OPTIONS, POLICIES, AgentOptions
from agents.graph.policy import Policy
from gym_rlseg.graph.pixel_network import PixelNetwork


class GraphAgent(Agent):
    """Learns edge weights from rewards per sub-graph; subclasses say how.

    Owns environment, learner and episodes, and holds the policy of the best validation.
    Training resumes exactly from its checkpoints, or another one starts there.

    Args:
        policy: name of a policy, or options of the class `config_class`.
        env: where it trains, with the observations and infos of `gym_rlseg`.
        eval_env: validation images, reached by `reset(options={"index": i})`; None
            takes the validation split of `env`.
        seed: of weights, exploration, replay and the environment's draws.
        device: "auto", "cpu" or "cuda".
        tensorboard_log: folder for TensorBoard's files; None writes none.
        **options: fields of the options that differ from the policy's.

    Attributes:
        features: numbers of node and edge features, (F, D).
        channels: of the images that the policy sees, 0 if it sees none.
        sizes: of the environment's sub-graphs.

    Raises:
        ValueError: if an argument can't be used.
    """

    #: Class of the options.
    config_class: ClassVar[type[AgentOptions]]
    #: By the name of a policy: options that differ from the defaults.
    policies: ClassVar[Mapping[str, Mapping[str, Any]]] = POLICIES
    #: Options without which weights mean something else.
    network_options: ClassVar[tuple[str, ...]] = NETWORK_OPTIONS
    config: AgentOptions
    policy: Policy

    def _set_up(self) -> None:
        self.features = feature_counts(self.env.observation_space)
        self.channels = image_channels(self.env.observation_space) if self.config.unet else 0
        if self.config.unet and not self.channels:
            raise ValueError(
                "a policy that sees pixels needs observations with image and superpixels: make "
                "the environment with observe_image=True"
            )
        _, info = self.env.reset(seed=self.team.seed(self.seed))
        self.sizes = subgraph_sizes(info)
        self._learner = self._make_learner(info)
        if self.config.pretrained is not None:
            network = PixelNetwork.read(self.config.pretrained)
            for module in (*self._learner.networks.values(), self._learner.averaged_actor):
                if module.pixels is not None:
                    module.pixels.start_at(network)
        actor = copy.deepcopy(self._learner.averaged_actor)
        self.policy = Policy(actor, self.config, self.features, device=self.device, seed=self.seed)
        self._selection = Selection(self.policy.actor)

    @classmethod
    def _restored(cls, config: AgentOptions) -> AgentOptions:
        return dataclasses.replace(config, pretrained=None)  # it may be gone by now

    @abstractmethod
    def _make_learner(self, info: Mapping[str, Any]) -> Learner:
        """What trains; a subclass also sets up what else it needs.

        Args:
            info: of the environment's first reset; features and sizes are known.

        Raises:
            ValueError: if the environment can't do what the agent asks for.
        """

    def _averaged(self) -> Predict:
        return partial(act, self._learner.averaged_actor, device=self.device)

    def _fits(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """What a checkpoint has in common with the environment: name, and numbers, by key."""
        return {
            "features": ("(node, edge) features", self.features),
            "sizes": ("subgraph_sizes", self.sizes),
            "channels": ("channels seen", (self.channels,)),
        }
