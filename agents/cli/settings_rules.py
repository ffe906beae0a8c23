"""From what was seen and answered to the settings of a training: all the rules of thumb."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agents.cli.look import Measured

#: Stains that the option `colour` knows, alone or as in "hematoxylin+rgb".
STAINS = ("hematoxylin", "eosin", "dab")
#: How much longer than wide an elongated object is taken to be.
_ELONGATION = 3.0


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the images tell.

    Attributes:
        height: of the largest image, in pixels.
        width: likewise.
        measured: the objects, on the planes that will be used.
    """

    height: int
    width: int
    measured: Measured


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What the user tells, or the guess that stands in for it.

    Attributes:
        diameter: usual diameter of an object in pixels; of elongated ones the width.
        count: least and greatest number of objects on an image; None: not known.
        shape: one of `questions.SHAPES`.
        dark: whether objects are dark on bright ground.
        colour: what becomes of the channels, see `FilesSource`.
        channel: in which objects are brighter or darker than the ground, from 0.
    """

    diameter: float
    count: tuple[int, int] | None
    shape: str
    dark: bool
    colour: str
    channel: int = 0


def settings(seen: Seen, answers: Answers) -> dict[str, dict[str, Any]]:
    """The sections of a config, without paths and time limits.

    With the diameter d in pixels:

    - gamma: 0.5 (the square root) for bright, dim objects, else 1.
    - boundary: gradient of sigma = 1.5 d / 25, in [1, 2]: outlines don't get blurred in
      proportion to their objects.
    - superpixels: seeded_watershed with smoothing = sigma, min_distance = 5 d / 25 (at
      least 2) and min_size = 20 (d / 25)² (at least 6).
    - reward: for round and convex objects without a count `nuclei`, with the median area
      of a disc, π/4 d². Else `priors` with what `nuclei` is made of, plus the count, in
      which "elongated" replaces the ellipse fit by the least aspect 1.8 and a milder fit,
      with the area of 3 discs; and "any" by the evidence along the outline.
    - augment: training images flipped and turned; of images more than twice as large as
      12 d (at least 256 px), parts of that size.

    Args:
        seen: from the images.
        answers: from the user.
    """
    d = answers.diameter
    sigma = round(min(max(1.5 * d / 25, 1.0), 2.0), 1)
    dim = seen.measured.dim and not answers.dark and not is_stain(answers.colour)
    return {
        "environment": {
            "id": "RLSeg-Images-v0",
            "colour": answers.colour,
            "gamma": 0.5 if dim else 1.0,
            "augment": _augment(seen, d),
            "boundary": {"name": "gradient", "sigma": sigma},
            "superpixels": {
                "name": "seeded_watershed",
                "smoothing": sigma,
                "min_distance": max(2, round(5 * d / 25)),
                "min_size": max(6, round(20 * (d / 25) ** 2)),
            },
            "reward": _reward(answers),
        },
        "agent": {"policy": "default"},
        "training": {"seed": 0},
    }


def is_stain(colour: str) -> bool:
    """Whether objects are bright where there is much of a stain."""
    return colour.partition("+")[0] in STAINS


def _augment(seen: Seen, diameter: float) -> bool | Mapping[str, int]:
    crop = max(256, 64 * math.ceil(12 * diameter / 64))
    return {"crop": crop} if min(seen.height, seen.width) > 2 * crop else True


def _reward(answers: Answers) -> dict[str, Any]:
    area = round(math.pi / 4 * answers.diameter**2)
    roundish = answers.shape in ("round", "convex")
    channel = {"channel": answers.channel} if answers.channel else {}
    if roundish and answers.count is None:
        return {"name": "nuclei", "median": area, "dark": answers.dark, **channel}
    if answers.shape == "elongated":
        area = round(_ELONGATION * area)
        shape: list[dict[str, Any]] = [
            {"name": "aspect", "low": 1.8, "high": None, "spread": 0.4},
            {"name": "ellipse_fit", "low": 0.95, "spread": 0.08},
        ]
    elif answers.shape == "any":
        shape = [{"name": "boundary_evidence", "low": 0.5, "spread": 0.2}]
    else:
        shape = [{"name": "ellipse_fit", "low": 0.97, "spread": 0.06}]
    wrong = {"low": 0.5, "high": None} if answers.dark else {"low": None, "high": 0.5}
    return {
        "name": "priors",
        "objects": [
            {"name": "area", "median": area, "spread_above": 0.9, "spread_below": 1.35},
            *shape,
        ],
        "ground": "largest",
        "ground_if": {"name": "brightness", **wrong, "spread": 0.001, **channel},
        **({} if answers.count is None else {"count": list(answers.count)}),
        "boundary": 0.4,
        "coupling": 0.7,
        "superpixels": "darkness" if answers.dark else "brightness",
        "reduction": "mean",
        **channel,
    }
