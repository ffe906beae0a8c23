"""Checkpoints: plain tensors, lists and numbers, loaded without running code."""

from __future__ import annotations

import contextlib
import os
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from gym_rlseg.writing import replacing

VERSION = 1
SUFFIX = ".pt"


@dataclass(frozen=True, kw_only=True)
class Form:
    """Whose checkpoint it is.

    Attributes:
        name: of the agent, for messages.
        text: what the file says it is.
    """

    name: str
    text: str


def checkpoint_path(path: str | os.PathLike[str]) -> Path:
    """`path`, with ".pt" appended if it has no such ending.

    It replaces ".zip", for which stable-baselines3's callbacks ask.
    """
    path = Path(path)
    path = path.with_suffix("") if path.suffix == ".zip" else path
    return path if path.suffix == SUFFIX else path.with_name(path.name + SUFFIX)


def write(path: str | os.PathLike[str], content: dict[str, Any], form: Form) -> Path:
    """Write a checkpoint under a temporary name, then rename: never half a file.

    Args:
        path: where to; ".pt" is appended if missing.
        content: tensors, numbers, strings, lists and dicts.
        form: what it is.

    Returns:
        The path written.
    """
    target = checkpoint_path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as temporary, temporary.open("xb") as file:
        torch.save({"format": form.text, "version": VERSION, **content}, file)
    return target


def read(path: str | os.PathLike[str], form: Form | None = None) -> dict[str, Any]:
    """Read a checkpoint to the CPU; a file from a stranger can't run code.

    Args:
        path: the file; ".pt" is appended if missing.
        form: what it must be; None takes any agent's.

    Raises:
        ValueError: if the file is missing, damaged or no checkpoint of that agent.
    """
    source = checkpoint_path(path)
    if not source.is_file():
        raise ValueError(f"no checkpoint at {source}")
    if not source.stat().st_size:
        raise ValueError(f"{source} is empty; use another checkpoint of the training")
    try:
        _check_records(source)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what other files hold: they are refused anyway
            content = torch.load(source, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged files fail in a dozen ways, IndexError among them
        raise ValueError(f"{source} can't be read as a checkpoint: {one_line(error)}") from error
    found = content.get("format") if isinstance(content, dict) else None
    if form is None and not str(found).startswith("gym_rlseg."):
        raise ValueError(f"{source} is no checkpoint of an agent")
    if form is not None and found != form.text:
        other = f"; it says it is {found!r}" if isinstance(found, str) else ""
        raise ValueError(f"{source} is no checkpoint of {form.name}{other}")
    if content.get("version") != VERSION:
        raise ValueError(
            f"{source} has checkpoint version {content.get('version')}, "
            f"this release reads {VERSION}"
        )
    return content


def _check_records(source: Path) -> None:
    """Refuse a damaged file: torch doesn't look at the checksums that it writes.

    Raises:
        ValueError: naming the first record that isn't what was written.
        BadZipFile: if it isn't of torch's format.
    """
    with zipfile.ZipFile(source) as file:
        # torch compresses nothing: what would unfold to any size isn't its.
        if any(record.compress_type != zipfile.ZIP_STORED for record in file.infolist()):
            raise ValueError("it holds compressed records")
        damaged = file.testzip()
    if damaged is not None:
        raise ValueError(f"it is damaged, in {damaged}; use another checkpoint of the training")


def one_line(error: BaseException) -> str:
    """What an error says, without torch's line breaks."""
    return " ".join(str(error).split())


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Turn what a checkpoint with unexpected contents causes into one clear error."""
    try:
        yield
    except KeyError as error:
        raise ValueError(f"{path} can't be used: the field {error} is missing") from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError,
            RuntimeError) as error:  # fmt: skip
        raise ValueError(
            f"{path} can't be used: {type(error).__name__}: {one_line(error)}"
        ) from error
