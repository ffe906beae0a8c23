"""Images as a Python user has them (arrays, files, a folder), as files that can be read.

Arrays take the way of files, through a temporary folder, so that they are converted and
stretched exactly as files are.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.runs.image_files import raw_image
from gym_rlseg.images import FilesSource, Sample
from gym_rlseg.paths import user_path

MOST_CHANNELS = 4
Images = NDArray[Any] | str | os.PathLike[str] | Iterable[NDArray[Any] | str | os.PathLike[str]]


@dataclass(frozen=True, kw_only=True)
class GivenImage:
    """One image.

    Attributes:
        source: lists it.
        path: its path in `source`.
        name: what messages call it.
        of_array: whether it was an array.
    """

    source: FilesSource
    path: Path
    name: str
    of_array: bool = False

    def load(self) -> Sample:
        """The image as the agent sees it.

        Raises:
            ConstantImageError: if there is nothing to see in it.
            ValueError: if it can't be read or used.
        """
        try:
            return replace(self.source.load(self.path), name=self.name)
        except ValueError as error:
            # Nobody knows the temporary file that an array went to.
            raise type(error)(str(error).replace(str(self.path), self.name)) from error

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W), read from the file."""
        return raw_image(self.source, self.path).shape[1:]


def given_images(
    images: Images, options: Mapping[str, Any], folder: Path
) -> tuple[list[GivenImage], bool]:
    """List images, in their order.

    Args:
        images: an array (H, W), (H, W, C) or (C, H, W) with C <= 4, the path of an image
            file or of a folder, or several arrays and files.
        options: of `FilesSource`: how files become images.
        folder: a temporary one, where arrays go.

    Returns:
        The images, and whether only one was given, not in a list.

    Raises:
        ValueError: if there is none, or an array can't be an image.
    """
    if isinstance(images, str | os.PathLike):
        source = FilesSource(path=os.fspath(images), **options)
        listed = [GivenImage(source=source, path=p, name=str(p)) for p in source.all_files()]
        alone = len(listed) == 1 and listed[0].path == user_path(images)
        return listed, alone
    if isinstance(images, np.ndarray):
        return [_of_array(images, "the image", options, folder / "0.tif")], True
    found = [
        _of_array(one, f"images[{i}]", options, folder / f"{i}.tif")
        if isinstance(one, np.ndarray)
        else _of_file(one, options)
        for i, one in enumerate(images)
    ]
    if not found:
        raise ValueError("images is empty, expected at least one")
    return found, False


def copy_images(images: Sequence[GivenImage], folder: Path) -> None:
    """Copy the files of the images to one folder, named by their number, to train on them."""
    folder.mkdir(parents=True)
    for number, one in enumerate(images):
        target = folder / f"{number:06}{one.path.suffix}"
        if one.path.is_dir():  # Zarr
            shutil.copytree(one.path, target)
        else:
            shutil.copy(one.path, target)


def _of_file(path: str | os.PathLike[str], options: Mapping[str, Any]) -> GivenImage:
    if not isinstance(path, str | os.PathLike):
        raise ValueError(f"images must be arrays or paths, got {type(path).__name__}")
    source = FilesSource(path=os.fspath(path), **options)
    files = source.all_files()
    if len(files) != 1:
        raise ValueError(f"{path} holds {len(files)} images; in a list, give each by itself")
    return GivenImage(source=source, path=files[0], name=str(files[0]))


def _of_array(array: NDArray[Any], name: str, options: Mapping[str, Any], path: Path) -> GivenImage:
    channels = [size for size in array.shape[::2] if size <= MOST_CHANNELS]
    if array.dtype.kind not in "buif" or not (
        array.ndim == 2 or (array.ndim == 3 and len(channels) > 0)
    ):
        raise ValueError(
            f"{name} must be real numbers of shape (H, W), (H, W, C) or (C, H, W) with C <= "
            f"{MOST_CHANNELS}, got {array.dtype} {array.shape}; give several images as a list"
        )
    import tifffile

    if array.dtype.kind == "b":
        array = array.astype(np.uint8)
    form: dict[str, Any] = {"photometric": "minisblack"}
    if array.ndim == 3 and array.shape[2] in (3, 4):
        form = {"photometric": "rgb"}  # as in files, a fourth channel is alpha
    elif array.ndim == 3:
        array = np.moveaxis(array, 2, 0) if array.shape[2] <= MOST_CHANNELS else array
        if len(array) == 1:
            array = array[0]
        else:
            form["planarconfig"] = "separate"
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, array, **form)
    # A TIFF of one image has neither datasets nor pages to choose from.
    whole = {key: value for key, value in options.items() if key not in ("key", "page")}
    return GivenImage(
        source=FilesSource(path=str(path), **whole), path=path, name=name, of_array=True
    )
