"""What napari is told: the manifest, and layers of what `rlseg segment` wrote."""

from __future__ import annotations

import csv
import importlib
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import tifffile
import yaml

import agents
from agents.napari import get_reader, read_layers, write_labels_layer
from gym_rlseg.writing import write_csv

MANIFEST = Path(agents.__file__).with_name("napari.yaml")


@pytest.fixture
def out(tmp_path) -> Path:
    """A folder with labels of a grey and of a colour image, and of one that is gone."""
    folder = tmp_path / "out"
    folder.mkdir()
    tifffile.imwrite(tmp_path / "a.tif", np.arange(200, dtype=np.uint16).reshape(10, 20))
    colour = np.zeros((10, 20, 3), np.uint8)
    tifffile.imwrite(tmp_path / "b.tif", colour, photometric="rgb")
    labels = np.zeros((10, 20), np.uint16)
    labels[2:5, 3:9] = 1
    labels[6:9, 3:9] = 2
    rows = []
    for name in ("a", "b", "gone"):
        tifffile.imwrite(folder / f"{name}.tif", labels)
        rows.append({"image": str(tmp_path / f"{name}.tif"), "labels": f"{name}.tif"})
    rows.append({"image": str(tmp_path / "broken.tif"), "labels": ""})
    write_table(folder / "summary.csv", rows)
    objects = [
        {
            "image": rows[0]["image"],
            "label": label,
            "score": score,
            "area": 18,
            "extent": extent,
            "lowest_term": "size",
        }
        for label, score, extent in ((1, 0.5, 0.25), (2, 0.75, ""))
    ]
    write_table(folder / "objects.csv", objects)
    return folder


def write_table(path: Path, rows: list[dict]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_a_folder_is_read_as_images_and_labels(out):
    reader = get_reader(str(out))
    assert reader is not None
    layers = reader(str(out))
    kinds = [(attributes["name"], kind) for _, attributes, kind in layers]
    assert kinds == [
        ("a.tif", "image"), ("a", "labels"), ("b.tif", "image"), ("b", "labels"),
        ("gone", "labels"),
    ]  # fmt: skip
    assert layers[0][0].tolist() == np.arange(200).reshape(10, 20).tolist()
    assert layers[2][0].shape == (10, 20, 3)
    assert layers[2][1]["rgb"] is True
    labels, attributes, _ = layers[1]
    assert (labels.dtype, labels.max()) == (np.int32, 2)
    features = attributes["features"]
    assert np.isnan(features["extent"].pop())
    assert features == {
        "index": [1, 2], "score": [0.5, 0.75], "area": [18.0, 18.0], "extent": [0.25],
        "lowest_term": ["size", "size"],
    }  # fmt: skip


def test_one_label_image_or_the_summary(out):
    one = read_layers(str(out / "b.tif"))
    assert [attributes["name"] for _, attributes, _ in one] == ["b.tif", "b"]
    assert len(read_layers(str(out / "summary.csv"))) == 5
    assert len(read_layers([str(out / "a.tif"), str(out / "b.tif")])) == 4


def test_stacks_have_their_pages_in_front(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    labels = np.arange(3 * 12 * 20, dtype=np.uint16).reshape(3, 12, 20)
    for path, stack in ((tmp_path / "a.tif", labels + 1), (out / "a.tif", labels)):
        tifffile.imwrite(path, stack, metadata={"axes": "TYX"}, photometric="minisblack")
    images = [f"{tmp_path / 'a.tif'}#{page}" for page in range(3)]
    write_table(out / "summary.csv", [{"image": one, "labels": "a.tif"} for one in images])
    write_table(out / "objects.csv", [{"image": images[0], "label": 1, "area": 1}])
    image, found = read_layers(out)
    assert (image[2], found[2]) == ("image", "labels")
    assert (image[1], found[1]) == ({"name": "a.tif"}, {"name": "a"})
    np.testing.assert_array_equal(image[0], labels + 1)
    np.testing.assert_array_equal(found[0], labels)


def test_anything_else_is_left_to_other_readers(out, tmp_path):
    assert get_reader(str(tmp_path)) is None
    assert get_reader(str(tmp_path / "a.tif")) is None
    assert get_reader(str(tmp_path / "none")) is None
    tifffile.imwrite(out / "other.tif", np.zeros((8, 8), np.uint8))
    assert get_reader(str(out / "other.tif")) is None
    assert get_reader([str(out / "a.tif"), str(tmp_path / "a.tif")]) is None
    assert get_reader([]) is None


@pytest.mark.parametrize(
    "summary",
    [
        b"", b"a,b\n1,2\n", b"image,labels\nx\n", b"\xff\xfe\x00", b"image,labels\nb.tif,no.tif\n",
        b"image\na.tif\n", b"labels\na.tif\n",
    ],
)  # fmt: skip
def test_tables_of_other_programs_are_left_to_them(summary, out):
    (out / "summary.csv").write_bytes(summary)
    for path in (out, out / "summary.csv", out / "a.tif"):
        assert get_reader(str(path)) is None


def test_paths_that_are_no_texts(out):
    reader = get_reader(out)
    assert reader is not None
    assert len(reader(out)) == 5
    assert len(read_layers([out / "a.tif", str(out / "b.tif")])) == 4


def test_names_that_start_a_formula(out, tmp_path):
    tifffile.imwrite(out / "=1.tif", np.ones((10, 20), np.uint16))
    write_csv(out / "summary.csv", ("image", "labels"), [(str(tmp_path / "=1.tif"), "=1.tif")])
    ((_, attributes, _),) = read_layers(out)
    assert attributes["name"] == "=1"


def test_labels_written_read_back(out, tmp_path):
    labels = read_layers(str(out / "a.tif"))[1][0]
    path = str(tmp_path / "saved.tif")
    assert write_labels_layer(path, labels, {"name": "a"}) == [path]
    np.testing.assert_array_equal(tifffile.imread(path), labels)
    with pytest.raises(ValueError, match=r"must end in \.tif"):
        write_labels_layer(str(tmp_path / "saved.png"), labels, {})


def test_the_manifest_names_what_there_is():
    manifest = yaml.safe_load(MANIFEST.read_text("utf-8"))
    commands = {}
    for command in manifest["contributions"]["commands"]:
        module, _, name = command["python_name"].partition(":")
        commands[command["id"]] = getattr(importlib.import_module(module), name)
        assert command["id"].startswith(f"{manifest['name']}.")
    (reader,) = manifest["contributions"]["readers"]
    (writer,) = manifest["contributions"]["writers"]
    assert commands[reader["command"]] is get_reader
    assert commands[writer["command"]] is write_labels_layer
    assert "napari" not in sys.modules


def test_the_manifest_is_what_napari_expects():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # npe2's own
        npe2 = pytest.importorskip("npe2")
        npe2.PluginManifest.from_file(MANIFEST).validate_imports()


def test_the_manifest_is_declared_and_shipped():
    project = MANIFEST.parents[1] / "pyproject.toml"
    if not project.is_file():
        pytest.skip("only in the source tree")
    import tomllib

    settings = tomllib.loads(project.read_text("utf-8"))
    points = settings["project"]["entry-points"]["napari.manifest"]
    assert points == {"gym-rlseg": "agents:napari.yaml"}
    assert "napari.yaml" in settings["tool"]["setuptools"]["package-data"]["agents"]
