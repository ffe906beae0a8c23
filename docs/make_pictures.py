"""Draw the documentation's pictures anew: python docs/make_pictures.py [FOLDER].

Each prior's picture shows what the YAML line in its section gives to drawn objects; each
environment's shows an episode, each family's of recipes what its recipe finds.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np
import yaml
from matplotlib.figure import Figure
from numpy.typing import NDArray
from panels import NAMES, episode, masks
from PIL import Image
from recipe_scenes import DIAMETERS, PICTURES
from scenes import SCENES, Scene, shapes
from scipy import ndimage

import gym_rlseg  # noqa: F401
from agents.runs.environment import resolve
from agents.suggest.candidates import Candidate
from agents.suggest.recipes import FAMILIES, Known
from agents.suggest.trial import try_recipe
from gym_rlseg.images import EmbryoSource
from gym_rlseg.images.reading.colour import convert
from gym_rlseg.images.reading.contrast import normalise
from gym_rlseg.pictures.contact_sheet import outlined
from gym_rlseg.pictures.layout import Ramp, drawn, ramp_colours
from gym_rlseg.pictures.plots import render_landscape
from gym_rlseg.rewards.embryo import weight_picture
from gym_rlseg.rewards.landscape import landscape
from gym_rlseg.rewards.priors import PRIORS, Prior, as_prior
from gym_rlseg.rewards.quantities import Quantities

HERE = Path(__file__).parent
_ZOOM = 2
_RAMP: Ramp = ((135, 0, 15), (215, 70, 40), (250, 200, 90), (165, 245, 125))
_PAPER = 244
_COLOURS = 256
# Of noisy images; without the rounds their colours come out wrong.
_SMALL = {"colours": 96, "rounds": 3}


def main() -> None:
    """Draw everything."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    (folder / "priors").mkdir(parents=True, exist_ok=True)
    for name, prior in documented_priors((HERE / "priors.md").read_text()).items():
        scenes = SCENES.get(name, shapes)()
        save(folder / "priors" / f"{name}.png", scored(scenes, prior))
    for name in ("circles", "circularity"):
        save(folder / f"landscape_{name}.png", circles_landscape(name))
    save(folder / "embryo_weights.png", embryo_weights())
    (folder / "recipes").mkdir(exist_ok=True)
    for family in FAMILIES:
        save(folder / "recipes" / f"{family.replace(' ', '_')}.png", of_recipe(family))
    (folder / "environments").mkdir(exist_ok=True)
    for env_id, name in NAMES.items():
        save(folder / "environments" / f"{name}.png", episode(env_id), **_SMALL)
    save(folder / "environments" / "masks.png", masks(), **_SMALL)


def of_recipe(family: str) -> NDArray[np.uint8]:
    """A drawn image of a family, and beside it what its recipe finds without training."""
    known = Known(
        diameter=DIAMETERS[family],
        shape="elongated" if FAMILIES[family].long else "convex",
        colour="hematoxylin" if FAMILIES[family].stained else "channels",
    )
    options = Candidate(family=family, known=known).environment()
    environment = resolve({"id": "RLSeg-Images-v0", "path": ".", **options}, HERE)
    image = PICTURES[family](0)
    seen = normalise(convert(image, known.colour), compress=environment["compress"])
    labels = try_recipe(environment, seen).labels
    plain = normalise(image)
    pair = outlined(plain, np.zeros_like(labels)), outlined(plain, labels)
    gap = np.full((len(pair[0]), 8, 3), 255, np.uint8)
    return np.concatenate([pair[0], gap, pair[1]], axis=1)[::2, ::2]


def documented_priors(page: str) -> dict[str, Prior]:
    """The prior in each section of the page."""
    found = {}
    for section in re.split(r"^### ", page, flags=re.MULTILINE)[1:]:
        name = section.split("\n", 1)[0].strip()
        line = re.search(r"```yaml\n(.*?)\n```", section, re.DOTALL)
        if name in PRIORS and line is not None:
            found[name] = as_prior(yaml.safe_load(line[1]))
    return found


def scored(scenes: list[Scene], prior: Prior) -> NDArray[np.uint8]:
    """Scenes side by side, every object coloured by its score, with the score below it."""
    pages, texts, left = [], [], 0
    for scene in scenes:
        scores = object_scores(scene, prior)
        pages.append(enlarged(scene, scores))
        for number, box in enumerate(ndimage.find_objects(scene.labels), start=1):
            middle = (box[1].start + box[1].stop) / 2
            # Below the object; on it where the next one or the frame is too near.
            below = box[0].stop + 5.5
            y, x = min(box[0].stop + 5.5, scene.labels.shape[0] - 5.0), int(middle)
            beneath = scene.labels[min(int(below), scene.labels.shape[0] - 1), x]
            if beneath not in (0, number) or below > scene.labels.shape[0] - 3:
                y = (box[0].start + box[0].stop) / 2
            texts.append((_ZOOM * y, left + _ZOOM * middle, f"{scores[number]:.2f}"))
        left += pages[-1].shape[1] + 4
    gap = np.full((pages[0].shape[0], 4, 3), 255, np.uint8)
    page = np.concatenate([part for p in pages for part in (p, gap)][:-1], axis=1)
    height, width = page.shape[:2]
    figure = Figure((width / 128, height / 128), dpi=128)
    figure.figimage(page, origin="upper")
    for y, x, words in texts:
        figure.text(
            x / width, 1 - y / height, words, ha="center", va="center_baseline",
            fontsize=6.6, family="DejaVu Sans", color="black",
            bbox={"boxstyle": "round,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.75},
        )  # fmt: skip
    return drawn(figure)


def object_scores(scene: Scene, prior: Prior) -> NDArray[np.float64]:
    """The prior's scores of the ground and each object, (1 + n,)."""
    graph, of_nodes = scene.graph()
    objects, n = Quantities(graph, of_nodes), int(scene.labels.max())
    numbers = np.arange(objects.count)
    return prior(objects.with_ground((numbers == 0) | (numbers > n)))[: n + 1]


def enlarged(scene: Scene, scores: NDArray[np.float64]) -> NDArray[np.uint8]:
    """A scene in colours: filled objects, or their outlines on the image."""
    labels = np.kron(scene.labels, np.ones((_ZOOM, _ZOOM), np.int32))
    colours = ramp_colours(scores, _RAMP)
    page = np.full((*labels.shape, 3), float(_PAPER))
    edge = ndimage.grey_erosion(labels, (3, 3)) != ndimage.grey_dilation(labels, (3, 3))
    shown = labels > 0
    if scene.shows_image:
        page[:] = 255 * np.kron(scene.image, np.ones((_ZOOM, _ZOOM)))[..., None]
        # Grey dilation carries an object's number across its outline.
        labels = ndimage.grey_dilation(labels, (3, 3))
        edge = labels != ndimage.grey_erosion(labels, (7, 7))
        shown = edge & (labels > 0)
    page[shown] = colours[labels[shown]]
    if not scene.shows_image:
        page[edge & shown] *= 0.6
    return np.rint(page).astype(np.uint8)


def circles_landscape(reward: str) -> NDArray[np.uint8]:
    """The landscape of a reward for circles."""
    env = gym.make("RLSeg-Circles-v0", reward={"name": reward}, split="test", pool_size=8)
    pool, of_env = env.unwrapped.pool, env.unwrapped.reward  # type: ignore[attr-defined]
    graphs = [pool.graph(index) for index in range(8)]
    return render_landscape(landscape(graphs, of_env, np.random.default_rng(0)))


def embryo_weights() -> NDArray[np.uint8]:
    """A section of an embryo beside the weights of ring and ground."""
    image = EmbryoSource().sample("train", 0, 0).image[0]
    ring, ground = weight_picture(image.shape)
    figure = Figure((9, 2.9), dpi=80, layout="constrained")
    for axes, values, title, colours in zip(
        figure.subplots(1, 3), (image, ring, ground), ("image", "ring", "ground"),
        ("gray", "viridis", "viridis"), strict=True,
    ):  # fmt: skip
        shown = axes.imshow(values, cmap=colours, vmin=0, vmax=1)
        axes.set_title(title, fontsize=10)
        axes.set_xticks([])
        axes.set_yticks([])
    figure.colorbar(shown, ax=figure.axes, shrink=0.9, label="weight")
    return drawn(figure)


def save(path: Path, picture: NDArray[np.uint8], colours: int = _COLOURS, rounds: int = 0) -> None:
    """Write a PNG of few colours, which is small; the colours are chosen in some rounds."""
    image = Image.fromarray(picture).quantize(colours, kmeans=rounds, dither=Image.Dither.NONE)
    image.save(path, optimize=True)


if __name__ == "__main__":
    main()
