"""Where to look at all: within a mask, a polygon or a channel, and where there are numbers.

Outside, an image goes on as its mirror image, so that neither the contrast nor a filter sees
what is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gym_rlseg.images.base import UnusableImageError
from gym_rlseg.images.reading.formats import read_facts, read_image
from gym_rlseg.images.reading.label_files import label_candidates
from gym_rlseg.images.reading.pages import file_stem, split_page
from gym_rlseg.images.reading.polygons import POLYGON_SUFFIXES, read_polygons
from gym_rlseg.paths import user_path

# How often an image is mirrored; what is farther away than that is as the nearest pixel.
_PASSES = 4
# In front of the name of a channel.
_CHANNEL = "channel:"


class RegionError(ValueError):
    """A region that can't be used, which is no fault of the image."""


def region_channel(region: str | int | None) -> str | int | None:
    """The channel that the option `region` names, by number or name; None if it is a path."""
    if isinstance(region, str):
        return region.removeprefix(_CHANNEL) if region.startswith(_CHANNEL) else None
    return region


def region_files(
    region: str, images: Sequence[Path], names: Sequence[str]
) -> Mapping[Path, list[Path]]:
    """For every image the files that say where to look on it; exactly one is right.

    Args:
        region: a folder of masks and polygons with the images' stems, as of labels; or one
            such file, which is for all images.
        images: paths of image files or of their pages.
        names: the same relative to the folder of images; sub-folders must agree.

    Raises:
        RegionError: if there is none.
    """
    root = user_path(region)
    if not root.exists():
        raise RegionError(f"region: {root} does not exist; check the path")
    if not root.is_dir():
        return {image: [root] for image in images}
    polygons: dict[tuple[Path, str], list[Path]] = {}
    for file in sorted(root.rglob("*")):
        if file.suffix.lower() in POLYGON_SUFFIXES:
            polygons.setdefault((file.parent.relative_to(root), file_stem(file)), []).append(file)
    try:
        found = {image: [*files] for image, files in label_candidates(images, names, root).items()}
    except ValueError as error:
        if not polygons:
            raise RegionError(f"region: {error}") from error
        found = {image: [] for image in images}
    for image, name in zip(images, names, strict=True):
        found[image] += polygons.get((Path(name).parent, file_stem(image)), [])
    return found


def read_region(file: Path, image: Path | str, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Where to look on an image.

    Args:
        file: polygons, or a mask: whatever isn't 0 lies within. Of several pages, a page of
            an image has the one of its number.
        image: path of the image.
        shape: of the image, (H, W).

    Returns:
        bool (H, W).

    Raises:
        RegionError: if the file can't be used, or is of another size.
    """
    try:
        if file.suffix.lower() in POLYGON_SUFFIXES:
            return read_polygons(file, shape)
        if file.suffix.lower() in (".jpg", ".jpeg"):
            raise ValueError(f"{file} is a JPEG, whose compression alters masks; save it as PNG")
        mask, page = split_page(file)
        number = split_page(Path(image))[1]
        if page is None and number is not None and read_facts(mask).pages > 1:
            page = number
        planes = read_image(mask, page=page)
    except ValueError as error:
        raise RegionError(f"region: {error}") from error
    if planes.shape[1:] != shape:
        raise RegionError(
            f"region: {file} has shape {planes.shape[1:]}, expected {shape} as the image {image} "
            "has; a mask must lie pixel on pixel"
        )
    return (np.nan_to_num(planes) != 0).any(axis=0)


def one_of(candidates: Sequence[Path], image: Path) -> Path:
    """The file that says where to look on an image.

    Raises:
        RegionError: unless there is exactly one, which isn't the image itself.
    """
    if len(candidates) != 1:
        found = [file.name for file in candidates] or "none"
        raise RegionError(
            f"region: {image} needs exactly one mask or polygon file of the stem "
            f"{file_stem(image)!r}, found {found}"
        )
    if split_page(candidates[0])[0].resolve() == split_page(image)[0].resolve():
        raise RegionError(f"region points at the images themselves ({image}); give another path")
    return candidates[0]


def inside(
    raw: NDArray[Any], region: NDArray[np.bool_] | None, name: str
) -> NDArray[np.bool_] | None:
    """Where an image can be looked at: within its region, where every channel has a number.

    Args:
        raw: (C, H, W); what a `numpy.ma.MaskedArray` masks is outside.
        region: bool (H, W), where to look; None: everywhere.
        name: what the message calls the image.

    Returns:
        bool (H, W); None: everywhere.

    Raises:
        UnusableImageError: if that is nowhere.
    """
    known = np.ones(raw.shape[1:], np.bool_) if region is None else region
    if raw.dtype.kind == "f":
        known = known & np.isfinite(np.ma.getdata(raw)).all(axis=0)
    if isinstance(raw, np.ma.MaskedArray):
        known = known & ~np.ma.getmaskarray(raw).any(axis=0)
    if known.all():
        return None
    if not known.any():
        why = (
            "its region is empty"
            if region is not None and not region.any()
            else ("every pixel is NaN, masked or outside of its region")
        )
        raise UnusableImageError(f"{name} has nothing to look at: {why}")
    return known


def filled(raw: NDArray[Any], region: NDArray[np.bool_]) -> NDArray[Any]:
    """An image that goes on outside of its region as its mirror image.

    So do noise and texture, of which boundary maps and thresholds take the measure.

    Args:
        raw: (C, H, W).
        region: bool (H, W), with at least one pixel.
    """
    spans = []
    for axis in (1, 0):
        within = np.flatnonzero(region.any(axis=axis))
        spans.append(slice(int(within[0]), int(within[-1]) + 1))
    box = np.array(np.ma.getdata(raw)[:, *spans])
    _mirror(box, region[*spans].copy())
    missing = [
        (span.start, size - span.stop) for span, size in zip(spans, region.shape, strict=True)
    ]
    return np.pad(box, [(0, 0), *missing], mode="reflect")


def _mirror(image: NDArray[Any], known: NDArray[np.bool_]) -> None:
    """Fill an image (C, H, W), in place, from where it is known; bool (H, W), used up."""
    for last in (False,) * _PASSES + (True,):
        if known.all():
            return
        nearest = ndimage.distance_transform_edt(
            ~known, return_distances=False, return_indices=True
        )
        outside = np.stack(np.nonzero(~known))
        source = border = nearest[:, *outside]
        if not last:
            source = 2 * border - outside
            there = ((source >= 0) & (source < np.array([known.shape]).T)).all(axis=0)
            there[there] = known[*source[:, there]]
            outside, source = outside[:, there], source[:, there]
        image[:, *outside] = image[:, *source]
        # What is filled now is mirrored in its turn.
        known[*outside] = True
