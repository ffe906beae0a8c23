"""COCO's format of object instances, which many networks are trained from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.segmenting.exports.base import Exporter, LabelPages
from gym_rlseg.writing import replacing


@dataclass(frozen=True, kw_only=True)
class Coco(Exporter):
    """coco/labels.json: all images of a call, an annotation per object.

    Objects are run-length encoded masks, exact to the pixel, with holes and several parts;
    an annotation's "label" is the number in the label image. Each page of a stack is an
    image.
    """

    _images: list[str] = field(default_factory=list, init=False)
    _annotations: list[str] = field(default_factory=list, init=False)

    def path(self, stem: str) -> None:
        """See `Exporter.path`: one file for all."""

    def write(self, labels: LabelPages) -> None:
        """Take one file; `finish` writes it."""
        height, width = labels.pages.shape
        images: list[str] = []  # as text, which takes a tenth of the memory
        annotations: list[str] = []
        for page, image in enumerate(labels.pages):
            number = len(self._images) + page + 1
            name = Path(labels.names[page]).name
            entry = {"id": number, "file_name": name, "height": height, "width": width}
            images.append(json.dumps(entry))
            for one in _annotations(image):
                identity = len(self._annotations) + len(annotations) + 1
                annotations.append(json.dumps({"id": identity, "image_id": number, **one}))
        self._images.extend(images)
        self._annotations.extend(annotations)

    def finish(self) -> None:
        """See `Exporter.finish`; nothing without an image."""
        if not self._images:
            return
        target = self.out / "coco" / "labels.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as temporary, temporary.open("w", encoding="utf-8") as file:
            file.write('{"categories": [{"id": 1, "name": "object"}],\n"images": [\n')
            file.write(",\n".join(self._images))
            file.write('\n],\n"annotations": [\n')
            file.write(",\n".join(self._annotations))
            file.write("\n]}\n")


def _annotations(labels: NDArray[np.int32]) -> Iterator[dict[str, Any]]:
    from scipy import ndimage

    values, compact = np.unique(labels, return_inverse=True)
    compact = compact.reshape(labels.shape) + 1
    for position, (y, x) in enumerate(ndimage.find_objects(compact)):
        if values[position] == 0:
            continue
        mask = compact[y, x] == position + 1
        yield {
            "category_id": 1,
            "label": int(values[position]),
            "segmentation": {
                "size": list(labels.shape),
                "counts": _runs(mask, (y.start, x.start), labels.shape),
            },
            "area": int(mask.sum()),
            "bbox": [x.start, y.start, x.stop - x.start, y.stop - y.start],
            "iscrowd": 0,
        }


def _runs(mask: NDArray[np.bool_], corner: tuple[int, int], shape: tuple[int, ...]) -> list[int]:
    """Lengths of runs of 0 and 1 in turn, column by column, the first of 0.

    Args:
        mask: bool (h, w), the object's box.
        corner: (y, x) of the box in an image.
        shape: (H, W) of the image.
    """
    height, width = shape
    columns = np.zeros((mask.shape[1], height), np.int8)
    columns[:, corner[0] : corner[0] + len(mask)] = mask.T
    # Before and behind the box is nothing.
    changes = np.flatnonzero(np.diff(columns.ravel(), prepend=0, append=0)) + corner[1] * height
    runs = np.diff(changes, prepend=0, append=height * width).tolist()
    return runs if runs[-1] else runs[:-1]
