"""Objects on a ground: nuclei, cells, coins, grains of sand; bright, dark or stained."""

from __future__ import annotations

from functools import partial
from typing import Any

from agents.suggest.recipes.family import (
    CONVEX,
    OUTLINE,
    Family,
    Known,
    Section,
    outline_sigma,
    outlined,
    priors,
    superpixels,
)


def blobs(known: Known, *, dark: bool) -> Section:
    """Bright or dark blobs, each told from the ground at a level of its own."""
    d = known.diameter
    return {
        "compress": None if dark else 1.5,
        "boundary": {"name": "blobs", "sigma": outline_sigma(d), "dark": dark},
        "superpixels": superpixels(d, finer=0.75),
        # Less than half: where the two maps differ, the clearer one decides.
        "evidence": [
            {"name": "levels", "diameter": d, "weight": 0.3, "dark": dark, **known.in_channel}
        ],
        "reward": blob_reward(known, dark=dark),
    }


def stained(known: Known) -> Section:
    """Nuclei in stained tissue, where texture is strong, sizes differ and many touch."""
    d = known.diameter
    return {
        "compress": None,
        "boundary": {"name": "blobs", "sigma": outline_sigma(d), "dark": False},
        "superpixels": superpixels(d, finer=0.8),
        "silhouettes": {"diameter": d, "weight": 0.8},
        "reward": blob_reward(known, dark=False, area=2.0, spread=3.0),
    }


def blob_reward(known: Known, *, dark: bool, area: float = 1.0, spread: float = 1.5) -> Section:
    """`nuclei`, or the priors it is made of where a count or another shape is known.

    The median area is d² rather than a disc's, as splitting is the greater temptation.
    """
    median = round(area * known.diameter**2)
    if known.shape in ("round", "convex") and known.count is None:
        sizes: Section = {"median": median}
        sizes |= {"spread_above": spread} if spread != 1.5 else {}
        return {"name": "nuclei", **sizes, "dark": dark, **known.in_channel}
    shape = OUTLINE if known.shape == "any" else outlined(CONVEX, OUTLINE)
    size = {"name": "area", "median": median, "spread_above": spread, "spread_below": 3.0}
    return priors(known, [size, dict(shape)], **grounded(known, dark=dark))


def grounded(known: Known, *, dark: bool) -> dict[str, Any]:
    """How objects on a ground are scored: by brightness, what is as dark as the ground out."""
    wrong = "brighter" if dark else "darker"
    return {
        "ground": "largest",
        "ground_if": {"name": wrong, "low": 0.0, "spread": 0.001, **known.in_channel},
        "boundary": 0.4,
        "coupling": 0.3,
        "superpixels": "darkness" if dark else "brightness",
        "reduction": "max",
    }


FAMILIES = (
    Family(
        name="bright blobs",
        what="objects brighter than their ground, such as nuclei in fluorescence",
        dark=False,
        recipe=partial(blobs, dark=False),
    ),
    Family(
        name="dark blobs",
        what="objects darker than their ground",
        dark=True,
        recipe=partial(blobs, dark=True),
    ),
    Family(
        name="stained nuclei",
        what="nuclei in stained tissue under transmitted light",
        dark=False,
        stained=True,
        recipe=stained,
    ),
)
