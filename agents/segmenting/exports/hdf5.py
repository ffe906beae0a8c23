"""Labels in HDF5, as ilastik and scripts read stacks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agents.segmenting.exports.base import Exporter, LabelPages
from gym_rlseg.writing import replacing


@dataclass(frozen=True, kw_only=True)
class Hdf5(Exporter):
    """hdf5/NAME.h5 with one dataset, "labels", compressed page by page.

    Its axes are those of the stack, then y and x; its attribute "axes" names them ("zyx").
    """

    def path(self, stem: str) -> Path:
        """See `Exporter.path`."""
        return self.out / "hdf5" / f"{stem}.h5"

    def write(self, labels: LabelPages) -> None:
        """See `Exporter.write`."""
        import h5py

        target = self.path(labels.stem)
        target.parent.mkdir(parents=True, exist_ok=True)
        axes, (height, width) = labels.pages.axes, labels.pages.shape
        with replacing(target) as temporary, h5py.File(temporary, "w") as file:
            dataset = file.create_dataset(
                "labels",
                shape=(*axes.sizes, height, width),
                dtype=np.uint16 if labels.pages.highest <= np.iinfo(np.uint16).max else np.uint32,
                chunks=(*[1] * len(axes.sizes), height, width),
                compression="gzip",
            )
            dataset.attrs["axes"] = f"{axes.names}YX".lower()
            for page, image in enumerate(labels.pages):
                dataset[axes.index(page)] = image
