"""What ImageJ and OME write into TIFF files: sizes of pixels, names of channels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from gym_rlseg.images.reading.facts import Facts, PixelSize, micrometres, named, pixel_size
from gym_rlseg.images.reading.planes import reading
from gym_rlseg.images.reading.tiff_series import Stack, count, page_axes, stacks

if TYPE_CHECKING:
    from tifffile import TiffFile


def tiff_facts(path: Path, key: str | None = None, level: int = 0) -> Facts:
    """What a file says of its images; pixels are not read.

    The calibration and channels are those of the first series, as ImageJ and OME have them;
    the resolution that other programs write is that of a screen.

    Args:
        path: the file.
        key: of the series, see `stacks`.
        level: of the pyramid, 0 = full resolution.

    Raises:
        ValueError: if the file is broken, or has no such series or level.
    """
    import tifffile

    with reading(path):
        tiff = tifffile.TiffFile(path)
    with tiff:
        found = stacks(tiff, path, key, level)
        first = found[0]
        with reading(path):
            size, names = _ome(tiff, first) if tiff.is_ome else _imagej(tiff)
        y, x = first.scale
        return Facts(
            pixel_size=None if size is None else (size[0] * y, size[1] * x),
            channel_names=named(names[: first.channels], first.channels),
            page_axes=page_axes(found),
            pages=count(found),
            levels=first.levels,
            no_data=_no_data(first),
        )


def _no_data(stack: Stack) -> float | None:
    """What GDAL says of pixels without a number, as a text."""
    tag = stack.series.keyframe.tags.get("GDAL_NODATA")
    try:
        return None if tag is None else float(tag.value)
    except (TypeError, ValueError):
        return None


def _imagej(tiff: TiffFile) -> tuple[PixelSize | None, list[str]]:
    found = tiff.imagej_metadata or {}
    lengths = []
    for name in ("YResolution", "XResolution"):  # pixels per unit, a fraction
        tag = tiff.pages.first.tags.get(name)
        value = None if tag is None else tag.value
        pixels, units = value if isinstance(value, tuple) and len(value) == 2 else (0, 1)
        lengths.append(micrometres(units / pixels, found.get("unit")) if pixels else None)
    labels = found.get("Labels", ())
    return pixel_size(*lengths), [labels] if isinstance(labels, str) else list(labels)


def _ome(tiff: TiffFile, stack: Stack) -> tuple[PixelSize | None, list[str]]:
    try:
        root = ElementTree.fromstring(tiff.ome_metadata or "<OME/>")
    except ElementTree.ParseError:  # the pixels may be fine
        return None, []
    images = root.findall("{*}Image")
    if stack.position >= len(images):
        return None, []
    pixels = images[stack.position].find("{*}Pixels")
    if pixels is None:
        return None, []
    lengths = [
        micrometres(pixels.get(f"PhysicalSize{axis}"), pixels.get(f"PhysicalSize{axis}Unit", "µm"))
        for axis in "YX"
    ]
    return pixel_size(*lengths), [one.get("Name", "") for one in pixels.findall("{*}Channel")]
