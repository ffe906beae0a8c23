"""The tables of the documentation say what the code does: shapes, options, metrics, pictures."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import json
import re
from pathlib import Path
from typing import Any

import gymnasium as gym
import imageio.v3 as imageio
import numpy as np
import pytest
import yaml
from stable_baselines3 import PPO, SAC, TD3
from stable_baselines3.common.logger import KVWriter, Logger
from stable_baselines3.common.noise import NormalActionNoise

from agents import (
    Colouring,
    ColouringConfig,
    MaskActorCritic,
    MaskActorCriticConfig,
    SubgraphREINFORCE,
    SubgraphREINFORCEConfig,
    SubgraphSAC,
    SubgraphSACConfig,
)
from agents.common import reporting
from agents.sb3 import (
    EdgePPOPolicy,
    EdgeSACPolicy,
    EdgeTD3Policy,
    GraphSAC,
    GraphTD3,
    OneStepReplayBuffer,
)
from gym_rlseg.envs import ColouringEnv, MasksEnv, SuperpixelEnv
from gym_rlseg.envs.colouring.options import ColouringOptions
from gym_rlseg.envs.masks.options import MasksOptions
from gym_rlseg.envs.superpixel.options import SuperpixelOptions
from gym_rlseg.graph.levels import Levels
from gym_rlseg.graph.partition import Agglomeration, Multicut
from gym_rlseg.graph.silhouettes import Silhouettes
from gym_rlseg.images import SOURCES, FilesSource
from gym_rlseg.images.embryo import DIFFICULTIES
from gym_rlseg.options import plain
from gym_rlseg.registration import COLOURING_ENVIRONMENTS, ENVIRONMENTS, MASKS_ENVIRONMENTS

pytestmark = pytest.mark.usefixtures("one_thread_of_torch")

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
#: An id that differs from another in its images alone is on that one's page.
PAGES = {
    env_id: env_id.split("-")[1].lower()
    for env_id in ENVIRONMENTS
    if env_id != "RLSeg-EmbryoHard-v0"
}
Rows = list[list[str]]
SMALL: dict[str, Any] = {
    "source": {
        "name": "circles", "height": 64, "width": 64, "count": [3, 4], "radius": [5.0, 8.0],
    },
    "pool_size": 2,
    "subgraph_sizes": (2, 4),
    "max_nodes": 128,
    "max_edges": 384,
}  # fmt: skip


def tables(page: str) -> list[Rows]:
    """Every table of a page, with its header, as cells without the marks of code."""
    text = (DOCS / page).read_text()
    found = []
    for table in re.findall(r"(?:^\|.*\|$\n)+", text, re.MULTILINE):
        cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in table.splitlines()]
        found.append([[c.strip().replace("\\|", "|") for c in row] for row in cells])
        del found[-1][1]
    return found


def code(cell: str) -> str:
    match = re.fullmatch(r"`(.*)`", cell)
    assert match, cell
    return match[1]


def options(page: str) -> list[dict[str, Any]]:
    """The tables of options and their defaults, as plain data; "needed" has none."""
    return [
        {
            code(name): "needed" if value == "needed" else literal(code(value))
            for name, value, *_ in rows[1:]
        }
        for rows in tables(page)
        if rows[0][:2] == ["Option", "Default"]
    ]


def literal(text: str) -> Any:
    """A value written as in Python, or a component's options as in JSON."""
    return plain(json.loads(text) if text.startswith("{") else ast.literal_eval(text))


def defaults(cls: type) -> dict[str, Any]:
    return {
        f.name: "needed" if f.default is dataclasses.MISSING else plain(f.default)
        for f in dataclasses.fields(cls)
        if f.init
    }


@pytest.mark.parametrize(
    ("page", "options_class", "ids"),
    [
        ("colouring", ColouringOptions, COLOURING_ENVIRONMENTS),
        ("masks", MasksOptions, MASKS_ENVIRONMENTS),
    ],
)
def test_options_of_other_formulations(page, options_class, ids):
    set_by_id, others = options(f"environments/{page}.md")
    assert set_by_id == plain(*ids.values())
    own = {**defaults(options_class), **set_by_id}
    assert {**own, **others} == own
    assert {*set_by_id, *others} == {*own}


@pytest.mark.parametrize("env_id", PAGES)
def test_options_of_an_environment(env_id):
    set_by_id, *others = options(f"environments/{PAGES[env_id]}.md")
    kwargs = dict(ENVIRONMENTS[env_id])
    source = SOURCES[kwargs.pop("source")]
    assert set_by_id == kwargs
    of_images = others[0] if others else {}
    assert of_images == defaults(source)
    # Stained tissue is explained where files are.
    assert others[1:] == (
        [defaults(Silhouettes), defaults(Levels)] if source is FilesSource else []
    )


def test_options_of_all_environments():
    (table,) = options("environments/index.md")
    expected = defaults(SuperpixelOptions)
    assert expected.pop("source") == "needed"
    assert table == expected


def test_difficulties():
    (table,) = (t for t in tables("environments/embryo.md") if t[0][0] == "Difficulty")
    names = [code(cell) for cell in table[0][1:]]
    shown = {
        code(row[0]): dict(zip(names, map(ast.literal_eval, map(code, row[1:])), strict=True))
        for row in table[1:]
    }
    assert shown == {name: dataclasses.asdict(s) for name, s in DIFFICULTIES.items()}


@pytest.mark.parametrize("env_id", [e for e in PAGES if e != "RLSeg-Images-v0"])
def test_spaces(env_id):
    env = gym.make(env_id, disable_env_checker=True)
    (table,) = (t for t in tables(f"environments/{PAGES[env_id]}.md") if t[0][0] == "Entry")
    shown = {row[0].strip("`"): (row[1], ast.literal_eval(row[2])) for row in table[1:]}
    expected = {"action": env.action_space, **env.observation_space.spaces}
    assert shown == {name: (str(box.dtype), box.shape) for name, box in expected.items()}


def test_entries_of_observation_and_info():
    env = SuperpixelEnv(**SMALL, observe_image=True)
    observation, info = env.reset(seed=0)
    _, _, _, _, after = env.step(env.action_space.sample())
    by_header = {tuple(t[0]): t[1:] for t in tables("environments/index.md")}
    entries = by_header["Entry", "Type", "Shape", "Meaning"]
    assert {code(row[0]): row[1] for row in entries} == {
        name: str(array.dtype) for name, array in observation.items()
    }
    keys = by_header["Key", "From", "Form", "Meaning"]
    assert {code(row[0]) for row in keys} == set(after)
    assert {code(row[0]) for row in keys if "reset" in row[1]} == set(info)


def test_options_of_agent_and_partitions():
    assert options("agents/subgraph_sac.md") == [defaults(SubgraphSACConfig)]
    assert options("agents/colouring.md") == [defaults(ColouringConfig)]
    assert options("agents/masks.md") == [defaults(MaskActorCriticConfig)]
    assert options("agents/subgraph_reinforce.md") == [defaults(SubgraphREINFORCEConfig)]
    assert options("howto/partition.md") == [defaults(Multicut), defaults(Agglomeration)]


MASKS = {
    "batch": 2, "widths": (2, 4), "channel_widths": (2, 4), "evaluate_every": 20,
    **dict.fromkeys(["channel_steps", "mask_steps", "start_steps", "critic_steps"], 4),
}  # fmt: skip


@pytest.mark.parametrize(
    ("agent_class", "page", "changes"),
    [
        (SubgraphSAC, "agents/subgraph_sac.md", {"learning_starts": 4, "actor_starts": 4}),
        (SubgraphREINFORCE, "agents/subgraph_reinforce.md", {"samples": 2, "images": 2}),
        (Colouring, "agents/colouring.md", {"batch": 2, "widths": (2, 4)}),
        (MaskActorCritic, "agents/masks.md", MASKS),
    ],
)
def test_metrics_of_an_agent(tmp_path, monkeypatch, agent_class, page, changes):
    logged = set()

    class Log:
        works = True

        def __init__(self, folder):
            pass

        def scalar(self, name, value, timestep):
            logged.add(re.sub(r"_[24]$", "_K", name))

        def picture(self, name, *_):
            logged.add(name)

        def close(self):
            pass

    monkeypatch.setattr(reporting, "EventLog", Log)
    options = {"tensorboard_log": tmp_path, "evaluation_samples": 1, **changes}
    pixels = {"source": SMALL["source"], "pool_size": 2}
    env = (
        ColouringEnv(**pixels) if agent_class is Colouring
        else MasksEnv(**pixels) if agent_class is MaskActorCritic
        else SuperpixelEnv(**SMALL)
    )  # fmt: skip
    agent_class("default", env, **options).learn(20)
    (table,) = (t for t in tables(page) if t[0][0] == "Tag")
    assert {code(row[0]) for row in table[1:]} == logged


class Recorder(KVWriter):
    """Remembers the names of what is logged."""

    def __init__(self):
        self.names = set()

    def write(self, key_values, key_excluded, step=0):
        self.names |= set(key_values)

    def close(self):
        pass


def recorded(make) -> set[str]:
    env = SuperpixelEnv(**SMALL)
    agent, recorder = make(env), Recorder()
    agent.set_logger(Logger(None, [recorder]))
    agent.learn(24, log_interval=1)
    return recorder.names


ONE_STEP = {
    "buffer_size": 50, "batch_size": 2, "learning_starts": 2, "train_freq": 1,
    "replay_buffer_class": OneStepReplayBuffer,
}  # fmt: skip
NOISE = NormalActionNoise(np.zeros(384, np.float32), np.full(384, 0.3, np.float32))


def at_once() -> dict[str, Any]:
    """The actor learns from the first update on; stable-baselines3 changes the dictionary."""
    return {"policy_kwargs": {"actor_starts": 0}}


MAKE = {
    "GraphSAC": lambda env: GraphSAC("EdgeSACPolicy", env, learning_starts=2, **at_once()),
    "GraphTD3": lambda env: GraphTD3("EdgeTD3Policy", env, learning_starts=2, **at_once()),
    "SAC": lambda env: SAC(EdgeSACPolicy, env, **ONE_STEP, **at_once()),
    "TD3": lambda env: TD3(EdgeTD3Policy, env, action_noise=NOISE, **ONE_STEP, **at_once()),
    "PPO": lambda env: PPO(EdgePPOPolicy, env, n_steps=8, batch_size=4, n_epochs=1),
}


@pytest.mark.parametrize("name", MAKE)
def test_metrics_of_stable_baselines3(name):
    graph, common, stock = (t for t in tables("agents/sb3.md") if t[0][0] == "Tag")
    shared = {code(row[0]): row[1] for row in common[1:]}
    others = "(SAC, TD3)" if name == "PPO" else "(PPO)"
    expected = {tag for tag, meaning in shared.items() if others not in meaning}
    if name.startswith("Graph"):
        column = graph[0].index(name)
        expected |= {code(row[0]) for row in graph[1:] if row[column]}
    else:
        expected |= {code(row[0]) for row in stock[1:] if row[1] in (name, "all")}
    assert recorded(MAKE[name]) == expected


def test_environments_pictures(monkeypatch):
    """Small, and drawn anew they look the same but for letters."""
    monkeypatch.syspath_prepend(str(DOCS))
    panels = importlib.import_module("panels")
    assert set(panels.NAMES.items()) == set(PAGES.items())
    for env_id, name in PAGES.items():
        file = DOCS / "environments" / f"{name}.png"
        assert file.stat().st_size < 150_000
        assert f"]({name}.png)" in (DOCS / "environments" / f"{name}.md").read_text()
        shown, anew = imageio.imread(file)[..., :3], panels.episode(env_id)
        assert shown.shape == anew.shape
        difference = np.abs(anew.astype(int) - shown).max(axis=2)
        assert (difference > 48).mean() < 0.02, name


class Loader(yaml.SafeLoader):
    """Reads mkdocs.yml, whose tags name Python objects."""


def test_every_page_is_in_the_navigation(monkeypatch):
    site = yaml.load((ROOT / "mkdocs.yml").read_text(), Loader)
    named = re.findall(r"[\w/]+\.md", json.dumps(site["nav"]))
    # These are made from files elsewhere in the repository.
    made = {"results.md", "changelog.md", "cli.md"}
    pages = {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md")}
    assert set(named) == pages | made
    assert len(named) == len(set(named))
    assert site["theme"]["font"] is False
