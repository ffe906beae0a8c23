"""Objects that are much longer than wide: fibres, rods, worms."""

from __future__ import annotations

from functools import partial

from agents.suggest.recipes.blobs import grounded
from agents.suggest.recipes.family import OUTLINE, Family, Known, Section, priors, superpixels

# How many times their width long objects are long, at least.
_LENGTH = 3.5


def filaments(known: Known, *, dark: bool) -> Section:
    """Straight or bent objects of about one width and any length."""
    d = known.diameter
    objects: list[Section] = [
        {"name": "length", "low": _LENGTH * d, "spread": d},
        {"name": "width", "low": 0.5 * d, "high": 1.5 * d, "spread": 0.5 * d},
        {"name": "holes", "high": 0.1, "spread": 0.2},
        dict(OUTLINE),
    ]  # fmt: skip
    return {
        "compress": None if dark else 1.5,
        "boundary": {"name": "blobs", "sigma": 1.0 if d < 12 else 1.5, "dark": dark},
        "superpixels": superpixels(d),
        "evidence": [
            {
                "name": "levels", "diameter": d, "long": True, "dark": dark, "weight": 0.8,
                **known.in_channel,
            }
        ],
        "reward": priors(known, objects, **grounded(known, dark=dark)),
    }  # fmt: skip


FAMILIES = tuple(
    Family(
        name=f"{kind} filaments",
        what=f"{kind} fibres and rods, straight or bent, much longer than wide",
        dark=kind == "dark",
        shapes=("elongated", "any"),
        long=True,
        recipe=partial(filaments, dark=kind == "dark"),
    )
    for kind in ("bright", "dark")
)
