"""The recipes that are suggested: as cards to look at, and as a file to choose from later."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.suggest.candidates import Candidate, Told
from agents.suggest.one_look import Look
from agents.suggest.recipes import FAMILIES, Known
from gym_rlseg import __version__
from gym_rlseg.images.reading.colour import convert
from gym_rlseg.images.reading.contrast import normalise
from gym_rlseg.pictures.contact_sheet import outlined, sheet
from gym_rlseg.pictures.html_page import page, paragraph, picture
from gym_rlseg.pictures.layout import Picture
from gym_rlseg.writing import write_text

TITLE = "Which looks right?"
# Dark images are shown with this exponent, or dim objects would hardly be seen.
_DARK, _LIFTED = 0.3, 0.6


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """A recipe with what speaks for it.

    Attributes:
        candidate: the recipe.
        score: see `Look`.
        why: in a few words.
        count: objects per image, least and greatest.
        width: usual width of the objects found, in pixels.
    """

    candidate: Candidate
    score: float
    why: str
    count: tuple[int, int]
    width: float

    @classmethod
    def of(cls, look: Look) -> Suggestion:
        """What is kept of a look."""
        counts = [round(n) for n in look.counts] or [0]
        return cls(
            candidate=look.candidate,
            score=round(look.score, 4),
            why=look.why,
            count=(min(counts), max(counts)),
            width=round(look.width, 1),
        )

    def line(self, number: int) -> str:
        """Number, family, diameter, count and score."""
        low, high = self.count
        count = f"{low}" if low == high else f"{low} to {high}"
        known = self.candidate.known
        return (
            f"{number}. {self.candidate.family}, {known.diameter:g} px: {count} an image, "
            f"score {self.score:.2f}"
        )


def cards(images: Sequence[NDArray[Any]], looks: Sequence[Look]) -> tuple[list[Picture], list[str]]:
    """A picture and two lines for each look: the window in which most was found.

    Args:
        images: (C, H, W), those that were given to `look`.
        looks: at least one.
    """
    pictures, lines = [], []
    for number, one in enumerate(looks, start=1):
        found = [int(labels.max()) for labels in one.labels]
        index = int(np.argmax(found))
        known, image = one.candidate.known, images[one.images[index]]
        # Three channels are shown in their colours, whatever the recipe sees of them.
        shown = normalise(image if len(image) == 3 else convert(image, known.colour))
        if len(shown) not in (1, 3) and not FAMILIES[one.candidate.family].fills:
            shown = shown[known.channel : known.channel + 1]
        if np.median(shown) < _DARK:
            shown = shown**_LIFTED
        part = np.ascontiguousarray(shown[:, *one.windows[index]])
        pictures.append(outlined(part, one.labels[index]))
        lines.append(f"{Suggestion.of(one).line(number)}\n{one.why}")
    return pictures, lines


def suggestion_sheet(pictures: Sequence[Picture], lines: Sequence[str]) -> Picture:
    """The cards on one picture, uint8 (H, W, 3)."""
    return sheet(pictures, lines, f"{TITLE} Outlines of the objects that each recipe finds")


def suggestion_page(pictures: Sequence[Picture], lines: Sequence[str], choose: str) -> str:
    """The cards on a page of HTML, side by side where there is room.

    Args:
        pictures: from `cards`.
        lines: likewise.
        choose: how to choose another than the first, plain text.
    """
    side_by_side = [
        f'<div style="display:inline-block;vertical-align:top;width:480px;margin:0 1rem 0 0">'
        f"{picture(pixels, line)}</div>"
        for pixels, line in zip(pictures, lines, strict=True)
    ]
    parts = [paragraph(choose), '<div style="width:96vw;margin-left:calc(50% - 48vw)">']
    return page(TITLE, [*parts, *side_by_side, "</div>"])


def fingerprint(files: Sequence[Path], told: Told, reading: Any) -> str:
    """Changes with the images, with what was told of them and how they are read."""
    stamps = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    text = json.dumps([__version__, stamps, dataclasses.asdict(told), reading], default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def remember(file: Path, key: str, suggestions: Sequence[Suggestion], shown: Sequence[str]) -> None:
    """Write suggestions as JSON, for `recall`.

    Args:
        file: to write.
        key: from `fingerprint`.
        suggestions: the best first.
        shown: lines to say again.
    """
    content = {
        "key": key,
        "seen": list(shown),
        "suggestions": [dataclasses.asdict(one) for one in suggestions],
    }
    write_text(file, json.dumps(content, indent=1) + "\n")


def recall(file: Path, key: str) -> tuple[list[Suggestion], list[str]] | None:
    """Suggestions that `remember` wrote for the same images and answers, and the lines; or None."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["key"] != key:
            return None
        return [_suggestion(one) for one in content["suggestions"]], list(content["seen"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _suggestion(data: dict[str, Any]) -> Suggestion:
    known = dict(data["candidate"]["known"])
    known["count"] = None if known["count"] is None else tuple(known["count"])
    family = str(data["candidate"]["family"])
    if family not in FAMILIES:
        raise ValueError(f"unknown family {family!r}")
    return Suggestion(
        candidate=Candidate(family=family, known=Known(**known)),
        score=float(data["score"]),
        why=str(data["why"]),
        count=(int(data["count"][0]), int(data["count"][1])),
        width=float(data["width"]),
    )
