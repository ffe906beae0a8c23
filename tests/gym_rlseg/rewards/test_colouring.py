"""Rewards of colourings: by hand on two touching squares, and against a plain implementation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gym_rlseg.images.base import Sample
from gym_rlseg.metrics import symmetric_best_dice
from gym_rlseg.rewards.bright_discs import bright_discs
from gym_rlseg.rewards.colour_regions import regions_of, steps_for
from gym_rlseg.rewards.colouring import (
    COLOURING_REWARDS,
    InsReward,
    PixelScores,
    ProxReward,
    TruthReward,
)
from gym_rlseg.rewards.colouring_priors import PriorsColouringReward

Labels = NDArray[np.int32]


def squares(depth: int | None = None) -> Labels:
    """Two squares of 4 x 3 pixels side by side in 6 x 8, or boxes of depth 4 in `depth` slices."""
    flat = np.zeros((6, 8), np.int32)
    flat[1:5, 1:4], flat[1:5, 4:7] = 1, 2
    if depth is None:
        return flat
    volume = np.zeros((depth, 6, 8), np.int32)
    volume[1:5] = flat
    return volume


def sample(truth: Labels | None, shape: tuple[int, ...] = (6, 8)) -> Sample:
    image = np.zeros((1, *(shape if truth is None else truth.shape)), np.float32)
    return Sample(image=image, truth=truth, name="drawn")


def scored(
    reward: Any, truth: Labels, bits: Sequence[NDArray], kept: NDArray | None = None
) -> list[PixelScores]:
    """The scores of all steps of an episode."""
    scorer = reward.scorer(reward.prepare(sample(truth)), len(bits), kept)
    colours, found = np.zeros(truth.shape, np.int16), []
    for t, bit in enumerate(bits):
        colours = (colours + bit.astype(np.int16) * 2**t).astype(np.int16)
        found.append(scorer(colours, None))
    return found


def plain(reward: TruthReward, truth: Labels, bits: Sequence[NDArray]) -> list[NDArray[np.float64]]:
    """The module's formulae, one pixel and one object after the other; without erosion."""
    steps, places = len(bits), np.argwhere(np.ones(truth.shape, bool))
    names = [n for n in np.unique(truth) if n]
    masks = {n: truth == n for n in names}

    def band(n: int, radius: float) -> NDArray[np.bool_]:
        own = np.argwhere(masks[n])
        near = np.zeros(truth.shape, bool)
        for place in places:
            near[tuple(place)] = np.sqrt(((own - place) ** 2).sum(1)).min() <= radius
        return near & ~masks[n] & (truth > 0)

    def share(mask: NDArray[np.bool_], colours: NDArray, colour: int) -> float:
        return float((colours[mask] == colour).mean()) if mask.any() else 0.0

    def near(n: int, radius: float, colours: NDArray, colour: int) -> float:
        where = band(n, radius)
        if isinstance(reward, ProxReward):
            return share(where, colours, colour)
        around = np.unique(truth[where])
        return float(np.mean([share(masks[j], colours, colour) for j in around] or [0.0]))

    found, old = [], np.zeros(truth.shape, int)
    for t, bit in enumerate(bits):
        new, result = old + bit * 2**t, np.zeros(truth.shape)
        for place in map(tuple, places):
            n, before, after = truth[place], old[place], new[place]
            if t == 0:
                size = 1 - reward.first if n else reward.first
                result[place] = size if bool(n) == bool(after) else -size
            elif n == 0:
                result[place] = -reward.ground if before == 0 and after != 0 else 0.0
            else:
                same, was = share(masks[n], new, after), share(masks[n], old, before)
                result[place] = reward.merging * (same / steps - ((1 - same) - (1 - was)))
                for radius in reward.radii:
                    b, b_was = near(n, radius, new, after), near(n, radius, old, before)
                    gain = (1 - b) - (1 - b_was)
                    result[place] += reward.splitting * (gain - b / steps)
        found.append(result)
        old = new
    return found


@pytest.mark.parametrize("depth", [None, 6])
@pytest.mark.parametrize("reward", [ProxReward(radii=(2.0,)), InsReward(radii=(2.0,))])
def test_two_touching_squares_by_hand(reward: TruthReward, depth: int | None) -> None:
    truth = squares(depth)
    one, two, ground = truth == 1, truth == 2, truth == 0
    first, told_apart = scored(reward, truth, [~ground, one])
    # The right foreground: 1/2 everywhere. Then both squares keep together, 1/2 as 1/T, and
    # what was near and of the same colour no longer is, 1.
    assert (first.pixels == 0.5).all()
    assert (told_apart.pixels[one | two] == 1.5 * 1 + 1 * 0.5).all()
    assert (told_apart.pixels[ground] == 0).all()
    inside = (one | two).mean()
    assert told_apart.parts == pytest.approx(
        {"ground": 0.0, "splitting": 1.5 * inside, "merging": 0.5 * inside}
    )
    # Nothing happens: what is still alike costs 1/T.
    _, alike = scored(reward, truth, [~ground, np.zeros_like(one)])
    assert alike.pixels[one | two] == pytest.approx(1.5 * -0.5 + 0.5)
    # A column of the first square goes, 1/3 of it: 1/3 · (1 + 1/2) - 1 and 2/3 · (1 + 1/2) - 1.
    column = one.copy()
    column[..., 2:] = False
    _, torn = scored(reward, truth, [~ground, column])
    assert torn.pixels[column] == pytest.approx(1.5 * 1 + 1 * -0.5)
    assert torn.pixels[one & ~column] == pytest.approx(1.5 * -0.5 + 0, abs=1e-6)
    # A pixel of the ground that takes a colour late loses w_b, one that had one nothing more.
    corner = np.zeros_like(one)
    corner.flat[0] = True
    _, late = scored(reward, truth, [~ground, one | corner])
    assert late.pixels.flat[0] == -0.5
    early, again = scored(reward, truth, [~ground | corner, one | corner])
    assert early.pixels.flat[0] == -0.5
    assert again.pixels.flat[0] == 0


@pytest.mark.parametrize("cls", [ProxReward, InsReward])
@pytest.mark.parametrize("shape", [(7, 9), (4, 5, 6)])
def test_against_a_plain_implementation(cls: type[TruthReward], shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    reward = cls(radii=(1.5, 3.0), splitting=1.3, merging=0.7, ground=0.4, first=0.3)
    for steps in (1, 3):
        truth = rng.choice([0, 1, 2, 5], shape).astype(np.int32)
        bits = [rng.integers(2, size=shape) for _ in range(steps)]
        for scores, expected in zip(
            scored(reward, truth, bits), plain(reward, truth, bits), strict=True
        ):
            np.testing.assert_allclose(scores.pixels, expected, atol=1e-6)
            assert sum(scores.parts.values()) == pytest.approx(expected.mean())


@pytest.mark.parametrize("cls", [ProxReward, InsReward])
def test_numbers_of_labels_do_not_matter(cls: type[TruthReward]) -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(5, size=(9, 11)).astype(np.int32)
    renamed = np.array([0, 70, 3, 12, 1], np.int32)[truth]  # with holes, in another order
    bits = [rng.integers(2, size=truth.shape) for _ in range(3)]
    reward = cls(radii=(3.0,), shrink=0.8)
    for one, two in zip(scored(reward, truth, bits), scored(reward, renamed, bits), strict=True):
        np.testing.assert_allclose(one.pixels, two.pixels, atol=1e-6)


@pytest.mark.parametrize("cls", [ProxReward, InsReward])
def test_differences_telescope(cls: type[TruthReward]) -> None:
    """Over the later steps they add up to the end's value less that after the first step."""
    rng = np.random.default_rng(2)
    truth = rng.integers(1, 5, size=(8, 8)).astype(np.int32)
    bits = [rng.integers(2, size=truth.shape) for _ in range(4)]
    reward, steps = cls(radii=(2.0,)), 4
    total = sum(s.pixels.astype(np.float64) for s in scored(reward, truth, bits)[1:])

    regions = regions_of(truth, (2.0,))
    shares = []
    for count in range(1, steps + 1):
        colours = np.asarray(sum(bit * 2**t for t, bit in enumerate(bits[:count])))
        s, b = np.zeros(truth.shape), np.zeros(truth.shape)
        band = regions.bands[0]
        for place in map(tuple, np.argwhere(truth > 0)):
            i, colour = regions.labels[place], colours[place]
            s[place] = (colours[truth == truth[place]] == colour).mean()
            near = band.pixels[band.starts[i] : band.starts[i + 1]]
            if cls is ProxReward:
                b[place] = (colours.ravel()[near] == colour).mean() if near.size else 0.0
            else:
                others = np.unique(truth.ravel()[near])
                b[place] = np.mean(
                    [(colours[truth == j] == colour).mean() for j in others] or [0.0]
                )
        shares.append((s, b))
    (s_first, b_first), (s_last, b_last) = shares[0], shares[-1]
    lasting = sum(s - 1.5 * b for s, b in shares[1:]) / steps
    expected = (s_last - s_first) - 1.5 * (b_last - b_first) + lasting
    np.testing.assert_allclose(total, expected, atol=1e-5)


def test_nothing_reaches_around_the_frame() -> None:
    truth = np.zeros((5, 20), np.int32)
    truth[:, :2], truth[:, -2:] = 1, 2
    regions = regions_of(truth, (6.0,))
    assert regions.bands[0].pixels.size == 0
    assert regions.most_neighbours == 0
    assert np.array_equal(regions_of(truth, (17.0,)).bands[0].neighbours.indices, [2, 1])


def test_interiors() -> None:
    truth = np.zeros((20, 20), np.int32)
    truth[4:14, 4:14] = 1
    truth[0:10, 16:20] = 2  # at the frame, which does not erode
    truth[18, 2] = 3  # smaller than any erosion
    interiors = regions_of(truth, (3.0,), shrink=0.8).interiors
    assert (interiors == 1).sum() == 8 * 8
    ys, xs = np.nonzero(interiors == 2)
    assert (ys.min(), xs.max()) == (0, 19)
    assert (ys.max(), xs.min()) == (7, 18)
    assert (interiors == 3).sum() == 1
    assert np.array_equal(regions_of(truth, (3.0,)).interiors, truth)
    thin = np.zeros((9, 9), np.int32)
    thin[4, :] = 7  # erosion would take all of it
    assert (regions_of(thin, (3.0,), shrink=0.1).interiors == 1).sum() == 9


def test_erosion_takes_only_interiors_into_account() -> None:
    truth = squares()
    truth[truth == 2] = 0
    bits = [truth > 0, np.zeros_like(truth)]
    # A pixel at the rim of the object has a colour of its own.
    bits[1][1, 1] = 1
    _, whole = scored(ProxReward(), truth, bits)
    _, eroded = scored(ProxReward(shrink=0.7), truth, bits)
    assert whole.pixels[2, 2] == pytest.approx(11 / 12 * 1.5 - 1)
    assert eroded.pixels[2, 2] == pytest.approx(0.5)
    assert eroded.pixels[1, 1] == -1.0  # none of the interior has its colour


@pytest.mark.parametrize("name", ["prox", "ins"])
def test_no_object_one_object_and_one_step(name: str) -> None:
    reward = COLOURING_REWARDS.build(name)
    nothing = np.zeros((5, 6), np.int32)
    first, second = scored(reward, nothing, [nothing, nothing + 1])
    assert (first.pixels == 0.5).all()
    assert (second.pixels == -0.5).all()
    alone = nothing.copy()
    alone[1:3, 1:4] = 9
    _, kept = scored(reward, alone, [alone > 0, nothing])
    assert kept.parts["splitting"] == 0  # there is nothing to be told from
    assert (kept.pixels[alone > 0] == 0.5).all()
    (only,) = scored(reward, alone, [alone > 0])
    assert (only.pixels == 0.5).all()


def test_pixels_that_do_not_count() -> None:
    rng = np.random.default_rng(3)
    truth = squares()
    kept = (truth == 1) | (rng.random(truth.shape) < 0.3) & (truth == 0)
    bits = [rng.integers(2, size=truth.shape) for _ in range(3)]
    reward = ProxReward()
    for part, whole in zip(
        scored(reward, truth, bits, kept), scored(reward, truth, bits), strict=True
    ):
        np.testing.assert_allclose(part.pixels, np.where(kept, whole.pixels, 0), atol=1e-6)
        assert sum(part.parts.values()) == pytest.approx(float(whole.pixels[kept].mean()))


def test_steps_by_neighbours() -> None:
    # 2^(T-1) + 1 >= N_b
    assert [steps_for(n) for n in (0, 1, 2, 3, 4, 5, 6, 9, 10, 17, 33)] == [
        1, 1, 1, 2, 3, 3, 4, 4, 5, 5, 6,
    ]  # fmt: skip
    star = np.zeros((30, 30), np.int32)
    star[12:18, 12:18] = 1
    for n, (y, x) in enumerate([(6, 14), (20, 14), (14, 6), (14, 20)], 2):
        star[y : y + 3, x : x + 3] = n
    assert regions_of(star, (4.0,)).most_neighbours == 4
    assert regions_of(star, (2.0,)).most_neighbours == 0


def test_by_priors_without_truth() -> None:
    yy, xx = np.mgrid[:40, :40]
    image = np.full((1, 40, 40), 0.2, np.float32)
    disc = np.hypot(yy - 20, xx - 20) <= 8
    image[0][disc] = 0.8
    prior = {"name": "circularity", "count": [1, 1], "radius": [5.0, 11.0]}
    reward = COLOURING_REWARDS.build({"name": "priors", "reward": prior})
    assert isinstance(reward, PriorsColouringReward)
    prepared = reward.prepare(Sample(image=image, truth=None, name="a disc"))

    def last(objects: NDArray, colours: NDArray) -> PixelScores:
        scorer = reward.scorer(prepared, 2)
        before = scorer(colours.astype(np.int16), None)
        assert not before.pixels.any()
        return scorer(colours.astype(np.int16), objects.astype(np.int32))

    colours = disc.astype(int)
    colours[2, 2] = 3  # a speck, too small to be an object
    good = last(disc, colours)
    cut = last(np.where(disc, 1 + (xx > 20), 0), np.where(disc, 1 + 2 * (xx > 20), 0))
    assert good.pixels[20, 20] > 0.6
    assert good.pixels[2, 2] == 0
    assert good.pixels[0, 39] > 0.3
    assert cut.pixels[20, 20] < 0.3
    assert sum(good.parts.values()) == pytest.approx(float(good.pixels.mean()))
    assert sum(good.parts.values()) > 2 * sum(cut.parts.values())


def test_brightness_of_pixels_tells_seen_discs_from_invented_ones() -> None:
    yy, xx = np.mgrid[:40, :40]
    disc = np.hypot(yy - 13, xx - 13) <= 8
    elsewhere = np.hypot(yy - 27, xx - 27) <= 8
    image = np.where(disc, 0.8, 0.2).astype(np.float32)[None]
    prior = {"name": "circularity", "count": [1, 1], "radius": [5.0, 11.0]}

    def total(pixels: str, objects: NDArray, seen: NDArray = image) -> PixelScores:
        reward = COLOURING_REWARDS.build({"name": "priors", "reward": prior, "pixels": pixels})
        scorer = reward.scorer(reward.prepare(Sample(image=seen, truth=None, name="a disc")), 1)
        return scorer(objects.astype(np.int16), objects.astype(np.int32))

    plain, bright = total("none", disc), total("brightness", disc)
    assert bright.pixels[13, 13] == pytest.approx(plain.pixels[13, 13], rel=0.01)
    assert bright.pixels[39, 39] == pytest.approx(plain.pixels[39, 39], rel=0.01)
    assert sum(bright.parts.values()) == pytest.approx(float(bright.pixels.mean()))
    # As round, but nobody sees it: shape alone pays for it as much.
    assert sum(total("none", elsewhere).parts.values()) == pytest.approx(
        sum(plain.parts.values()), rel=0.02
    )
    invented = total("brightness", elsewhere)
    assert sum(invented.parts.values()) < 0.8 * sum(bright.parts.values())
    assert invented.pixels[27, 27] < 0.02  # an object, but dark
    assert invented.pixels[13, 13] < 0.02  # ground, but bright
    dark = total("darkness", disc, 1 - image)
    np.testing.assert_allclose(dark.pixels, bright.pixels, atol=1e-6)
    with pytest.raises(ValueError, match=r"a disc: pixels='brightness' needs channel 1, .* has 1"):
        PriorsColouringReward(pixels="brightness", channel=1).prepare(
            Sample(image=image, truth=None, name="a disc")
        )


def test_what_cannot_be_scored() -> None:
    with pytest.raises(ValueError, match="drawn: this reward compares with the truth"):
        ProxReward().prepare(sample(None))
    with pytest.raises(ValueError, match=r"truth must be integers .* got float64 \(3, 3\)"):
        regions_of(np.zeros((3, 3)), (1.0,))
    with pytest.raises(ValueError, match="truth must be >= 0, got -1"):
        regions_of(np.full((3, 3), -1), (1.0,))
    with pytest.raises(ValueError, match=r"are for images \(C, H, W\), got \(1, 4, 5, 6\)"):
        PriorsColouringReward().prepare(sample(None, (4, 5, 6)))
    with pytest.raises(ValueError, match=r"radii must be a list .* got \(\)"):
        ProxReward(radii=())
    with pytest.raises(ValueError, match="unknown colouring reward 'proxy'; did you mean 'prox'"):
        COLOURING_REWARDS.build("proxy")


@pytest.mark.parametrize("name", ["prox", "ins", "priors"])
def test_plain_data_and_back(name: str) -> None:
    reward = COLOURING_REWARDS.build(name)
    assert COLOURING_REWARDS.build(COLOURING_REWARDS.to_data(reward)) == reward


def test_discs_are_proposed_where_they_stand_out() -> None:
    yy, xx = np.mgrid[:40, :48]
    drawn = np.zeros((40, 48), np.int32)
    drawn[np.hypot(yy - 14, xx - 13) <= 6] = 1
    drawn[np.hypot(yy - 26, xx - 33) <= 8] = 2
    image = np.where(drawn > 0, 0.8, 0.3) + 0.1 * (xx // 4 % 2)  # on stripes
    for dark, seen in ((False, image), (True, 1 - image)):
        reward = COLOURING_REWARDS.build(
            {"name": "proposals", "radius": [5, 9], "count": [1, 4], "dark": dark}
        )
        sample = Sample(image=seen[None].astype(np.float32), truth=None, name="discs")
        regions = reward.regions(reward.prepare(sample))
        assert regions is not None
        assert symmetric_best_dice(regions.labels, drawn) > 0.85
    with pytest.raises(ValueError, match="volumes need labels"):
        reward.prepare(Sample(image=np.zeros((1, 4, 8, 8), np.float32), truth=None, name="v"))
    with pytest.raises(ValueError, match="low <= high"):
        COLOURING_REWARDS.build({"name": "proposals", "radius": [9, 5]})


def test_proposals_are_scored_as_truth_is() -> None:
    rng = np.random.default_rng(0)
    image = rng.random((1, 40, 40), np.float32) * 0.1
    image[0, 10:22, 10:22] = 1.0
    sample = Sample(image=image, truth=np.ones((40, 40), np.int32), name="square")
    discs = bright_discs(image[0], (5.0, 9.0), (1, 1))
    assert discs.max() == 1
    bits = [rng.integers(2, size=discs.shape) for _ in range(2)]
    reward = COLOURING_REWARDS.build({"name": "proposals", "count": [1, 1], "reward": "ins"})
    scorer, colours = reward.scorer(reward.prepare(sample), 2), np.zeros(discs.shape, np.int16)
    for step, (bit, expected) in enumerate(
        zip(bits, scored(InsReward(), discs, bits), strict=True)
    ):
        colours = colours + (bit << step).astype(np.int16)
        np.testing.assert_array_equal(scorer(colours.copy(), None).pixels, expected.pixels)
