"""From what was seen and answered to the settings of a training: all the rules of thumb."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: Stains that the option `colour` knows, alone or as in "hematoxylin+rgb".
STAINS = ("hematoxylin", "eosin", "dab")
#: And what it calls the darkness that all of them leave on a slide.
ANY_STAIN = "darkness"
#: How much longer than wide an elongated object is taken to be.
_ELONGATION = 3.0


@dataclass(frozen=True, kw_only=True)
class Seen:
    """How large the images are.

    Attributes:
        height: of the largest image, in pixels.
        width: likewise.
    """

    height: int
    width: int


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

    - compress: 1.5 for bright objects, else none.
    - boundary: blobs of sigma = 1.3 sqrt(d / 25), in [1, 2.5]: outlines don't get blurred
      in proportion to their objects.
    - superpixels: seeded_watershed with smoothing = 1, min_distance =
      5 sqrt(d / 25) and min_size = 20 d / 25 (at least 6): larger objects want more
      superpixels, too, or their outlines get coarse.
      In stained tissue a fifth finer.
    - silhouettes: in stained tissue, of that diameter; texture is strong there.
    - reward: for round and convex objects without a count `nuclei`, with the median area
      d² rather than a disc's, as splitting is the greater temptation (in stained tissue
      2 d², and a prior twice as wide above). Else `priors` with what `nuclei` is made of,
      plus the count, in which "elongated" replaces the convexity by the least aspect 1.8
      and an ellipse fit, with three times the area; and "any" leaves the evidence along the
      outline alone.
    - augment: training images flipped and turned; of images more than twice as large as
      12 d (at least 256 px), parts of that size.

    Args:
        seen: from the images.
        answers: from the user.
    """
    d = answers.diameter
    scale = math.sqrt(d / 25)
    sigma = round(min(max(1.3 * scale, 1.0), 2.5), 1)
    stained = is_stain(answers.colour)
    # Nuclei in tissue touch more, and are of more sizes than others.
    finer = 0.8 if stained else 1.0
    return {
        "environment": {
            "id": "RLSeg-Images-v0",
            "colour": answers.colour,
            "compress": None if answers.dark or stained else 1.5,
            "augment": _augment(seen, d),
            "boundary": {"name": "blobs", "sigma": sigma, "dark": answers.dark},
            "superpixels": {
                "name": "seeded_watershed",
                "smoothing": 1.0,
                "min_distance": max(2, round(finer * 5 * scale)),
                "min_size": max(6, round(finer**2 * 20 * d / 25)),
            },
            **({"silhouettes": {"diameter": d}} if stained else {}),
            "reward": _reward(answers),
        },
        "agent": {"algorithm": "reinforce", "policy": "default"},
        "training": {"seed": 0},
    }


def is_stain(colour: str) -> bool:
    """Whether objects are bright where there is much of a stain, of one or of any."""
    return colour.partition("+")[0] in (*STAINS, ANY_STAIN)


def _augment(seen: Seen, diameter: float) -> bool | Mapping[str, int]:
    crop = max(256, 64 * math.ceil(12 * diameter / 64))
    return {"crop": crop} if min(seen.height, seen.width) > 2 * crop else True


def _reward(answers: Answers) -> dict[str, Any]:
    stained = is_stain(answers.colour)
    # Nuclei in tissue are of all sizes, and large ones have the most texture to be split by.
    area, spread = round(answers.diameter**2 * (2 if stained else 1)), 3.0 if stained else 1.5
    roundish = answers.shape in ("round", "convex")
    channel = {"channel": answers.channel} if answers.channel else {}
    if roundish and answers.count is None:
        sizes = {"median": area, "spread_above": spread} if stained else {"median": area}
        return {"name": "nuclei", **sizes, "dark": answers.dark, **channel}
    outline = {"name": "boundary_evidence", "low": 0.7, "spread": 0.3}
    if answers.shape == "elongated":
        area = round(_ELONGATION * area)
        shape: list[dict[str, Any]] = [
            {"name": "aspect", "low": 1.8, "high": None, "spread": 0.4},
            {"name": "ellipse_fit", "low": 0.95, "spread": 0.08},
        ]
    elif answers.shape == "any":
        shape = [outline]
    else:
        convex = {"name": "convexity", "low": 0.95, "spread": 0.03}
        shape = [{"name": "sum", "priors": [convex, outline], "weights": [0.4, 0.6]}]
    wrong = "brighter" if answers.dark else "darker"
    return {
        "name": "priors",
        "objects": [
            {"name": "area", "median": area, "spread_above": spread, "spread_below": 3.0},
            *shape,
        ],
        "ground": "largest",
        "ground_if": {"name": wrong, "low": 0.0, "spread": 0.001, **channel},
        **({} if answers.count is None else {"count": list(answers.count)}),
        "boundary": 0.4,
        "coupling": 0.3,
        "superpixels": "darkness" if answers.dark else "brightness",
        "reduction": "max",
        **channel,
    }
