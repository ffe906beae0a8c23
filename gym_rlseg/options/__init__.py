"""Options: declared with their ranges, checked, and made from plain data."""

from gym_rlseg.options.build import Registry, check_names, from_options, plain, suggest
from gym_rlseg.options.declared import (
    Options,
    Rule,
    ascending,
    check_declared,
    is_number,
    is_whole,
    rising,
    shown,
)

__all__ = [
    "Options",
    "Registry",
    "Rule",
    "ascending",
    "check_declared",
    "check_names",
    "from_options",
    "is_number",
    "is_whole",
    "plain",
    "rising",
    "shown",
    "suggest",
]
