"""Where images come from."""

from gym_rlseg.images.arrays import ArraySource
from gym_rlseg.images.augmented import AugmentedSource
from gym_rlseg.images.base import (
    SPLITS,
    ConstantImageError,
    ImageSource,
    Sample,
    Split,
    UnreadableImageError,
    UnusableImageError,
)
from gym_rlseg.images.circles import CirclesSource
from gym_rlseg.images.coins import CoinsSource
from gym_rlseg.images.embryo import EmbryoSource
from gym_rlseg.images.files import FilesSource
from gym_rlseg.images.listed import ListedSource
from gym_rlseg.images.membranes import MembranesSource
from gym_rlseg.images.rosettes import RosettesSource
from gym_rlseg.images.volumes import VolumesSource
from gym_rlseg.options import Registry

#: Sources of images by name.
SOURCES: Registry[ImageSource] = Registry(
    "source",
    ImageSource,
    {
        "circles": CirclesSource,
        "coins": CoinsSource,
        "embryo": EmbryoSource,
        "files": FilesSource,
        "membranes": MembranesSource,
        "rosettes": RosettesSource,
        "volumes": VolumesSource,
    },
)

__all__ = [
    "SOURCES",
    "SPLITS",
    "ArraySource",
    "AugmentedSource",
    "CirclesSource",
    "CoinsSource",
    "ConstantImageError",
    "EmbryoSource",
    "FilesSource",
    "ImageSource",
    "ListedSource",
    "MembranesSource",
    "RosettesSource",
    "Sample",
    "Split",
    "UnreadableImageError",
    "UnusableImageError",
    "VolumesSource",
]
