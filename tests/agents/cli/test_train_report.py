"""The report of `rlseg train`."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import imageio.v3 as iio
import numpy as np


def replace_in(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_the_report_is_one_file_without_scripts(trained):
    text = (trained / "run" / "report.html").read_text("utf-8")
    assert "<script" not in text
    assert set(re.findall(r'(?:src|href)="([^"]{0,22})', text)) == {"data:image/png;base64,"}
    for words in (
        "Learning curve", "Validation images of the lowest reward", "Settings", "subgraph_sizes",
        "updates of the networks", "reading and preparing images", "80 segmentations",
    ):  # fmt: skip
        assert words in text, words
    curve, panels = (
        iio.imread(base64.b64decode(data)) for data in re.findall(r'base64,([^"]+)"', text)[:2]
    )
    assert curve.shape == (400, 900, 3)
    assert np.array_equal(panels, iio.imread(trained / "run" / "panels.png"))


def test_a_report_tells_the_reward_apart(task, rlseg):
    config = task / "config.yaml"
    reward = "{name: circularity, count: [3, 5], radius: [6, 11]}"
    replace_in(config, reward, "{name: priors, objects: [ellipse_fit, convexity], count: 4}")
    run = task / "run"
    assert rlseg("train", config, "-o", run, "--timesteps", 5, "--quiet").code == 0
    text = (run / "report.html").read_text("utf-8")
    assert "What the reward is made of" in text
    assert "ellipse_fit" in text
    assert "boundary" in text
