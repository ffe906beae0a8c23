"""Objects that fill the image: cells between membranes, and regions side by side."""

from __future__ import annotations

from functools import partial

from agents.suggest.recipes.family import (
    CONVEX,
    OUTLINE,
    SHAPES,
    Family,
    Known,
    Section,
    outline_sigma,
    outlined,
    priors,
    superpixels,
)


def walls(known: Known, *, dark: bool) -> Section:
    """Cells whose outlines are lines, as wide as an eighth of the cell or so."""
    sigma = round(min(max(known.diameter / 14, 1.2), 3.0), 1)
    return {
        "compress": None,
        "boundary": {"name": "ridge", "sigma": sigma, "dark": dark, "percentile": 97.0},
        "superpixels": superpixels(known.diameter, finer=0.75),
        "reward": filling(known),
    }


def regions(known: Known) -> Section:
    """Regions of different brightness or colour."""
    sigma = max(1.5, outline_sigma(known.diameter))
    return {
        "compress": None,
        "boundary": {"name": "gradient", "sigma": sigma, "percentile": 97.0},
        "superpixels": superpixels(known.diameter, finer=0.75),
        "reward": filling(known),
    }


def filling(known: Known) -> Section:
    """Size, shape and outlines, without a ground."""
    shape = (
        OUTLINE
        if known.shape in ("elongated", "any")
        else outlined({**CONVEX, "spread": 0.06}, OUTLINE)
    )
    size = {
        "name": "area", "median": round(0.8 * known.diameter**2),
        "spread_above": 1.0, "spread_below": 1.5,
    }  # fmt: skip
    return priors(
        known, [size, dict(shape)], ground="none", boundary=0.4, coupling=0.3, reduction="mean"
    )


FAMILIES = (
    Family(
        name="bright membranes",
        what="cells side by side, parted by bright lines",
        dark=False,
        fills=True,
        shapes=SHAPES,
        recipe=partial(walls, dark=False),
    ),
    Family(
        name="dark membranes",
        what="cells or stones side by side, parted by dark lines",
        dark=True,
        fills=True,
        shapes=SHAPES,
        recipe=partial(walls, dark=True),
    ),
    Family(
        name="regions",
        what="regions side by side that differ in brightness or colour",
        dark=None,
        fills=True,
        shapes=SHAPES,
        recipe=regions,
    ),
)
