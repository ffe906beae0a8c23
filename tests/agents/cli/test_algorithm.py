"""`rlseg` with an agent other than the default: train, resume, segment, adapt."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import tifffile
import torch
import yaml

from agents import SubgraphREINFORCE
from agents.cli.main import main
from agents.runs.folder import RunFolder

AGENT = {
    "algorithm": "reinforce",
    "width": 8,
    "layers": 1,
    "samples": 4,
    "images": 2,
    "evaluate_every": 40,
    "evaluation_samples": 2,
}


def use(config: Path, **options: object) -> Path:
    """Give a config an agent of other options."""
    sections = yaml.safe_load(config.read_text())
    config.write_text(yaml.safe_dump({**sections, "agent": {**AGENT, **options}}))
    return config


@pytest.fixture(scope="module")
def reinforced(trained: Path, blank: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Like `trained`, by REINFORCE and for 50 time steps."""
    root = tmp_path_factory.mktemp("reinforced") / "task"
    shutil.copytree(trained, root, ignore=shutil.ignore_patterns("run"))
    config = use(root / "config.yaml")
    arguments = ["train", config, "-o", root / "run", "--timesteps", 50, "--quiet"]
    with pytest.MonkeyPatch.context() as patch:
        blank(patch)
        assert main([str(argument) for argument in arguments]) == 0
    return root


def test_the_config_is_written_back_resolved(reinforced):
    agent = yaml.safe_load((reinforced / "run" / "config.yaml").read_text())["agent"]
    assert agent.items() >= AGENT.items()
    assert (agent["policy"], agent["entropy"]) == ("default", 0.01)
    assert "batch_size" not in agent


def test_resuming_within_an_images_samples_equals_not_stopping(reinforced, tmp_path, rlseg):
    command = ("train", "-o", tmp_path / "run", "--quiet")
    assert rlseg(*command, reinforced / "config.yaml", "--timesteps", 27).code == 0
    assert rlseg(*command, "--resume", "--timesteps", 50).code == 0
    one, other = (
        torch.load(RunFolder(folder).checkpoint, weights_only=True)
        for folder in (reinforced / "run", tmp_path / "run")
    )
    assert one["format"] == SubgraphREINFORCE.checkpoint_format
    assert one["env_rng"] == other["env_rng"]
    assert torch.equal(one["learner"]["generator"], other["learner"]["generator"])
    for name, weights in one["learner"]["averaged_actor"].items():
        assert torch.equal(weights, other["learner"]["averaged_actor"][name]), name


@pytest.mark.parametrize("options", [(), ("--adapt", "0.3s")], ids=["plain", "adapted"])
def test_segmenting(reinforced, tmp_path, rlseg, options):
    out = tmp_path / "out"
    outcome = rlseg("segment", reinforced / "run", reinforced / "images", "-o", out, *options)
    assert outcome.code == 0, outcome.err
    assert all(tifffile.imread(out / f"im{number}.tif").max() > 0 for number in range(4))


def test_runs_of_another_algorithm_are_refused(trained, reinforced, task, rlseg):
    config, names = use(task / "config.yaml"), ("SubgraphREINFORCE", "gym_rlseg.subgraph_sac")
    command = ("train", config, "-o", task / "run", "--timesteps", 5, "--quiet")
    rlseg(*command, "--from", trained / "run").refused("best.pt", *names)
    assert rlseg(*command, "--from", reinforced / "run").code == 0
    use(config, algorithm="sac")
    rlseg(*command, "--resume").refused("agent", "unknown option 'images'")


def test_a_run_whose_config_names_another_algorithm(reinforced, tmp_path, rlseg):
    run = Path(shutil.copytree(reinforced / "run", tmp_path / "run"))
    sections = yaml.safe_load((run / "config.yaml").read_text())
    sections["agent"] = {"algorithm": "sac", "width": 8, "layers": 1}
    (run / "config.yaml").write_text(yaml.safe_dump(sections))
    names = ("checkpoint.pt", "SubgraphSAC", "gym_rlseg.subgraph_reinforce")
    rlseg("train", "-o", run, "--resume", "--timesteps", 60, "--quiet").refused(*names)
