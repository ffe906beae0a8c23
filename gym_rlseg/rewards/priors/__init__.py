"""Priors: what is known about objects, written down as scores of each object.

    from gym_rlseg.rewards.priors import Area, Brighter, Convexity

    prior = Area(median=500, spread=0.7) * Convexity(low=0.93) * Brighter()

The same as plain data (YAML, JSON), where a list is a product:

    - {name: area, median: 500, spread: 0.7}
    - {name: convexity, low: 0.93}
    - brighter
"""

from gym_rlseg.rewards.priors.base import PRIORS, Prior, RangePrior, as_prior
from gym_rlseg.rewards.priors.combine import (
    AnyOf,
    Inverse,
    Minimum,
    Power,
    Product,
    WeightedSum,
)
from gym_rlseg.rewards.priors.intensity import (
    BoundaryEvidence,
    Brighter,
    Brightness,
    Contrast,
    Darker,
    Homogeneity,
    Similarity,
)
from gym_rlseg.rewards.priors.place import Neighbours, Orientation, Position, TouchesFrame
from gym_rlseg.rewards.priors.shape import (
    Aspect,
    BoxSides,
    Circularity,
    Convexity,
    Eccentricity,
    EllipseFit,
    Holes,
    Isoperimetric,
)
from gym_rlseg.rewards.priors.size import Area, Count, Length, Width

PRIORS |= {
    "any": AnyOf,
    "area": Area,
    "aspect": Aspect,
    "boundary_evidence": BoundaryEvidence,
    "box_sides": BoxSides,
    "brighter": Brighter,
    "brightness": Brightness,
    "circularity": Circularity,
    "contrast": Contrast,
    "convexity": Convexity,
    "count": Count,
    "darker": Darker,
    "eccentricity": Eccentricity,
    "ellipse_fit": EllipseFit,
    "holes": Holes,
    "homogeneity": Homogeneity,
    "isoperimetric": Isoperimetric,
    "length": Length,
    "minimum": Minimum,
    "neighbours": Neighbours,
    "not": Inverse,
    "orientation": Orientation,
    "position": Position,
    "power": Power,
    "product": Product,
    "similarity": Similarity,
    "sum": WeightedSum,
    "touches_frame": TouchesFrame,
    "width": Width,
}

__all__ = [
    "PRIORS",
    "AnyOf",
    "Area",
    "Aspect",
    "BoundaryEvidence",
    "BoxSides",
    "Brighter",
    "Brightness",
    "Circularity",
    "Contrast",
    "Convexity",
    "Count",
    "Darker",
    "Eccentricity",
    "EllipseFit",
    "Holes",
    "Homogeneity",
    "Inverse",
    "Isoperimetric",
    "Length",
    "Minimum",
    "Neighbours",
    "Orientation",
    "Position",
    "Power",
    "Prior",
    "Product",
    "RangePrior",
    "Similarity",
    "TouchesFrame",
    "WeightedSum",
    "Width",
    "as_prior",
]
