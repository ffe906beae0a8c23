"""Which recipes are worth a try: families times scales, narrowed by what is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.suggest.colours import clearest_channel, clearest_stain, is_stain, suggest_colour
from agents.suggest.recipes import FAMILIES, Family, Known

# Scales are tried from small to large objects, so many, in pixels; of long ones the width.
_SMALLEST, _LARGEST, _WIDEST, _SCALES = 9.0, 60.0, 24.0, 5
# Objects on a ground may be spots, too.
_SPOT = 5.0
# Objects larger than this share of an image's side are only looked for if that was told.
_SHARE = 0.25


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the user told of the objects; None: nothing.

    Attributes:
        diameter: usual diameter in pixels; of long ones the width.
        dark: whether they are darker than what lies between them.
        shape: "round", "convex", "elongated" or "any".
        count: least and greatest number on an image.
        fills: whether they fill the image, with no ground between them.
        colour: what becomes of the channels, see `FilesSource`.
        channel: in which they are seen, from 0.
    """

    diameter: float | None = None
    dark: bool | None = None
    shape: str | None = None
    count: tuple[int, int] | None = None
    fills: bool | None = None
    colour: str | None = None
    channel: int | None = None


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A recipe to try.

    Attributes:
        family: its name in `FAMILIES`.
        known: what it is made from.
    """

    family: str
    known: Known

    def environment(self) -> dict[str, Any]:
        """Keyword arguments of the environment, without paths."""
        return {"colour": self.known.colour, **FAMILIES[self.family].recipe(self.known)}

    def at(self, diameter: float) -> Candidate:
        """The same at another scale."""
        return replace(self, known=replace(self.known, diameter=diameter))


def candidates(images: Sequence[NDArray[Any]], told: Told) -> list[Candidate]:
    """Recipes that agree with all that was told.

    Args:
        images: a few, (C, H, W) as in their files.
        told: by the user.

    Raises:
        ValueError: if the images have no such channel, or nothing agrees.
    """
    seen = suggest_colour(images)
    stained = is_stain(told.colour or seen)
    channels = min(len(image) for image in images)
    if told.channel is not None and told.colour in (None, "channels") and told.channel >= channels:
        raise ValueError(
            f"there is no channel {told.channel}, counted from 0: images have {channels}"
        )
    found = [
        Candidate(family=family.name, known=view).at(diameter)
        for family in FAMILIES.values()
        if suits(family, told, stained)
        for view in [_view(family, told, images, seen)]
        for diameter in _scales(family, told, images)
    ]
    if not found:
        raise ValueError(
            "no recipe agrees with what was told; leave out --fills, --shape, or --bright and "
            "--dark"
        )
    return found


def suits(family: Family, told: Told, stained: bool) -> bool:
    """Whether a family contradicts nothing that was told.

    Objects that fill the image have no ground to be brighter than: whoever tells that they
    are bright or dark, but not that they fill the image, has seen a ground; else it is the
    lines between them that are dark or bright.

    Args:
        family: any.
        told: by the user.
        stained: whether images are of stained sections, or a stain was asked for.
    """
    fills = False if told.fills is None and told.dark is not None else told.fills
    if fills is not None and family.fills is not fills:
        return False
    if told.shape is not None and told.shape not in family.shapes:
        return False
    if is_stain(told.colour or "") and not family.fills:
        # Where there is much of the stain it is bright, by construction.
        return family.stained if not family.long else family.dark is False
    if stained and told.colour is None and family.dark and not (family.fills or family.long):
        return False  # what is dark there is stained
    if family.stained:
        return stained and told.colour is None and told.dark is not False
    if told.dark is None or family.dark is None:
        return told.dark is None
    return family.dark is (told.dark is not family.fills)


def _view(family: Family, told: Told, images: Sequence[NDArray[Any]], seen: str) -> Known:
    """Colour and channel to look at; the diameter is still open."""
    if told.colour is not None:
        colour = told.colour
    elif family.stained:
        colour = clearest_stain(images)
    elif is_stain(seen):
        colour = "channels" if family.dark is None else "grey"
    else:
        colour = seen
    channel = told.channel or 0
    if colour == "channels" and told.channel is None and not family.fills:
        channel = clearest_channel(images)
    return Known(
        diameter=told.diameter or 1.0,
        shape=told.shape or ("elongated" if family.long else "convex"),
        count=told.count,
        colour=colour,
        channel=channel,
    )


def _scales(family: Family, told: Told, images: Sequence[NDArray[Any]]) -> tuple[float, ...]:
    if told.diameter is not None:
        return (told.diameter,)
    side = min(min(image.shape[1:]) for image in images)
    largest = min(max(_LARGEST, 0.08 * side), _SHARE * side)
    smallest = 4.0 if family.long else _SMALLEST
    if family.long:
        largest = min(largest, _WIDEST)
    if largest <= smallest:
        return (max(4.0, float(f"{largest:.2g}")),)
    steps = _SCALES - 1 if family.long else _SCALES
    found = tuple(float(f"{d:.2g}") for d in np.geomspace(smallest, largest, steps))
    spots = not (family.fills or family.long or family.stained)
    return (_SPOT, *found) if spots else found
