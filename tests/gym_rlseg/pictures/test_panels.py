"""What the pictures show, read off their pixels; graphs of square superpixels."""

import copy
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import gymnasium as gym
import imageio.v3 as iio
import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backend_bases import FigureManagerBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.graph import SuperpixelGraph
from gym_rlseg.graph.planar.outlines import region_adjacency
from gym_rlseg.graph.subgraphs import sample_all_sizes
from gym_rlseg.graph.sums import node_sums
from gym_rlseg.pictures.colours import to_rgb
from gym_rlseg.pictures.layout import Picture, as_bytes
from gym_rlseg.pictures.panels import edge_lines, overlay, render_panels
from gym_rlseg.pictures.subgraphs import render_subgraphs
from gym_rlseg.pictures.viewer import FOLDER, Viewer
from gym_rlseg.rewards.base import Scores
from gym_rlseg.segmentation.segmentation import Segmentation

SIDE = 20  # of a square superpixel


def squares(rows: int = 2, columns: int = 3, *, channels: int = 1, truth: bool = True):
    """A graph of rows x columns square superpixels, numbered row by row, on a noisy image."""
    rng = np.random.default_rng(0)
    numbers = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    superpixels = np.kron(numbers, np.ones((SIDE, SIDE), np.int32))
    image = rng.uniform(0.4, 0.6, (channels, *superpixels.shape)).astype(np.float32)
    edges, outlines = region_adjacency(superpixels)
    return SuperpixelGraph(
        name="squares",
        image=image,
        boundary=rng.random(superpixels.shape).astype(np.float32),
        superpixels=superpixels,
        edges=edges,
        node_features=np.zeros((rows * columns, 2), np.float32),
        edge_features=np.full((len(edges), 1), 0.5, np.float32),
        subgraphs=(),
        truth=(superpixels == 0).astype(np.int32) if truth else None,
        outlines=outlines,
        sums=node_sums(image, superpixels),
    )


def scores_of(graph: SuperpixelGraph, labels: NDArray[np.int32], ground: int | None = None):
    """Scores from 0 to 1 over the objects, ascending; edges take the first end's."""
    objects = np.linspace(0, 1, labels.max() + 1, dtype=np.float32)
    return Scores(
        objects=objects,
        ground=np.arange(objects.size) == ground,
        edges=objects[labels[graph.edges[:, 0]]],
    )


def middle_of_edge(graph: SuperpixelGraph, u: int, v: int) -> tuple[slice, slice]:
    """The two pixels on both sides of the middle of the outline between u and v."""
    edge = int(np.flatnonzero((graph.edges == (u, v)).all(axis=1))[0])
    cracks = graph.outlines.points[graph.outlines.start[edge] : graph.outlines.start[edge + 1]]
    low, high = np.floor(cracks[len(cracks) // 2]), np.ceil(cracks[len(cracks) // 2])
    return tuple(slice(int(a), int(b) + 1) for a, b in zip(low, high, strict=True))


def hue(rgb: NDArray) -> NDArray[np.float64]:
    """Colours without their brightness."""
    rgb = np.asarray(rgb, np.float64)
    return rgb / rgb.sum(axis=-1, keepdims=True)


def red(rgb: NDArray) -> NDArray[np.bool_]:
    r, g, b = np.moveaxis(np.asarray(rgb, int), -1, 0)
    return (r > 150) & (g < 100) & (b < 100)


def green(rgb: NDArray) -> NDArray[np.bool_]:
    r, g, b = np.moveaxis(np.asarray(rgb, int), -1, 0)
    return (g > 150) & (r < 100) & (b < 100)


def edge_map(graph: SuperpixelGraph, weights: NDArray[np.float32]) -> Picture:
    """Edge weights as lines, two pixels wide, on the dimmed image: merge green, cut red."""
    ramp = ((20, 190, 75), (255, 215, 50), (230, 35, 35))
    dark = as_bytes(0.35 * to_rgb(graph.image))
    return edge_lines(dark, graph, weights, ramp, (1.0, 1.0), 2)


class TestEdgeLines:
    @pytest.mark.parametrize(("u", "v"), [(0, 1), (0, 3)])
    @pytest.mark.parametrize(("weight", "colour"), [(0.0, green), (1.0, red)])
    def test_merge_is_green_and_cut_is_red_on_both_sides_of_an_edge(self, u, v, weight, colour):
        graph = squares()
        weights = np.where((graph.edges == (u, v)).all(axis=1), weight, 1 - weight)
        picture = edge_map(graph, weights.astype(np.float32))
        assert picture.shape == (*graph.superpixels.shape, 3)
        assert picture.dtype == np.uint8
        assert colour(picture[middle_of_edge(graph, u, v)]).all()

    def test_undecided_is_yellow(self):
        graph = squares()
        picture = edge_map(graph, np.full(graph.n_edges, 0.5, np.float32))
        r, g, b = picture[middle_of_edge(graph, 0, 1)].reshape(-1, 3).T.astype(int)
        assert (r > 200).all()
        assert (g > 180).all()
        assert (b < 100).all()

    def test_only_outlines_are_coloured_and_the_rest_is_the_dimmed_image(self):
        graph = squares()
        picture = edge_map(graph, np.ones(graph.n_edges, np.float32))
        inside = np.zeros(graph.superpixels.shape, bool)
        for y in range(0, inside.shape[0], SIDE):
            for x in range(0, inside.shape[1], SIDE):
                inside[y + 2 : y + SIDE - 2, x + 2 : x + SIDE - 2] = True
        full = to_rgb(graph.image)[inside].astype(float)
        assert_array_equal(picture[inside], np.rint(0.35 * full))

    def test_a_cut_lies_on_top_where_lines_meet(self):
        graph = squares(2, 2)
        weights = np.zeros(graph.n_edges, np.float32)
        weights[(graph.edges == (0, 1)).all(axis=1)] = 1.0
        assert red(edge_map(graph, weights)[SIDE - 1, SIDE - 1 : SIDE + 1]).all()


class TestToRgb:
    def test_one_channel_is_grey(self):
        values = np.array([[[0.0, 0.5, 1.0]]], np.float32)
        assert_array_equal(to_rgb(values), np.array([[[0] * 3, [128] * 3, [255] * 3]]))

    def test_two_channels_are_green_and_magenta(self):
        values = np.array([[[1.0, 0.0, 1.0]], [[0.0, 1.0, 1.0]]], np.float32)
        assert_array_equal(to_rgb(values), [[(0, 255, 0), (255, 0, 255), (255, 255, 255)]])

    def test_three_channels_are_red_green_and_blue(self):
        values = np.random.default_rng(0).random((3, 4, 5)).astype(np.float32)
        assert_array_equal(to_rgb(values), np.rint(255 * np.moveaxis(values, 0, -1)))

    def test_more_channels_get_a_colour_each(self):
        channels = np.eye(5, dtype=np.float32)[:, None]  # pixel i shows channel i alone
        assert len(np.unique(to_rgb(channels)[0], axis=0)) == 5

    def test_values_outside_the_unit_interval_are_clipped_and_nan_is_black(self):
        picture = to_rgb(np.array([[[-1.0, 7.0, np.nan]]], np.float32))
        assert_array_equal(picture[0, :, 0], [0, 255, 0])

    @pytest.mark.parametrize(
        "image",
        [np.zeros((4, 4), np.float32), np.zeros((0, 4, 4), np.float32), np.zeros((1, 4, 4), int)],
    )
    def test_refuses_what_is_no_image(self, image):
        with pytest.raises(ValueError, match="image must be floats"):
            to_rgb(image)


class TestOverlay:
    def test_leaves_unlabelled_pixels_as_they_are_and_colours_the_others(self):
        image = squares().image
        labels = np.zeros(image.shape[1:], int)
        labels[5:15, 5:15] = 3
        picture = overlay(image, labels)
        assert picture.dtype == np.uint8
        assert_array_equal(picture[labels == 0], to_rgb(image)[labels == 0])
        assert (np.ptp(picture[labels == 3].astype(int), axis=-1) > 40).all()

    def test_the_outline_stands_out_from_the_fill_which_shows_the_image(self):
        image = np.full((1, 20, 20), 0.2, np.float32)
        image[0, 10, 10] = 0.8
        labels = np.zeros((20, 20), int)
        labels[5:15, 5:15] = 1
        picture = overlay(image, labels).astype(int)
        assert picture[5, 10].max() > picture[7, 10].max() + 50
        assert (picture[10, 10] > picture[7, 10]).all()

    @pytest.mark.parametrize("gap", [0, 2])
    def test_neighbours_have_colours_far_apart_even_across_a_gap(self, gap):
        labels = np.kron(np.arange(1, 101).reshape(10, 10), np.ones((8, 8), int))
        starts = np.arange(0, 80, 8)
        if gap:
            labels[np.isin(np.arange(80) % 8, range(gap))] = 0
            labels[:, np.isin(np.arange(80) % 8, range(gap))] = 0
        picture = overlay(np.zeros((1, 80, 80), np.float32), labels).astype(int)
        # On black the fill is the colour at half its brightness.
        fill = picture[starts[:, None] + 4, starts + 4]
        assert np.abs(np.diff(fill, axis=0)).sum(axis=-1).min() > 60
        assert np.abs(np.diff(fill, axis=1)).sum(axis=-1).min() > 60

    def test_hundreds_of_objects_share_no_colour(self):
        labels = np.kron(np.arange(1, 401).reshape(20, 20), np.ones((4, 4), int))
        picture = overlay(np.zeros((1, 80, 80), np.float32), labels)
        assert len(np.unique(picture[::4, ::4].reshape(-1, 3), axis=0)) == 400

    def test_depends_on_the_objects_rather_than_on_their_numbers(self):
        image, labels = squares().image, squares().superpixels
        numbers = np.array([0, 7, 9, 1_000_000, 1_000_001, 2**31 - 1])
        assert_array_equal(overlay(image, labels), overlay(image, numbers[labels]))
        assert_array_equal(overlay(image, labels), overlay(image, labels.astype(np.uint64)))

    def test_without_objects_it_is_the_image(self):
        image = squares().image
        assert_array_equal(overlay(image, np.zeros(image.shape[1:], np.uint8)), to_rgb(image))

    def test_keeps_the_colours_of_a_colour_image(self):
        image = squares(channels=3).image
        labels = np.zeros(image.shape[1:], int)
        labels[:5] = 1
        assert_array_equal(overlay(image, labels)[5:], to_rgb(image)[5:])

    @pytest.mark.parametrize(
        ("labels", "match"),
        [
            (np.zeros((3, 3), int), r"\(40, 60\)"),
            (np.zeros((40, 60)), "integers"),
            (np.full((40, 60), -1), ">= 0"),
        ],
    )
    def test_refuses_labels_that_do_not_fit(self, labels, match):
        with pytest.raises(ValueError, match=match):
            overlay(squares().image, labels)


def result(graph, labels, weights=None, ground=None):
    """A segmentation of a graph, scored by its objects' numbers."""
    return Segmentation(
        graph=graph,
        weights=np.zeros(graph.n_edges, np.float32) if weights is None else weights,
        node_labels=labels.astype(np.int32),
        scores=scores_of(graph, labels, ground=ground),
    )


class TestRenderPanels:
    LABELS = np.array([0, 1, 1, 0, 2, 2], np.int32)

    def panels(self, picture: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
        """The eight squares with 384 pixels, by their position on the page."""
        tops, lefts = [44 + 24, 44 + 24 + 384 + 28 + 24], [16 + 400 * i for i in range(4)]
        return [picture[y : y + 384, x : x + 384] for y in tops for x in lefts]

    @pytest.mark.parametrize("truth", [True, False])
    def test_is_a_frame_for_videos_before_and_after_a_step(self, truth):
        graph = squares(truth=truth)
        before = render_panels(graph)
        after = render_panels(graph, result(graph, self.LABELS))
        for picture in (before, after):
            assert picture.dtype == np.uint8
            assert picture.flags.owndata
            assert picture.shape == before.shape
            assert not np.any(np.array(picture.shape[:2]) % 16)
        assert not np.array_equal(before, after)

    def test_before_a_step_what_is_not_known_is_blank(self):
        graph = squares()
        nothing = self.panels(render_panels(graph))
        acted = self.panels(render_panels(graph, result(graph, self.LABELS, ground=0)))
        differs = [not np.array_equal(a, b) for a, b in zip(nothing, acted, strict=True)]
        assert differs == [False, False, False, True, False, True, True, True]

    def test_without_truth_its_panel_shows_the_result(self):
        graph = squares(truth=False)
        blank = self.panels(render_panels(graph))[4]
        assert (blank[:100] == blank[0, 0]).all()
        shown = self.panels(render_panels(graph, result(graph, self.LABELS, ground=0)))[4]
        r, _, b = np.moveaxis(shown.astype(int), -1, 0)
        cyan = b > r + 100
        assert cyan[:, 128:].any()
        assert not cyan[:, :120].any()  # the ground has no outline

    @pytest.mark.parametrize(("weight", "colour"), [(0.0, green), (1.0, red)])
    def test_actions_are_thick_lines_in_the_colour_of_the_decision(self, weight, colour):
        graph = squares(3, 3)
        weights = np.full(graph.n_edges, weight, np.float32)
        panel = self.panels(render_panels(graph, result(graph, np.arange(9), weights)))[3]
        # 60 pixels are drawn on 384; superpixels meet at 128 and 256.
        assert colour(panel[60, 127:130]).all()
        assert colour(panel[127:130, 200]).all()
        assert colour(panel[127:130, 127:130]).all()
        assert not colour(panel[60, :120]).any()

    def test_actions_are_the_evidence_before_a_step(self):
        graph = squares(3, 3)
        sure = replace(graph, edge_features=np.ones((graph.n_edges, 1), np.float32))
        panels = [self.panels(render_panels(g))[3] for g in (graph, sure)]
        assert not red(panels[0]).any()
        assert red(panels[1]).any()

    def test_segmentation_has_a_colour_per_object_and_none_on_the_ground(self):
        graph = squares(3, 3)
        labels = np.array([0, 1, 2, 3, 0, 4, 5, 6, 7], np.int32)
        panel = self.panels(render_panels(graph, result(graph, labels, ground=0)))[5]
        colours = panel[64::128, 64::128].reshape(9, 3)
        colourful = np.ptp(colours.astype(int), axis=1) > 60
        assert_array_equal(colourful, labels != 0)
        assert len(np.unique(hue(colours[labels != 0]).round(2), axis=0)) == 7

    def test_objects_turn_from_dark_red_to_light_green_with_their_score(self):
        graph = squares(3, 3)
        labels = np.arange(9, dtype=np.int32)
        panel = self.panels(render_panels(graph, result(graph, labels)))[6]
        r, g, b = panel[64::128, 64::128].reshape(9, 3).astype(int).T
        assert r[0] > g[0] + 50
        assert r[0] > b[0] + 50
        assert g[-1] > r[-1] + 30
        assert (np.diff(g) > 0).all()

    def test_images_of_all_sizes_and_channels_give_one_size(self):
        graphs = [squares(1, 2), squares(9, 1), squares(5, 4, channels=3), squares(30, 40)]
        shapes = {render_panels(graph).shape for graph in graphs}
        assert len(shapes) == 1
        shapes = {render_panels(g, shape=(100, 160)).shape for g in graphs}
        assert len(shapes) == 1

    def test_grows_with_the_shape_up_to_a_cap(self):
        graph = squares()
        sizes = [
            render_panels(graph, shape=(side, side)).shape[0] for side in (100, 500, 600, 6000)
        ]
        assert sizes[0] < sizes[1] <= sizes[2] == sizes[3]

    def test_colour_images_keep_their_colours(self):
        graph = squares(3, 3, channels=3)
        colour = np.array([0.8, 0.2, 0.4], np.float32)[:, None, None]
        graph = replace(graph, image=np.broadcast_to(colour, graph.image.shape).copy())
        panel = self.panels(render_panels(graph))[0]
        assert (panel == (204, 51, 102)).all()

    def test_changes_none_of_its_inputs(self):
        graph = squares()
        weights = np.linspace(0, 1, graph.n_edges, dtype=np.float32)
        found = result(graph, self.LABELS.copy(), weights, ground=1)
        given = {**vars(graph), **vars(graph.outlines), **vars(found.scores), **vars(found)}
        arrays = {key: value for key, value in given.items() if isinstance(value, np.ndarray)}
        before = copy.deepcopy(arrays)
        for array in arrays.values():
            array.flags.writeable = False
        render_panels(graph, found)
        overlay(graph.image, graph.superpixels)
        for key, array in arrays.items():
            assert_array_equal(array, before[key])

    def test_names_of_any_letters_and_length_are_written(self):
        graph = squares()
        for name in ("图像/ü $x$.tif", "line\nbreak", "a" * 300, ""):
            render_panels(replace(graph, name=name))

    def test_neither_changes_nor_follows_the_settings_of_matplotlib(self):
        graph = squares()
        expected = render_panels(graph)
        with mpl.rc_context(
            {"figure.autolayout": True, "font.weight": "bold", "image.origin": "lower"}
        ):
            before = dict(mpl.rcParams)
            assert_array_equal(render_panels(graph), expected)
            assert dict(mpl.rcParams) == before

    def test_refuses_shapes_without_pixels(self):
        with pytest.raises(ValueError, match="shape must be"):
            render_panels(squares(), shape=(0, 10))


class TestRenderSubgraphs:
    def graph(self, *subgraphs: list[list[int]], rows: int = 4, columns: int = 4):
        ids = tuple(np.array(of_size, np.int64) for of_size in subgraphs)
        return replace(squares(rows, columns), subgraphs=ids)

    def panel(self, picture: NDArray, number: int, side: int) -> NDArray:
        """The picture in a panel: strips of 44 and 24 pixels above, gaps of 16."""
        left = 16 + number * (side + 16)
        return picture[68 : 68 + side, left : left + side]

    def coloured(self, panel: NDArray) -> NDArray[np.bool_]:
        return np.ptp(panel.astype(int), axis=-1) > 100

    def edge(self, graph: SuperpixelGraph, u: int, v: int) -> int:
        return int(np.flatnonzero((graph.edges == (u, v)).all(axis=1))[0])

    def test_colours_lie_on_the_lines_between_centres(self):
        plain = squares(4, 4)
        # 80 pixels in a panel of 400: a superpixel is 100 wide, its centre at 50.
        graph = self.graph([[self.edge(plain, 0, 1)]])
        picture = render_subgraphs(graph, shape=(80, 80))
        side = 400
        marked = self.coloured(self.panel(picture, 0, side))
        y, x = np.nonzero(marked)
        assert 45 <= y.min() <= y.max() <= 55
        assert 44 <= x.min() <= 50
        assert 150 <= x.max() <= 156
        assert marked[50, 50:150].all()

    def test_one_panel_per_size_and_colours_for_each_subgraph(self):
        plain = squares(4, 4)
        far = [[self.edge(plain, 0, 1)], [self.edge(plain, 14, 15)]]
        longer = [[self.edge(plain, 0, 4), self.edge(plain, 4, 8)]]
        one, two, none = (
            render_subgraphs(self.graph(*sizes), shape=(80, 80))
            for sizes in ([far], [far, longer], [np.empty((0, 3))])
        )
        assert two.shape[1] > one.shape[1]
        assert two.shape[0] == one.shape[0]
        first = self.panel(two, 0, 400)
        assert_array_equal(first, self.panel(one, 0, 400))
        hues = hue(first[[50, 350], [100, 300]])
        assert np.abs(hues[0] - hues[1]).sum() > 0.5
        assert self.coloured(self.panel(two, 1, 400))[50:250, 50].all()
        assert not self.coloured(self.panel(none, 0, 400)).any()

    def test_shows_as_many_as_told_and_none_that_overlap(self):
        plain = squares(4, 4)
        overlapping = [[self.edge(plain, 0, 1)], [self.edge(plain, 1, 2)], [self.edge(plain, 0, 4)]]
        marked = self.coloured(
            self.panel(render_subgraphs(self.graph(overlapping), shape=(80, 80)), 0, 400)
        )
        # (0, 1) and (0, 4) have superpixel 0 in common, (0, 1) and (1, 2) superpixel 1.
        assert marked[50, 50:150].all() != marked[50, 160:240].all()
        every = [[int(edge)] for edge in range(plain.n_edges)]
        few, more = (
            self.coloured(
                self.panel(render_subgraphs(self.graph(every), count=n, shape=(80, 80)), 0, 400)
            ).sum()
            for n in (1, 4)
        )
        assert 3.5 < more / few < 4.5

    def test_sampled_subgraphs_of_an_image(self):
        graph = squares(5, 5)
        sizes = sample_all_sizes(graph.edges, graph.n_nodes, (4, 8), np.random.default_rng(0))
        graph = replace(graph, subgraphs=sizes)
        picture = render_subgraphs(graph)
        assert picture.dtype == np.uint8
        assert picture.shape[0] % 16 == picture.shape[1] % 16 == 0
        assert_array_equal(render_subgraphs(graph), picture)

    def test_refusals(self):
        with pytest.raises(ValueError, match="squares: the graph has no sub-graphs"):
            render_subgraphs(squares())
        with pytest.raises(ValueError, match="count must be >= 1, got 0"):
            render_subgraphs(self.graph([[0]]), count=0)


class FakeCanvas(FigureCanvasAgg):
    """A canvas that says it is in a window, and keeps what it was asked to show."""

    required_interactive_framework = "fake"

    def __init__(self, figure: Figure) -> None:
        super().__init__(figure)
        self.shown: list[tuple[NDArray, float]] = []

    def start_event_loop(self, timeout: float = 0) -> None:
        self.shown.append((np.asarray(self.buffer_rgba())[..., :3].copy(), timeout))


class FakeManager(FigureManagerBase):
    destroyed = False

    def show(self) -> None:
        pass

    def destroy(self) -> None:
        self.destroyed = True


class TestViewer:
    def pictures(self, count: int = 3) -> list[NDArray[np.uint8]]:
        rng = np.random.default_rng(0)
        return [rng.integers(0, 255, (64, 96, 3), np.uint8) for _ in range(count)]

    @pytest.fixture(autouse=True)
    def elsewhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

    @pytest.fixture
    def windows(self, monkeypatch: pytest.MonkeyPatch) -> list[FakeManager]:
        made: list[FakeManager] = []

        def new_figure_manager(number: int, **kwargs: object) -> FakeManager:
            made.append(FakeManager(FakeCanvas(Figure(**kwargs)), number))
            return made[-1]

        monkeypatch.setattr("matplotlib.pyplot.new_figure_manager", new_figure_manager)
        return made

    @pytest.fixture
    def no_windows(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def new_figure_manager(number: int, **kwargs: object) -> FigureManagerBase:
            return FigureManagerBase(FigureCanvasAgg(Figure(**kwargs)), number)

        monkeypatch.setattr("matplotlib.pyplot.new_figure_manager", new_figure_manager)

    @pytest.mark.usefixtures("no_windows")
    def test_without_a_window_pictures_become_numbered_files(self, caplog):
        viewer = Viewer(fps=2)
        for picture in self.pictures():
            viewer.show(picture)
            viewer.show(picture.copy())  # no other picture
        viewer.close()
        for number, picture in enumerate(self.pictures()):
            assert_array_equal(iio.imread(Path(FOLDER) / f"{number:06d}.png"), picture)
        assert len(list(Path(FOLDER).iterdir())) == 3
        (said,) = caplog.records  # once, and unasked
        assert said.levelname == "WARNING"
        assert said.getMessage().endswith(f"pictures go to {Path(FOLDER).absolute()}")

    @pytest.mark.usefixtures("no_windows")
    def test_files_that_are_there_stay(self):
        for _ in range(2):  # two viewers, as of two environments or processes
            Viewer(fps=2).show(self.pictures(1)[0])
        viewers = [Viewer(fps=2), Viewer(fps=2)]
        for picture in self.pictures(2):
            for viewer in viewers:
                viewer.show(picture)
        assert sorted(path.name for path in Path(FOLDER).iterdir()) == [
            f"{number:06d}.png" for number in range(6)
        ]

    def test_a_display_that_fails_counts_as_none(self, monkeypatch: pytest.MonkeyPatch):
        def new_figure_manager(*args: object, **kwargs: object) -> None:
            raise RuntimeError("no display name and no $DISPLAY environment variable")

        monkeypatch.setattr("matplotlib.pyplot.new_figure_manager", new_figure_manager)
        Viewer(fps=2).show(self.pictures(1)[0])
        assert (Path(FOLDER) / "000000.png").exists()

    def test_a_window_shows_every_pixel_for_a_while(self, windows: list[FakeManager]):
        viewer = Viewer(fps=4)
        for picture in self.pictures():
            viewer.show(picture)
        assert not Path(FOLDER).exists()
        (window,) = windows
        assert len(window.canvas.shown) == 3
        for (shown, pause), picture in zip(window.canvas.shown, self.pictures(), strict=True):
            assert pause == 0.25
            assert_array_equal(shown, picture)
        assert window.get_window_title() in ("gym_rlseg", "image")  # some backends have none
        viewer.close()
        assert window.destroyed
        viewer.show(self.pictures(1)[0])
        assert len(windows) == 2

    def test_closing_the_window_ends_the_show(self, windows: list[FakeManager]):
        viewer = Viewer(fps=4)
        first, second, third = self.pictures()
        viewer.show(first)
        canvas = windows[0].canvas
        canvas.callbacks.process("close_event", None)
        for picture in (second, third):
            viewer.show(picture)
        assert len(canvas.shown) == len(windows) == 1
        assert not Path(FOLDER).exists()
        viewer.close()

    @pytest.mark.parametrize(
        "duplicate", [copy.deepcopy, lambda viewer: pickle.loads(pickle.dumps(viewer))]
    )
    def test_a_copy_has_a_window_of_its_own(self, windows: list[FakeManager], duplicate):
        viewer = Viewer(fps=4)
        picture, other = self.pictures(2)
        viewer.show(picture)
        twin = duplicate(viewer)
        twin.show(picture)
        viewer.show(other)
        assert [len(window.canvas.shown) for window in windows] == [2, 1]

    def test_pyplot_knows_nothing_of_it(self, windows: list[FakeManager]):
        import matplotlib.pyplot as plt

        settings = dict(mpl.rcParams)
        Viewer(fps=4).show(self.pictures(1)[0])
        assert windows
        assert plt.get_fignums() == []
        assert dict(mpl.rcParams) == settings


class TestEnvironment:
    def frames(self, env: gym.Env, index: int) -> list[NDArray[np.uint8]]:
        env.reset(seed=0, options={"index": index})
        before = env.render()
        env.action_space.seed(index)
        env.step(env.action_space.sample())
        return [before, env.render()]

    @pytest.mark.parametrize("env_id", ["RLSeg-Circles-v0", "RLSeg-Coins-v0"])
    def test_frames_of_an_environment_are_equal_in_shape(self, env_id):
        env = gym.make(env_id, pool_size=2, render_mode="rgb_array")
        frames = [frame for index in (0, 1) for frame in self.frames(env, index)]
        assert len({frame.shape for frame in frames}) == 1
        assert len({frame.tobytes() for frame in frames}) == 4

    def test_files_of_several_sizes_without_truth_give_frames_of_one_size(self, tmp_path: Path):
        rng = np.random.default_rng(0)
        for number, shape in enumerate([(48, 64), (72, 40), (60, 60)]):
            iio.imwrite(tmp_path / f"{number}.png", rng.integers(0, 255, shape, np.uint8))
        env = SuperpixelEnv(
            "files",
            path=str(tmp_path),
            superpixels="seeded_watershed",
            validation_fraction=0.0,
            subgraph_sizes=(4,),
            render_mode="rgb_array",
        )
        shapes = {frame.shape for index in range(3) for frame in self.frames(env, index)}
        assert len(shapes) == 1

    def test_the_same_episode_gives_the_same_frames(self):
        first, second = (
            self.frames(gym.make("RLSeg-Circles-v0", pool_size=1, render_mode="rgb_array"), 0)
            for _ in range(2)
        )
        assert_array_equal(first, second)


def test_matplotlib_is_imported_only_to_draw_and_pyplot_never():
    code = """
import sys
import numpy as np
import gym_rlseg.pictures.panels as rendering
rendering.overlay(np.zeros((1, 8, 8), np.float32), np.eye(8, dtype=int))
assert "matplotlib" not in sys.modules
import gymnasium as gym
env = gym.make("RLSeg-Circles-v0", pool_size=1, render_mode="rgb_array")
env.reset(seed=0)
env.render()
assert "matplotlib" in sys.modules
assert "matplotlib.pyplot" not in sys.modules
"""
    root = str(Path(__file__).parents[3])
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)


def test_record_video(tmp_path: Path):
    pytest.importorskip("moviepy")
    env = gym.wrappers.RecordVideo(
        gym.make("RLSeg-Circles-v0", pool_size=1, render_mode="rgb_array"),
        str(tmp_path),
        episode_trigger=lambda _: True,
    )
    env.reset(seed=0)
    env.step(env.action_space.sample())
    env.close()
    frames = iio.imread(next(tmp_path.glob("*.mp4")))
    assert frames.shape[0] >= 1
