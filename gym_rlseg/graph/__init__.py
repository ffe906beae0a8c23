"""An image as a graph: boundary map, superpixels, edges, features, sub-graphs, partition."""

from gym_rlseg.graph.graph import SuperpixelGraph
from gym_rlseg.graph.partition import PARTITIONS
from gym_rlseg.graph.recipe import BOUNDARIES, EVIDENCE, FEATURES, SUPERPIXELS, GraphRecipe

__all__ = [
    "BOUNDARIES",
    "EVIDENCE",
    "FEATURES",
    "PARTITIONS",
    "SUPERPIXELS",
    "GraphRecipe",
    "SuperpixelGraph",
]
