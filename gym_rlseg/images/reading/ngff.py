"""What OME-Zarr's metadata say: which arrays are an image's levels, and what their axes are.

NGFF, versions 0.4 and 0.5; earlier ones, which have names of axes alone or none, are taken
as far as they go. Units and transformations of scale give the size of a pixel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gym_rlseg.images.reading.facts import PixelSize, micrometres, pixel_size
from gym_rlseg.images.reading.grids import letters

_AXES = ("t", "c", "z", "y", "x")  # of all images before version 0.3


@dataclass(frozen=True, kw_only=True)
class Multiscale:
    """An image as a pyramid.

    Attributes:
        axes: a letter each, see `Grid`.
        levels: name of every level's array in the group, full resolution first.
        sizes: of their pixels.
        channel_names: as the file has them.
    """

    axes: str
    levels: tuple[str, ...]
    sizes: tuple[PixelSize | None, ...]
    channel_names: tuple[str, ...]


def multiscale(attributes: Mapping[str, Any]) -> Multiscale | None:
    """The image that a group's attributes describe, or None if they describe none.

    Raises:
        ValueError: if what they say of it makes no sense.
    """
    said = attributes.get("ome", attributes)
    if not isinstance(said, Mapping) or not said.get("multiscales"):
        return None
    try:
        return _multiscale(said["multiscales"][0], said.get("omero") or {})
    except (TypeError, KeyError, IndexError, AttributeError) as error:
        raise ValueError(f"its OME metadata make no sense: {error!r}") from error


def _multiscale(image: Mapping[str, Any], omero: Mapping[str, Any]) -> Multiscale:
    given = [
        axis if isinstance(axis, Mapping) else {"name": axis} for axis in image.get("axes", _AXES)
    ]
    names = [axis["name"] for axis in given]
    # A channel may have any name, and its type says what it is.
    axes = letters(["c" if axis.get("type") == "channel" else axis["name"] for axis in given])
    if axes is None:
        raise ValueError(f"its OME metadata name the axes {names}, expected y and x among them")
    units = [axis.get("unit") for axis in given]
    whole = _scale(image, len(axes))
    sizes = []
    for level in image["datasets"]:
        lengths = {
            axis: micrometres(own * all_, unit)
            for axis, own, all_, unit in zip(
                axes, _scale(level, len(axes)), whole, units, strict=True
            )
        }
        sizes.append(pixel_size(lengths["Y"], lengths["X"]))
    channels = tuple(str(one.get("label", "")) for one in omero.get("channels", ()))
    levels = tuple(str(level["path"]).strip("/") for level in image["datasets"])
    if not levels:
        raise ValueError("its OME metadata name no dataset")
    return Multiscale(axes=axes, levels=levels, sizes=tuple(sizes), channel_names=channels)


def _scale(described: Mapping[str, Any], count: int) -> Sequence[float]:
    """The factors of its transformations, 1 where there are none."""
    for one in described.get("coordinateTransformations", ()):
        if one.get("type") == "scale" and len(one["scale"]) == count:
            return [float(factor) for factor in one["scale"]]
    return [1.0] * count
