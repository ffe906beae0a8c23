"""Files of microscopes' makers (CZI, ND2, LIF), by bioio and its plug-ins, an optional extra."""

from __future__ import annotations

from pathlib import Path

from gym_rlseg.images.reading.facts import micrometres, pixel_size
from gym_rlseg.images.reading.grids import Grid
from gym_rlseg.images.reading.planes import check_level, reading


def open_bioio(path: Path, key: str | None, level: int) -> Grid:
    """An image in such a file.

    Args:
        path: the file.
        key: name or number of the scene; None takes the only one.
        level: of resolution, 0 = full.

    Raises:
        ValueError: if bioio isn't installed, or the file can't be read, or there is no such
            scene or level.
    """
    try:
        from bioio import BioImage
    except ImportError as error:
        raise ValueError(
            f"{path} needs the package bioio: pip install 'gym-rlseg[bioio]'"
            f"{' bioio-nd2' * (path.suffix.lower() == '.nd2')}"
        ) from error
    with reading(path):
        image = BioImage(path)
        scenes = [str(scene) for scene in image.scenes]
    if key is None and len(scenes) > 1:
        raise ValueError(f"{path} holds several scenes; set key to one of {scenes}, or its number")
    # As of TIFF files, the key is for those with several.
    number = 0
    if key is not None and len(scenes) > 1:
        if scenes.count(key) != 1 and not (key.isdecimal() and int(key) < len(scenes)):
            raise ValueError(
                f"{path} holds no scene {key!r}; set key to one of {scenes}, or its number"
            )
        number = scenes.index(key) if scenes.count(key) == 1 else int(key)
    with reading(path):
        image.set_scene(number)
        levels = len(image.resolution_levels)
    check_level(level, levels, path)
    with reading(path):
        image.set_resolution_level(image.resolution_levels[level])
        sizes = image.physical_pixel_sizes
        return Grid(
            array=image.dask_data,
            axes=str(image.dims.order),
            pixel_size=pixel_size(micrometres(sizes.Y, "um"), micrometres(sizes.X, "um")),
            channel_names=tuple(image.channel_names or ()),
            levels=levels,
        )
