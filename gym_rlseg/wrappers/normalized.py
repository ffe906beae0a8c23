"""Observations with features of zero mean and unit variance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import TypeVar

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs
from numpy.typing import NDArray

from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.envs.superpixel.observation import Observation
from gym_rlseg.images.base import spread
from gym_rlseg.options import check_declared
from gym_rlseg.options.ranges import Amount, Positive
from gym_rlseg.wrappers.entries import padded_entries

Act = TypeVar("Act")
Statistics = dict[str, list[float]]

_PARTS = ("node", "edge")
_CONSTANT = 1e-6  # a deviation below it is rounding


class NormalizedObservation(
    gym.ObservationWrapper[Observation, Act, Observation], RecordConstructorArgs
):
    """Standardises each feature of nodes and edges: x -> clip((x - mean) / std).

    Means and deviations are those over the superpixels and edges of some images, taken once:
    an observation depends on its image alone, so that replayed ones stay valid. Padding
    stays 0, and so do features that are the same everywhere. All other entries are passed
    on. Column 0 of the edges' features, the boundary evidence in [0, 1], is left as it is,
    as agents may read it as a probability; `keep_evidence=False` standardises it as well.

    The statistics belong to the training images. They are in the wrapper's spec, so that an
    environment that is made from it, and with another split, has the same; otherwise hand
    them on: `NormalizedObservation(test_env, statistics=train_env.statistics)`.

    Args:
        env: an environment whose observations are the padded Dict.
        samples: how many images are looked at, if there are that many.
        statistics: {"node_mean": [...], "node_std": [...], "edge_mean": [...], "edge_std":
            [...]}, one number per feature; None: from the environment's pool of images.
        keep_evidence: whether column 0 of the edges' features stays as it is.
        clip: largest absolute value of a standardised feature.

    Attributes:
        statistics: those in use, in that form.

    Raises:
        ValueError: if the observation space is another one, the statistics don't fit it or
            there is no pool to take them from.
    """

    def __init__(
        self,
        env: gym.Env[Observation, Act],
        *,
        samples: Amount = 32,
        statistics: Mapping[str, Sequence[float]] | None = None,
        keep_evidence: bool = True,
        clip: Positive = 10.0,
    ) -> None:
        check_declared(
            NormalizedObservation.__init__,
            {"samples": samples, "keep_evidence": keep_evidence, "clip": clip},
        )
        entries = padded_entries(env.observation_space, type(self).__name__)
        features = {part: entries[f"{part}_features"] for part in _PARTS}
        if statistics is None:
            statistics = pool_statistics(env, samples)
        self.statistics = _checked(statistics, {p: box.shape[1] for p, box in features.items()})
        RecordConstructorArgs.__init__(
            self,
            samples=samples,
            statistics=self.statistics,
            keep_evidence=keep_evidence,
            clip=clip,
        )
        gym.ObservationWrapper.__init__(self, env)
        self._clip, self._kept = clip, {"node": 0, "edge": int(keep_evidence)}
        replaced = {}
        for part, box in features.items():
            low, high = np.full_like(box.low, -clip), np.full_like(box.high, clip)
            kept = np.s_[:, : self._kept[part]]
            low[kept], high[kept] = box.low[kept], box.high[kept]
            replaced[f"{part}_features"] = spaces.Box(low, high, dtype=np.float32)
        assert isinstance(env.observation_space, spaces.Dict)
        self.observation_space: spaces.Space[Observation] = spaces.Dict(  # type: ignore[assignment]
            {**env.observation_space.spaces, **replaced}
        )

    def observation(self, observation: Observation) -> Observation:
        """The observation with standardised features.

        Args:
            observation: as the wrapped environment gives it; it is not changed.
        """
        result = dict(observation)
        for part in _PARTS:
            features, mask = observation[f"{part}_features"], observation[f"{part}_mask"] == 1
            mean, std = (
                np.asarray(self.statistics[f"{part}_{of}"], np.float32) for of in ("mean", "std")
            )
            real = features[mask]
            scaled = np.clip(
                (real - mean) / np.where(std < _CONSTANT, np.float32(np.inf), std),
                -self._clip,
                self._clip,
            )
            kept = np.s_[:, : self._kept[part]]
            scaled[kept] = real[kept]
            result[f"{part}_features"] = np.zeros_like(features)
            result[f"{part}_features"][mask] = scaled
        return result


def pool_statistics(env: gym.Env, samples: int) -> Statistics:
    """Means and standard deviations over the superpixels and edges of an environment's images.

    Args:
        env: a `SuperpixelEnv`, wrapped or not.
        samples: how many images at most, evenly over those it draws from.

    Raises:
        ValueError: if it is another environment.
    """
    base = env.unwrapped
    if not isinstance(base, SuperpixelEnv):
        raise ValueError(
            f"statistics must be given, as there is no pool of images in {type(base).__name__}"
        )
    pool = base.pool
    available = pool.size or pool.source.size(pool.split) or samples
    # In place of an image that can't be used, the next that can.
    graphs = [
        pool.first(i % pool.limit for i in count(index))[1] for index in spread(available, samples)
    ]
    tables = {
        "node": np.concatenate([graph.node_features for graph in graphs]),
        "edge": np.concatenate([graph.edge_features for graph in graphs]),
    }
    result: Statistics = {}
    for part, table in tables.items():
        result[f"{part}_mean"] = table.mean(axis=0, dtype=np.float64).tolist()
        result[f"{part}_std"] = table.std(axis=0, dtype=np.float64).tolist()
    return result


def _checked(statistics: Mapping[str, Sequence[float]], sizes: Mapping[str, int]) -> Statistics:
    """The statistics as plain lists."""
    expected = {f"{part}_{of}": size for part, size in sizes.items() for of in ("mean", "std")}
    if not isinstance(statistics, Mapping) or set(statistics) != set(expected):
        raise ValueError(f"statistics must be a dict of {sorted(expected)}, got {statistics!r}")
    result = {}
    for name, size in expected.items():
        values: NDArray[np.float64] = np.asarray(statistics[name], np.float64)
        if values.shape != (size,) or not np.isfinite(values).all():
            raise ValueError(f"statistics: {name} must be {size} numbers, got {statistics[name]!r}")
        if name.endswith("std") and values.min() < 0.0:
            raise ValueError(f"statistics: {name} must be >= 0, got {values.min()}")
        result[name] = values.tolist()
    return result
