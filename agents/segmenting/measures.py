"""Properties of objects by the names that scikit-image's `regionprops_table` has for them."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.options import suggest

#: What is measured unless told otherwise.
MEASURES = ("mean_intensity", "eccentricity", "solidity")
#: The same of volumes, where hulls take long and nothing is eccentric.
VOLUME_MEASURES = ("mean_intensity",)
# What every table of objects has in columns of its own.
_ALWAYS = ("label", "area", "centroid", "bbox")


def check_measures(names: Sequence[str], dimensions: int = 2) -> tuple[str, ...]:
    """The names, if all are of numbers that can be measured.

    Args:
        names: of properties.
        dimensions: 2 for images, 3 for volumes.

    Raises:
        ValueError: naming the first that isn't, and the nearest.
    """
    for name in names:
        try:
            wrong = any(column.dtype == object for column in _tried(name, dimensions).values())
        except NotImplementedError as error:  # of volumes
            raise ValueError(f"volumes have no measure {name!r}") from error
        except (AttributeError, ValueError, TypeError):  # whichever it is: it doesn't know it
            wrong = True
        if wrong:
            raise ValueError(f"unknown measure {name!r}{suggest(name, _known())}")
    return tuple(name for name in dict.fromkeys(names) if name not in _ALWAYS)


def measured(
    labels: NDArray[np.integer],
    image: NDArray[Any],
    names: Sequence[str],
    channels: Sequence[str] = (),
) -> dict[str, NDArray[Any]]:
    """Measure the objects 1..M of a label image.

    Args:
        labels: integers (H, W) or (D, H, W), 0 = ground, objects 1..M without gaps.
        image: (C, H, W) or (C, D, H, W), real numbers in any unit.
        names: of properties, see `check_measures`.
        channels: names of the channels; none: they go by their numbers.

    Returns:
        Column -> (M,), in pixels where it has a unit; without objects, empty columns. A
        property of several numbers has as many columns ("moments_hu-0"), and one of the
        intensity a column per channel where there are several ("intensity_max-1" or
        "intensity_max-DAPI").
    """
    objects, image = int(labels.max()) > 0, np.ma.getdata(image)
    if not objects:  # the columns are wanted all the same
        shape = (2,) * labels.ndim
        labels, image = np.ones(shape, np.int32), np.ones((len(image), *shape))
    # A single channel has no number.
    planes = image[0] if len(image) == 1 else np.moveaxis(image, 0, -1)
    table = _table(labels, planes, names)
    if len(image) == len(channels) > 1:
        columns = _renamed(tuple(table), names, channels, labels.ndim)
        table = dict(zip(columns, table.values(), strict=True))
    return {name: column if objects else column[:0] for name, column in table.items()}


def _renamed(
    columns: Sequence[str], names: Sequence[str], channels: Sequence[str], dimensions: int
) -> Iterator[str]:
    """Columns of the intensity by the name of their channel, whose number comes last."""
    of_shape = {column for name in names for column in _tried(name, dimensions)}
    for column in columns:
        stem, _, number = column.rpartition("-")
        yield column if column in of_shape else f"{stem}-{channels[int(number)]}"


def _table(
    labels: NDArray[Any], planes: NDArray[Any], names: Sequence[str]
) -> dict[str, NDArray[Any]]:
    from skimage.measure import regionprops_table

    with warnings.catch_warnings():
        # A line of pixels has no hull to speak of; its solidity is 1 then.
        warnings.simplefilter("ignore")
        table: Mapping[str, NDArray[Any]] = regionprops_table(labels, planes, properties=names)
    repaired = {"solidity": 1.0}
    return {
        name: np.nan_to_num(column, nan=repaired[name], posinf=repaired[name])
        if name in repaired
        else column
        for name, column in table.items()
    }


def _tried(name: str, dimensions: int = 2) -> dict[str, NDArray[Any]]:
    """The columns of a property of a small square or cube."""
    shape = (2,) * dimensions
    return _table(np.ones(shape, np.int32), np.ones(shape), (name,))


@functools.cache
def _known() -> tuple[str, ...]:
    """Names of all properties that are numbers."""
    from skimage.measure import regionprops

    (square,) = regionprops(np.ones((2, 2), np.int32), np.ones((2, 2)))
    names = [name for name in dir(square) if not name.startswith("_")]
    found = []
    for name in {*names, *MEASURES}:
        try:
            columns = _tried(name)
        except (AttributeError, ValueError, TypeError):
            continue
        if all(column.dtype != object for column in columns.values()):
            found.append(name)
    return tuple(sorted(found))
