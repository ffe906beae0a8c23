"""Every environment id and its defaults, in one table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym

#: Entry points of single and of vector environments.
_SUPERPIXELS = ("gym_rlseg.envs:SuperpixelEnv", "gym_rlseg.envs:SuperpixelVectorEnv")
_COLOURING = ("gym_rlseg.envs:ColouringEnv", "gym_rlseg.envs:ColouringVectorEnv")
_MASKS = ("gym_rlseg.envs:MasksEnv", "gym_rlseg.envs:MasksVectorEnv")


def _watershed(smoothing: float, min_distance: int, min_size: int) -> dict[str, Any]:
    options = {"smoothing": smoothing, "min_distance": min_distance, "min_size": min_size}
    return {"name": "seeded_watershed", **options}


_EMBRYO: Mapping[str, Any] = {
    "source": "embryo",
    "boundary": {"name": "ridge", "sigma": 1.6, "percentile": 97.0},
    "superpixels": _watershed(1.1, 3, 8),
    "features": "polar",
    # Eq. 9-11 and a boundary term, which keeps their optimum near the truth.
    "reward": {"name": "embryo", "boundary": 0.3, "side_spreads": [8.0, 4.0]},
    "subgraph_sizes": [4, 8, 16],
    "pool_size": 800,
}

#: Environment id on superpixel graphs -> keyword arguments; lists and dicts only, so that specs
#: survive JSON.
ENVIRONMENTS: Mapping[str, Mapping[str, Any]] = {
    "RLSeg-Circles-v0": {
        "source": "circles",
        "reward": "circularity",
        "subgraph_sizes": [4, 8, 16],
        "pool_size": 800,
    },
    "RLSeg-Coins-v0": {
        "source": "coins",
        # Its mirror images have one shape.
        "augment": {"flips": True, "turns": False},
        "boundary": {"name": "gradient", "sigma": 2.0, "percentile": 99.0},
        "superpixels": _watershed(3.0, 4, 30),
        "reward": {"name": "circularity", "count": 24, "radius": [16.0, 34.0], "tolerance": 2.5},
        "subgraph_sizes": [4, 8, 16],
        "pool_size": 4,
    },
    "RLSeg-Embryo-v0": _EMBRYO,
    "RLSeg-EmbryoHard-v0": {"source": "embryo", "difficulty": "hard", **_EMBRYO},
    "RLSeg-Images-v0": {
        "source": "files",
        "compress": 1.5,
        # On nuclei: superpixel bound SBD 0.91 with 290 superpixels at 256 x 256 px.
        "boundary": {"name": "blobs", "sigma": 1.3},
        "superpixels": _watershed(1.0, 5, 20),
        "reward": "nuclei",
        "subgraph_sizes": [4, 8, 16],
        "pool_size": 1000,
    },
}

#: The same of those where pixels choose bits.
COLOURING_ENVIRONMENTS: Mapping[str, Mapping[str, Any]] = {
    "RLSeg-Colouring-v0": {
        # In one piece, as other sources take its place.
        "source": {
            "name": "circles",
            "height": 64,
            "width": 64,
            "count": [5, 9],
            "radius": [5.0, 9.0],
            "gap": -2.0,
        },
        "steps": 3,
        "reward": {"name": "prox", "radii": [8.0]},
        "pool_size": 800,
    },
}

#: The same of those where a mask is drawn a step.
MASKS_ENVIRONMENTS: Mapping[str, Mapping[str, Any]] = {
    "RLSeg-Masks-v0": {
        # In one piece, as other sources take its place.
        "source": {"name": "rosettes", "height": 64, "width": 64},
        "max_masks": 20,
        "pool_size": 800,
    },
}


#: Mean reward from which on a task counts as solved: four fifths of the way from what the
#: evidence earns to what the truth earns (benchmarks/reference_rewards.py).
THRESHOLDS: Mapping[str, float] = {
    "RLSeg-Circles-v0": 0.62,
    "RLSeg-Coins-v0": 0.80,
    "RLSeg-Embryo-v0": 0.78,
    "RLSeg-EmbryoHard-v0": 0.75,
}


def register_environments() -> None:
    """Register every id with Gymnasium; ids that are registered already stay as they are."""
    for table, (entry_point, vector_entry_point) in (
        (ENVIRONMENTS, _SUPERPIXELS),
        (COLOURING_ENVIRONMENTS, _COLOURING),
        (MASKS_ENVIRONMENTS, _MASKS),
    ):
        for env_id, kwargs in table.items():
            if env_id not in gym.registry:
                gym.register(
                    id=env_id,
                    entry_point=entry_point,
                    vector_entry_point=vector_entry_point,
                    kwargs=dict(kwargs),
                    reward_threshold=THRESHOLDS.get(env_id),
                )
