"""From a recipe to the sections of a config."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from agents.suggest.candidates import Candidate


def settings(candidate: Candidate, height: int, width: int) -> dict[str, dict[str, Any]]:
    """The sections of a config, without paths and time limits.

    Training images are flipped and turned; of images more than twice as large as 12 diameters
    (at least 256 px), parts of that size are trained on.

    Args:
        candidate: the recipe.
        height: of the largest image, in pixels.
        width: likewise.
    """
    section = candidate.environment()
    crop = max(256, 64 * math.ceil(12 * candidate.known.diameter / 64))
    augment: bool | Mapping[str, int] = {"crop": crop} if min(height, width) > 2 * crop else True
    contrast = {name: section.pop(name) for name in ("colour", "compress")}
    return {
        "environment": {"id": "RLSeg-Images-v0", **contrast, "augment": augment, **section},
        "agent": {"algorithm": "reinforce", "policy": "default"},
        "training": {"seed": 0},
    }
