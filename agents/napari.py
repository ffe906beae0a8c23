"""What `rlseg segment` wrote, opened in napari, and label layers saved alike.

napari finds these functions through the manifest napari.yaml. Neither this module nor its
tests import napari: layers come and go as tuples (data, attributes, kind of layer).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.writing import read_csv

LayerData = tuple[NDArray[Any], dict[str, Any], str]
Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
Reader = Callable[[Paths], list[LayerData]]
_SUMMARY, _OBJECTS = "summary.csv", "objects.csv"


def get_reader(path: Paths) -> Reader | None:
    """A reader for a folder that `rlseg segment` wrote, its summary.csv or one of its labels.

    Args:
        path: what the user wants to open; of several, all must be of this kind.

    Returns:
        None for anything else, which leaves it to other readers.
    """
    paths = _listed(path)
    return read_layers if paths and all(map(_rows, paths)) else None


def read_layers(path: Paths) -> list[LayerData]:
    """Layers of what `get_reader` takes: for each image the image, if it is there, and labels.

    Returns:
        Images as (H, W), or (H, W, C) with red, green and blue, in the file's own numbers;
        labels as int32 (H, W), whose features are their rows of objects.csv. Of stacks, both
        have their pages in front.

    Raises:
        ValueError: if a label image can't be read.
    """
    layers = []
    for one in _listed(path):
        files: dict[Path, list[dict[str, str]]] = {}
        for folder, row in _rows(one):
            files.setdefault(folder / row["labels"], []).append(row)
        for file, rows in files.items():
            layers += [*_image(rows), _labels(file, rows)]
    return layers


def write_labels_layer(path: str, data: NDArray[Any], attributes: Mapping[str, Any]) -> list[str]:
    """Save a layer of labels as `rlseg segment` does.

    Args:
        path: ends in .tif or .tiff.
        data: integers (H, W) >= 0.
        attributes: of the layer; not needed.

    Returns:
        The file written.

    Raises:
        ValueError: if the path or the labels can't be written so.
    """
    from gym_rlseg.images.writing import write_labels

    write_labels(path, data)
    return [path]


def _listed(path: Paths) -> list[Path]:
    return [Path(one) for one in ([path] if isinstance(path, str | os.PathLike) else path)]


def _rows(path: Path) -> list[tuple[Path, dict[str, str]]]:
    """The folder and the rows of its summary.csv that are meant, of images with labels."""
    folder = path if path.is_dir() else path.parent
    summary = folder / _SUMMARY
    try:
        rows = [row for row in read_csv(summary) if row["image"] and row["labels"]]
    except (KeyError, OSError, ValueError):  # none, or another program's
        return []
    if path not in (folder, summary):
        rows = [row for row in rows if row["labels"] == path.name]
    return [(folder, row) for row in rows if (folder / row["labels"]).is_file()]


def _image(rows: Sequence[Mapping[str, str]]) -> list[LayerData]:
    """Layers of the image that a label file is of, or of its pages."""
    from gym_rlseg.images.reading.formats import read_image
    from gym_rlseg.images.reading.pages import split_page

    paths = [split_page(Path(row["image"])) for row in rows]
    try:
        pages = np.stack([read_image(file, page=page) for file, page in paths], axis=1)
    except ValueError:  # moved since, or with datasets and pages that the run chose from
        return []
    planes = pages if len(rows) > 1 else pages[:, 0]
    name = paths[0][0].name if len(rows) > 1 else Path(rows[0]["image"]).name
    if len(planes) == 3:
        return [(np.moveaxis(planes, 0, -1), {"name": name, "rgb": True}, "image")]
    return [
        (plane, {"name": name if len(planes) == 1 else f"{name}, channel {i}"}, "image")
        for i, plane in enumerate(planes)
    ]


def _labels(file: Path, rows: Sequence[Mapping[str, str]]) -> LayerData:
    """The layer of a label file; that of a stack has no features, as objects have several rows."""
    from gym_rlseg.images.reading.formats import read_facts, read_labels

    attributes: dict[str, Any] = {"name": file.stem}
    count = read_facts(file).pages
    if count > 1:
        stack = np.stack([read_labels(file, page=page) for page in range(count)])
        return stack, attributes, "labels"
    objects = file.parent / _OBJECTS
    if objects.is_file():
        found = [one for one in read_csv(objects) if one["image"] == rows[0]["image"]]
        if found:
            names = [name for name in found[0] if name not in ("image", "label")]
            attributes["features"] = {
                "index": [int(one["label"]) for one in found],
                **{name: _column([one[name] for one in found]) for name in names},
            }
    return read_labels(file), attributes, "labels"


def _column(cells: Sequence[str]) -> list[float] | list[str]:
    """Numbers, nan where a cell is empty; texts as they are."""
    try:
        return [float(cell or "nan") for cell in cells]
    except ValueError:
        return list(cells)
