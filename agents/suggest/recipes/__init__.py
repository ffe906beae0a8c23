"""Recipes: for each kind of picture, the settings that follow from an object's diameter.

A family is a few lines: a function from what is known to keyword arguments of the environment,
and an entry in its module's `FAMILIES`. `rlseg init`, the Python API and the docs read this
table.
"""

from collections.abc import Mapping

from agents.suggest.recipes import blobs, filaments, walls
from agents.suggest.recipes.family import Family, Known

#: Families by name.
FAMILIES: Mapping[str, Family] = {
    family.name: family for module in (blobs, walls, filaments) for family in module.FAMILIES
}

__all__ = ["FAMILIES", "Family", "Known"]
