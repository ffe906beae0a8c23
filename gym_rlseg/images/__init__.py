"""Where images come from."""

from collections.abc import Mapping

from gym_rlseg.images.augmented import AugmentedSource
from gym_rlseg.images.base import (
    SPLITS,
    ConstantImageError,
    ImageSource,
    Sample,
    Split,
    UnusableImageError,
)
from gym_rlseg.images.circles import CirclesSource
from gym_rlseg.images.coins import CoinsSource
from gym_rlseg.images.embryo import EmbryoSource
from gym_rlseg.images.files import FilesSource

#: Sources of images by name.
SOURCES: Mapping[str, type[ImageSource]] = {
    "circles": CirclesSource,
    "coins": CoinsSource,
    "embryo": EmbryoSource,
    "files": FilesSource,
}

__all__ = [
    "SOURCES",
    "SPLITS",
    "AugmentedSource",
    "CirclesSource",
    "CoinsSource",
    "ConstantImageError",
    "EmbryoSource",
    "FilesSource",
    "ImageSource",
    "Sample",
    "Split",
    "UnusableImageError",
]
