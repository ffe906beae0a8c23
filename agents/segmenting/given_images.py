"""Images as a Python user has them: arrays, files, both, or a folder."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from gym_rlseg.images import ArraySource, FilesSource, ListedSource
from gym_rlseg.images.reading.reader import ImageLike, Reader
from gym_rlseg.paths import user_path

Images = ImageLike | Iterable[ImageLike]


def given_images(images: Images, reader: Reader, **shares: Any) -> ListedSource[Any]:
    """List images, in their order.

    Args:
        images: an array (H, W), (H, W, C) or (C, H, W) with C <= 4, the path of an image
            file or of a folder, or several arrays and files.
        reader: how they become images.
        **shares: of the images for validation and test, see `ListedSource`.

    Raises:
        ValueError: if there is none, or they are of another kind.
    """
    if isinstance(images, str | os.PathLike):
        return FilesSource(path=os.fspath(images), **vars(reader), **shares)
    if isinstance(images, np.ndarray):
        return ArraySource(images=(images,), names=("the image",), reader=reader, **shares)
    if not isinstance(images, Iterable):
        raise ValueError(f"images must be arrays or paths, got {type(images).__name__}")
    return ArraySource(images=tuple(images), reader=reader, **shares)


def is_one(images: Images, source: ListedSource[Any]) -> bool:
    """Whether `source` holds one image that was given by itself, not in a list or folder."""
    if isinstance(images, str | os.PathLike):
        return tuple(source.listing) == (user_path(images),)
    return isinstance(images, np.ndarray)
