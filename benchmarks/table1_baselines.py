"""What the variants of `table1.py` are compared with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu
from timed import clock

from agents.baselines import OtsuWatershed, PixelMutexWatershed, edge_multicut
from agents.baselines.clustering import clustered, k_means, mean_shift
from agents.baselines.discriminative import discriminative_loss
from agents.baselines.object_centric import ObjectCentricLoss, centres_clustered
from agents.baselines.pixel_embedding import PixelEmbedding
from gym_rlseg.graph import SuperpixelGraph
from gym_rlseg.graph.features import GraphParts
from gym_rlseg.graph.features_embedding import distances, superpixel_embeddings
from gym_rlseg.graph.partition import Multicut
from gym_rlseg.images import CirclesSource, MembranesSource, Sample
from gym_rlseg.metrics import superpixel_bound, symmetric_best_dice
from gym_rlseg.rewards import score_labels
from gym_rlseg.segmentation.segmentation import segment

if TYPE_CHECKING:
    from table1 import Task

Labels = NDArray[np.int32]
Segment = Callable[[Any, int], Labels]
#: Bandwidth of the mean shift on embeddings of the discriminative loss: its δ_d.
_BANDWIDTH = 1.5


def of_graph(method: Callable[[SuperpixelGraph, Any], Labels]) -> Segment:
    """A method of graph and reward as one of environment and index."""
    return lambda env, index: method(env.unwrapped.pool.graph(index), env.unwrapped.reward)


def bound(task: Task, seed: int) -> tuple[Segment, dict[str, Any]]:
    """The superpixels projected on the truth."""
    del task, seed
    return of_graph(lambda graph, _: superpixel_bound(graph.superpixels, graph.truth)), {}


def multicut(task: Task, seed: int) -> tuple[Segment, dict[str, Any]]:
    """Edge map and multicut."""
    del task, seed
    return of_graph(lambda graph, reward: edge_multicut(graph, reward).object_labels), {}


def mutex_watershed(task: Task, seed: int) -> tuple[Segment, dict[str, Any]]:
    """Mutex watershed on the pixels of the edge map; the ground is the reward's."""
    del seed
    recipe = task.env().pool.recipe
    method = PixelMutexWatershed(boundary=recipe.boundary)

    def found(graph: SuperpixelGraph, reward: Any) -> Labels:
        return _without_ground(graph, method.watershed(recipe.boundary(graph.image)), reward)

    return of_graph(found), {}


def otsu(task: Task, seed: int) -> tuple[Segment, dict[str, Any]]:
    """Otsu's threshold and a watershed of the distance transform.

    Whether objects are dark, and how far apart their middles are, is chosen by the truth of the
    validation images.
    """
    del seed
    env = task.env("validation")
    graphs = [env.pool.graph(index) for index in range(env.pool.limit)]

    def score(method: OtsuWatershed) -> float:
        found = [_without_ground(g, method(g.image), env.reward) for g in graphs]
        pairs = zip(found, graphs, strict=True)
        return float(np.mean([symmetric_best_dice(labels, g.truth) for labels, g in pairs]))

    choices = [OtsuWatershed(dark=d, min_distance=n) for d in (False, True) for n in (3, 5, 7, 10)]
    method = max(choices, key=score)

    def found(graph: SuperpixelGraph, reward: Any) -> Labels:
        return _without_ground(graph, method(graph.image), reward)

    return of_graph(found), {"dark": method.dark, "min_distance": method.min_distance}


def contrastive_multicut(task: Task, seed: int) -> tuple[Segment, dict[str, Any]]:
    """Embeddings by contrast, and a multicut of their distances."""
    from table1 import pretrained

    network = pretrained(task.env(), task.pretraining * 60, seed).network()

    def found(graph: SuperpixelGraph, reward: Any) -> Labels:
        weights = distances(_means(network(graph.image), graph), graph.edges)
        partition = Multicut(solver="kernighan_lin")
        return segment(graph, weights, partition, reward).object_labels

    return of_graph(found), {}


def contrastive_k_means(task: Task, seed: int) -> tuple[Segment, dict[str, Any]]:
    """Embeddings by contrast, and k-means with the true number of objects."""
    from table1 import pretrained

    network = pretrained(task.env(), task.pretraining * 60, seed).network()
    return _k_means(network, seed), {}


def discriminative(
    task: Task, seed: int, *, edges: bool, by: str
) -> tuple[Segment, dict[str, Any]]:
    """Embeddings by the discriminative loss, learned from labelled images of another kind."""
    env = task.env()
    boundary, channels = env.pool.recipe.boundary, len(env.pool.graph(0).image)
    thin = _bright_parts_are_thin(env.pool.graph(0).image[0])
    other = MembranesSource(polarity="bright") if thin else CirclesSource()
    rng = np.random.default_rng(seed)

    def seen(image: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.concatenate([image, boundary(image)[None]]) if edges else image

    def draw() -> Sample:
        sample = other.sample("train", int(rng.integers(1000)), seed)
        image = np.repeat(sample.image[:1], channels, axis=0)
        return Sample(image=seen(image), truth=sample.truth, name=sample.name)

    network = PixelEmbedding(channels + edges, 8, seed=seed)
    updates = network.train(draw, discriminative_loss, clock(task.minutes * 60))

    def embed(image: NDArray[np.float32]) -> NDArray[np.float32]:
        return network(seen(image))

    if by == "k-means":
        return _k_means(embed, seed), {"updates": updates}

    def found(graph: SuperpixelGraph, reward: Any) -> Labels:
        clusters = mean_shift(_means(embed(graph.image), graph), _BANDWIDTH)
        return clustered(graph, clusters, reward).object_labels

    return of_graph(found), {"updates": updates}


def object_centric(task: Task, seed: int) -> tuple[Segment, dict[str, Any]]:
    """Object-centric embeddings as in Cellulus, and a mean shift of the centres."""
    pool = task.env().pool
    rng = np.random.default_rng(seed)

    def draw() -> Sample:
        graph = pool.draw(rng)[1]
        return Sample(image=graph.image, truth=None, name=graph.name)

    # Two levels see no farther than an object: the less a pixel sees, the less it knows of others.
    network = PixelEmbedding(len(pool.graph(0).image), 2, widths=(16, 32), seed=seed)
    loss = ObjectCentricLoss(rng=rng)
    updates = network.train(draw, loss, clock(task.minutes * 60))

    def found(graph: SuperpixelGraph, reward: Any) -> Labels:
        everywhere = np.ones(graph.superpixels.shape, np.bool_)
        labels = centres_clustered(network(graph.image), everywhere, loss.reach / 2)
        return _without_ground(graph, labels, reward)

    return of_graph(found), {"updates": updates}


def _k_means(embed: Callable[[NDArray[np.float32]], NDArray[np.float32]], seed: int) -> Segment:
    def found(graph: SuperpixelGraph, reward: Any) -> Labels:
        count = len(np.unique(graph.truth))
        rng = np.random.default_rng(seed)
        clusters = k_means(_means(embed(graph.image), graph), count, rng)
        return clustered(graph, clusters, reward).object_labels

    return of_graph(found)


def _means(pixels: NDArray[np.float32], graph: SuperpixelGraph) -> NDArray[np.float32]:
    """Mean embeddings of the superpixels, (N, F)."""
    parts = GraphParts(
        image=graph.image, boundary=graph.boundary, superpixels=graph.superpixels,
        edges=graph.edges, outlines=graph.outlines, sums=graph.sums,
    )  # fmt: skip
    return superpixel_embeddings(pixels, parts)


def _without_ground(graph: SuperpixelGraph, labels: NDArray[np.integer], reward: Any) -> Labels:
    """Labels 1..M without what the reward takes for ground."""
    scores = score_labels(graph.image, labels, reward, truth=graph.truth)
    dense = np.unique(labels, return_inverse=True)[1].reshape(labels.shape)
    numbers = np.where(scores.ground, 0, np.cumsum(~scores.ground))
    return numbers[dense].astype(np.int32)


def _bright_parts_are_thin(image: NDArray[np.float32]) -> bool:
    """Whether what Otsu's threshold finds bright is thin, as membranes are."""
    bright = image > threshold_otsu(image)
    return bool(ndimage.distance_transform_edt(bright).max() < 5.0)


#: Method -> (trains, and gives the segmentation of an environment's image and what is noted).
METHODS: dict[str, Callable[[Any, int], tuple[Segment, dict[str, Any]]]] = {
    "bound": bound,
    "edge map + multicut": multicut,
    "mutex watershed": mutex_watershed,
    "Otsu + watershed": otsu,
    "contrastive + multicut": contrastive_multicut,
    "contrastive + k-means": contrastive_k_means,
    "discriminative + k-means": lambda t, s: discriminative(t, s, edges=False, by="k-means"),
    "discriminative + mean shift": lambda t, s: discriminative(t, s, edges=False, by="shift"),
    "discriminative with edges + k-means": lambda t, s: discriminative(
        t, s, edges=True, by="k-means"
    ),
    "discriminative with edges + mean shift": lambda t, s: discriminative(
        t, s, edges=True, by="shift"
    ),
    "object-centric + mean shift": object_centric,
}
#: Those that learn nothing, so that a single seed tells all.
UNTRAINED = ("bound", "edge map + multicut", "mutex watershed", "Otsu + watershed")
#: Those that are told the true number of objects.
WITH_COUNT = tuple(name for name in METHODS if "k-means" in name)
