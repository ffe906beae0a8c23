"""What stable-baselines3 needs to run on `gym_rlseg`'s environments.

    agent = GraphSAC("EdgeSACPolicy", gym.make("RLSeg-Circles-v0"), seed=0)
    agent.learn(20_000)
    agent.save("sac")                        # stable-baselines3's own zip
    agent = GraphSAC.load("sac", env=env)

`load` unpickles parts of the zip, so that a file from a stranger can run code; parts that
you name in `custom_objects` are taken from there instead. What a stranger trained is
safely read into an agent that you made yourself with the same `policy_kwargs`, as then
only tensors are read: `agent.set_parameters("sac")`.

stable-baselines3's own SAC, TD3 and PPO take the policies and `OneStepReplayBuffer` too.
"""

from agents.sb3.buffers import OneStepReplayBuffer, SubgraphReplayBuffer, SubgraphReplaySamples
from agents.sb3.extractor import GraphExtractor
from agents.sb3.graph_sac import GraphSAC
from agents.sb3.graph_td3 import GraphTD3
from agents.sb3.policies import EdgeSACPolicy, EdgeTD3Policy
from agents.sb3.ppo_policy import EdgePPOPolicy

__all__ = [
    "EdgePPOPolicy",
    "EdgeSACPolicy",
    "EdgeTD3Policy",
    "GraphExtractor",
    "GraphSAC",
    "GraphTD3",
    "OneStepReplayBuffer",
    "SubgraphReplayBuffer",
    "SubgraphReplaySamples",
]
