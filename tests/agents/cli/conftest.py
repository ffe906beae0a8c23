"""Fixtures of the command's tests: drawn images, a config for them, and a trained run."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from agents.cli.main import main
from agents.runs import report
from gym_rlseg.envs import SuperpixelEnv

#: The options of a training that takes a second.
CONFIG = """\
environment:  # images of a few discs
  id: RLSeg-Images-v0
  path: {images}
  labels: {labels}
  reward: {{name: circularity, count: [3, 5], radius: [6, 11]}}
  boundary: {{name: gradient, sigma: 1.0}}
  superpixels: {{name: seeded_watershed, min_distance: 2}}
  subgraph_sizes: [4, 8]
agent:
  width: 8
  layers: 1
  batch_size: 4
  learning_starts: 8
  actor_starts: 16
  evaluate_every: 40
  evaluation_samples: 2
"""


@dataclass(frozen=True)
class Outcome:
    """What a call of `rlseg` left behind."""

    code: int
    out: str
    err: str

    def refused(self, *words: str) -> None:
        """Assert exit code 2 and one line that holds `words`."""
        assert self.code == 2, self
        assert re.fullmatch(r"rlseg: error: [^\n]+\n", self.err), self.err
        assert "Traceback" not in self.err
        for word in words:
            assert word in self.err, self.err


Rlseg = Callable[..., Outcome]


@pytest.fixture(scope="session")
def blank() -> Callable[[pytest.MonkeyPatch], None]:
    """Has pictures left blank: they take longer than tiny trainings."""

    def apply(patch: pytest.MonkeyPatch) -> None:
        picture = np.full((40, 90, 3), 200, np.uint8)
        patch.setattr(SuperpixelEnv, "render", lambda self: picture)
        patch.setattr(report, "render_learning_curve", lambda curve: picture)

    return apply


@pytest.fixture(autouse=True)
def quick_pictures(
    blank: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only those of `trained` are drawn in earnest."""
    blank(monkeypatch)


Draw = Callable[..., tuple[NDArray[np.uint8], NDArray[np.uint16]]]


@pytest.fixture
def rlseg(capfd: pytest.CaptureFixture[str]) -> Rlseg:
    """Runs the command in this process: rlseg("train", config, "-o", run)."""

    def run(*arguments: object) -> Outcome:
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        return Outcome(code, *capfd.readouterr())

    return run


@pytest.fixture(scope="session")
def draw() -> Draw:
    """Draws a grey image with four discs and its labels: draw(seed, size=64)."""

    def make(seed: int, size: int = 64) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
        rng = np.random.default_rng(seed)
        yy, xx = np.mgrid[:size, :size]
        image = 0.2 + 0.03 * rng.standard_normal((size, size))
        labels = np.zeros((size, size), np.uint16)
        for label, (y, x) in enumerate(((16, 16), (18, 46), (46, 18), (46, 46)), start=1):
            inside = np.hypot(*(p - q - rng.uniform(-3, 3) for p, q in ((yy, y), (xx, x)))) <= 9
            image[inside] += 0.4
            labels[inside] = label
        return (np.clip(image, 0, 1) * 255).astype(np.uint8), labels

    return make


def write_folder(root: Path, draw: Draw, count: int = 4) -> Path:
    """Four images in root/images, their labels in root/labels and root/config.yaml."""
    for name in ("images", "labels"):
        (root / name).mkdir(parents=True)
    for number in range(count):
        image, labels = draw(number)
        tifffile.imwrite(root / "images" / f"im{number}.tif", image)
        tifffile.imwrite(root / "labels" / f"im{number}.tif", labels)
    (root / "config.yaml").write_text(CONFIG.format(images="images", labels="null"))
    return root


@pytest.fixture(scope="session")
def tiny() -> NDArray[np.uint8]:
    """An image of 8 x 8 pixels that is a single superpixel."""
    image = np.zeros((8, 8), np.uint8)
    image[0, 0] = 255
    return image


@pytest.fixture
def task(tmp_path: Path, draw: Draw) -> Path:
    """A folder with images/, labels/ and config.yaml, for one test alone."""
    return write_folder(tmp_path / "task", draw)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, draw: Draw) -> Path:
    """A folder with images/, labels/, config.yaml and run/ after 80 time steps; read only."""
    root = write_folder(tmp_path_factory.mktemp("trained"), draw)
    arguments = ["train", root / "config.yaml", "-o", root / "run", "--timesteps", 80, "--quiet"]
    assert main([str(argument) for argument in arguments]) == 0
    return root


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A copy of the trained run, for one test alone."""
    return Path(shutil.copytree(trained / "run", tmp_path / "run"))
