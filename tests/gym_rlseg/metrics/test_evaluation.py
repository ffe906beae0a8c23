"""The metrics against values worked out by hand, elf, scikit-image and brute force."""

from collections.abc import Callable

import numpy as np
import pytest
from elf.evaluation import (
    matching,
    mean_segmentation_accuracy,
    rand_index,
    symmetric_best_dice_score,
)
from elf.evaluation import variation_of_information as elf_variation_of_information
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from skimage import metrics as skimage_metrics

from gym_rlseg import metrics
from gym_rlseg.metrics import Evaluation, evaluate, mean_scores
from gym_rlseg.metrics.overlap import joined, overlaps

Labels = NDArray[np.int32]

TOLERANCE = 1e-9
PERFECT = Evaluation(
    sbd=1.0, vi_split=0.0, vi_merge=0.0, rand_error=0.0, ap50=1.0, mean_ap=1.0,
    count_difference=0.0,
    aji=1.0, pq=1.0, rq=1.0, sq=1.0, f1=1.0, splits=0.0, merges=0.0,
    mwcov=1.0, mucov=1.0, avg_fp=0.0, avg_fn=0.0,
)  # fmt: skip
SCORED = (
    metrics.symmetric_best_dice,
    metrics.variation_of_information,
    metrics.adapted_rand_error,
    metrics.average_precision,
    metrics.mean_average_precision,
    metrics.matched_objects,
    metrics.count_difference,
    metrics.aggregated_jaccard_index,
    metrics.panoptic_quality,
    metrics.f1_score,
    metrics.splits_and_merges,
    metrics.evaluate,
)


def label_images(n_labels: int = 5) -> st.SearchStrategy[Labels]:
    return hnp.arrays(np.int32, (6, 7), elements=st.integers(0, n_labels - 1))


def random_labels(seed: int, n_labels: int, shape: tuple[int, int] = (24, 30)) -> Labels:
    """Voronoi cells, so that objects are large enough to match, a third of them background."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, max(shape), (n_labels, 2))
    y, x = np.mgrid[: shape[0], : shape[1]]
    distances = (y[..., None] - points[:, 0]) ** 2 + (x[..., None] - points[:, 1]) ** 2
    names = np.arange(1, n_labels + 1, dtype=np.int32) * 3
    names[: n_labels // 3] = 0
    return names[distances.argmin(-1)]


def approx(scores: Evaluation) -> Evaluation:
    return Evaluation(
        **{name: pytest.approx(value, abs=TOLERANCE) for name, value in vars(scores).items()}
    )


@pytest.fixture
def two_squares() -> Labels:
    """Two 4 x 4 squares of 16 pixels in an image of 8 x 16 = 128."""
    truth = np.zeros((8, 16), np.int32)
    truth[2:6, 2:6] = 1
    truth[2:6, 10:14] = 2
    return truth


# --- values worked out by hand ---------------------------------------------------------------


def test_perfect(two_squares: Labels) -> None:
    assert evaluate(two_squares, two_squares) == approx(PERFECT)
    assert metrics.matched_objects(two_squares, two_squares, 1.0) == 2


def test_merged(two_squares: Labels) -> None:
    # One object of 32: dice 2*16/(16+32) = 2/3 for both, IoU 16/32 = 1/2, which matches at 0.5
    # and nowhere above: AP50 = 1/(1+0+1), mean AP = AP50/10.
    # VI: the merged label is 1/4 of the image and leaves one bit open.
    # Rand: sum n_st^2 = 2*256, sum n_s^2 = 1024, sum n_t^2 = 512: P = 1/2, R = 1.
    merged = (two_squares > 0).astype(np.int32)
    assert evaluate(merged, two_squares) == approx(
        Evaluation(
            sbd=2 / 3,
            vi_split=0.0,
            vi_merge=0.25,
            rand_error=1 / 3,
            ap50=0.5,
            mean_ap=0.05,
            count_difference=1.0,
            aji=0.5,
            pq=0.0,
            rq=0.0,
            sq=0.0,
            f1=2 / 3,
            splits=0.0,
            merges=1.0,
            mwcov=0.5,
            mucov=0.5,
            avg_fp=0.0,
            avg_fn=0.0,
        )
    )
    assert metrics.matched_objects(merged, two_squares) == 1


def test_split(two_squares: Labels) -> None:
    # Square 1 in halves of 8: dice 2*8/(8+16) = 2/3. BD(truth) = (2/3 + 1)/2 = 5/6,
    # BD(segmentation) = (2/3 + 2/3 + 1)/3 = 7/9. IoU 8/16 matches one half at 0.5:
    # AP50 = 2/(2+1+0); above: TP 1, FP 2, FN 1, AP = 1/4.
    # VI: one bit open on 1/8 of the image. Rand: 64 + 64 + 256 = 384 of 384 and of 512.
    split = two_squares.copy()
    split[2:6, 4:6] = 3
    assert evaluate(split, two_squares) == approx(
        Evaluation(
            sbd=7 / 9,
            vi_split=0.125,
            vi_merge=0.0,
            rand_error=1 - 2 * 0.75 / 1.75,
            ap50=2 / 3,
            mean_ap=(2 / 3 + 9 / 4) / 10,
            count_difference=1.0,
            aji=0.75,
            pq=0.4,
            rq=0.4,
            sq=1.0,
            f1=0.8,
            splits=1.0,
            merges=0.0,
            mwcov=0.75,
            mucov=0.75,
            avg_fp=0.0,
            avg_fn=0.0,
        )
    )
    assert metrics.matched_objects(split, two_squares) == 2
    assert metrics.matched_objects(split, two_squares, 0.51) == 1


def test_shifted_by_one_pixel(two_squares: Labels) -> None:
    # Overlap 12 of 16: dice 24/32, IoU 12/20 = 0.6, which counts at 0.5, 0.55 and 0.6 exactly.
    # VI, alike in both directions: per square 12 pixels keep their label, 4 turn to background
    # and 4 come from it. H(S|T): 16 of 128 pixels with odds 12:4, twice; 96 with odds 88:4:4.
    # Rand, in the truth's foreground: per square 12 pixels of its label, 8 of background in all:
    # sum n_st^2 = 2*(144 + 16) = 320, sum n_s^2 = 144 + 144 + 64 = 352, sum n_t^2 = 512.
    def entropy(*counts: int) -> float:
        p = np.array(counts) / sum(counts)
        return float(-(p * np.log2(p)).sum())

    vi = 32 / 128 * entropy(12, 4) + 96 / 128 * entropy(88, 4, 4)
    precision, recall = 320 / 352, 320 / 512
    shifted = np.roll(two_squares, 1, axis=1)
    assert evaluate(shifted, two_squares) == approx(
        Evaluation(
            sbd=0.75,
            vi_split=vi,
            vi_merge=vi,
            rand_error=1 - 2 * precision * recall / (precision + recall),
            ap50=1.0,
            mean_ap=0.3,
            count_difference=0.0,
            aji=0.6,
            pq=0.6,
            rq=1.0,
            sq=0.6,
            f1=1.0,
            splits=0.0,
            merges=0.0,
            mwcov=0.6,
            mucov=0.6,
            avg_fp=0.0,
            avg_fn=0.0,
        )
    )


def test_thresholds_are_the_nearest_floats(two_squares: Labels) -> None:
    assert metrics.MEAN_AP_THRESHOLDS == (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
    shifted = np.roll(two_squares, 1, axis=1)
    for threshold in metrics.MEAN_AP_THRESHOLDS:
        expected = 1.0 if threshold <= 0.6 else 0.0
        assert metrics.average_precision(shifted, two_squares, threshold) == expected
    # The reason they are not left to elf's np.arange, which misses the match at 0.6.
    assert mean_segmentation_accuracy(shifted, two_squares) == pytest.approx(0.2)


def test_a_missed_object_and_the_ground_in_the_rand_error(two_squares: Labels) -> None:
    one_missing = np.where(two_squares == 2, 0, two_squares)
    assert metrics.adapted_rand_error(one_missing, two_squares) == 0.0
    spurious = two_squares.copy()
    spurious[0, :] = 7
    assert metrics.adapted_rand_error(spurious, two_squares) == 0.0
    assert metrics.adapted_rand_error(spurious, np.where(two_squares == 0, 5, two_squares)) > 0.0


def test_matching_is_one_to_one_and_best() -> None:
    # IoU of segment 1: 2/7 with truth 1, 4/8 with truth 2; of segment 2: 2/6 with truth 2.
    # A greedy choice takes (1, 2) first and leaves nothing for the others.
    truth = np.array([[1, 1, 1, 2, 2, 2, 2, 2, 2]])
    segmentation = np.array([[0, 1, 1, 1, 1, 1, 1, 2, 2]])
    assert metrics.matched_objects(segmentation, truth, 0.28) == 2
    assert metrics.matched_objects(segmentation, truth, 0.3) == 1
    assert metrics.matched_objects(segmentation, truth, 0.5) == 1
    assert metrics.matched_objects(segmentation, truth, 0.51) == 0


# --- empty images ----------------------------------------------------------------------------


def test_both_empty_is_perfect(two_squares: Labels) -> None:
    empty = np.zeros_like(two_squares)
    assert evaluate(empty, empty) == PERFECT
    assert metrics.matched_objects(empty, empty) == 0


@pytest.mark.parametrize("truth_is_empty", [True, False])
def test_one_empty_is_worst(two_squares: Labels, truth_is_empty: bool) -> None:
    pair = (two_squares, np.zeros_like(two_squares))
    scores = evaluate(*(pair if truth_is_empty else pair[::-1]))
    assert (scores.sbd, scores.rand_error, scores.ap50, scores.mean_ap) == (0.0, 1.0, 0.0, 0.0)
    assert (scores.aji, scores.pq, scores.rq, scores.sq, scores.f1) == (0.0,) * 5
    assert (scores.splits, scores.merges) == (0.0, 0.0)
    assert scores.count_difference == 2.0
    assert metrics.matched_objects(*pair) == 0
    # Labels over one class: every bit of the squares is lost in one direction, none in the other.
    entropy = 0.75 * np.log2(4 / 3) + 0.25 * 3
    assert max(scores.vi_split, scores.vi_merge) == pytest.approx(entropy)
    assert min(scores.vi_split, scores.vi_merge) == 0.0
    assert (scores.vi_split > 0) == truth_is_empty


def test_no_background_at_all() -> None:
    truth = np.repeat([[1, 2, 3]], 4, axis=0)
    assert evaluate(truth, truth) == approx(PERFECT)
    assert evaluate(np.ones((2, 2), int), np.full((2, 2), 9)) == approx(PERFECT)


# --- agreement with the references -----------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_elf(seed: int) -> None:
    segmentation, truth = random_labels(seed, 12), random_labels(seed + 100, 9)
    scores = evaluate(segmentation, truth)
    expected_sbd = symmetric_best_dice_score(segmentation, truth, impl="numpy")
    assert scores.sbd == pytest.approx(expected_sbd)
    assert (scores.vi_split, scores.vi_merge) == pytest.approx(
        elf_variation_of_information(segmentation, truth)
    )
    assert scores.rand_error == pytest.approx(rand_index(segmentation, truth, ignore_gt=[0])[0])
    for threshold in (0.1, 0.3, 0.5):
        expected = matching(segmentation, truth, threshold)
        n_truth = len(set(truth.ravel()) - {0})
        found = metrics.matched_objects(segmentation, truth, threshold)
        assert found / n_truth == pytest.approx(expected["recall"])
        assert metrics.average_precision(segmentation, truth, threshold) == pytest.approx(
            expected["segmentation_accuracy"]
        )


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_scikit_image(seed: int) -> None:
    segmentation, truth = random_labels(seed, 12), random_labels(seed + 100, 9)
    assert metrics.variation_of_information(segmentation, truth) == pytest.approx(
        tuple(skimage_metrics.variation_of_information(truth, segmentation))
    )
    # scikit-image leaves out the pairs of a pixel with itself: n pairs in every sum of squares.
    foreground = truth > 0
    table = skimage_metrics.contingency_table(
        truth[foreground], segmentation[foreground], sparse_type="array"
    )
    joint, n = float((table.data**2).sum()), int(foreground.sum())
    sums = float((table.sum(axis=0) ** 2).sum()) + float((table.sum(axis=1) ** 2).sum())
    error = metrics.adapted_rand_error(segmentation, truth)
    assert error == pytest.approx(1 - 2 * joint / sums)
    theirs, _, _ = skimage_metrics.adapted_rand_error(truth, segmentation)
    assert theirs == pytest.approx(1 - 2 * (joint - n) / (sums - 2 * n))
    assert error == pytest.approx(theirs, abs=0.02)


def plain(segmentation: Labels, truth: Labels) -> dict[str, float]:
    """The scores of nuclei, object by object."""
    ours = [segmentation == label for label in np.unique(segmentation[segmentation > 0])]
    theirs = [truth == label for label in np.unique(truth[truth > 0])]
    shared = np.array([[(s & t).sum() for t in theirs] for s in ours])
    iou = np.array([[(s & t).sum() / (s | t).sum() for t in theirs] for s in ours])
    above, union = 0, 0
    used = set()
    for j, t in enumerate(theirs):
        if iou[:, j].max() == 0.0:
            union += t.sum()
            continue
        # Of equally good ones, the one that shares more; none of them counts as left over.
        equal = np.flatnonzero(iou[:, j] == iou[:, j].max())
        best = max(equal, key=lambda i: shared[i, j])
        above, union = above + shared[best, j], union + (ours[best] | t).sum()
        used |= set(equal)
    union += sum(ours[i].sum() for i in set(range(len(ours))) - used)
    matched = iou[iou > 0.5]
    rq = 2 * matched.size / (len(ours) + len(theirs))
    sq = matched.mean() if matched.size else 0.0
    mine = 2 * shared > np.array([[s.sum()] for s in ours])
    true = 2 * shared > np.array([t.sum() for t in theirs])
    return {
        "aji": above / union,
        "pq": rq * sq,
        "rq": rq,
        "sq": sq,
        "splits": sum(max(0, n - 1) for n in mine.sum(axis=0)),
        "merges": sum(max(0, n - 1) for n in true.sum(axis=1)),
    }


@settings(deadline=None)
@given(label_images(), label_images())
def test_agrees_with_a_plain_implementation(segmentation: Labels, truth: Labels) -> None:
    segmentation[0, 0] = truth[-1, -1] = 1  # empty images have tests of their own
    scores = evaluate(segmentation, truth)
    for name, expected in plain(segmentation, truth).items():
        assert getattr(scores, name) == pytest.approx(expected)


def test_splits_and_merges_by_hand() -> None:
    # Object 1 of the truth holds three pieces, 2 and 3 are one; 4 is missed, 9 is made up.
    truth = np.array([[1, 1, 1, 1, 1, 1, 0, 2, 2, 3, 3, 0, 4, 0]])
    ours = np.array([[1, 1, 2, 2, 3, 3, 0, 5, 5, 5, 5, 0, 0, 9]])
    assert metrics.splits_and_merges(ours, truth) == (2, 1)
    assert metrics.splits_and_merges(truth, ours) == (1, 2)
    assert metrics.f1_score(ours, truth) == pytest.approx(2 * 1 / (5 + 4))


def test_the_aggregated_jaccard_index_by_hand() -> None:
    # 1: 2 of 4 shared, 2: missed (2 px), 3: made up (3 px); 2 / (4 + 2 + 3).
    truth = np.array([[1, 1, 1, 0, 0, 0, 0, 2, 2]])
    ours = np.array([[0, 1, 1, 1, 3, 3, 3, 0, 0]])
    assert metrics.aggregated_jaccard_index(ours, truth) == pytest.approx(2 / 9)


def test_tens_of_thousands_of_cells() -> None:
    # A table of all pairs of objects would take 10 GB.
    y, x = np.mgrid[:760, :760]
    truth = (1 + y // 4 * 190 + x // 4) * ((y % 4 > 0) & (x % 4 > 0))
    shifted = np.roll(truth, 1, axis=1)
    scores = evaluate(shifted, truth)
    assert truth.max() == 36100
    assert scores.sbd == pytest.approx(2 / 3)
    assert (scores.f1, scores.pq) == (1.0, 0.0)  # every IoU is 1/2
    assert scores.aji == pytest.approx(0.5)
    assert evaluate(truth, truth) == approx(PERFECT)


# --- properties ------------------------------------------------------------------------------


@settings(deadline=None)
@given(label_images(), label_images(), st.permutations(range(1, 10)))
def test_values_of_labels_do_not_matter(
    segmentation: Labels, truth: Labels, values: list[int]
) -> None:
    names = np.array([0, *values])
    before = segmentation.copy(), truth.copy()
    expected = evaluate(segmentation, truth)
    assert evaluate(names[segmentation] * 1000, truth) == approx(expected)
    assert evaluate(segmentation, names[truth].astype(np.uint16)) == approx(expected)
    assert_array_equal(segmentation, before[0])
    assert_array_equal(truth, before[1])


@settings(deadline=None)
@given(label_images(), label_images())
def test_bounds_and_symmetry(segmentation: Labels, truth: Labels) -> None:
    scores, swapped = evaluate(segmentation, truth), evaluate(truth, segmentation)
    for name in (
        "sbd", "rand_error", "ap50", "mean_ap", "aji", "pq", "rq", "sq", "f1", "mwcov", "mucov",
        "avg_fp", "avg_fn",
    ):  # fmt: skip
        value = getattr(scores, name)
        assert 0.0 <= value <= 1.0
    assert scores.mean_ap <= scores.ap50 + 1e-12  # the mean rounds
    assert min(scores.vi_split, scores.vi_merge) >= 0.0
    assert (swapped.vi_merge, swapped.vi_split) == pytest.approx(
        (scores.vi_split, scores.vi_merge), abs=1e-12
    )
    for name in ("sbd", "ap50", "mean_ap", "count_difference", "pq", "rq", "sq", "f1"):
        assert getattr(scores, name) == pytest.approx(getattr(swapped, name))
    assert (swapped.splits, swapped.merges) == (scores.merges, scores.splits)
    assert (swapped.avg_fp, swapped.avg_fn) == (scores.avg_fn, scores.avg_fp)
    for value in vars(scores).values():
        assert type(value) is float


@settings(deadline=None)
@given(label_images())
def test_every_image_is_perfect_against_itself(truth: Labels) -> None:
    assert evaluate(truth, truth) == approx(PERFECT)


@settings(deadline=None)
@given(label_images(), label_images())
def test_project_truth_takes_the_largest_overlap(image: Labels, truth: Labels) -> None:
    superpixels = np.unique(image, return_inverse=True)[1].reshape(image.shape).astype(np.int32)
    projected = metrics.project_truth(superpixels, truth)
    bound = metrics.superpixel_bound(superpixels, truth)
    assert projected.dtype == bound.dtype == np.int32
    assert projected.shape == (superpixels.max() + 1,)
    for superpixel, label in enumerate(projected):
        # argmax takes the first of equal counts, which is the smallest label.
        assert label == np.bincount(truth[superpixels == superpixel]).argmax()
        assert (bound[superpixels == superpixel] == label).all()
    assert_array_equal(metrics.superpixel_bound(superpixels, bound), bound)


# --- superpixels -----------------------------------------------------------------------------


def test_superpixel_bound_by_hand() -> None:
    superpixels = np.array([[0, 0, 0, 1], [2, 2, 2, 1], [3, 3, 4, 4]])
    truth = np.array([[5, 5, 0, 9], [0, 0, 7, 9], [7, 3, 0, 6]])
    # Superpixel 3 ties between 3 and 7, superpixel 4 between background and 6.
    assert_array_equal(metrics.project_truth(superpixels, truth), [5, 9, 0, 3, 0])
    assert_array_equal(
        metrics.superpixel_bound(superpixels, truth),
        [[5, 5, 5, 9], [0, 0, 0, 9], [3, 3, 0, 0]],
    )


def test_superpixel_bound_of_single_pixels_is_the_truth() -> None:
    truth = random_labels(3, 9)
    superpixels = np.arange(truth.size).reshape(truth.shape)
    assert_array_equal(metrics.superpixel_bound(superpixels, truth), truth)
    assert_array_equal(metrics.superpixel_bound(np.zeros_like(truth), truth), np.zeros_like(truth))


def test_largest_label_that_fits() -> None:
    truth = np.array([[0, np.iinfo(np.int32).max]])
    assert_array_equal(metrics.project_truth(np.array([[0, 1]]), truth), truth[0])
    assert metrics.symmetric_best_dice(truth, truth) == pytest.approx(1.0)


@pytest.mark.parametrize("superpixels", [[[0, 2]], [[1, 1]], [[0, np.iinfo(np.int32).max]]])
def test_gaps_in_superpixels_are_refused(superpixels: list[list[int]]) -> None:
    with pytest.raises(ValueError, match=r"superpixels must be labelled 0\.\.N-1 .* got \d labels"):
        metrics.project_truth(np.array(superpixels), np.array([[0, 1]]))


# --- means and errors ------------------------------------------------------------------------


def test_mean_scores() -> None:
    worst = Evaluation(
        sbd=0.0,
        vi_split=1.0,
        vi_merge=3.0,
        rand_error=1.0,
        ap50=0.0,
        mean_ap=0.5,
        count_difference=5.0,
        aji=0.0,
        pq=0.0,
        rq=0.5,
        sq=0.0,
        f1=0.0,
        splits=3.0,
        merges=1.0,
        mwcov=0.25,
        mucov=0.0,
        avg_fp=1.0,
        avg_fn=0.5,
    )
    assert mean_scores([PERFECT, worst]) == Evaluation(
        sbd=0.5,
        vi_split=0.5,
        vi_merge=1.5,
        rand_error=0.5,
        ap50=0.5,
        mean_ap=0.75,
        count_difference=2.5,
        aji=0.5,
        pq=0.5,
        rq=0.75,
        sq=0.5,
        f1=0.5,
        splits=1.5,
        merges=0.5,
        mwcov=0.625,
        mucov=0.5,
        avg_fp=0.5,
        avg_fn=0.25,
    )
    assert mean_scores([worst]) == worst
    assert all(type(value) is float for value in vars(mean_scores([worst])).values())
    with pytest.raises(ValueError, match="scores must hold at least one"):
        mean_scores([])


@pytest.mark.parametrize("function", [*SCORED, metrics.project_truth, metrics.superpixel_bound])
@pytest.mark.parametrize(
    ("first", "truth", "message"),
    [
        (np.zeros((4, 4), int), np.zeros((4, 5), int), r"truth .* \(4, 4\), got \(4, 5\)"),
        (
            np.zeros((4, 4, 1, 1), int),
            np.zeros((4, 4), int),
            r"(segm|superp).* got shape \(4, 4, 1, 1\)",
        ),
        (np.zeros((4, 4), int), np.zeros(16, int), r"truth .* got shape \(16,\)"),
        (np.zeros((0, 4), int), np.zeros((0, 4), int), r"non-empty .* got shape \(0, 4\)"),
        (np.zeros((4, 4)), np.zeros((4, 4), int), "(segm|superp).* integer dtype, got float64"),
        (np.zeros((4, 4), int), np.zeros((4, 4), bool), "truth .* integer dtype, got bool"),
        (np.full((4, 4), -1), np.zeros((4, 4), int), "(segm|superp).* from 0 .* got -1 to -1"),
        (np.zeros((4, 4), int), np.full((4, 4), 2**31), "truth .* got 2147483648"),
    ],
)
def test_unusable_images_are_refused(
    function: Callable[..., object], first: NDArray, truth: NDArray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        function(first, truth)


@pytest.mark.parametrize("threshold", [0.0, -0.5, 1.01, float("nan")])
def test_threshold_out_of_range_is_refused(two_squares: Labels, threshold: float) -> None:
    for function in (metrics.average_precision, metrics.matched_objects, metrics.f1_score):
        with pytest.raises(ValueError, match=r"threshold must be in \(0, 1\], got"):
            function(two_squares, two_squares, threshold)


@pytest.mark.parametrize("function", SCORED)
def test_read_only_and_strided_inputs(function: Callable[..., object], two_squares: Labels) -> None:
    two_squares.flags.writeable = False
    expected = function(two_squares[:, ::2].copy(), two_squares[:, 1::2].copy())
    assert function(two_squares[:, ::2], two_squares[:, 1::2]) == expected


def test_pages_joined_are_as_one_image_of_them_all() -> None:
    rng = np.random.default_rng(3)
    first, second = rng.integers(0, 6, (2, 4, 7, 9))
    second[1] = 0
    pages = [overlaps(a, b) for a, b in zip(first, second, strict=True)]
    beside = overlaps(np.concatenate(first), np.concatenate(second))
    for name, expected in vars(beside).items():
        np.testing.assert_array_equal(getattr(joined(pages), name), expected)
