"""What `rlseg init` says, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from agents.suggest.answers import Guesses
from agents.suggest.parsing import SHAPES
from gym_rlseg.rewards.audit import Audit


def images_seen(path: str, total: int, looked: Sequence[NDArray[Any]]) -> str:
    """Number, size and kind of images, in one line.

    Args:
        path: where they are.
        total: how many there are.
        looked: some of them, (C, H, W).
    """
    sizes = " x ".join(_span([image.shape[axis] for image in looked]) for axis in (1, 2))
    kinds = " and ".join(sorted({str(image.dtype) for image in looked}))
    channels = _span([len(image) for image in looked])
    low, high = min(image.min() for image in looked), max(image.max() for image in looked)
    return (
        f"{_images(total)} in {path}, {len(looked)} looked at: {sizes} px, "
        f"{channels} channel{'s' * (channels != '1')}, {kinds} from {low:g} to {high:g}"
    )


def assumptions(guesses: Guesses) -> list[str]:
    """What nobody said, and the flag that says it, a line each."""
    answers = guesses.answers
    shown = {
        "colour": (answers.colour, "--colour NAME"),
        "channel": (f"channel {answers.channel}, from 0", "--channel N"),
        "dark": ("dark objects" if answers.dark else "bright objects", "--bright or --dark"),
        "diameter": (f"{answers.diameter:g} px wide", "--diameter PX"),
        "count": ("any number", "--count LOW-HIGH"),
        "shape": (answers.shape, f"--shape {', '.join(SHAPES[:-1])} or {SHAPES[-1]}"),
    }
    lines = [
        f"  {value:18} {flag}" for name, (value, flag) in shown.items() if name in guesses.guessed
    ]
    return ["assumed, and the flag that changes it:", *lines] if lines else []


def audit_outcome(result: Audit) -> str:
    """What scores how, in one line, and the verdict where labels are known."""
    rewards = {name: reward for name, (reward, _) in result.means().items()}
    outlines = max(reward for name, reward in rewards.items() if name.startswith("evidence"))
    line = (
        f"audit: reward {outlines:.2f} for objects from the map of outlines alone, "
        f"{rewards['all merged']:.2f} for all in one, {rewards['all split']:.2f} for every "
        f"superpixel an object (on {_images(len({row.image for row in result.rows}))})"
    )
    return f"{line}\naudit with labels: {result.verdict()}" if _has_truth(result) else line


def audit_warning(result: Audit) -> str:
    """A warning if the reward can be gamed, else an empty text."""
    if _has_truth(result):
        return "" if result.passed else "a training may find what beats the labels; see the audit"
    best = next(iter(result.means()))
    if best.startswith("evidence"):
        return ""
    return (
        f"{best!r} has the highest reward, so a training may end there; look at the contact "
        "sheet, then at the diameter and at whether objects are bright or dark"
    )


def _has_truth(result: Audit) -> bool:
    return any(row.sbd is not None for row in result.rows)


def _images(number: int) -> str:
    return f"{number} image{'s' * (number != 1)}"


def _span(values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    return f"{low}" if low == high else f"{low} to {high}"
