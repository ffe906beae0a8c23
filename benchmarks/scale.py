"""Where the time goes: every stage from an image file to its labels, from 512 x 512 px on.

The image is a mosaic of blurred discs under noise, the recipe that of `RLSeg-Images-v0`, the
policy untrained, which makes its weights the boundary evidence. Each stage is timed beside its
floor by the processor's time of this process: other work on the machine hardly changes that.
Images that don't fit into memory are another benchmark's.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch
from bioimage_cpp.graph import multicut, region_adjacency_graph
from bioimage_cpp.segmentation import watershed
from common import RESULTS, record, table
from floors import exponent, matrix_products
from matplotlib.figure import Figure
from numpy.typing import NDArray
from priors import FIVE
from scipy import ndimage

from agents.graph.batch import GraphState, collate
from agents.graph.networks import Actor, initialise
from agents.graph.options import NetworkOptions
from gym_rlseg.graph import PARTITIONS, GraphRecipe, SuperpixelGraph
from gym_rlseg.graph.features import GraphParts, tables
from gym_rlseg.graph.partition import edge_costs
from gym_rlseg.graph.planar.outlines import region_adjacency
from gym_rlseg.graph.subgraphs import sample_all_sizes
from gym_rlseg.graph.sums import node_sums
from gym_rlseg.images.reading.contrast import normalise
from gym_rlseg.images.reading.formats import read_image
from gym_rlseg.images.writing import write_labels
from gym_rlseg.registration import ENVIRONMENTS
from gym_rlseg.rewards import REWARDS
from gym_rlseg.rewards.objects import subgraph_scores
from gym_rlseg.rewards.tallies import outline_sums

SUBGRAPHS = (4, 8, 16)
#: What each stage is measured against: a library's bare call, or the least that could do it.
FLOORS = {
    "read": "tifffile alone",
    "boundary": "one Gaussian filter",
    "superpixels": "the bare watershed",
    "graph and features": "bioimage-cpp's adjacency graph",
    "sub-graphs": "one pass over the edges of all of them",
    "policy": "its bare matrix products",
    "multicut": "the bare solver",
    "priors": "one pass over the edges",
    "write": "tifffile, without compression",
}
#: Takes a stage's name, the stage and its floor; gives what the stage does.
Measure = Callable[[str, Callable[[], Any], Callable[[], Any]], Any]


@dataclass
class Stage:
    """What was measured of one stage at one size.

    Attributes:
        seconds: of the processor, of every round.
        floor: likewise, of the floor.
        mebibytes: most that NumPy had allocated during it, beyond what was there before.
    """

    seconds: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)
    mebibytes: float = 0.0

    @property
    def median(self) -> float:
        """Of the seconds."""
        return float(np.median(self.seconds))

    @property
    def ratio(self) -> float:
        """Median of seconds by floor, round by round."""
        return float(np.median(np.divide(self.seconds, self.floor)))


def main() -> None:
    """Measure, draw and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    sizes = [512 * 2**n for n in range(6)]
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=sizes, help="16,384 needs about 10 GB"
    )
    parser.add_argument("--rounds", type=int, default=7, help="of the two smallest; others: 2 or 1")
    parser.add_argument("--dry-run", action="store_true", help="write no file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found: dict[int, dict[str, Stage]] = {}
    nodes: dict[int, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        walk(image(512), Path(folder), lambda name, stage, floor: (floor(), stage())[1])  # compiles
        for size in arguments.sizes:
            found[size] = {name: Stage() for name in FLOORS}
            for _ in range(arguments.rounds if size <= 1024 else 2 if size <= 4096 else 1):
                nodes[size] = walk(image(size), Path(folder), timing(found[size]))
            tracemalloc.start()
            walk(image(size), Path(folder), counting(found[size]))
            tracemalloc.stop()
            print(size, {k: f"{v.median:.3f} ({v.ratio:.1f})" for k, v in found[size].items()})
    body = report(found, nodes)
    print(body)
    if not arguments.dry_run:
        draw(found, RESULTS.parent / "results" / "scale.png")
        record("scale", "Where the time goes, by stage and size", body)


def timing(into: dict[str, Stage]) -> Measure:
    """Notes the processor's time of stages and floors, in turn."""

    def measure(name: str, stage: Callable[[], Any], floor: Callable[[], Any]) -> Any:
        times = []
        for call in (floor, stage):
            started = time.process_time()
            result = call()
            times.append(time.process_time() - started)
        into[name].floor.append(times[0])
        into[name].seconds.append(times[1])
        return result

    return measure


def counting(into: dict[str, Stage]) -> Measure:
    """Notes the memory that stages take."""

    def measure(name: str, stage: Callable[[], Any], floor: Callable[[], Any]) -> Any:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        result = stage()
        into[name].mebibytes = (tracemalloc.get_traced_memory()[1] - before) / 2**20
        return result

    return measure


def image(size: int) -> NDArray[np.uint16]:
    """Blurred discs 16 to 24 px wide on a jittered grid, with noise, uint16 (size, size)."""
    rng, side = np.random.default_rng(0), 512
    y, x = np.mgrid[16:side:32, 16:side:32] + rng.integers(-5, 6, (2, 16, 16))
    elsewhere = np.ones((side, side), bool)
    elsewhere[y, x] = False
    distance, nearest = ndimage.distance_transform_edt(elsewhere, return_indices=True)
    radius, level = (rng.uniform(*r, (side, side))[tuple(nearest)] for r in ((8, 12), (0.4, 1)))
    part = ndimage.gaussian_filter(np.where(distance < radius, level, 0.1), 1.2)
    part += 0.03 * rng.standard_normal(part.shape)
    block = np.block([[part, part[:, ::-1]], [part[::-1], part[::-1, ::-1]]])
    whole = np.tile(block, [-(-size // len(block))] * 2)[:size, :size]
    return (np.clip(whole, 0, 1) * 60_000).astype(np.uint16)


def walk(pixels: NDArray[np.uint16], folder: Path, measure: Measure) -> int:
    """Go from an image file to a label file; returns the number of superpixels."""
    file, out = folder / "image.tif", folder / "labels.tif"
    tifffile.imwrite(file, pixels)
    options = ENVIRONMENTS["RLSeg-Images-v0"]
    recipe = GraphRecipe.from_options(options)
    picture = measure(
        "read",
        lambda: normalise(read_image(file), compress=options["compress"]),
        lambda: tifffile.imread(file),
    )
    boundary = measure(
        "boundary",
        lambda: recipe.boundary(picture),
        lambda: ndimage.gaussian_filter(picture[0], 1.3),
    )
    smooth = ndimage.gaussian_filter(boundary, 1.0)
    seeds, _ = ndimage.label(smooth == ndimage.minimum_filter(smooth, size=11))
    seeds = seeds.astype(np.int32)
    superpixels = measure(
        "superpixels", lambda: recipe.superpixels(boundary), lambda: watershed(smooth, seeds)
    )
    unsigned = superpixels.astype(np.uint32)

    def made() -> tuple[GraphParts, tuple[NDArray, NDArray]]:
        edges, outlines = region_adjacency(superpixels)
        sums = node_sums(picture, superpixels)
        parts = GraphParts(
            image=picture, boundary=boundary, superpixels=superpixels, edges=edges,
            outlines=outlines, sums=sums,
        )  # fmt: skip
        return parts, tables(recipe.features, parts)

    parts, (of_nodes, of_edges) = measure(
        "graph and features", made, lambda: region_adjacency_graph(unsigned)
    )
    edges, n_nodes = parts.edges, len(of_nodes)

    def subgraphs() -> Any:
        return sample_all_sizes(edges, n_nodes, SUBGRAPHS, np.random.default_rng(0))

    drawn, evidence = subgraphs(), of_edges[:, 0]
    drawn = measure("sub-graphs", subgraphs, lambda: subgraph_scores(evidence, drawn))
    graph = SuperpixelGraph(
        name="mosaic", image=picture, boundary=boundary, superpixels=superpixels, edges=edges,
        node_features=of_nodes, edge_features=of_edges, subgraphs=drawn, truth=None,
        outlines=parts.outlines, sums=parts.sums,
    )  # fmt: skip
    state = GraphState(
        node_features=of_nodes, edge_features=of_edges, edge_index=np.ascontiguousarray(edges.T)
    )
    actor = Actor(of_nodes.shape[1], of_edges.shape[1], NetworkOptions()).requires_grad_(False)
    initialise(actor, torch.Generator().manual_seed(0))

    def weigh() -> Any:
        return torch.sigmoid(actor(collate([state], torch.device("cpu")))[0]).numpy()

    weights = measure("policy", weigh, matrix_products([actor], weigh, backward=False))
    partition, solver, costs = PARTITIONS.build("multicut"), graph.solver, edge_costs(weights)

    def solve() -> Any:
        objective = multicut.MulticutObjective(solver, costs)
        return multicut.GreedyAdditiveMulticut().optimize(objective)

    objects = measure("multicut", lambda: partition(solver, weights), solve)
    reward = REWARDS.build({"name": "priors", "objects": FIVE})
    contact, count = graph.outlines.contact, int(objects.max()) + 1
    reward(graph, objects)  # what graphs keep is made once
    measure(
        "priors",
        lambda: reward(graph, objects),
        lambda: outline_sums(objects, edges, contact, contact, count),
    )
    labels = objects[superpixels]
    measure("write", lambda: write_labels(out, labels), lambda: tifffile.imwrite(out, labels))
    return n_nodes


def report(found: dict[int, dict[str, Stage]], nodes: dict[int, int]) -> str:
    """The section of RESULTS.md."""
    sizes = list(found)
    totals = {s: sum(stage.median for stage in found[s].values()) for s in sizes}
    rows = []
    for name, floor in FLOORS.items():
        of_sizes = [found[s][name] for s in sizes]
        last = of_sizes[-1]
        fitted = exponent([s * s for s in sizes], [stage.median for stage in of_sizes])
        rows.append(
            [
                name,
                *(seconds(stage.seconds) for stage in of_sizes),
                f"{100 * last.median / totals[sizes[-1]]:.0f} %",
                f"{last.mebibytes:.0f}",
                f"{fitted:.2f}",
                f"{of_sizes[0].ratio:.1f} - {last.ratio:.1f}",
                floor,
            ]
        )
    rows.append(
        ["all", *(f"{totals[s]:.2f}" for s in sizes), "", "",
         f"{exponent([s * s for s in sizes], list(totals.values())):.2f}", "", ""]
    )  # fmt: skip
    header = (
        "stage", *(f"{s}² px, s" for s in sizes), f"share at {sizes[-1]}²",
        f"MiB at {sizes[-1]}²", "exponent", f"times the floor, {sizes[0]}² - {sizes[-1]}²",
        "floor",
    )  # fmt: skip
    counted = ", ".join(f"{nodes[s]:,}" for s in sizes)
    return "\n".join(
        [
            f"A mosaic of discs, {counted} superpixels; seconds of the processor, median and "
            "(least - most) of the rounds, each stage in turn with its floor. MiB: most that "
            "NumPy allocates within the stage. Exponent: of seconds in pixels, fitted over all "
            "sizes. Sub-graphs (of 4, 8 and 16 edges) and priors (five) are training's alone.",
            "",
            table(header, rows),
            "",
            "Log-log plot with the floors as dashed lines: `benchmarks/results/scale.png`.",
        ]
    )


def seconds(values: list[float]) -> str:
    """Median, and range in brackets."""
    low, middle, high = min(values), float(np.median(values)), max(values)
    return f"{middle:.3g} ({low:.3g} - {high:.3g})"


def draw(found: dict[int, dict[str, Stage]], file: Path) -> None:
    """A log-log plot of stages and floors."""
    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.subplots()
    pixels = [size * size for size in found]
    for i, name in enumerate(FLOORS):
        of_sizes = [found[size][name] for size in found]
        floors = [float(np.median(stage.floor)) for stage in of_sizes]
        axes.loglog(pixels, [s.median for s in of_sizes], "o-", color=f"C{i}", label=name)
        axes.loglog(pixels, floors, "--", color=f"C{i}", linewidth=0.8)
    axes.set(xlabel="pixels", ylabel="seconds of the processor (dashed: the floor)")
    axes.legend(fontsize="small", ncols=2)
    figure.savefig(file, dpi=100)


if __name__ == "__main__":
    main()
