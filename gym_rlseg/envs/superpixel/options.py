"""What a `SuperpixelEnv` is made of: one authority on keywords, defaults, kinds and ranges."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le

from gym_rlseg.envs import arguments
from gym_rlseg.envs.arguments import EnvironmentOptions
from gym_rlseg.graph import EVIDENCE, PARTITIONS, GraphRecipe
from gym_rlseg.graph.boundary import BoundaryMap
from gym_rlseg.graph.evidence import Evidence
from gym_rlseg.graph.features import FeatureFunction
from gym_rlseg.graph.partition import Partition
from gym_rlseg.graph.silhouettes import Silhouettes
from gym_rlseg.graph.subgraphs import check_sizes
from gym_rlseg.graph.superpixels import Superpixels
from gym_rlseg.images import SOURCES, AugmentedSource, ImageSource, Split
from gym_rlseg.images.augmented import augmented
from gym_rlseg.options import plain
from gym_rlseg.options.ranges import Amount
from gym_rlseg.rewards import REWARDS
from gym_rlseg.rewards.base import Reward

Room = Annotated[int, Ge(1), Le(10**7)]


@dataclass(frozen=True, kw_only=True)
class SuperpixelOptions(EnvironmentOptions):
    """Keyword arguments of the environments.

    Components (source, boundary, superpixels, evidence, partition, reward) are given by name,
    by a dict {"name": ..., option: ...} or as objects; only the first two survive a spec's JSON.

    Attributes:
        source: where images come from.
        augment: whether training images come mirrored and turned as well, or a dict of
            options of `AugmentedSource`; the other splits stay as they are.
        boundary: the boundary map under superpixels and evidence.
        superpixels: the superpixel method.
        features: the set of features, a name or a dict with "name" and options; or a function
            of your own: see `gym_rlseg.graph.features.FeatureFunction`.
        silhouettes: options of `Silhouettes`, which then have a share in the evidence.
        evidence: further components that have a share in it.
        partition: turns edge weights into objects.
        reward: scores objects.
        subgraph_sizes: sizes of the sub-graphs in edges.
        split: "train", "validation" or "test"; they never share an image.
        pool_size: how many graphs are kept and drawn from; None draws from all
            images and keeps none.
        annotated: n; of the training images, only every n-th has its truth, for the reward
            "mixed". (Of augmented images, variants count as well.)
        seed: the stream of generated images and crops (not of the draws: `reset(seed=...)`).
        cache: a folder in which superpixels are kept from one process to the next, see
            `CachedSuperpixels`; None: they are made anew.
        max_nodes: room for superpixels in the observation; None: from the source.
        max_edges: room for edges; None: from the source.
        observe_image: adds "image" and "superpixels" to the observation; behind images that
            are smaller than the largest there are zeros, and superpixels of -1.
        pad_subgraphs: gives infos arrays of one shape instead of tuples of ragged ones, see
            `gym_rlseg.envs.superpixel.episode.padded_info_of`.
        render_mode: None, "rgb_array", or "human": a window that follows every reset and
            step, or where none can be opened, files (`gym_rlseg.pictures.viewer.Viewer`).

    Raises:
        ValueError: if one isn't as declared; components are looked at when they are built.
    """

    augment: bool | dict[str, Any] = False
    boundary: str | dict[str, Any] | BoundaryMap = "gradient"
    superpixels: str | dict[str, Any] | Superpixels = "mutex_watershed"
    features: str | dict[str, Any] | FeatureFunction = "handcrafted"
    silhouettes: dict[str, Any] | Silhouettes | None = None
    evidence: tuple[str | dict[str, Any] | Evidence, ...] = ()
    partition: str | dict[str, Any] | Partition = "multicut"
    reward: str | dict[str, Any] | Reward = "circularity"
    subgraph_sizes: tuple[int, ...] = (4, 8, 16)
    split: Split = "train"
    pool_size: Amount | None = 800
    annotated: Amount = 1
    seed: Annotated[int, Ge(0), Le(2**32 - 1)] = 0
    cache: str | None = None
    max_nodes: Room | None = None
    max_edges: Room | None = None
    observe_image: bool = False
    pad_subgraphs: bool = False
    render_mode: Literal["human", "rgb_array"] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "subgraph_sizes", check_sizes(self.subgraph_sizes))
        super().__post_init__()

    def images(self) -> ImageSource:
        """The source, augmented as it should be."""
        return augmented(SOURCES.build(self.source), self.augment)

    def recipe(self) -> GraphRecipe:
        """What makes graphs of its images."""
        recipe = GraphRecipe.from_options(vars(self))
        return recipe if self.cache is None else recipe.cached(self.cache)

    def to_data(self) -> dict[str, Any]:
        """Keywords as plain data with every default written out, those of the source flat.

        Raises:
            ValueError: if a component is refused, or has no name.
        """
        images, recipe = self.images(), GraphRecipe.from_options(vars(self))
        augment: bool | dict[str, Any] = False
        if isinstance(images, AugmentedSource):
            chosen = (f.name for f in fields(images) if f.name != "source")
            augment = {name: getattr(images, name) for name in chosen}
            images = images.source
        source = SOURCES.to_data(images)
        made = recipe.to_options()
        silhouettes = None
        if self.silhouettes is not None:
            silhouettes = EVIDENCE.to_data(recipe.evidence[0])
            del silhouettes["name"], made["evidence"][0]
        own = {f.name: getattr(self, f.name) for f in fields(self)}
        own |= {"source": source.pop("name"), "augment": augment, "silhouettes": silhouettes}
        own |= {"partition": PARTITIONS.to_data(PARTITIONS.build(self.partition)), **made}
        own |= {"reward": REWARDS.to_data(REWARDS.build(self.reward))}
        return plain({"source": own.pop("source"), **source, **own})


def keywords_of(source: Any) -> tuple[str, ...]:
    """All keywords, those of the source of that name among them."""
    return arguments.keywords_of(SuperpixelOptions, source)


def defaults(cls: type) -> dict[str, Any]:
    """The options of a dataclass that have a default, as plain data."""
    found = {}
    for field in fields(cls):  # type: ignore[arg-type]
        if field.default is not MISSING:
            found[field.name] = plain(field.default)
        elif field.default_factory is not MISSING:
            found[field.name] = plain(field.default_factory())
    return found
