"""What a family of recipes is: a kind of picture, and what follows from an object's diameter."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

#: Answers about the shape of objects.
SHAPES = ("round", "convex", "elongated", "any")
#: What is smaller is a spot, a few pixels wide.
SPOT = 9.0
#: Plain data: keyword arguments of the environment.
Section = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a recipe is made from: told by the user, or tried.

    Attributes:
        diameter: usual diameter of an object in pixels; of long ones the width.
        shape: "round", "convex", "elongated" or "any".
        count: least and greatest number of objects on an image; None: not known.
        colour: what becomes of the channels, see `FilesSource`.
        channel: in which objects are seen, from 0.
    """

    diameter: float
    shape: str = "convex"
    count: tuple[int, int] | None = None
    colour: str = "channels"
    channel: int = 0

    @property
    def in_channel(self) -> Section:
        """The option of all that looks at one channel; nothing for the first, its default."""
        return {"channel": self.channel} if self.channel else {}


@dataclass(frozen=True, kw_only=True)
class Family:
    """A kind of picture.

    Attributes:
        name: in a few words, such as "bright blobs".
        what: whom it is for, one sentence.
        dark: whether objects (of families that fill the image: the lines between them) are
            dark; None where neither is.
        fills: whether objects fill the image, with no ground between them.
        shapes: answers about the shape that it suits.
        long: whether the diameter is the width of objects much longer than wide.
        stained: whether it is for stained sections, and only for those.
        recipe: keyword arguments of the environment, from what is known.
    """

    name: str
    what: str
    dark: bool | None
    fills: bool = False
    shapes: tuple[str, ...] = ("round", "convex", "any")
    long: bool = False
    stained: bool = False
    recipe: Callable[[Known], Section]


def outline_sigma(diameter: float) -> float:
    """Of the boundary map, in px: outlines don't get blurred in proportion to their objects."""
    return round(min(max(1.3 * math.sqrt(diameter / 25), 1.0), 2.5), 1)


def superpixels(diameter: float, finer: float = 1.0) -> Section:
    """Seeds some pixels apart: large objects want more superpixels, or outlines get coarse."""
    if diameter < SPOT:
        # A pixel of smoothing, or more between seeds, and spots are gone.
        return {
            "name": "seeded_watershed", "smoothing": 0.5, "min_distance": 1, "min_size": 4
        }  # fmt: skip
    return {
        "name": "seeded_watershed",
        "smoothing": 1.0,
        "min_distance": max(2, round(finer * 5 * math.sqrt(diameter / 25))),
        "min_size": max(6, round(finer**2 * 20 * diameter / 25)),
    }


def priors(known: Known, objects: list[Section], **rest: Any) -> Section:
    """A reward of priors, with the count if there is one."""
    count = {} if known.count is None else {"count": list(known.count)}
    return {"name": "priors", "objects": objects, **rest, **count, **known.in_channel}


def outlined(convex: Mapping[str, Any], outline: Mapping[str, Any]) -> Section:
    """Four parts shape, six parts a clear outline."""
    return {"name": "sum", "priors": [dict(convex), dict(outline)], "weights": [0.4, 0.6]}


#: Priors that several families share.
CONVEX: Section = {"name": "convexity", "low": 0.95, "spread": 0.03}
OUTLINE: Section = {"name": "boundary_evidence", "low": 0.7, "spread": 0.3}
