"""What `rlseg init` says, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from agents.suggest.candidates import Candidate, Told
from agents.suggest.looking import CONVINCING
from agents.suggest.one_look import Look
from agents.suggest.recipes import FAMILIES
from agents.suggest.recipes.family import SHAPES
from agents.suggest.suggestions import Suggestion
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


def assumptions(told: Told, chosen: Candidate) -> list[str]:
    """What nobody said, and the flag that says it, a line each."""
    known, family = chosen.known, FAMILIES[chosen.family]
    polarity = "no matter" if family.dark is None else "dark" if family.dark else "bright"
    lines = "lines between them" if family.fills else "objects"
    shown = {
        "dark": (f"{polarity} {lines}", "--bright or --dark"),
        "fills": ("fill the image" if family.fills else "on a ground", "--fills or --no-fills"),
        "diameter": (f"{known.diameter:g} px wide", "--diameter PX"),
        "count": ("any number", "--count LOW-HIGH"),
        "shape": (known.shape, f"--shape {', '.join(SHAPES[:-1])} or {SHAPES[-1]}"),
        "colour": (known.colour, "--colour NAME"),
        "channel": (f"channel {known.channel}, from 0", "--channel N"),
    }
    if known.colour in ("channels", "grey"):
        del shown["colour"]
    if not known.channel:
        del shown["channel"]
    found = [
        f"  {value:18} {flag}" for name, (value, flag) in shown.items()
        if getattr(told, name) is None
    ]  # fmt: skip
    return ["assumed, and the flag that changes it:", *found] if found else []


def doubts(told: Told, best: Suggestion) -> list[str]:
    """What should make the user look twice, a sentence each."""
    found = []
    if best.width == 0.0:
        found.append(
            "nothing is to be seen with any recipe; if there are objects, tell --diameter and "
            "--bright or --dark"
        )
    elif best.score < CONVINCING:
        known = {
            "diameter": "--diameter", "dark": "--bright or --dark", "fills": "--fills",
            "shape": "--shape", "count": "--count",
        }  # fmt: skip
        missing = [flag for name, flag in known.items() if getattr(told, name) is None]
        hint = f"; it would help to tell {', '.join(missing)}" if missing else ""
        found.append(f"no recipe is convincing (the best score is {best.score:.2f}){hint}")
    if told.count is not None and best.width > 0.0:
        (low, high), (fewest, most) = told.count, best.count
        if most * 3 < low or fewest > 3 * high:
            seen = f"{fewest}" if fewest == most else f"{fewest} to {most}"
            found.append(
                f"{seen} objects an image are seen, but {low} to {high} were told; look at the "
                "sheet, then at --diameter"
            )
    return found


def mixed(looks: Sequence[Look]) -> str:
    """A warning if images seem to be of several kinds, else an empty text."""
    best = looks[0]
    widths = [width for width in best.widths if width > 0.0]
    if len(widths) > 1 and max(widths) > 3.0 * min(widths):
        return (
            f"the folder may mix kinds: objects are {min(widths):.0f} px wide on one image, "
            f"{max(widths):.0f} px on another; give each kind a folder and a config of its own"
        )
    kinds = set()
    for index in range(len(best.rewards)):
        of_image = [one for one in looks if one.stability is not None and one.rewards[index:]]
        if of_image:
            kinds.add(
                max(of_image, key=lambda one: one.rewards[index] * one.score).candidate.family
            )
    dark = {FAMILIES[kind].dark for kind in kinds if not FAMILIES[kind].fills}
    if len(dark) > 1:
        return (
            "the folder may mix kinds: objects are bright on one image, dark on another; give "
            "each kind a folder and a config of its own"
        )
    return ""


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
