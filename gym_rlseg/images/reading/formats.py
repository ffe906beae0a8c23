"""Image and label files, read and written as plain arrays.

TIFF goes through tifffile, PNG and JPEG through imageio's Pillow plugin, HDF5 and Zarr
through elf. They are imported where they are used, so that a user of the synthetic
images does not wait for them.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gym_rlseg.images.reading.planes import channels_first, plane_shape, reading
from gym_rlseg.images.reading.tiff import count_tiff_pages, read_tiff
from gym_rlseg.paths import user_path

_SUFFIXES = {
    "tiff": (".tif", ".tiff"),
    "jpeg": (".jpg", ".jpeg"),
    "png": (".png",),
    "hdf5": (".h5", ".hdf5", ".hdf"),
    "zarr": (".zarr", ".zr"),
}
_ZARR_MARKERS = ("zarr.json", ".zgroup", ".zarray")
_KNOWN = ", ".join(suffix for suffixes in _SUFFIXES.values() for suffix in suffixes)
_MIN_SIZE = 8


def image_files(path: str | Path, pattern: str = "*") -> tuple[Path, ...]:
    """The image files at `path`, sorted by name.

    A Zarr folder counts as one file. Hidden files, files of an unknown extension and
    whatever lies inside a Zarr folder are left out.

    Args:
        path: a folder, or one file, which is returned whatever the pattern.
        pattern: glob pattern within the folder; "**/*" descends into sub-folders.

    Raises:
        ValueError: if `path` is missing, of an unknown type or without image files.
    """
    root = _existing(path)
    if _kind(root) is not None:
        return (root,)
    if not root.is_dir():
        raise ValueError(f"{root} is not an image file: expected a folder or one of {_KNOWN}")
    try:
        found = sorted(root.glob(pattern), key=lambda file: file.relative_to(root).as_posix())
    except (ValueError, NotImplementedError) as error:
        raise ValueError(
            f'pattern must be a relative glob pattern such as "*.tif", got {pattern!r}'
        ) from error
    files = tuple(file for file in found if _is_listed(file, root))
    if not files:
        raise ValueError(
            f"{root} holds no image file that matches {pattern!r}: expected one of {_KNOWN}"
        )
    return files


def page_count(path: Path) -> int:
    """Number of pages in an image file: 1 for all that are no TIFF.

    Raises:
        ValueError: if it is a broken TIFF.
    """
    return count_tiff_pages(path) if _kind(path) == "tiff" else 1


def read_image(path: str | Path, key: str | None = None, page: int | None = None) -> NDArray[Any]:
    """Read one 2-D image.

    Grey images (H, W) get one channel, colour images (H, W, 3 or 4) lose their alpha
    channel, and (C, H, W) with C <= 4 is taken as it is; superfluous axes of length 1
    are dropped. Colour PNG of 16 bits arrives with 8, which is all Pillow offers.

    Args:
        path: a TIFF, PNG, JPEG or HDF5 file, or a Zarr folder.
        key: name of the dataset in HDF5 and Zarr; None takes the only one. Other
            formats ignore it.
        page: which page of a TIFF that holds several, from 0; a file of one image has
            page 0. None takes only files of one image.

    Returns:
        (C, H, W), contiguous, in the file's own dtype and native byte order.

    Raises:
        ValueError: if the file is missing, unreadable, a volume, without such a page, smaller than
            8 x 8 pixels, not of real numbers, or holds NaN or infinite values.
    """
    image = _read_planes(_existing(path), key, page, indices=False)
    height, width = image.shape[1:]
    if min(height, width) < _MIN_SIZE:
        raise ValueError(
            f"{path} is {height} x {width} pixels, expected at least "
            f"{_MIN_SIZE} x {_MIN_SIZE}; remove it"
        )
    return image


def read_labels(
    path: str | Path, key: str | None = None, page: int | None = None
) -> NDArray[np.int32]:
    """Read one label image; labels keep their numbers and paletted PNG its indices.

    Args:
        path: a TIFF, PNG or HDF5 file, or a Zarr folder. Floats that are whole
            numbers pass, as some programs save labels so.
        key: as in `read_image`.
        page: as in `read_image`.

    Returns:
        int32 (H, W), 0 = background.

    Raises:
        ValueError: if the file cannot be read, is a JPEG, has several channels, or
            holds values other than whole numbers from 0 to 2**31 - 1.
    """
    path = _existing(path)
    if _kind(path) == "jpeg":
        raise ValueError(f"{path} is a JPEG, whose compression alters labels; save them as TIFF")
    planes = _read_planes(path, key, page, indices=True)
    if planes.shape[0] != 1:
        raise ValueError(
            f"{path} has {planes.shape[0]} channels, expected one channel of label numbers "
            "(0 = background); save it as a grey image"
        )
    labels = planes[0]
    if labels.size and not 0 <= labels.min() <= labels.max() <= np.iinfo(np.int32).max:
        raise ValueError(
            f"{path} holds labels from {labels.min()} to {labels.max()}, expected 0 to "
            f"{np.iinfo(np.int32).max}; renumber them"
        )
    if labels.dtype.kind == "f" and np.any(labels != np.round(labels)):
        raise ValueError(
            f"{path} holds fractions, expected whole label numbers; is it the image itself?"
        )
    return labels.astype(np.int32)


def write_labels(path: str | Path, labels: ArrayLike) -> None:
    """Write a label image as a zlib-compressed TIFF, all or nothing.

    Args:
        path: ends in .tif or .tiff; an existing file is replaced.
        labels: (H, W) integers >= 0, stored as uint16, or as uint32 above 65535.

    Raises:
        ValueError: if the path or the labels cannot be written so.
        OSError: if the disk refuses; `path` is then as it was before.
    """
    path = user_path(path)
    if _kind(path) != "tiff":
        raise ValueError(f"path must end in .tif or .tiff, got {path}")
    if not path.parent.is_dir():
        raise ValueError(f"the folder of {path} does not exist; create it first")
    array = np.asarray(labels)
    if array.ndim != 2 or not array.size or array.dtype.kind not in "bui":
        raise ValueError(
            f"labels must be integers of shape (H, W), got {array.dtype} {array.shape}"
        )
    low, high = int(array.min()), int(array.max())
    if low < 0 or high > np.iinfo(np.uint32).max:
        raise ValueError(f"labels must lie in [0, 2**32 - 1], got {low} to {high}; renumber them")
    dtype = np.uint16 if high <= np.iinfo(np.uint16).max else np.uint32

    import tifffile

    # A hidden name in the same folder: os.replace is atomic only within one file system,
    # and no reader of the folder takes the unfinished file for an image.
    temporary = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        tifffile.imwrite(
            temporary, array.astype(dtype), compression="zlib", photometric="minisblack"
        )
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _existing(path: str | Path) -> Path:
    found = user_path(path)
    if not found.exists():
        raise ValueError(f"{found} does not exist; check the path")
    return found


def _kind(path: Path) -> str | None:
    """The key of `_SUFFIXES` that `path` belongs to, or None."""
    suffix = path.suffix.lower()
    if path.is_dir():
        marked = any((path / marker).is_file() for marker in _ZARR_MARKERS)
        return "zarr" if marked or suffix in _SUFFIXES["zarr"] else None
    for kind, suffixes in _SUFFIXES.items():
        if suffix in suffixes and kind != "zarr":
            return kind
    return None


def _is_listed(file: Path, root: Path) -> bool:
    inner = file.relative_to(root)
    if _kind(file) is None or any(part.startswith(".") for part in inner.parts):
        return False
    return all(_kind(root / parent) is None for parent in inner.parents)


def _read_planes(path: Path, key: str | None, page: int | None, *, indices: bool) -> NDArray[Any]:
    """Read `path` as a contiguous (C, H, W) of finite real numbers in native byte order."""
    kind = _kind(path)
    if kind is None:
        raise ValueError(f"{path} is not an image file: expected one of {_KNOWN}")
    if kind != "tiff" and page:
        raise ValueError(f"{path} has 1 page, counted from 0, and so no page {page}")
    if kind == "tiff":
        array = read_tiff(path, page)
    elif kind in ("hdf5", "zarr"):
        array = _read_container(path, key, kind)
    else:
        array = _read_pillow(path, indices=indices)
    if array.dtype.kind not in "buif":
        raise ValueError(f"{path} holds {array.dtype}, expected integers or floats; convert it")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = np.count_nonzero(~np.isfinite(array))
        raise ValueError(
            f"{path} holds {bad} NaN or infinite values, expected finite ones; replace them"
        )
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))


def _read_pillow(path: Path, *, indices: bool) -> NDArray[Any]:
    """Read PNG or JPEG; `indices` keeps the numbers of a palette instead of its colours."""
    import imageio.v3 as iio

    with reading(path):
        data = path.read_bytes()  # given a path, imageio leaves a broken file open
        mode = iio.immeta(data, plugin="pillow").get("mode")
        wanted = "P" if mode == "P" and indices else "RGB" if mode == "CMYK" else None
        array = np.asarray(iio.imread(data, plugin="pillow", mode=wanted))
    return channels_first(array, path, alpha=array.ndim == 3 and array.shape[2] in (2, 4))


def _read_container(path: Path, key: str | None, kind: str) -> NDArray[Any]:
    from elf.io import is_dataset, is_group, open_file

    with reading(path):
        root = open_file(str(path), mode="r", ext=".zarr" if kind == "zarr" else ".h5")
    with root:
        if is_dataset(root):  # a Zarr folder may be an array itself
            if key is not None:
                raise ValueError(f"{path} is a single array without names; leave out key={key!r}")
            dataset = root
        else:
            with reading(path):
                names = _dataset_names(root, kind)
            chosen = names[0] if key is None and len(names) == 1 else key
            if not names:
                raise ValueError(f"{path} holds no dataset of two or more dimensions")
            if chosen is None:
                raise ValueError(f"{path} holds several datasets; set key to one of {names}")
            if chosen not in root or is_group(root[chosen]):
                raise ValueError(f"{path} holds no dataset {chosen!r}; set key to one of {names}")
            dataset = root[chosen]
        shape, axis = plane_shape(dataset.shape, path)  # refuse a volume before reading it
        with reading(path):
            array = np.asarray(dataset[...])
    return channels_first(array, path, alpha=axis == 2 and shape[2] == 4)


def _dataset_names(root: Any, kind: str) -> list[str]:
    """Names of all datasets that could be images, at any depth."""
    members: list[tuple[str, Any]] = []
    if kind == "hdf5":
        root.visititems(lambda name, node: members.append((name, node)))
    else:
        members.extend(root.members(max_depth=None))
    return sorted(name for name, node in members if len(getattr(node, "shape", ())) >= 2)
