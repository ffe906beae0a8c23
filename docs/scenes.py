"""Drawn objects for the pictures of priors: one scene, or a row of them, for each prior."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gym_rlseg.graph.boundary import GradientBoundary
from gym_rlseg.graph.features import GraphParts, edge_features, node_features
from gym_rlseg.graph.graph import SuperpixelGraph
from gym_rlseg.graph.planar.outlines import region_adjacency
from gym_rlseg.graph.sums import node_sums

Mask = NDArray[np.bool_]
HEIGHT, WIDTH = 116, 308
_BLOCK = 22  # of the ground's superpixels, in pixels
_ROUND = 0.3  # px more, so that no single pixel sticks out of a disc
_DARK, _BRIGHT = 0.2, 0.7


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """Objects on ground.

    Attributes:
        labels: int32 (H, W), 0 = ground, objects 1..n.
        image: float32 (H, W) in [0, 1].
        shows_image: whether the image matters, so that a picture has to show it.
    """

    labels: NDArray[np.int32]
    image: NDArray[np.float32]
    shows_image: bool = False

    def graph(self) -> tuple[SuperpixelGraph, NDArray[np.int32]]:
        """Its graph, and the object of each superpixel, int32 (N,).

        An object is one superpixel, the ground many. What of it lies in holes, apart from
        its largest part, is numbered after the objects.
        """
        apart, _ = ndimage.label(self.labels == 0)
        apart[apart == np.argmax(np.bincount(apart[apart > 0]))] = 0
        whole = np.where(apart > 0, self.labels.max() + apart, self.labels)
        _, whole = np.unique(whole, return_inverse=True)
        whole = whole.reshape(self.labels.shape)
        yy, xx = np.indices(self.labels.shape) // _BLOCK
        blocks = (yy * (xx.max() + 1) + xx) * (self.labels == 0)
        _, numbers = np.unique(blocks * (whole.max() + 1) + whole, return_inverse=True)
        superpixels: NDArray[np.int32] = np.asarray(numbers, np.int32).reshape(whole.shape)
        image = self.image[None]
        edges, outlines = region_adjacency(superpixels)
        parts = GraphParts(
            image=image,
            boundary=GradientBoundary()(image),
            superpixels=superpixels,
            edges=edges,
            outlines=outlines,
            sums=node_sums(image, superpixels),
        )
        graph = SuperpixelGraph(
            name="drawn",
            image=image,
            boundary=parts.boundary,
            superpixels=superpixels,
            edges=edges,
            node_features=node_features(parts),
            edge_features=edge_features(parts),
            subgraphs=(),
            truth=None,
            outlines=outlines,
            sums=parts.sums,
        )
        of_nodes = np.zeros(graph.n_nodes, np.int32)
        of_nodes[superpixels.ravel()] = whole.ravel()
        return graph, of_nodes


def shapes() -> list[Scene]:
    """Seven shapes in three sizes."""
    masks = []
    for y, size in ((13, 11.0), (41, 20.0), (83, 36.0)):
        for column in range(7):
            masks.append(_shape(column, (y, 22 + 44 * column), size))
    return [_bright(masks)]


def _shape(kind: int, centre: tuple[float, float], size: float) -> Mask:
    """A disc, square, ellipse, bar, L, ring or pair of discs of about that size in pixels."""
    yy, xx = _grid()
    y, x = yy - centre[0], xx - centre[1]
    half = size / 2
    box = np.maximum(np.abs(y), np.abs(x)) <= half - 0.5
    return (
        np.hypot(y, x) < half + _ROUND,
        box,
        np.hypot(2 * y, x) < half + _ROUND,
        box & (np.abs(y) <= half / 4),
        box & ((y > half - 0.35 * size) | (x < 0.35 * size - half)),
        (np.hypot(y, x) < half + _ROUND) & (np.hypot(y, x) > 0.3 * size),
        np.minimum(np.hypot(y, x - size / 4.5), np.hypot(y, x + size / 4.5)) <= size / 4.2,
    )[kind]


def counted() -> list[Scene]:
    """Two, five and twelve discs."""
    found = []
    for places in (
        [(30, 30), (70, 65)],
        [(25, 25), (30, 70), (55, 45), (80, 22), (80, 72)],
        [(y, x) for y in (14, 41, 68, 95) for x in (18, 48, 78)],
    ):
        found.append(_bright([_disc(place, 9) for place in places], (HEIGHT, 97)))
    return found


def sizes() -> list[Scene]:
    """Discs of nearly one size, and some of another."""
    radii = (13, 12, 14, 13, 5, 12, 8, 13, 14, 19, 12, 13)
    places = [(y, x) for y in (28, 80) for x in (26, 77, 128, 179, 230, 281)]
    return [_bright([_disc(place, radius) for place, radius in zip(places, radii, strict=True)])]


def rings() -> list[Scene]:
    """Holes of several sizes, two holes, a filled hole and an open ring."""
    yy, xx = _grid((76, WIDTH))
    masks = []
    for column in range(7):
        y, x = yy - 32, xx - (22 + 44 * column)
        full = np.hypot(y, x) < 18 + _ROUND
        inner = {
            1: np.hypot(y, x) <= 3,
            2: np.hypot(y, x) <= 7,
            3: np.hypot(y, x) <= 12,
            4: np.minimum(np.hypot(y, x - 8), np.hypot(y, x + 8)) <= 4,
            5: np.hypot(y, x) <= 10,
            6: (np.hypot(y, x) <= 10) | ((np.abs(y) < 3) & (x > 0)),
        }.get(column, np.zeros_like(full))
        masks.append(full & ~inner)
        if column == 5:
            masks.append(np.hypot(y, x) <= 10)
    return [_bright(masks, (76, WIDTH))]


def touching() -> list[Scene]:
    """Squares alone, in a chain, in a cross and in a block."""
    side, found = 22, []
    for top, left, cells in (
        (35, 8, [(0, 0)]),
        (35, 44, [(0, 0), (0, 1), (0, 2)]),
        (13, 124, [(0, 1), (1, 0), (1, 1), (1, 2), (2, 1)]),
        (13, 206, [(y, x) for y in range(3) for x in range(3)]),
    ):
        for y, x in cells:
            mask = np.zeros((HEIGHT - 26, WIDTH), np.bool_)
            y, x = top + side * y, left + side * x
            mask[y : y + side, x : x + side] = True
            found.append(mask)
    return [_bright(found, (HEIGHT - 26, WIDTH))]


def turned() -> list[Scene]:
    """Ellipses around the centre, each turned further away from it."""
    shape, found = (168, 200), []
    yy, xx = _grid(shape)
    for i in range(8):
        place = 2 * np.pi * i / 8
        y, x = yy - 83.5 - 58 * np.sin(place), xx - 99.5 - 70 * np.cos(place)
        turn = place + np.radians(12 * i)
        along, across = y * np.sin(turn) + x * np.cos(turn), y * np.cos(turn) - x * np.sin(turn)
        found.append(np.hypot(along / 18, across / 6.5) <= 1)
    return [_bright(found, shape)]


def placed() -> list[Scene]:
    """Discs all over the image."""
    places = [(y, 20 + 44 * i + 4 * (y == 58)) for y in (20, 58, 96) for i in range(7)]
    return [_bright([_disc(place, 10) for place in places])]


def framed() -> list[Scene]:
    """Discs, some of which the frame cuts."""
    places = [(4, 60), (6, 250), (40, 8), (40, 110), (40, 180), (62, 304), (80, 60)]
    places += [(84, 140), (84, 230), (114, 20), (44, 252), (115, 185)]
    return [_bright([_disc(place, 13) for place in places])]


def grey() -> list[Scene]:
    """Brighter, alike and darker discs on ground that becomes brighter to the right."""
    _, xx = _grid()
    image = 0.25 + 0.5 * xx / WIDTH
    masks = []
    for row, step in enumerate((0.22, 0.08, -0.22)):
        for column in range(6):
            mask = _disc((19 + 38 * row, 28 + 50 * column), 11)
            image = np.where(mask, image + step, image)
            masks.append(mask)
    return [_scene(masks, image, shows_image=True)]


def textured() -> list[Scene]:
    """Discs with ever more noise, and two-coloured ones."""
    rng = np.random.default_rng(0)
    shape = (HEIGHT - 36, WIDTH)
    _, xx = _grid(shape)
    image, masks = np.full(shape, _DARK), []
    noise = ndimage.gaussian_filter(rng.standard_normal(shape), 1.0)
    noise /= noise.std()
    for column in range(7):
        centre = (34, 22 + 44 * column)
        mask = _disc(centre, 18, shape)
        step = 0.15 * (column - 4) * np.sign(xx - centre[1]) if column >= 5 else 0.0
        level = 0.6 + 0.055 * min(column, 4) * noise * (column < 5) + step
        image = np.where(mask, level, image)
        masks.append(mask)
    return [_scene(masks, np.clip(image, 0, 1), shows_image=True)]


def outlined() -> list[Scene]:
    """Discs, and objects that are right, too large, too small, shifted and on nothing."""
    shape = (HEIGHT - 26, WIDTH)
    image, masks = np.full(shape, _DARK), []
    # Shift in pixels and radius of each object; all discs but the last have radius 16.
    for column, (shift, radius) in enumerate(
        ((0, 16), (2, 16), (5, 16), (0, 19), (0, 11), (0, 16))
    ):
        centre = (40, 26 + 51 * column)
        if column < 5:
            image = np.where(_disc(centre, 16, shape), _BRIGHT, image)
        masks.append(_disc((centre[0], centre[1] + shift), radius, shape))
    image = ndimage.gaussian_filter(image, 0.7)
    return [_scene(masks, image, shows_image=True)]


def ribbons() -> list[Scene]:
    """Straight and bent objects of several lengths and widths."""
    yy, xx = _grid()
    masks = [
        (np.abs(yy - 14) < 4) & (np.abs(xx - 50) < 42),
        (np.abs(yy - 46) < 4) & (np.abs(xx - 30) < 20),
        (np.abs(yy - 80) < 9) & (np.abs(xx - 50) < 42),
        (np.abs(np.hypot(yy - 60, xx - 155) - 40) < 4) & (yy < 70),
        _disc((62, 155), 13),
        (np.abs(yy - 30 - 14 * np.sin((xx - 210) / 14)) < 5) & (np.abs(xx - 255) < 45),
        (np.abs(yy - 85) < 2) & (np.abs(xx - 255) < 45),
    ]
    return [_bright(masks)]


#: What shows a prior best; `shapes` where nothing is said.
SCENES: Mapping[str, Callable[[], list[Scene]]] = {
    "boundary_evidence": outlined,
    "brighter": grey,
    "brightness": grey,
    "contrast": grey,
    "count": counted,
    "darker": grey,
    "holes": rings,
    "homogeneity": textured,
    "length": ribbons,
    "neighbours": touching,
    "not": framed,
    "orientation": turned,
    "position": placed,
    "similarity": sizes,
    "touches_frame": framed,
    "width": ribbons,
}


def _bright(masks: list[Mask], shape: tuple[int, int] = (HEIGHT, WIDTH)) -> Scene:
    """Bright objects on dark ground."""
    masks = [mask[: shape[0], : shape[1]] for mask in masks]
    return _scene(masks, np.where(np.any(masks, axis=0), _BRIGHT, _DARK))


def _scene(masks: list[Mask], image: NDArray, shows_image: bool = False) -> Scene:
    labels = np.zeros(image.shape, np.int32)
    for number, mask in enumerate(masks, start=1):
        labels[mask] = number
    return Scene(labels=labels, image=image.astype(np.float32), shows_image=shows_image)


def _grid(shape: tuple[int, int] = (HEIGHT, WIDTH)) -> tuple[NDArray, NDArray]:
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    return yy, xx


def _disc(
    centre: tuple[float, float], radius: float, shape: tuple[int, int] = (HEIGHT, WIDTH)
) -> Mask:
    yy, xx = _grid(shape)
    return np.asarray(np.hypot(yy - centre[0], xx - centre[1]) < radius + _ROUND)
