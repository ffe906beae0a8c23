"""What is measured on drawn images: stain, polarity, diameter, number."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.color import hed2rgb

from agents.suggest.measuring import bright_objects, is_stained, measure, middle


def discs(diameter: float, shape=(256, 256), noise=0.02, seed=0, gap=4.0):
    """A plane in [0, 1] with bright discs that don't touch, and how many there are."""
    rng = np.random.default_rng(seed)
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    plane = np.full(shape, 0.1)
    placed: list[tuple[float, float]] = []
    for _ in range(300):
        y, x = rng.uniform(diameter, np.array(shape) - diameter)
        if all(np.hypot(y - b, x - a) > diameter + gap for b, a in placed):
            placed.append((y, x))
            plane[np.hypot(yy - y, xx - x) <= diameter / 2] = 0.8
        if len(placed) * diameter**2 > 0.25 * plane.size:
            break
    return np.clip(plane + noise * rng.standard_normal(shape), 0, 1), len(placed)


@pytest.mark.parametrize(
    ("diameter", "shape"), [(8, (128, 128)), (24, (256, 320)), (64, (400, 400))]
)
def test_the_diameter_and_number_of_discs(diameter, shape):
    drawn = [discs(diameter, shape, seed=seed) for seed in (0, 1)]
    found = measure([plane for plane, _ in drawn])
    assert found.diameter == pytest.approx(diameter, rel=0.15)
    assert found.count[0] == pytest.approx(min(n for _, n in drawn), abs=1)
    assert found.count[1] == pytest.approx(max(n for _, n in drawn), abs=1)
    assert found.contrast > 0.9


def test_noise_and_uneven_light_change_little():
    plane, _ = discs(20, noise=0.15)
    assert measure([plane]).diameter == pytest.approx(20, rel=0.2)
    # Objects on the left are as dark as the ground on the right.
    shade = np.linspace(0.1, 1.0, 768)
    wide = np.tile(discs(20)[0], (3, 3)) * shade
    assert measure([wide]).diameter == pytest.approx(20, rel=0.2)


def test_a_known_diameter_is_kept():
    plane, number = discs(24)
    found = measure([plane], diameter=22.0)
    assert found.diameter == 22.0
    assert found.count == (number, number)


def test_measuring_changes_no_input():
    plane, _ = discs(16)
    before = plane.copy()
    measure([plane])
    bright_objects(plane)
    assert np.array_equal(plane, before)


def test_bright_and_dark_objects():
    for diameter in (8, 24, 50):
        plane, _ = discs(diameter)
        assert bright_objects(plane) > 0.5
        assert bright_objects(1.0 - plane) == pytest.approx(-bright_objects(plane), abs=0.05)


def test_objects_on_more_than_half_of_the_image_are_still_objects():
    """They fall apart, while the ground between them hangs together."""
    plane = np.full((200, 200), 0.1)
    yy, xx = np.mgrid[:20, :20]
    tile = np.where(np.hypot(yy - 9.5, xx - 9.5) <= 8.5, 0.9, 0.1)  # 57 % bright
    plane = np.tile(tile, (10, 10))
    assert bright_objects(plane) > 0.3


def test_dim_means_far_below_the_brightest_on_black():
    plane, _ = discs(16, noise=0.0)
    black = np.where(plane > 0.5, 0.3, 0.0)
    black[:12, :12] = 1.0
    assert measure([black]).dim
    assert not measure([plane]).dim
    assert not measure([np.where(plane > 0.5, 0.3, 0.25) + 0.0]).dim


def test_pure_noise_has_little_contrast():
    noise = np.random.default_rng(0).random((128, 128))
    assert measure([noise]).contrast < 0.4


def test_stained_sections_and_what_is_none():
    plane, _ = discs(20)
    stains = np.zeros((*plane.shape, 3))
    stains[..., 0] = 0.05 + 0.2 * (plane > 0.5)
    section = np.moveaxis(np.rint(255 * hed2rgb(stains)), -1, 0).astype(np.uint8)
    assert is_stained(section)
    grey = np.rint(255 * (1.0 - plane)).astype(np.uint8)
    assert not is_stained(np.stack([grey] * 3))  # unstained, bright field
    blue = np.rint(255 * plane).astype(np.uint8)
    assert not is_stained(np.stack([blue // 9, blue // 9, blue]))  # fluorescence
    assert not is_stained(section[:1])


def test_the_middle():
    image = np.arange(2 * 5 * 6).reshape(2, 5, 6)
    assert np.array_equal(middle(image, 3), image[:, 1:4, 1:4])
    assert np.array_equal(middle(image, 10), image)
