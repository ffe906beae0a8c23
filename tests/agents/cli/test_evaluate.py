"""`rlseg evaluate`: pairs, the table, and files without a counterpart."""

from __future__ import annotations

import csv
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile

HEADER = ["image", "SBD", "AP50", "mean", "AP", "VI", "split", "VI", "merge", "Rand", "error"]


def blocks(*corners: tuple[int, int], size: int = 8) -> np.ndarray:
    """Squares of 8 x 8 pixels, labelled in their order, in a 32 x 40 image."""
    labels = np.zeros((32, 40), np.uint16)
    for number, (y, x) in enumerate(corners, start=1):
        labels[y : y + size, x : x + size] = number
    return labels


@pytest.fixture
def folders(tmp_path) -> tuple[Path, Path]:
    """Two images: a is right, b lacks one of two objects."""
    out, labels = tmp_path / "out", tmp_path / "labels"
    out.mkdir()
    labels.mkdir()
    tifffile.imwrite(out / "a.tif", blocks((4, 4), (20, 20)))
    iio.imwrite(labels / "a.png", blocks((20, 20), (4, 4)))
    tifffile.imwrite(out / "b.tif", blocks((4, 4)))
    tifffile.imwrite(labels / "b.ome.tif", blocks((4, 4), (20, 20)))
    (out / "summary.csv").write_text("image\n")
    return out, labels


def test_a_table_with_a_row_per_image_and_the_mean(folders, rlseg):
    outcome = rlseg("evaluate", *folders)
    assert (outcome.code, outcome.err) == (0, "")
    header, a, b, mean = outcome.out.splitlines()
    more = "|DiC| AJI PQ RQ SQ F1 splits merges MWCov MUCov AvgFP AvgFN"
    assert header.split() == [*HEADER, *more.split()]
    ones, zeros = ["1.000"], ["0.000"]
    assert a.split() == ["a", *ones * 3, *zeros * 4, *ones * 5, *zeros * 2, *ones * 2, *zeros * 2]
    assert b.split()[:3] == ["b", "0.500", "0.500"]
    assert b.split()[7:15] == [
        "1.000", "0.500", "0.667", "0.667", "1.000", "0.667", "0.000", "0.000",
    ]  # fmt: skip
    assert b.split()[15:] == ["0.500", "0.500", "0.000", "0.500"]
    assert mean.split()[:4] == ["mean", "of", "2", "0.750"]
    assert len({len(line) for line in (header, a, b, mean)}) == 1


def test_csv(folders, tmp_path, rlseg):
    path = tmp_path / "new" / "scores.csv"
    assert rlseg("evaluate", *folders, "--csv", path).code == 0
    with path.open() as file:
        rows = {row["image"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["a", "b", "mean of 2"]
    assert float(rows["b"]["sbd"]) == pytest.approx(0.5)
    assert float(rows["mean of 2"]["ap50"]) == pytest.approx(0.75)
    assert float(rows["a"]["count_difference"]) == 0


def test_two_files(folders, rlseg):
    out, labels = folders
    outcome = rlseg("evaluate", out / "a.tif", labels / "b.ome.tif")
    assert outcome.code == 0
    assert outcome.out.splitlines()[1].split()[:2] == ["a", "1.000"]
    # One file against a folder: the others of the folder aren't asked for.
    assert rlseg("evaluate", out / "b.tif", labels).code == 0


def test_missing_counterparts_are_listed(folders, rlseg):
    out, labels = folders
    tifffile.imwrite(out / "c.tif", blocks((1, 1)))
    tifffile.imwrite(labels / "d.tif", blocks((1, 1)))
    outcome = rlseg("evaluate", out, labels)
    assert outcome.code == 1
    assert outcome.err.splitlines() == [
        f"rlseg: error: {out / 'c.tif'} has no counterpart in {labels}",
        f"rlseg: error: {labels / 'd.tif'} has no counterpart in {out}",
    ]
    assert "mean of 2" in outcome.out


def test_true_labels_beside_their_images(folders, rlseg):
    expected = rlseg("evaluate", *folders).out
    out, labels = folders
    (labels / "a.png").rename(labels / "a_masks.png")
    (labels / "b.ome.tif").rename(labels / "b_labels.ome.tif")
    assert rlseg("evaluate", out, labels).out == expected
    (labels / "a_seg.npy").touch()
    for name in ("a", "b"):
        iio.imwrite(labels / f"{name}.jpg", blocks((1, 1)).astype(np.uint8))
    outcome = rlseg("evaluate", out, labels)
    assert (outcome.code, outcome.out, outcome.err) == (0, expected, "")


def test_refused(folders, tmp_path, rlseg):
    out, labels = folders
    csv_file = tmp_path / "scores.csv"
    command = ("evaluate", out, labels, "--csv", csv_file)
    tifffile.imwrite(labels / "b.ome.tif", blocks((1, 1))[:31])
    only = ("evaluate", out / "b.tif", labels / "b.ome.tif", "--csv", csv_file)
    rlseg(*only).refused(str(out / "b.tif"), str(labels / "b.ome.tif"), "(31, 40)", "(32, 40)")
    (labels / "b.ome.tif").write_bytes(b"II*\0 and no more")
    rlseg(*only).refused("b.ome.tif", "cannot be read")
    iio.imwrite(labels / "b.png", blocks((1, 1)))
    rlseg(*command).refused("b.png", "b.ome.tif", "same name")
    (labels / "b.png").unlink()
    (labels / "b.ome.tif").unlink()
    (labels / "a.png").rename(labels / "z.png")
    rlseg(*command).refused(str(out), str(labels), "a.tif", "z.png")
    rlseg("evaluate", out, tmp_path / "none").refused(str(tmp_path / "none"), "does not exist")
    rlseg("evaluate", tmp_path / "none", labels).refused(str(tmp_path / "none"))
    (tmp_path / "empty").mkdir()
    rlseg("evaluate", out, tmp_path / "empty").refused("empty", "no image file")
    rlseg("evaluate", out, labels, "--csv", out / "a.tif" / "x.csv").refused("a.tif is a file")
    assert not csv_file.exists()


class TestStacks:
    """Three pages: an object that stays, and one that comes on the second."""

    def write(self, path: Path, pages: np.ndarray) -> None:
        tifffile.imwrite(path, pages, imagej=True, metadata={"axes": "TYX"})

    @pytest.fixture
    def stacks(self, tmp_path) -> tuple[Path, Path]:
        truth = np.stack(
            [blocks((4, 4)), blocks((4, 4), (20, 20)), blocks((4, 4), (20, 20))]
        ).astype(np.uint16)
        ours = np.where(truth == 1, 7, truth)
        ours[2][truth[2] == 1] = 9  # found, but not as the same one
        for name, pages in (("out", ours), ("labels", truth)):
            (tmp_path / name).mkdir()
            self.write(tmp_path / name / "a.tif", pages)
        tifffile.imwrite(tmp_path / "out" / "b.tif", blocks((4, 4)))
        tifffile.imwrite(tmp_path / "labels" / "b.tif", blocks((4, 4), (20, 20)))
        return tmp_path / "out", tmp_path / "labels"

    def test_a_row_per_page_and_one_of_the_stack(self, stacks, tmp_path, rlseg):
        outcome = rlseg("evaluate", *stacks, "--csv", tmp_path / "a.csv")
        assert (outcome.code, outcome.err) == (0, "")
        with (tmp_path / "a.csv").open() as file:
            rows = {row["image"]: row for row in csv.DictReader(file)}
        assert list(rows) == ["a#0", "a#1", "a#2", "b", "a as one", "mean of 4"]
        assert [float(rows[f"a#{page}"]["sbd"]) for page in range(3)] == [1, 1, 1]
        # Of three objects, one is in two thirds another: 3 x 64 pixels in 2 x 64 and 64.
        whole = rows["a as one"]
        assert float(whole["count_difference"]) == 1
        assert float(whole["ap50"]) == pytest.approx(2 / 3)
        assert float(whole["sq"]) == pytest.approx((2 / 3 + 1) / 2)
        assert float(rows["mean of 4"]["count_difference"]) == 0.25

    def test_a_truth_of_another_length(self, stacks, rlseg):
        out, labels = stacks
        command = ("evaluate", out / "a.tif", labels / "a.tif")
        truth = tifffile.imread(labels / "a.tif")
        self.write(labels / "a.tif", truth[:2])
        rlseg(*command).refused(
            f"{out / 'a.tif'} has 3 pages", f"{labels / 'a.tif'} has 2", "as many pages"
        )
        tifffile.imwrite(labels / "a.tif", truth[0])
        rlseg(*command).refused("has 3 pages", "has 1")
        self.write(labels / "a.tif", truth[:, :30])
        rlseg(*command).refused("(32, 40)", "(30, 40)", "pixel on pixel")


def test_a_pair_that_cannot_be_compared_is_left_out(folders, tmp_path, rlseg):
    out, labels = folders
    tifffile.imwrite(labels / "b.ome.tif", blocks((4, 4)).T)
    outcome = rlseg("evaluate", out, labels, "--csv", tmp_path / "scores.csv")
    assert outcome.code == 1
    (line,) = outcome.err.splitlines()
    assert line.startswith(f"rlseg: error: {out / 'b.tif'} has shape (32, 40)")
    assert "transposed" in line
    assert outcome.out.splitlines()[-1].split()[:4] == ["mean", "of", "1", "1.000"]


def test_scores_that_are_worth_little_come_with_a_warning(folders, rlseg):
    out, labels = folders
    tifffile.imwrite(
        labels / "b.ome.tif", np.where(blocks((4, 4), (20, 30)), 255, 0).astype(np.uint8)
    )
    tifffile.imwrite(out / "a.tif", blocks((22, 2)))  # nowhere near
    outcome = rlseg("evaluate", out, labels)
    assert outcome.code == 0
    of_a, of_b = outcome.err.splitlines()
    assert of_a.startswith("rlseg: warning: a: next to nothing agrees, SBD 0.000; are ")
    assert of_b.startswith("rlseg: warning: b: the truth has one number, 255, for 2 separate")
