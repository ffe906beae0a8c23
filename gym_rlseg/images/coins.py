"""The photograph of 24 coins that scikit-image ships, with outlines to measure against."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.images.base import ImageSource, Sample, Split, check_index, check_split

_TRUTH_FILE = "coins_truth.json"


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
    """

    def size(self, split: Split) -> int:
        """1, whatever the split.

        Raises:
            ValueError: if `split` is unknown.
        """
        check_split(split)
        return 1

    def sample(self, split: Split, index: int, seed: int) -> Sample:
        """The photograph.

        Args:
            split: "train", "validation" or "test".
            index: 0.
            seed: ignored, as nothing is drawn.

        Returns:
            Sample: `image` float32 (1, 303, 384) in [0, 1], and `truth` int32 (303, 384),
            0 = background, coins 1..24.

        Raises:
            ValueError: if `split` is unknown or `index` is not 0.
        """
        check_index(index, self.size(split), split)
        # Here, as importing the source should stay quick; the photograph lies in
        # scikit-image's wheel, so that its loader needs neither the network nor pooch.
        from skimage.data import coins

        image = coins()[np.newaxis].astype(np.float32) / np.float32(255)
        return Sample(image=image, truth=coins_truth(), name="coins")


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
