"""A config as a text that explains itself: every entry with a word on what it is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agents.runs.yaml_files import one_line
from gym_rlseg.messages import printable

#: What an entry is for, by its place; those of priors by "prior." and the name.
_COMMENTS = {
    "environment": "which images, and how they become superpixels and rewards",
    "environment.id": "images from files; 'rlseg envs' lists every option",
    "environment.path": "a folder or one file; relative to this file",
    "environment.pattern": 'which files of the folder; "**/*" descends into sub-folders',
    "environment.exclude": "files that can't be used",
    "environment.key": "dataset in HDF5 and Zarr files",
    "environment.page": "of stacks: a number, counted from 0, or each",
    "environment.colour": "channels, grey, rgb, darkness, or a stain: hematoxylin, eosin, dab",
    "environment.compress": "brings dim and very bright objects closer together; null: not at all",
    "environment.augment": "train on flipped and turned images, too, or on parts: {crop: 256} px",
    "environment.boundary": "the map of outlines that superpixels follow",
    "environment.boundary.sigma": "px; larger for noisy or blurred images",
    "environment.boundary.dark": "true: dark objects, or dark lines between them",
    "environment.boundary.percentile": "of the map's values, which counts as a clear outline",
    "environment.silhouettes": "share of how a foreground falls apart in the evidence; null: none",
    "environment.evidence": "further shares in the evidence, each by name with its options",
    "evidence.levels": "objects at levels of their own, whether dim, blurred or unevenly lit",
    "environment.silhouettes.diameter": "px, usual diameter of an object",
    "environment.silhouettes.weight": "of this share; the map of outlines has the rest",
    "environment.superpixels": "the smallest pieces: the contact sheet shows them",
    "environment.superpixels.smoothing": "px; larger: fewer, larger superpixels",
    "environment.superpixels.min_distance": "px between two seeds; larger: fewer superpixels",
    "environment.superpixels.min_size": "px; smaller ones join a neighbour",
    "environment.reward": "what is known about the objects; training maximises it",
    "environment.reward.median": "px, usual area of an object; half and twice as much are fine",
    "environment.reward.spread_above": "of ln(area), for objects above the median",
    "environment.reward.dark": "true: dark objects on bright ground",
    "environment.reward.channel": "of the image, counted from 0; in which objects stand out",
    "environment.reward.objects": "the score of an object is the product of these",
    "environment.reward.ground": "which object is the ground: the largest, or none",
    "environment.reward.ground_if": "and so is whatever is as bright as the ground",
    "environment.reward.count": "objects on an image, least and greatest",
    "environment.reward.boundary": "weight of the outlines map, in [0, 1)",
    "environment.reward.coupling": "how far the ground is paid for good objects only, in [0, 1]",
    "environment.reward.superpixels": "objects should be made of superpixels of this kind",
    "environment.reward.reduction": "max: an edge scores as the better of its two superpixels",
    "prior.area": "px, usual area; soft, as tight priors split large objects",
    "prior.ellipse_fit": "1 for any ellipse, 0.89 for two discs that touch",
    "prior.convexity": "1 for convex objects, 0.88 for two discs that touch",
    "prior.holes": "share of the object that is holes",
    "prior.length": "px along the middle line, straight or bent",
    "prior.width": "px across the middle line",
    "prior.sum": "the weighted mean of several priors",
    "prior.aspect": "length / width",
    "prior.boundary_evidence": "mean of the outlines map along the object's outline",
    "agent": "the learner; its options are explained in agents/subgraph_reinforce/options.py",
    "agent.algorithm": "reinforce (fast) or sac (the paper's actor-critic)",
    "agent.policy": "the settings to start from",
    "training": "'rlseg train' stops at whichever limit comes first",
    "training.seed": "same seed, same training",
    "training.time_limit": "such as 90s, 10m or 1.5h; longer is better, up to an hour or so",
}


def render(sections: Mapping[str, Mapping[str, Any]], header: Sequence[str]) -> str:
    """A config as commented YAML.

    Args:
        sections: plain data, as `RunConfig.load` takes them from YAML.
        header: lines of comment to start with.
    """
    lines = [f"# {printable(line)}".rstrip() for line in header]
    for name, section in sections.items():
        lines += ["", _entry(f"{name}:", name)]
        for key, value in section.items():
            lines += _lines(key, value, f"{name}.{key}", "  ")
    return "\n".join(lines) + "\n"


def _lines(key: str, value: Any, place: str, indent: str) -> list[str]:
    if isinstance(value, Mapping) and place.count(".") == 1 and "name" in value:
        lines = [_entry(f"{indent}{key}:", place)]
        for inner, entry in value.items():
            lines += _lines(inner, entry, f"{place}.{inner}", indent + "  ")
        return lines
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        lines = [_entry(f"{indent}{key}:", place)]
        kind = "evidence" if key == "evidence" else "prior"
        for entry in value:
            lines.append(_entry(f"{indent}  - {one_line(entry)}", f"{kind}.{entry['name']}"))
        return lines
    return [_entry(f"{indent}{key}: {one_line(value)}", place)]


def _entry(text: str, place: str) -> str:
    comment = _COMMENTS.get(place)
    return text if comment is None else f"{text}  # {comment}"
