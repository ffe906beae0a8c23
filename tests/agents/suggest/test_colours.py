"""Which intensities of an image show its objects."""

import numpy as np
from skimage.color import hed2rgb

from agents.suggest.colours import (
    clearest_channel,
    clearest_stain,
    is_stain,
    is_stained,
    suggest_colour,
)


def discs(seed=0, noise=0.02):
    """A plane in [0, 1] with bright discs."""
    rng = np.random.default_rng(seed)
    yy, xx = np.mgrid[:128, :128]
    plane = np.full((128, 128), 0.1)
    plane[np.hypot(yy % 32 - 16, xx % 32 - 16) < 9] = 0.8
    return np.clip(plane + noise * rng.standard_normal(plane.shape), 0, 1)


def section(hematoxylin, eosin=0.0):
    stains = np.zeros((*hematoxylin.shape, 3))
    stains[..., 0], stains[..., 1] = hematoxylin, eosin
    return np.moveaxis(np.rint(255 * hed2rgb(stains)), -1, 0).astype(np.uint8)


def test_stained_sections_and_what_is_none():
    plane = discs()
    stained = section(0.05 + 0.2 * (plane > 0.5))
    assert is_stained(stained)
    grey = np.rint(255 * (1.0 - plane)).astype(np.uint8)
    assert not is_stained(np.stack([grey] * 3))  # unstained, bright field
    blue = np.rint(255 * plane).astype(np.uint8)
    assert not is_stained(np.stack([blue // 9, blue // 9, blue]))  # fluorescence
    assert not is_stained(stained[:1])
    assert suggest_colour([stained]) == "darkness"
    assert suggest_colour([np.stack([grey] * 3), grey[None]]) == "grey"
    assert suggest_colour([grey[None]]) == "channels"


def test_names_of_stains():
    assert is_stain("dab")
    assert is_stain("hematoxylin+rgb")
    assert is_stain("darkness")
    assert not is_stain("channels")


def test_the_stain_that_shows_nuclei_more_clearly():
    nuclei = 0.02 + 0.1 * (discs() > 0.5)
    fibres = 0.2 * (np.mgrid[:128, :128][0] % 16 < 8)
    assert clearest_stain([section(nuclei, fibres)]) == "hematoxylin"
    only = section(nuclei)
    assert clearest_stain([only]) in ("darkness", "hematoxylin")


def test_the_channel_with_objects():
    empty = np.random.default_rng(1).random((128, 128))
    assert clearest_channel([np.stack([empty, discs()]), np.stack([empty, discs(2)])]) == 1
    assert clearest_channel([discs()[None]]) == 0
    assert clearest_channel([np.stack([np.zeros((128, 128)), discs()])]) == 1
