"""Stained tissue: what limits it, and what was tried without any learning.

Rows that need the truth say where the loss lies: in the foreground, or in how it is split.
The others are edge maps with a multicut, at an indifferent bias and at the best in hindsight.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from common import record, table
from nuclei import environment, held_back, row
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.transform import resize

from agents.baselines import edge_multicut
from agents.segmenting.pipeline import Pipeline
from gym_rlseg.graph import SuperpixelGraph
from gym_rlseg.graph.boundary import BoundaryMap
from gym_rlseg.graph.silhouettes import Silhouettes, split_by_distance
from gym_rlseg.images import Sample
from gym_rlseg.metrics import Evaluation, evaluate, mean_scores, superpixel_bound

Labels = NDArray[np.int32]
SET = "dsb2018_he"
DIAMETER = 21.0
USUAL = 24.0  # to which images are rescaled, in px
BIASES = (0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65)
MULTIPLES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2)
RADII = (2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 22, 27, 33)


def main() -> None:
    """Measure, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with the sets: SET/images, SET/labels")
    parser.add_argument("--dry-run", action="store_true", help="don't write RESULTS.md")
    arguments = parser.parse_args()
    samples = list(held_back(arguments.data, SET))
    rows = [*with_truth(samples), *without(samples, environment(arguments.data, SET))]
    header = ("", "SBD", "AP50", "mAP", "VI split", "VI merge", "\\|DiC\\|")
    body = f"{len(samples)} images.\n\n{table(header, rows)}"
    print(body)
    if not arguments.dry_run:
        record("stained", "Stained tissue: what limits it", body)


def with_truth(samples: Sequence[Sample]) -> list[tuple[str, ...]]:
    """Rows of methods that look at the truth."""

    def watershed(foreground: NDArray[np.bool_]) -> Labels:
        return split_by_distance(foreground, min_distance=5, smoothing=0.08 * DIAMETER)

    def hindsight(sample: Sample) -> Labels:
        smooth, threshold = otsu(sample)
        found = [watershed(smooth > m * threshold) for m in MULTIPLES]
        return max(found, key=lambda labels: evaluate(labels, truth_of(sample)).sbd)

    def true_split(sample: Sample) -> Labels:
        smooth, threshold = otsu(sample)
        distance, nearest = ndimage.distance_transform_edt(
            truth_of(sample) == 0, return_indices=True
        )
        kept = (smooth > threshold) & (distance < 4)
        return np.where(kept, truth_of(sample)[tuple(nearest)], 0).astype(np.int32)

    methods: dict[str, Callable[[Sample], Labels]] = {
        "Otsu + distance-transform watershed, each image's best threshold": hindsight,
        "the truth's foreground + distance-transform watershed": lambda s: watershed(
            truth_of(s) > 0
        ),
        "Otsu's foreground, split as in the truth": true_split,
    }
    return [
        row(f"{name} (needs the truth)", scores([method(s) for s in samples], samples))
        for name, method in methods.items()
    ]


def without(samples: Sequence[Sample], options: dict[str, Any]) -> list[tuple[str, ...]]:
    """Rows of edge maps that look at the images alone."""
    shipped = Pipeline.from_options(options)
    (silhouettes,) = shipped.recipe.evidence
    assert isinstance(silhouettes, Silhouettes)

    def changed(**changes: Any) -> Pipeline:
        return dataclasses.replace(shipped, recipe=dataclasses.replace(shipped.recipe, **changes))

    pipelines = {
        "boundary map": changed(evidence=()),
        "boundary map, image flattened away from Otsu's threshold": changed(
            evidence=(), boundary=Sharpened(inner=shipped.recipe.boundary)
        ),
        "silhouettes alone": changed(evidence=(dataclasses.replace(silhouettes, weight=1.0),)),
        "boundary map and silhouettes (shipped)": shipped,
    }
    rows = []
    for name, pipeline in pipelines.items():
        rows += of_graphs(name, [pipeline.graph(s) for s in samples], samples, pipeline)
    scaled = [rescaled(s, USUAL / diameter(s)) for s in samples]
    for name in ("boundary map", "boundary map and silhouettes (shipped)"):
        graphs = [pipelines[name].graph(s) for s in scaled]
        title = f"{name}, images rescaled by granulometry"
        rows += of_graphs(title, graphs, samples, pipelines[name])
    return rows


def of_graphs(
    name: str, graphs: Sequence[SuperpixelGraph], samples: Sequence[Sample], pipeline: Pipeline
) -> list[tuple[str, ...]]:
    """The bound, and multicuts."""
    bounds = [superpixel_bound(g.superpixels, cast(Labels, g.truth)) for g in graphs]
    found = {
        bias: scores(
            [edge_multicut(g, pipeline.reward, bias=bias).object_labels for g in graphs], samples
        )
        for bias in BIASES
    }
    best = max(found, key=lambda bias: found[bias].sbd)
    return [
        row(f"{name}: superpixel bound (needs the truth)", scores(bounds, samples)),
        row(f"{name} + multicut", found[0.5]),
        row(f"{name} + multicut, best bias in hindsight ({best})", found[best]),
    ]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sharpened(BoundaryMap):
    """`inner` of an image in which all but intensities near Otsu's threshold are flat."""

    inner: BoundaryMap

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `BoundaryMap.__call__`."""
        smooth = ndimage.gaussian_filter(image[0], 0.06 * DIAMETER)
        threshold = threshold_otsu(smooth)
        distance = smooth[smooth > threshold].mean() - smooth[smooth <= threshold].mean()
        flat = 1.0 / (1.0 + np.exp(-4.0 * (smooth - threshold) / (0.7 * distance)))
        return self.inner(flat[None].astype(np.float32))


def diameter(sample: Sample) -> float:
    """Usual width of the foreground in px: the mean of ln(radius) of its pattern spectrum."""
    smooth, threshold = otsu(sample)
    padded = np.pad(ndimage.binary_fill_holes(smooth > threshold), 40, mode="reflect")
    inside = ndimage.distance_transform_edt(padded)
    left = [padded.sum()]
    for radius in RADII:
        opened = ndimage.distance_transform_edt(inside <= radius) <= radius
        left.append((opened & padded).sum())
    lost = np.append(-np.diff(left), left[-1])
    radii = np.append(RADII, 1.2 * RADII[-1])
    return 2.0 * float(np.exp((np.log(radii) * lost).sum() / lost.sum()))


def rescaled(sample: Sample, factor: float) -> Sample:
    """The sample at another size, at most 1.5 times as large and no less than 0.4 times."""
    factor = float(np.clip(factor, 0.4, 1.5))
    shape = tuple(round(factor * length) for length in sample.image.shape[1:])
    image = resize(sample.image, (len(sample.image), *shape), order=1, anti_aliasing=factor < 1)
    return dataclasses.replace(
        sample, image=image.astype(np.float32), truth=resized(truth_of(sample), shape)
    )


def resized(labels: Labels, shape: tuple[int, ...]) -> Labels:
    """Labels at another size."""
    if labels.shape == shape:
        return labels
    return cast(
        Labels, resize(labels, shape, order=0, preserve_range=True, anti_aliasing=False)
    ).astype(np.int32)


def otsu(sample: Sample) -> tuple[NDArray[np.float32], float]:
    """The smoothed image and its threshold."""
    smooth = ndimage.gaussian_filter(sample.image[0], 0.06 * DIAMETER)
    return smooth, float(threshold_otsu(smooth))


def truth_of(sample: Sample) -> Labels:
    """The truth, which all samples have here."""
    return cast(Labels, sample.truth)


def scores(found: Sequence[Labels], samples: Sequence[Sample]) -> Evaluation:
    """Mean scores, at the samples' own size."""
    truths = [truth_of(s) for s in samples]
    return mean_scores(
        [evaluate(resized(a, b.shape), b) for a, b in zip(found, truths, strict=True)]
    )


if __name__ == "__main__":
    main()
