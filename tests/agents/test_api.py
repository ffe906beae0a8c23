"""`agents.train` and `agents.segment`: the command line's results, from Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

import agents
from agents.cli.main import main
from agents.common.device import find_device
from agents.segmenting.given_images import given_images, is_one
from agents.segmenting.segmenter import Segmenter
from gym_rlseg.images import UnusableImageError
from gym_rlseg.images.reading.reader import Reader

ENVIRONMENT: dict[str, Any] = {
    "reward": {"name": "circularity", "count": [3, 5], "radius": [6, 11]},
    "boundary": {"name": "gradient", "sigma": 1.0},
    "superpixels": {"name": "seeded_watershed", "min_distance": 2},
    "subgraph_sizes": [4, 8],
    "gamma": 0.7,
}
AGENT = {"width": 8, "layers": 1, "batch_size": 4, "learning_starts": 8, "evaluation_samples": 2}
#: Trains on whatever images are given.
CONFIG = {"environment": ENVIRONMENT, "agent": AGENT, "training": {"total_timesteps": 12}}


def draw(seed: int, size: int = 64) -> NDArray[np.uint8]:
    """Four discs on noisy ground."""
    rng = np.random.default_rng(seed)
    yy, xx = np.mgrid[:size, :size]
    image = 0.2 + 0.03 * rng.standard_normal((size, size))
    for y, x in ((16, 16), (18, 46), (46, 18), (46, 46)):
        image[np.hypot(yy - y - rng.uniform(-3, 3), xx - x) <= 9] += 0.4
    return (image.clip(0, 1) * 255).astype(np.uint8)


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    """A folder of three images; read only."""
    folder = tmp_path_factory.mktemp("api") / "images"
    folder.mkdir()
    for number in range(3):
        tifffile.imwrite(folder / f"im{number}.tif", draw(number))
    return folder


@pytest.fixture(scope="module")
def run(images) -> agents.Run:
    config = {
        **CONFIG,
        "environment": {"id": "RLSeg-Images-v0", "path": str(images), **ENVIRONMENT},
    }
    return agents.train(config, output=images.parent / "run")


def test_importing_is_light():
    code = "import sys, agents; print({'torch', 'numpy', 'gymnasium'} & set(sys.modules))"
    root = Path(agents.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
    with pytest.raises(AttributeError, match="no attribute 'segmentt'"):
        _ = agents.segmentt


def test_train_gives_a_run(run, images):
    assert run.folder == images.parent / "run"
    assert run.timesteps == 12
    assert 0 < run.reward < 1
    assert {file.name for file in run.folder.iterdir()} >= {"best.pt", "report.html"}
    more = agents.train(run.folder / "config.yaml", run.folder, timesteps=15, resume=True)
    assert more.timesteps == 15


def test_train_says_what_is_wrong(images, run, tmp_path):
    with pytest.raises(ValueError, match="already holds a run"):
        agents.train(run.folder / "config.yaml", output=run.folder)
    with pytest.raises(ValueError, match="config: unknown option 'environmen'"):
        agents.train({"environmen": {}}, output=tmp_path / "run")
    with pytest.raises(ValueError, match="'soon'"):
        agents.train(run.folder / "config.yaml", tmp_path / "run", time_limit="soon")
    assert not (tmp_path / "run").exists()


def test_the_same_labels_as_the_command_line(run, images, tmp_path):
    out = tmp_path / "out"
    assert main(["segment", str(run.folder), str(images), "-o", str(out)]) == 0
    expected = [tifffile.imread(out / f"im{number}.tif") for number in range(3)]
    files = sorted(images.iterdir())
    arrays = [tifffile.imread(file) for file in files]
    for given in (images, str(images), files, [*map(str, files)], arrays, [files[0], *arrays[1:]]):
        got = agents.segment(given, run)
        assert isinstance(got, list)
        for labels, truth in zip(got, expected, strict=True):
            assert labels.dtype == np.int32
            np.testing.assert_array_equal(labels, truth)
    for one in (arrays[1], files[1], str(files[1])):
        np.testing.assert_array_equal(agents.segment(one, str(run.folder)), expected[1])
    np.testing.assert_array_equal(run.segment(arrays[2]), expected[2])


def test_arrays_of_any_kind(run):
    image = draw(5)
    before = image.copy()
    expected = agents.segment(image, run)
    for same in (
        image.astype(np.uint16) * 7,  # the contrast is stretched
        image.astype(np.float64),
        image[..., None],
        image[None],
        np.asfortranarray(image),
    ):
        np.testing.assert_array_equal(agents.segment(same, run), expected)
    np.testing.assert_array_equal(image, before)
    wide = np.pad(image, ((0, 0), (0, 9)), mode="edge")
    assert agents.segment(wide, run).shape == (64, 73)


def test_channels_first_and_last_are_the_same():
    rng = np.random.default_rng(0)
    for channels in (2, 3):
        image = rng.integers(0, 999, (12, 15, channels), np.uint16)
        loaded = [
            given_images(one, Reader()).sample("train", 0, 0).image
            for one in (image, np.moveaxis(image, 2, 0))
        ]
        assert loaded[0].shape == (channels, 12, 15)
        np.testing.assert_array_equal(*loaded)
    rgba = rng.integers(0, 255, (12, 15, 4), np.uint8)
    given = given_images(rgba, Reader())
    assert is_one(rgba, given)
    # Alpha says nothing about brightness.
    assert given.sample("train", 0, 0).image.shape == (3, 12, 15)


def test_filters_and_the_table(run):
    images = [draw(5), np.zeros((20, 30), np.uint8), draw(6)]
    with pytest.warns(UserWarning, match="shows nothing"):
        labels, table = agents.segment(images, run, table=True, measure=["extent"])
    assert {one["image"] for one in table} == {"images[0]", "images[2]"}
    for i in (0, 2):
        own = [one for one in table if one["image"] == f"images[{i}]"]
        assert [one["label"] for one in own] == list(range(1, labels[i].max() + 1))
        assert [one["area"] for one in own] == np.bincount(labels[i].ravel())[1:].tolist()
    assert list(table[0])[:4] == ["image", "label", "score", "lowest_term"]
    assert list(table[0])[-1] == "extent"
    least = float(np.median([one["score"] for one in table if one["image"] == "images[0]"]))
    one, rows = run.segment(images[0], min_score=least, table=True)
    assert 0 < one.max() == len(rows) < labels[0].max()
    assert min(row["score"] for row in rows) >= round(least, 4)
    assert run.segment(images[0], min_size=10**6).max() == 0
    with pytest.raises(ValueError, match="min_score"):
        agents.segment(images[0], run, min_score=2)
    with pytest.raises(ValueError, match="unknown measure 'extnt'; did you mean 'extent'"):
        agents.segment(images[0], run, measure=["extnt"])


def test_masked_pixels_are_ground(run):
    image, hidden = draw(1), np.zeros((64, 64), bool)
    hidden[:, 40:] = True
    nan = np.where(hidden, np.nan, image)
    masked = agents.segment([np.ma.MaskedArray(image, hidden), nan, image], run, search=False)
    for labels in masked[:2]:
        assert labels[~hidden].any()
        assert not labels[hidden].any()
    assert masked[2][hidden].any()
    with pytest.warns(UserWarning, match="its labels are all 0"):
        assert not agents.segment(np.ma.MaskedArray(image, True), run, search=False).any()


def test_an_image_that_shows_nothing(run):
    with pytest.warns(UserWarning, match=r"images\[1\] shows nothing; its labels are all 0"):
        found, nothing = agents.segment([draw(0), np.zeros((20, 30), np.uint8)], run)
    assert found.max() >= 3
    assert (nothing.shape, nothing.dtype, nothing.max()) == ((20, 30), np.int32, 0)
    with pytest.warns(UserWarning, match="the image shows nothing"):
        assert not agents.segment(np.full((20, 20), np.nan), run).any()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "images is empty"),
        (np.zeros((7, 9, 9, 9)), r"the image must be .* got float64 \(7, 9, 9, 9\); give several"),
        ([np.zeros(5)], r"images\[0\] must be real numbers"),
        ([np.ones((9, 9), complex)], r"images\[0\] must be real numbers"),
        ([np.eye(5)], r"images\[0\] is 5 x 5 pixels, expected at least 8 x 8"),
        ([3], "images must be arrays or paths, got int"),
        (3, "images must be arrays or paths, got int"),
        ("none.tif", r"none\.tif does not exist"),
        (np.random.default_rng(0).random((32, 32, 3)), r"the image: 3 channels make .* features"),
    ],
)
def test_images_of_no_use(given, message, run):
    with pytest.raises(ValueError, match=message):
        agents.segment(given, run)


def test_runs_and_configs_of_no_use(images, tmp_path):
    with pytest.raises(ValueError, match="holds no run"):
        agents.segment(images, tmp_path / "none")
    with pytest.raises(ValueError, match="time_limit is for a config"):
        agents.segment(images, images.parent / "run", time_limit="5s")
    with pytest.raises(ValueError, match="must have the id RLSeg-Images-v0"):
        agents.segment(images, {"environment": {"id": "RLSeg-Circles-v0"}})
    with pytest.raises(ValueError, match="unknown option 'rewrad'"):
        agents.segment(images, {"environment": {"rewrad": "nuclei"}})
    with pytest.raises(ValueError, match=r"images\[1\] must be real numbers"):
        agents.segment([draw(0), np.ones((20, 20), complex)], CONFIG)


@pytest.mark.parametrize("given", [5, None, ["config.yaml"], b"run"])
def test_arguments_of_another_kind(given, images, tmp_path):
    with pytest.raises(ValueError, match=r"run must be a run, its folder or a config, got"):
        agents.segment(images, given)
    with pytest.raises(ValueError, match=r"config must be a YAML file or a dict, got"):
        agents.train(given, tmp_path / "run")
    with pytest.raises(ValueError, match=r"output must be a folder, got"):
        agents.train(CONFIG, given)
    with pytest.raises(ValueError, match=r"device must be 'auto', 'cpu' or 'cuda', got"):
        find_device(given)


def test_an_image_that_shows_too_little(run, monkeypatch):
    def refuse(*_: object) -> None:
        raise UnusableImageError("no sub-graph")

    monkeypatch.setattr(Segmenter, "segment", refuse)
    with pytest.warns(UserWarning, match="the image shows nothing; its labels are all 0"):
        assert agents.segment(draw(0), run).max() == 0


def test_one_shot_trains_on_the_images_themselves(images, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trained_on = []
    from agents import one_shot

    train = one_shot.train

    def watched(config, folder, options):
        outcome = train(config, folder, options)
        trained_on.append((config, outcome.agent.num_timesteps))
        return outcome

    monkeypatch.setattr(one_shot, "train", watched)
    labels = agents.segment(draw(7), CONFIG)
    assert labels.shape == (64, 64)
    assert labels.max() >= 3
    (tmp_path / "c.yaml").write_text(
        "environment: {reward: {name: circularity, count: [3, 5], radius: [6, 11]}}\n"
        "agent: {width: 8, learning_starts: 8}\ntraining: {total_timesteps: 5}\n"
    )
    with pytest.warns(UserWarning, match=r"images\[1\] shows nothing"):
        several = agents.segment([images / "im0.tif", np.zeros((20, 20)), draw(1)], "c.yaml")
    assert [found.max() > 0 for found in several] == [True, False, True]
    assert len(agents.segment(images, "c.yaml")) == 3
    assert [steps for _, steps in trained_on] == [12, 5, 5]
    assert trained_on[2][0].environment["path"] == str(images)
    # Nothing is left behind: neither here nor in the temporary folder.
    assert [file.name for file in tmp_path.iterdir()] == ["c.yaml"]
    for config, _ in trained_on[:2]:
        assert not Path(config.environment["path"]).exists()


def test_no_image_is_read_twice(images, run, monkeypatch, tmp_path):
    from gym_rlseg.images.reading import reader

    names = []
    read = reader.read_image

    def counted(path, *args):
        names.append(path.name)
        return read(path, *args)

    monkeypatch.setattr(reader, "read_image", counted)
    files = sorted(images.iterdir())
    for given in (images, files, [draw(7), *files]):
        agents.segment(given, CONFIG, search=False)
        assert sorted(names) == [file.name for file in files]
        names.clear()
    assert main(["segment", str(run.folder), str(images), "-o", str(tmp_path), "--no-search"]) == 0
    assert sorted(names) == [file.name for file in files]


def test_images_that_differ_in_channels_are_named_before_training(images):
    colour = np.stack([draw(5), draw(6), draw(7)], axis=2)
    with pytest.raises(ValueError, match=r"number of channels: 3 in images\[1\]; 1 in .*im0\.tif"):
        agents.segment([images / "im0.tif", colour, draw(1)], CONFIG)
    grey = {**CONFIG, "environment": {**ENVIRONMENT, "colour": "grey"}}
    assert len(agents.segment([images / "im0.tif", colour], grey, search=False)) == 2


def test_adapting_and_threads(run):
    import torch

    before = torch.get_num_threads()
    labels = agents.segment(draw(3), run, adapt=0.2, search=True, tile=None)
    assert labels.max() >= 3
    assert torch.get_num_threads() == before
