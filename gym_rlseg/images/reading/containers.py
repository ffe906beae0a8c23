"""HDF5 files and Zarr folders: their images by name, of which OME-Zarr's have levels."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gym_rlseg.images.reading.facts import micrometres, pixel_size
from gym_rlseg.images.reading.grids import Grid, guessed_axes, letters
from gym_rlseg.images.reading.ngff import Multiscale, multiscale
from gym_rlseg.images.reading.planes import check_level, reading
from gym_rlseg.images.reading.zarr_codecs import check_codecs

# What gives each level of an image, full resolution first.
_Levels = list[Callable[[], Grid]]


@contextmanager
def opened_hdf5(path: Path, key: str | None, level: int) -> Iterator[Grid]:
    """A dataset of a HDF5 file, as long as the context lasts.

    Args:
        path: the file.
        key: name of the dataset; None takes the only one.
        level: 0, as there are no others.

    Raises:
        ValueError: if it can't be read, or there is no such dataset or level.
    """
    import h5py

    with reading(path):
        file = h5py.File(path, "r")
    with file:
        found: list[str] = []

        def visit(name: str, node: Any) -> None:
            if _is_image(node):
                found.append(name)

        with reading(path):
            node = None if key is None else file.get(key)
            if not _is_image(node):
                file.visititems(visit)
        node = node if _is_image(node) else file[_chosen(path, sorted(found), key)]
        check_level(level, 1, path)
        with reading(path):
            grid = _dataset(node)
        yield grid


def open_zarr(path: Path, key: str | None, level: int) -> Grid:
    """An image in a Zarr folder.

    Args:
        path: the folder.
        key: of an array, or of a group that OME's metadata make an image; None takes the only
            one. Labels inside an image aren't counted.
        level: of such an image, 0 = full resolution.

    Raises:
        ValueError: if it can't be read, there is no such image or level, or a codec might run
            code.
    """
    import zarr

    with reading(path):
        check_codecs(path, key)
        root = zarr.open(str(path), mode="r")
    if isinstance(root, zarr.Array):  # a folder may be an array itself
        if key is not None:
            raise ValueError(f"{path} is a single array without names; leave out key={key!r}")
        check_level(level, 1, path)
        with reading(path):
            return _plain(root)
    with reading(path):
        found = None if key is None else _named(root, key.strip("/"))
        if found is None:
            images = _images(root)
    if found is None:
        found = images[_chosen(path, sorted(images), key)]
    check_level(level, len(found), path)
    with reading(path):
        return found[level]()


def _chosen(path: Path, names: list[str], key: str | None) -> str:
    """The only image, if none is asked for.

    Raises:
        ValueError: otherwise, as `names` are all that there are.
    """
    if not names:
        raise ValueError(f"{path} holds no dataset of two or more dimensions")
    if key is not None:
        raise ValueError(f"{path} holds no dataset {key!r}; set key to one of {names}")
    if len(names) > 1:
        raise ValueError(f"{path} holds several datasets; set key to one of {names}")
    return names[0]


def _images(root: Any) -> dict[str, _Levels]:
    """All images in a group by their names; an image's own levels and labels are none."""
    own = _levels(root)
    if own:
        return {"": own}
    found: dict[str, _Levels] = {}
    groups: list[str] = []
    for name, node in sorted(root.members(max_depth=None), key=lambda member: member[0]):
        if not any(name.startswith(f"{group}/") for group in groups) and (levels := _levels(node)):
            found[name] = levels
            groups.append(name)
    return found


def _named(root: Any, key: str) -> _Levels | None:
    """The image, or one of the arrays of an image, that goes by a name; None if there is none."""
    if key not in root:
        return None
    parent, _, name = key.rpartition("/")
    around = root[parent] if parent else root
    image = multiscale(dict(around.attrs))
    if image is not None and name in image.levels:
        return [partial(_scaled, around, image, image.levels.index(name))]
    return _levels(root[key]) or None


def _levels(node: Any) -> _Levels:
    """What gives each level of an array or group, full resolution first; [] if it is no image."""
    if hasattr(node, "shape"):
        return [partial(_plain, node)] if node.ndim > 1 else []
    image = multiscale(dict(node.attrs))
    return [partial(_scaled, node, image, n) for n in range(len(image.levels))] if image else []


def _plain(array: Any) -> Grid:
    """An array of which no image group speaks."""
    names = array.attrs.get("_ARRAY_DIMENSIONS") or getattr(array.metadata, "dimension_names", None)
    axes = letters(names) if isinstance(names, list | tuple) and all(names) else None
    if axes is None or len(axes) != array.ndim:
        axes = guessed_axes(array.shape)
    return Grid(array=array, axes=axes)


def _scaled(group: Any, image: Multiscale, level: int) -> Grid:
    """A level of an image group."""
    array = group[image.levels[level]]
    if len(image.axes) != array.ndim:
        raise ValueError(
            f"its OME metadata name {len(image.axes)} axes of an array that has {array.ndim}"
        )
    size, names = image.sizes[level], image.channel_names
    return Grid(
        array=array,
        axes=image.axes,
        pixel_size=size,
        channel_names=names,
        levels=len(image.levels),
    )


def _is_image(node: Any) -> bool:
    return len(getattr(node, "shape", None) or ()) > 1


def _dataset(node: Any) -> Grid:
    """A dataset of HDF5, whose axes ilastik names, and whose pixels ImageJ's plugins measure."""
    axes = None
    if "axistags" in node.attrs:
        tags = json.loads(node.attrs["axistags"])["axes"]
        axes = letters([tag["key"] for tag in tags])
    if axes is None or len(axes) != node.ndim:
        axes = guessed_axes(node.shape)
    size = np.ravel(node.attrs.get("element_size_um", ()))
    y, x = (micrometres(length, "um") for length in size[-2:]) if len(size) > 1 else (None, None)
    return Grid(array=node, axes=axes, pixel_size=pixel_size(y, x))
