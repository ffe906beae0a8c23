"""`rlseg segment`: which objects are kept, what is measured of them, and folders with rubbish."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import tifffile

from gym_rlseg.writing import read_csv


def test_filters_and_measures(trained, tmp_path, rlseg):
    image = trained / "images" / "im0.tif"
    command = ("segment", trained / "run", image, "--no-search", "-o")
    every, some = tmp_path / "every", tmp_path / "some"
    assert rlseg(*command, every).code == 0
    before = read_csv(every / "objects.csv")
    for one in before:
        assert one["lowest_term"] in ("roundness", "size", "number of objects")
        assert float(one["score"]) <= float(one["lowest_value"]) + 1e-4
    scores = sorted(float(one["score"]) for one in before)
    least = (scores[0] + scores[-1]) / 2
    outcome = rlseg(*command, some, "--min-score", least, "--measure", "area,perimeter, extent")
    kept = [one for one in before if float(one["score"]) >= least]
    assert 0 < len(kept) < len(before)
    after = read_csv(some / "objects.csv")
    assert [one["label"] for one in after] == [str(i) for i in range(1, len(kept) + 1)]
    assert [one["centroid_y"] for one in after] == [one["centroid_y"] for one in kept]
    assert list(after[0])[-2:] == ["perimeter", "extent"]
    assert "solidity" not in after[0]
    assert f"im0.tif: {len(kept)} objects" in outcome.out + outcome.err
    (row,) = read_csv(some / "summary.csv")
    assert row["objects"] == str(len(kept))
    assert row["note"] == f"{len(before) - len(kept)} more objects are left out"
    labels, whole = (tifffile.imread(folder / "im0.tif") for folder in (some, every))
    expected = np.isin(whole, [int(one["label"]) for one in kept])
    np.testing.assert_array_equal(labels > 0, expected)


def test_size_and_border(trained, draw, tmp_path, rlseg):
    image = draw(0)[0]
    tifffile.imwrite(tmp_path / "cut.tif", image[14:, :])  # through two discs
    command = ("segment", trained / "run", tmp_path / "cut.tif", "--no-search", "-o")
    assert rlseg(*command, tmp_path / "a", "--no-border").code == 0
    assert rlseg(*command, tmp_path / "b", "--min-size", 200).code == 0
    labels = tifffile.imread(tmp_path / "a" / "cut.tif")
    assert 1 <= labels.max() <= 2
    assert not labels[0].any()
    areas = [int(one["area"]) for one in read_csv(tmp_path / "b" / "objects.csv")]
    assert areas
    assert min(areas) >= 200
    rlseg(*command, tmp_path / "c", "--min-size", "small").refused("--min-size", "small")
    rlseg(*command, tmp_path / "c", "--min-score", "2").refused("--min-score", "0 to 1", "'2'")
    rlseg(*command, tmp_path / "c", "--measure", "area,roundnes").refused("'roundnes'", "known are")
    rlseg(*command, tmp_path / "c", "--measure", "perimetr").refused("did you mean 'perimeter'")
    assert not (tmp_path / "c").exists()


def test_images_with_more_columns_make_the_table_wider(tmp_path):
    from agents.segmenting.results import GrowingTable

    table = GrowingTable(path=tmp_path / "t.csv", header=("image",))
    table.add(("image", "a"), [("x", 1)])
    table.flush()
    table.add(("image", "a"), [("=y", 2)])
    table.flush()
    table.add(("image", "b"), [("z", 3)])
    table.flush()
    assert read_csv(tmp_path / "t.csv") == [
        {"image": "x", "a": "1", "b": ""},
        {"image": "=y", "a": "2", "b": ""},
        {"image": "z", "a": "", "b": "3"},
    ]


def broken_files(folder: Path, image: np.ndarray) -> set[str]:
    """One of every kind of file that can't be segmented; their names."""
    rng = np.random.default_rng(0)
    whole = folder / "whole.tif"
    tifffile.imwrite(whole, image)
    content = whole.read_bytes()
    whole.unlink()
    texts = {
        "cut off.tif": content[: len(content) // 2],
        "empty.tif": b"",
        "no png.png": b"",
        "no hdf5.h5": b"",
        "header.tif": content[:8],
        "noise.jpg": rng.bytes(500),
        "text.png": b"no picture",
        "page.tif": b"<html>404</html>",
    }
    for name, text in texts.items():
        (folder / name).write_bytes(text)
    arrays = {
        "aaa colour.tif": rng.integers(0, 255, (64, 64, 3), np.uint8),  # the first of all
        "complex.tif": np.ones((64, 64), np.complex64),
        "small.tif": np.ones((4, 5), np.uint8),
        "volume.tif": rng.integers(0, 255, (5, 64, 64), np.uint8),
    }
    for name, array in arrays.items():
        photometric = "rgb" if "colour" in name else "minisblack"
        tifffile.imwrite(folder / name, array, photometric=photometric)
    (folder / "no zarr.zarr").mkdir()
    return {*texts, *arrays, "no zarr.zarr"}


def test_one_of_every_broken_kind(trained, draw, tmp_path, rlseg):
    images, out = tmp_path / "images", tmp_path / "out"
    images.mkdir()
    bad = broken_files(images, draw(0)[0])
    good = {f"good{number}" for number in range(3)}
    for number, name in enumerate(sorted(good)):
        tifffile.imwrite(images / f"{name}.tif", draw(number)[0])
    nothing = {"black", "grey", "all nan"}
    tifffile.imwrite(images / "all nan.tif", np.full((64, 64), np.nan, np.float32))
    tifffile.imwrite(images / "black.tif", np.zeros((64, 64), np.uint8))
    iio.imwrite(images / "grey.png", np.full((64, 64), 99, np.uint8))
    outcome = rlseg("segment", trained / "run", images, "-o", out, "--no-search")
    assert outcome.code == 1
    lines = outcome.err.splitlines()
    for name in bad:
        (line,) = [line for line in lines if f"{images / name}" in line]
        assert line.startswith("rlseg: error: "), line
    assert len([line for line in lines if line.startswith("rlseg: warning: ")]) == len(nothing)
    assert len(lines) == len(bad) + len(nothing)
    assert {file.stem for file in out.glob("*.tif")} == good | nothing
    for name in good:
        assert tifffile.imread(out / f"{name}.tif").max() >= 3
    rows = {Path(row["image"]).name: row for row in read_csv(out / "summary.csv")}
    assert {name for name, row in rows.items() if row["error"]} == bad
    total = len(bad | good | nothing)
    assert len(rows) == total
    assert f"{len(good | nothing)} of {total} images segmented" in outcome.out
