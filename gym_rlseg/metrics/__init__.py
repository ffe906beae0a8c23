"""How well a segmentation agrees with a known truth, and how well superpixels could.

All functions take label images (H, W) or volumes (D, H, W): integer, >= 0, 0 = background, any
other value one object (connected or not, values need not be contiguous). They are pure, they do
not depend on which value an object carries, and they raise `ValueError` for anything else. Time
and memory follow the pixels and the pairs of objects that overlap, not the objects squared.
"""

from gym_rlseg.metrics.bound import project_truth, superpixel_bound
from gym_rlseg.metrics.clustering import (
    VariationOfInformation,
    adapted_rand_error,
    variation_of_information,
)
from gym_rlseg.metrics.counts import count_difference, splits_and_merges
from gym_rlseg.metrics.coverage import Coverage, coverage
from gym_rlseg.metrics.dice import symmetric_best_dice
from gym_rlseg.metrics.doubts import doubts
from gym_rlseg.metrics.evaluation import Evaluation, evaluate, mean_scores
from gym_rlseg.metrics.jaccard import aggregated_jaccard_index
from gym_rlseg.metrics.matching import (
    MEAN_AP_THRESHOLDS,
    PanopticQuality,
    average_precision,
    f1_score,
    matched_objects,
    mean_average_precision,
    panoptic_quality,
)
from gym_rlseg.metrics.overlap import Overlaps, overlaps

__all__ = [
    "MEAN_AP_THRESHOLDS",
    "Coverage",
    "Evaluation",
    "Overlaps",
    "PanopticQuality",
    "VariationOfInformation",
    "adapted_rand_error",
    "aggregated_jaccard_index",
    "average_precision",
    "count_difference",
    "coverage",
    "doubts",
    "evaluate",
    "f1_score",
    "matched_objects",
    "mean_average_precision",
    "mean_scores",
    "overlaps",
    "panoptic_quality",
    "project_truth",
    "splits_and_merges",
    "superpixel_bound",
    "symmetric_best_dice",
    "variation_of_information",
]
