"""Configs: defaults written out, round trip, and errors that name file and key."""

from __future__ import annotations

import dataclasses
import os
import textwrap
from pathlib import Path

import pytest
import yaml

from agents.cli import train
from agents.runs.config import RunConfig, Training
from agents.runs.durations import format_duration, parse_duration
from agents.runs.environment import environment_ids
from agents.subgraph_sac.options import SAC_POLICIES, SubgraphSACConfig
from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.registration import ENVIRONMENTS

IMAGES = "environment: {id: RLSeg-Images-v0, path: images}\n"
CIRCLES = "environment: {id: RLSeg-Circles-v0}\n"


@pytest.fixture
def load(tmp_path):
    """Loads a text as a config."""

    def make(text: str, **training) -> RunConfig:
        path = tmp_path / "task.yaml"
        path.write_text(text, "utf-8")
        return RunConfig.load(path, training)

    return make


@pytest.mark.parametrize("env_id", sorted(ENVIRONMENTS))
def test_defaults_are_written_out_and_load_back(env_id, load, tmp_path):
    config = load(f"environment: {{id: {env_id}, {'path: images' * ('Images' in env_id)}}}")
    text = config.to_yaml()
    (tmp_path / "elsewhere").mkdir()
    copy = tmp_path / "elsewhere" / "config.yaml"
    copy.write_text(text)
    assert RunConfig.load(copy) == config
    assert RunConfig.load(copy).to_yaml() == text
    written = yaml.safe_load(text)
    assert set(written) == {"environment", "agent", "training"}
    assert {"id", "subgraph_sizes", "pool_size", "max_nodes", "split"} <= set(
        written["environment"]
    )
    boundaries = dict.fromkeys(("RLSeg-Embryo-v0", "RLSeg-EmbryoHard-v0"), "ridge")
    boundaries["RLSeg-Images-v0"] = "blobs"
    assert written["environment"]["boundary"]["name"] == boundaries.get(env_id, "gradient")
    assert "sigma" in written["environment"]["boundary"]
    assert written["agent"]["algorithm"] == "sac"
    assert set(written["agent"]) == {
        "algorithm",
        "policy",
        *(f.name for f in dataclasses.fields(SubgraphSACConfig)),
    }
    assert written["training"] == {
        "seed": 0, "time_limit": "10m", "total_timesteps": None, "patience": None, "workers": 0
    }  # fmt: skip
    assert all("  # " in line for line in text.splitlines() if line and line[0].isalpha())


def test_ids_are_those_of_the_table():
    assert environment_ids() == tuple(sorted(ENVIRONMENTS))


def test_defaults_are_those_of_the_registered_environment(load):
    resolved = load(CIRCLES.replace("}", ", height: 64, width: 64, pool_size: 2}")).make_env()
    import gymnasium as gym

    made = gym.make("RLSeg-Circles-v0", height=64, width=64, pool_size=2).unwrapped
    assert isinstance(made, SuperpixelEnv)
    for name in ("reward", "partition", "subgraph_sizes"):
        assert getattr(resolved, name) == getattr(made, name)
    for name in ("source", "recipe", "size", "split", "seed"):
        assert getattr(resolved.pool, name) == getattr(made.pool, name)


def test_paths_are_relative_to_the_config(load, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    config = load("environment: {id: RLSeg-Images-v0, path: ../images, labels: truth/all}")
    assert config.environment["path"] == str(tmp_path.parent / "images")
    assert config.environment["labels"] == str(tmp_path / "truth" / "all")
    assert load(IMAGES).environment["labels"] is None
    assert load(IMAGES.replace("images", "/a/b")).environment["path"] == os.path.abspath("/a/b")
    home = load(IMAGES.replace("images", "~/im")).environment["path"]
    assert home == str(Path.home() / "im")


def test_given_values_replace_defaults(load):
    config = load(
        "environment:\n"
        "  id: RLSeg-Circles-v0\n"
        "  count: [2, 3]\n"
        "  reward: {name: circles, count: 7}\n"
        "agent: {policy: paper, width: 16, std_range: [0.1, 1], actor_learning_rate: 1e-4}\n"
        "training: {seed: 5, total_timesteps: 100}\n"
    )
    assert config.environment["count"] == [2, 3]
    assert config.environment["reward"]["count"] == 7
    assert config.environment["reward"]["threshold"] == 0.8
    given = {"width": 16, "std_range": (0.1, 1.0), "actor_learning_rate": 1e-4}
    assert config.agent == SubgraphSACConfig(**{**SAC_POLICIES["paper"], **given})
    assert config.agent.initial_policy == "neutral"
    assert config.training == Training(seed=5, time_limit=None, total_timesteps=100)


def test_arguments_take_precedence(load):
    text = CIRCLES + "training: {seed: 5, time_limit: 90}\n"
    assert load(text).training == Training(seed=5, time_limit=90.0)
    assert load(text, seed=6, time_limit=30.0).training == Training(seed=6, time_limit=30.0)
    # A limit that nobody wrote must not end a training whose length was given.
    assert load(CIRCLES, total_timesteps=7).training == Training(total_timesteps=7)


def test_names_in_any_script(load, tmp_path):
    config = load("environment: {id: RLSeg-Images-v0, path: \"größe: 3 [a] #1 'x'\"}")
    copy = tmp_path / "b.yaml"
    copy.write_text(config.to_yaml(), "utf-8")
    assert RunConfig.load(copy) == config


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ("must hold the sections environment, agent, training",)),
        ("- 1", ("must hold the sections",)),
        ("a: [", ("line 1", "not valid YAML")),
        (CIRCLES + "agent: {a: 1\nb", ("line 3", "not valid YAML")),
        (CIRCLES + CIRCLES, ("line 2", "'environment' is given twice")),
        ("environment: {id: RLSeg-Circles-v0, seed: 1, seed: 2}", ("'seed' is given twice",)),
        ("environment: !!python/name:os.system", ("not valid YAML",)),
        ("[1]: 2", ("not valid YAML",)),
        ("agent: {}", ("section 'environment' is missing",)),
        ("environment: circles", ("environment must hold keys and values",)),
        (CIRCLES + "trainig: {}", ("'trainig'", "did you mean 'training'")),
        ("environment: {}", ("environment", "unknown id None", "RLSeg-Circles-v0")),
        ("environment: {id: RLSeg-Circle-v0}", ("did you mean 'RLSeg-Circles-v0'",)),
        ("environment: {id: [1]}", ("unknown id [1]",)),
        ("environment: {id: CartPole-v1}", ("unknown id 'CartPole-v1'",)),
        (
            "environment: {id: RLSeg-Images-v0}",
            ("source 'files': path must be given",),
        ),
        ("environment: {id: RLSeg-Images-v0, path: 3}", ("path must be a text",)),
        ("environment: {id: RLSeg-Images-v0, path: ''}", ("path must be",)),
        ("environment: {id: RLSeg-Circles-v0, rewrad: 1}", ("did you mean 'reward'",)),
        ("environment: {id: RLSeg-Circles-v0, path: a}", ("'path'",)),
        ("environment: {id: RLSeg-Circles-v0, 1: 1}", ("unknown option 1",)),
        ("environment: {id: RLSeg-Circles-v0, reward: cirles}", ("did you mean 'circles'",)),
        ("environment: {id: RLSeg-Circles-v0, reward: 3}", ("reward must be a name",)),
        (
            "environment: {id: RLSeg-Circles-v0, reward: {name: circularity, cuont: 3}}",
            ("'cuont'", "did you mean 'count'"),
        ),
        (
            "environment: {id: RLSeg-Circles-v0, reward: {name: circularity, radius: 3}}",
            ("radius must be a list [a ",),
        ),
        (
            "environment: {id: RLSeg-Circles-v0, reward: {name: circularity, count: [9, 3]}}",
            ("count must be", "[9, 3]"),
        ),
        (
            "environment: {id: RLSeg-Circles-v0, boundary: {name: gradient, sigma: wide}}",
            ("boundary 'gradient': sigma must be a number in (0, 50], got 'wide'",),
        ),
        ("environment: {id: RLSeg-Circles-v0, height: tall}", ("height must be a whole number",)),
        ("environment: {id: RLSeg-Circles-v0, pool_size: ten}", ("pool_size must be",)),
        ("environment: {id: RLSeg-Circles-v0, pool_size: 0}", ("pool_size must be", ">= 1")),
        ("environment: {id: RLSeg-Circles-v0, seed: null}", ("seed must be a whole number",)),
        ("environment: {id: RLSeg-Circles-v0, split: all}", ("split must be one of",)),
        ("environment: {id: RLSeg-Circles-v0, subgraph_sizes: 4}", ("subgraph_sizes must be",)),
        ("environment: {id: RLSeg-Circles-v0, observe_image: 1}", ("observe_image must be",)),
        ("environment: {id: RLSeg-Circles-v0, render_mode: loud}", ("render_mode must be",)),
        ("environment: {id: RLSeg-Circles-v0, features: all}", ("'all'", "handcrafted")),
        ("environment: {id: RLSeg-Circles-v0, source: disks}", ("unknown source 'disks'",)),
        ("environment: {id: RLSeg-Circles-v0, source: {name: [1]}}", ("source must be a name",)),
        (CIRCLES + "agent: {widht: 3}", ("agent: unknown option 'widht'", "'width'")),
        (CIRCLES + "agent: {width: 3.5}", ("agent: width must be a whole number >= 1, got 3.5",)),
        (CIRCLES + "agent: {width: 0}", ("agent: width must be a whole number >= 1",)),
        (
            CIRCLES + "agent: {actor_learning_rate: fast}",
            ("actor_learning_rate must be a number in",),
        ),
        (CIRCLES + "agent: {std_range: [1, 2, 3]}", ("std_range must be a list",)),
        (CIRCLES + "agent: {policy: papr}", ("did you mean 'paper'",)),
        (CIRCLES + "agent: {algorithm: reinforc}", ("'reinforc'", "did you mean 'reinforce'")),
        (CIRCLES + "agent: {algorithm: [sac]}", ("agent: unknown algorithm ['sac']",)),
        (
            CIRCLES + "agent: {algorithm: reinforce, sample: 3}",
            ("agent: unknown option 'sample'", "did you mean 'samples'"),
        ),
        (
            CIRCLES + "agent: {algorithm: reinforce, batch_size: 4}",
            ("unknown option 'batch_size'",),
        ),
        (
            CIRCLES + "agent: {algorithm: reinforce, samples: 1}",
            ("samples must be a whole",),
        ),
        (CIRCLES + "agent: {samples: 8}", ("unknown option 'samples'",)),
        (CIRCLES + "training: {epochs: 3}", ("training: unknown option 'epochs'",)),
        (CIRCLES + "training: {time_limit: soon}", ("training: time_limit", "'soon'", "10m")),
        (CIRCLES + "training: {time_limit: 0}", ("training: time_limit",)),
        (CIRCLES + "training: {total_timesteps: 0}", ("total_timesteps must be", ">= 1")),
        (CIRCLES + "training: {patience: 1.5}", ("patience must be a whole number >= 1",)),
        (CIRCLES + "training: {seed: -1}", ("training: seed must be", ">= 0, got -1")),
        (CIRCLES + "training: {seed: true}", ("training: seed must be",)),
    ],
)
def test_mistakes_are_named(text, words, load, tmp_path):
    with pytest.raises(ValueError, match=r"task\.yaml") as caught:
        load(text)
    assert "\n" not in str(caught.value).strip()
    for word in words:
        assert word in str(caught.value)


def test_the_example_in_the_help(load):
    assert train.__doc__ is not None
    config = load(textwrap.dedent(train.__doc__.split("are needed:\n")[1]))
    assert config.training.time_limit == 600
    assert config.agent == SubgraphSACConfig()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("10m", 600), ("1.5h", 5400), (" 2 m ", 120), (".5s", 0.5), (7, 7)],
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "-1", "0", "1d", "1h30m", "nan", "inf", None, True, []])
def test_no_durations(text):
    with pytest.raises(ValueError, match="expected a duration"):
        parse_duration(text)


@pytest.mark.parametrize("seconds", [1.0, 59.0, 60.0, 90.0, 3600.0, 5400.0, 0.1, 1e-7, 1234.5678])
def test_durations_come_back(seconds):
    assert parse_duration(format_duration(seconds)) == seconds


def test_durations_are_short():
    assert [format_duration(s) for s in (90.0, 600.0, 7200.0, 0.5)] == ["90s", "10m", "2h", "0.5s"]
