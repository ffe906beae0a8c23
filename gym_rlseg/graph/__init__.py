"""An image as a graph: boundary map, superpixels, edges, features, sub-graphs, partition."""

from collections.abc import Mapping

from gym_rlseg.graph.graph import BOUNDARIES, SUPERPIXELS, SuperpixelGraph, build_graph
from gym_rlseg.graph.partition import Agglomeration, Multicut, Partition

#: Partition methods by name.
PARTITIONS: Mapping[str, type[Partition]] = {
    "multicut": Multicut,
    "agglomeration": Agglomeration,
}

__all__ = ["BOUNDARIES", "PARTITIONS", "SUPERPIXELS", "SuperpixelGraph", "build_graph"]
