"""The photograph of 24 coins that scikit-image ships, with outlines to measure against."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.images.base import ImageSource, Sample, Split, check_split

_TRUTH_FILE = "coins_truth.json"
_N_SYMMETRIES = 4
_Number = TypeVar("_Number", np.float32, np.int32)


@dataclass(frozen=True, kw_only=True)
class CoinsSource(ImageSource):
    """One photograph of 24 coins, bundled with scikit-image.

    All three splits are this one photograph. That is legitimate here: training
    sees rewards and never the truth, so an agent may train on the very picture
    it is to segment, and the truth serves to measure the outcome alone. What a
    score on "test" then says is how well this picture is segmented, not how well
    the agent does on others.

    The coins' mean diameters range from 37 to 63 px, and the narrowest gap
    between two of them is 7 px.

    Attributes:
        augment: whether "train" holds the photograph's 4 mirror images instead of the
            photograph alone: at index k it is mirrored top to bottom if k & 1 and left
            to right if k & 2; index 0 is the photograph itself. All have one shape.

    Raises:
        ValueError: if `augment` is not a bool.
    """

    augment: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.augment, bool):
            # The string "false" would count as true.
            raise ValueError(f"augment must be true or false, got {self.augment!r}")

    def size(self, split: Split) -> int:
        """Number of images in `split`: 4 in an augmented "train", else 1.

        Raises:
            ValueError: if `split` is unknown.
        """
        return _N_SYMMETRIES if check_split(split) == "train" and self.augment else 1

    def sample(self, split: Split, index: int, seed: int) -> Sample:
        """The photograph, for an augmented "train" in the symmetry `index`.

        Args:
            split: "train", "validation" or "test".
            index: 0 <= index < size(split).
            seed: ignored, as nothing is drawn.

        Returns:
            Sample: `image` float32 (1, 303, 384) in [0, 1], and `truth` int32 (303, 384),
            0 = background, coins 1..24.

        Raises:
            ValueError: if `split` is unknown or `index` is out of range.
        """
        size = self.size(split)
        if not 0 <= index < size:
            raise ValueError(f"index must be in [0, {size}) for split {split!r}, got {index}")
        mirrored = (bool(index & 1), bool(index & 2))
        return Sample(
            image=_mirror(_photograph(), *mirrored)[np.newaxis],
            truth=_mirror(coins_truth(), *mirrored),
            name=("coins", "coins, upside down", "coins, mirrored", "coins, half turn")[index],
        )


def coins_truth() -> NDArray[np.int32]:
    """The 24 coins of the untouched photograph as a label image.

    The outlines follow the visible edge of each coin to about one pixel.

    Returns:
        int32 (303, 384), 0 = background, coins 1..24 row by row from top to bottom
        and from left to right within a row.
    """
    from skimage.draw import polygon  # here, as importing the source should stay quick

    text = files("gym_rlseg.images").joinpath(_TRUTH_FILE).read_text(encoding="utf-8")
    truth = json.loads(text)
    labels = np.zeros(truth["image_shape"], dtype=np.int32)
    for label, outline in enumerate(truth["outlines"], start=1):
        y, x = np.asarray(outline).T
        labels[polygon(y, x, labels.shape)] = label
    return labels


def _photograph() -> NDArray[np.float32]:
    """The photograph, float32 (303, 384) in [0, 1].

    It lies in scikit-image's wheel, so its loader needs neither the network nor pooch.
    """
    from skimage.data import coins  # here, for the same reason as above

    return coins().astype(np.float32) / np.float32(255)


def _mirror(array: NDArray[_Number], vertically: bool, horizontally: bool) -> NDArray[_Number]:
    """`array` (H, W), mirrored top to bottom and left to right as asked; a new array."""
    mirrored = array[:: -1 if vertically else 1, :: -1 if horizontally else 1]
    # A copy, as views would hand out negative strides, which torch refuses.
    return np.array(mirrored, order="C")
