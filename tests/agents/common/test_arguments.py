"""Arguments of agents."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from agents import SubgraphSAC
from agents.subgraph_sac import SubgraphSACConfig


def test_a_config_is_a_policy_and_options_change_it(toy: Any) -> None:
    config = SubgraphSACConfig(width=8, layers=1)
    agent = SubgraphSAC(config, toy(), batch_size=3)
    assert (agent.config.width, agent.config.batch_size) == (8, 3)
    assert config.batch_size == SubgraphSACConfig().batch_size


@pytest.mark.parametrize(
    ("policy", "arguments", "message"),
    [
        ("default", {"widht": 8}, r"unknown option 'widht'; did you mean 'width'\?"),
        ("defualt", {}, r"unknown policy 'defualt'; did you mean 'default'\?"),
        ("default", {"seed": 2**64}, r"seed must be .* to 2\^64 - 1, got 1844"),
        ("default", {"seed": -1}, r"seed must be .*, got -1"),
        ("default", {"seed": True}, r"seed must be .*, got True"),
        ("default", {"width": 10**6}, r"width must be .*8192.*, got 1000000"),
        ("default", {"layers": 10**6}, r"layers must be .*, got 1000000"),
        ("default", {"replay_size": 10**12}, r"replay_size must be .*, got 1000000000000"),
        ("default", {"batch_size": 10**8}, r"batch_size must be .*, got 100000000"),
        ("default", {"width": 0}, r"width must be .*, got 0"),
        (
            "default",
            {"actor_learning_rate": float("nan")},
            r"actor_learning_rate must be .*, got nan",
        ),
        ("default", {"std_range": (0.6, 0.05)}, r"std_range must be .* low < high, got"),
        ("default", {"initial_policy": "random"}, r"'evidence', 'neutral', got 'random'"),
        ("default", {"replay_size": 4, "batch_size": 8}, r"replay_size must be at least"),
        ("default", {"device": "gpu"}, r"device.*'gpu'"),
        ("default", {"width": 8.5}, r"width must be a whole number .*, got 8\.5"),
        ("default", {"width": "8"}, r"width must be a whole number .*, got '8'"),
        ("default", {"batch_size": True}, r"batch_size must be a whole number .*, got True"),
        ("default", {"std_range": 0.3}, r"std_range must be a list .*, got 0\.3"),
        ("default", {"std_range": (0.1, float("inf"))}, r"std_range must be .*, got \(0\.1, inf\)"),
        ("default", {"mean_limit": float("inf")}, r"mean_limit must be .*, got inf"),
        ("default", {"target_entropy": float("nan")}, r"target_entropy must be .*, got nan"),
    ],
)
def test_bad_arguments_are_refused_by_name(
    toy: Any, policy: str, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        SubgraphSAC(policy, toy(), **arguments)


def test_a_gpu_that_is_not_there(toy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="'cuda' was asked for, but torch sees no GPU; use 'cpu'"):
        SubgraphSAC("default", toy(), device="cuda")
    assert SubgraphSAC("default", toy(), width=8).device.type == "cpu"


def test_an_environment_of_another_kind(toy: Any) -> None:
    class Box(toy):  # type: ignore[misc]
        observation_space = spaces.Box(0, 1, (3,))

        def __init__(self) -> None:
            pass

    with pytest.raises(ValueError, match="env must observe a Dict with node_features"):
        SubgraphSAC("default", Box())
    several = SyncVectorEnv([toy, toy], autoreset_mode=AutoresetMode.SAME_STEP)
    with pytest.raises(ValueError, match=r"a single gymnasium\.Env, got SyncVectorEnv; .*sb3"):
        SubgraphSAC("default", several)  # type: ignore[arg-type]

    class Silent(toy):  # type: ignore[misc]
        def reset(self, **kwargs: Any) -> tuple:
            return super().reset(**kwargs)[0], {}

    with pytest.raises(ValueError, match=r"must return info\['subgraphs'\]"):
        SubgraphSAC("default", Silent())
