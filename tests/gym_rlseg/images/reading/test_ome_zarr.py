"""OME-Zarr by its metadata: levels, axes, channels, sizes of pixels, and labels inside."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import zarr
from numpy.typing import NDArray

from gym_rlseg.images import FilesSource
from gym_rlseg.images.reading.facts import Facts
from gym_rlseg.images.reading.formats import read_facts, read_image, read_labels
from gym_rlseg.images.reading.pages import PageAxes

H, W = 16, 24
#: Versions of Zarr, and those of NGFF on them.
Version = Literal[2, 3]
VERSIONS: tuple[Version, ...] = (2, 3)
TYPES = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}


def numbers(*shape: int) -> NDArray[np.uint16]:
    return np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)


def write_image(
    group: Any,
    array: NDArray[Any],
    axes: str,
    *,
    levels: int = 2,
    unit: str | None = "micrometer",
    scale: tuple[float, float] = (0.5, 0.25),
    whole: float | None = None,
    channels: tuple[str, ...] = (),
) -> None:
    """An image of NGFF 0.4 or 0.5, by hand from the specification."""
    version = group.metadata.zarr_format
    datasets: list[dict[str, Any]] = []
    for level in range(levels):
        small = array[..., :: 2**level, :: 2**level]
        group.create_array(f"s{level}", data=small)
        factors = [1.0] * (array.ndim - 2) + [side * 2**level for side in scale]
        transformations = [{"type": "scale", "scale": factors}]
        datasets.append({"path": f"s{level}", "coordinateTransformations": transformations})
    spatial = {} if unit is None else {"unit": unit}
    image: dict[str, Any] = {
        "axes": [{"name": a, "type": TYPES[a], **(spatial if a in "zyx" else {})} for a in axes],
        "datasets": datasets,
    }
    if whole is not None:
        factors = [whole] * array.ndim
        image["coordinateTransformations"] = [{"type": "scale", "scale": factors}]
    said: dict[str, Any] = {"multiscales": [image | ({"version": "0.4"} if version == 2 else {})]}
    if channels:
        said["omero"] = {"channels": [{"label": name} for name in channels]}
    group.attrs.update(said if version == 2 else {"ome": {"version": "0.5", **said}})


def root(path: Path, version: Version) -> Any:
    return zarr.open_group(str(path), mode="w", zarr_format=version)


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> Version:
    found: Version = request.param
    return found


def test_axes_channels_and_calibration(tmp_path: Path, version: Version) -> None:
    array = numbers(2, 3, 4, H, W)
    write_image(root(tmp_path / "a.zarr", version), array, "tczyx", channels=("DAPI", "b", "c"))
    facts = read_facts(tmp_path / "a.zarr")
    assert facts == Facts(
        pixel_size=(0.5, 0.25),
        channel_names=("DAPI", "b", "c"),
        pages=8,
        levels=2,
        page_axes=PageAxes("TZ", (2, 4)),
    )
    for page in (0, 3, 5):
        t, z = divmod(page, 4)
        image = read_image(tmp_path / "a.zarr", page=page)
        assert image.dtype == np.uint16
        np.testing.assert_array_equal(image, array[t, :, z])
    with pytest.raises(ValueError, match=r"t=2, c=3, z=4, y=16, x=24, .* 8 pages: set page"):
        read_image(tmp_path / "a.zarr")
    with pytest.raises(ValueError, match=r"8 pages, .*no page 8"):
        read_image(tmp_path / "a.zarr", page=8)


def test_levels(tmp_path: Path, version: Version) -> None:
    write_image(root(tmp_path / "a.zarr", version), numbers(1, 2, 1, 32, 48), "tczyx", levels=3)
    full = read_image(tmp_path / "a.zarr")
    np.testing.assert_array_equal(full, numbers(1, 2, 1, 32, 48)[0, :, 0])
    np.testing.assert_array_equal(read_image(tmp_path / "a.zarr", level=1), full[:, ::2, ::2])
    assert read_facts(tmp_path / "a.zarr", level=2).pixel_size == (2.0, 1.0)
    for read in (read_image, read_facts):
        with pytest.raises(ValueError, match=r"a\.zarr has 3 levels .*no level 3"):
            read(tmp_path / "a.zarr", level=3)
    source = FilesSource(path=str(tmp_path), level=1)
    sample = source.sample("train", 0, 0)
    assert sample.image.shape == (2, 16, 24)
    assert sample.pixel_size == (1.0, 0.5)


def test_more_than_four_channels(tmp_path: Path, version: Version) -> None:
    write_image(root(tmp_path / "a.zarr", version), numbers(7, H, W), "cyx")
    np.testing.assert_array_equal(read_image(tmp_path / "a.zarr"), numbers(7, H, W))


def test_a_short_depth_is_no_channels(tmp_path: Path, version: Version) -> None:
    write_image(root(tmp_path / "a.zarr", version), numbers(3, H, W), "zyx")
    with pytest.raises(ValueError, match="z=3, y=16, x=24"):
        read_image(tmp_path / "a.zarr")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"unit": "nanometer"}, (5e-4, 2.5e-4)),
        ({"unit": "millimeter"}, (500.0, 250.0)),
        ({"unit": None}, None),
        ({"unit": "parsec"}, None),
        ({"whole": 2.0}, (1.0, 0.5)),
        ({"scale": (0.0, 1.0)}, None),
    ],
)
def test_units(
    tmp_path: Path, options: dict[str, Any], expected: tuple[float, float] | None
) -> None:
    write_image(root(tmp_path / "a.zarr", 3), numbers(H, W), "yx", **options)
    found = read_facts(tmp_path / "a.zarr").pixel_size
    assert found == (None if expected is None else pytest.approx(expected))


def test_labels_inside_are_no_images(tmp_path: Path, version: Version) -> None:
    group = root(tmp_path / "a.zarr", version)
    write_image(group, numbers(2, H, W), "cyx")
    labels = group.create_group("labels")
    labels.attrs["labels"] = ["cells"]
    write_image(labels.create_group("cells"), numbers(H, W), "yx")
    np.testing.assert_array_equal(read_image(tmp_path / "a.zarr"), numbers(2, H, W))
    np.testing.assert_array_equal(read_labels(tmp_path / "a.zarr", "labels/cells"), numbers(H, W))
    source = FilesSource(
        path=str(tmp_path), labels=str(tmp_path), labels_key="labels/cells", level=1
    )
    truth = source.sample("train", 0, 0).truth
    assert truth is not None
    assert truth.shape == (8, 12)  # of the same level


def test_several_images(tmp_path: Path, version: Version) -> None:
    """As bioformats2raw lays out the series of a file, and plates their wells."""
    group = root(tmp_path / "a.zarr", version)
    write_image(group.create_group("0"), numbers(H, W), "yx")
    with_labels = group.create_group("B/1")
    write_image(with_labels, numbers(H, W) + 1, "yx")
    write_image(with_labels.create_group("labels/cells"), numbers(H, W), "yx")
    with pytest.raises(ValueError, match=r"several datasets; set key to one of \['0', 'B/1'\]"):
        read_image(tmp_path / "a.zarr")
    np.testing.assert_array_equal(read_image(tmp_path / "a.zarr", "B/1")[0], numbers(H, W) + 1)
    # An array is a level, with its image's axes and calibration.
    np.testing.assert_array_equal(
        read_image(tmp_path / "a.zarr", "0/s1")[0], numbers(H, W)[::2, ::2]
    )
    assert read_facts(tmp_path / "a.zarr", "0/s1").pixel_size == (1.0, 0.5)
    with pytest.raises(ValueError, match=r"no dataset 'B'; set key to one of \['0', 'B/1'\]"):
        read_image(tmp_path / "a.zarr", "B")


def test_only_what_is_asked_for_is_read(tmp_path: Path, version: Version) -> None:
    group = root(tmp_path / "a.zarr", version)
    write_image(group, numbers(3, H, W), "tyx", levels=1)
    chunks = [file for file in (tmp_path / "a.zarr" / "s0").rglob("*") if file.name[:1].isdigit()]
    assert chunks
    array = group.create_array("s9", shape=(3, H, W), chunks=(1, H, W), dtype="u2")
    array[...] = numbers(3, H, W)
    said = dict(group.attrs)
    (said if version == 2 else said["ome"])["multiscales"][0]["datasets"][0]["path"] = "s9"
    group.attrs.put(said)
    broken = tmp_path / "a.zarr" / "s9" / ("1.0.0" if version == 2 else "c/1/0/0")
    broken.write_bytes(b"?")
    np.testing.assert_array_equal(read_image(tmp_path / "a.zarr", page=2)[0], numbers(3, H, W)[2])
    with pytest.raises(ValueError, match=r"a\.zarr cannot be read"):
        read_image(tmp_path / "a.zarr", page=1)


def test_early_versions(tmp_path: Path) -> None:
    group = root(tmp_path / "a.zarr", 2)
    group.create_array("0", data=numbers(1, 2, 1, H, W))
    group.attrs["multiscales"] = [{"version": "0.1", "datasets": [{"path": "0"}]}]
    np.testing.assert_array_equal(read_image(tmp_path / "a.zarr"), numbers(2, H, W))
    names = {"version": "0.3", "axes": ["z", "y", "x"], "datasets": [{"path": "1"}]}
    group.create_array("1", data=numbers(5, H, W))
    group.attrs["multiscales"] = [names]
    assert read_facts(tmp_path / "a.zarr").page_axes == PageAxes("Z", (5,))


@pytest.mark.parametrize(
    "image",
    [
        "text", [], [3], [{}], [{"datasets": []}], [{"datasets": [{"path": "0"}], "axes": ["z"]}],
        [{"datasets": [{"path": "0"}], "axes": ["y", "x"]}], [{"datasets": [{"path": "missing"}]}],
        [{"datasets": [{"path": "0", "coordinateTransformations": 3}]}],
        [{"datasets": [{"path": "0", "coordinateTransformations": [{"type": "scale"}]}]}],
    ],
    ids=str,
)  # fmt: skip
def test_nonsense(tmp_path: Path, image: Any) -> None:
    group = root(tmp_path / "a.zarr", 2)
    group.create_array("0", data=numbers(1, 1, 1, H, W))
    group.attrs["multiscales"] = image
    if image == []:
        assert read_image(tmp_path / "a.zarr").shape == (1, H, W)
        return
    for read in (read_image, read_facts):
        with pytest.raises(ValueError, match=r"a\.zarr cannot be read \("):
            read(tmp_path / "a.zarr")
