"""Label images as other programs read them: one line here and a file add a format."""

from agents.segmenting.exports.base import Exporter, LabelPages
from agents.segmenting.exports.coco import Coco
from agents.segmenting.exports.geojson import GeoJson
from agents.segmenting.exports.hdf5 import Hdf5
from agents.segmenting.exports.ome_zarr import OmeZarr
from agents.segmenting.exports.rois import Rois
from gym_rlseg.options import Registry

#: Formats by the name that `rlseg segment --export` takes.
EXPORTERS: Registry[Exporter] = Registry(
    "export",
    Exporter,
    {"rois": Rois, "geojson": GeoJson, "coco": Coco, "ome-zarr": OmeZarr, "hdf5": Hdf5},
)

__all__ = ["EXPORTERS", "Exporter", "LabelPages"]
