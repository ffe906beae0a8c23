"""What `rlseg init` takes for granted or asks: from images and flags to answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from agents.suggest.measuring import Measured, bright_objects, is_stained, measure
from agents.suggest.parsing import (
    LEAST_DIAMETER,
    SHAPES,
    one_of,
    parse_count,
    parse_diameter,
)
from agents.suggest.settings import ANY_STAIN, STAINS, Answers, Seen, is_stain
from gym_rlseg.images.reading.colour import convert
from gym_rlseg.images.reading.contrast import normalise

T = TypeVar("T")
Planes = list[NDArray[np.floating]]


class Ask(Protocol):
    """Asks until the answer can be read."""

    def __call__(self, question: str, default: str, parse: Callable[[str], T]) -> T:
        """The answer; `parse` raises a `ValueError` that says what is expected."""
        ...


# Channels that agree so well are one picture, saved in colour.
_ALIKE = 0.95
# Below this, objects hardly differ from the ground, see `Measured.contrast`.
LOW_CONTRAST = 0.5


@dataclass(frozen=True, kw_only=True)
class Guesses:
    """The outcome.

    Attributes:
        seen: what the images tell.
        answers: flags, answers and guesses.
        guessed: names of those answers that nobody gave.
    """

    seen: Seen
    answers: Answers
    guessed: tuple[str, ...]


def guess(
    images: Mapping[Path, NDArray[Any]],
    given: Mapping[str, Any],
    *,
    ask: Ask | None,
    tell: Callable[[str], None],
) -> Guesses:
    """Look at images, and ask what flags leave open.

    Args:
        images: path -> (C, H, W), as in its file.
        given: answers that are known, by their names in `Answers`.
        ask: asks for the others, given a question, the answer to suggest and what reads it;
            None takes guesses instead.
        tell: takes a line about what was seen.

    Raises:
        ValueError: if an answer doesn't suit the images.
    """
    guessed: list[str] = []

    def answer(
        name: str, question: str, default: T, parse: Callable[[str], T], shown: str = ""
    ) -> T:
        if name in given:
            value: T = given[name]
            return value
        if ask is not None:
            return ask(question, shown or str(default), parse)
        guessed.append(name)
        return default

    suggestion = suggest_colour(list(images.values()))
    colour: str = given.get("colour", suggestion)
    if any(len(image) == 3 for image in images.values()):
        stain = suggestion if is_stain(suggestion) else "no"
        question = f"Which stain shows the objects: {ANY_STAIN}, {', '.join(STAINS)}, or no?"
        chosen = answer("colour", question, stain, one_of(ANY_STAIN, *STAINS, "no"))
        without = "grey" if is_stain(suggestion) else suggestion
        colour = without if chosen == "no" else chosen
    planes, channel = _planes(images, colour, given.get("channel"))
    if channel and "channel" not in given:
        guessed.append("channel")
    bright = float(np.mean([bright_objects(plane) for plane in planes])) >= 0.0
    if is_stain(colour) and "dark" not in given:
        dark = False  # much stain is bright, by construction
    else:
        dark = answer(
            "dark",
            "Are objects bright or dark?",
            not bright,
            lambda text: one_of("bright", "dark")(text) == "dark",
            shown="bright" if bright else "dark",
        )
    planes = [1.0 - plane for plane in planes] if dark else planes
    measured = measure(planes, given.get("diameter"))
    tell(describe(measured, dark=dark, colour=colour, with_width="diameter" not in given))
    width = max(_rounded(measured.diameter), LEAST_DIAMETER)
    diameter = answer(
        "diameter",
        "How wide is an object, in pixels (if long, its shorter side)?",
        width,
        parse_diameter,
        shown=f"{width:g}",
    )
    count = answer(
        "count",
        "How many objects are on an image: a range such as 10-60, or unknown?",
        None,
        parse_count,
        shown="unknown",
    )
    shape = answer(
        "shape",
        f"What shape are they: {', '.join(SHAPES[:-1])} or {SHAPES[-1]}?",
        "convex",
        one_of(*SHAPES),
    )
    return Guesses(
        seen=Seen(
            height=max(image.shape[1] for image in images.values()),
            width=max(image.shape[2] for image in images.values()),
        ),
        answers=Answers(
            diameter=diameter, count=count, shape=shape, dark=dark, colour=colour, channel=channel
        ),
        guessed=tuple(guessed),
    )


def suggest_colour(images: Sequence[NDArray[Any]]) -> str:
    """The option `colour` of `FilesSource` that suits most of the images.

    Nuclei are what is darkest in stained sections: their darkness shows them more sharply than
    the amount of hematoxylin, which stains outside of nuclei as well. Three channels that
    agree are a grey picture, and so is a mix of grey and colour files; all others are
    channels.
    """
    channels = {len(image) for image in images}
    if 3 not in channels:
        return "channels"
    if np.mean([is_stained(image) for image in images]) > 0.5 and channels == {3}:
        return ANY_STAIN
    alike = [_are_alike(image) for image in images if len(image) == 3]
    return "grey" if channels == {1, 3} or np.mean(alike) > 0.5 else "channels"


def describe(measured: Measured, *, dark: bool, colour: str, with_width: bool = True) -> str:
    """One line about the objects; their width may be known better than by measuring."""
    kind = "dark " if dark else "bright "
    if is_stain(colour):
        stain = colour.partition("+")[0]
        kind = "stained " if stain == ANY_STAIN else f"{stain}-stained "
    dim = "mostly dim, " if measured.dim and not dark and not is_stain(colour) else ""
    contrast = "hardly set off from" if measured.contrast < LOW_CONTRAST else "clearly set off from"
    low, high = measured.count
    count = f"{low}" if low == high else f"{low} to {high}"
    width = f"{_rounded(measured.diameter):g} px wide, " if with_width else ""
    return f"{kind}objects, {dim}{contrast} the ground; about {width}{count} an image"


def _planes(
    images: Mapping[Path, NDArray[Any]], colour: str, channel: int | None
) -> tuple[Planes, int]:
    """One channel of every image in [0, 1], and its number: where objects stand out most."""
    stacks = [
        normalise(convert(image, colour, str(path)), name=str(path))
        for path, image in images.items()
    ]
    channels = min(len(stack) for stack in stacks)
    if channel is not None and channel >= channels:
        raise ValueError(f"there is no channel {channel}, counted from 0: images have {channels}")
    if channel is None:
        few = 1 if is_stain(colour) else channels
        contrasts = [_contrast([stack[c] for stack in stacks]) for c in range(few)]
        channel = int(np.argmax(contrasts))
    return [stack[channel] for stack in stacks], channel


def _contrast(planes: Planes) -> float:
    if np.mean([bright_objects(plane) for plane in planes]) < 0.0:
        planes = [1.0 - plane for plane in planes]
    return measure(planes).contrast


def _rounded(diameter: float) -> float:
    """To two digits, as nobody knows it better."""
    return float(f"{diameter:.2g}")


def _are_alike(image: NDArray[Any]) -> bool:
    """Whether the channels of an image show the same."""
    flat = image.reshape(len(image), -1)[:, :: max(1, image[0].size // 65536)].astype(np.float64)
    if (flat == flat[:, :1]).all(axis=1).any():
        return False
    return bool(np.corrcoef(flat).min() > _ALIKE)
