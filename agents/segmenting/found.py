"""The objects of a segmented image, those that are wanted of them, and why a score is low."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Self

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray

from gym_rlseg.options import Options
from gym_rlseg.options.ranges import Share

if TYPE_CHECKING:
    from gym_rlseg.rewards import Reward
    from gym_rlseg.segmentation.segmentation import Segmentation


@dataclass(frozen=True, kw_only=True)
class Filters(Options):
    """Which objects are kept; what is left out becomes ground.

    Attributes:
        min_score: least score, in [0, 1].
        min_size: least area in pixels.
        no_border: whether objects that touch the border of the image, or of its region, are
            left out, which may be cut off.
    """

    min_score: Share = 0.0
    min_size: Annotated[int, Ge(0), Le(2**48)] = 0
    no_border: bool = False

    def __call__(
        self,
        labels: NDArray[np.int32],
        scores: NDArray[np.floating],
        region: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.bool_]:
        """Whether each object is kept, bool (M,).

        Args:
            labels: int32 (H, W), 0 = ground, objects 1..M.
            scores: (M,), in the order of the labels.
            region: bool (H, W), where objects can be; None: everywhere.
        """
        kept = np.asarray(scores) >= self.min_score
        if self.min_size > 0:
            kept &= np.bincount(labels.ravel(), minlength=len(kept) + 1)[1:] >= self.min_size
        if self.no_border:
            touching = np.bincount(labels[_border(labels.shape, region)], minlength=len(kept) + 1)
            kept &= touching[1:] == 0
        return kept


def _border(shape: tuple[int, ...], region: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """Pixels at the border of the image, and those of its region that have others beside them."""
    from scipy.ndimage import binary_erosion

    whole = np.ones(shape, np.bool_) if region is None else region
    return whole & ~binary_erosion(whole)


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """The objects of an image.

    Attributes:
        labels: int32 (H, W), 0 = ground, objects 1..M.
        scores: float32 (M,) in [0, 1], what the reward says of each.
        terms: of these scores, float64 (M,) each, see `Reward.terms`; none if the reward
            can't tell.
        region: bool (H, W), where objects can be; None: everywhere.
        left_out: how many objects were not wanted.
    """

    labels: NDArray[np.int32]
    scores: NDArray[np.float32]
    terms: Mapping[str, NDArray[np.float64]]
    region: NDArray[np.bool_] | None = None
    left_out: int = 0

    @classmethod
    def of(cls, result: Segmentation, reward: Reward) -> Self:
        """All objects of a segmentation by a reward."""
        objects = ~result.scores.ground  # in the order of the labels
        terms = reward.terms(result.graph, result.node_labels)
        region = result.graph.superpixels >= 0
        return cls(
            labels=result.object_labels,
            scores=result.scores.objects[objects],
            terms={name: values[objects] for name, values in terms.items()},
            region=None if region.all() else region,
        )

    @property
    def count(self) -> int:
        """M."""
        return len(self.scores)

    def filtered(self, filters: Filters) -> Self:
        """Those that pass, numbered 1.. anew in their order."""
        kept = filters(self.labels, self.scores, self.region)
        if kept.all():
            return self
        numbers = np.concatenate([[0], np.where(kept, np.cumsum(kept), 0)]).astype(np.int32)
        return replace(
            self,
            labels=numbers[self.labels],
            scores=self.scores[kept],
            terms={name: values[kept] for name, values in self.terms.items()},
            left_out=self.left_out + int((~kept).sum()),
        )

    @property
    def lowest(self) -> list[tuple[str, float | str]]:
        """The name of each object's lowest term and its value; both empty without terms."""
        if not self.terms:
            return [("", "")] * self.count
        names, values = list(self.terms), np.stack(list(self.terms.values()))
        least = np.argmin(values, axis=0)
        return [(names[i], float(values[i, k])) for k, i in enumerate(least)]
