"""One image file after the other, none of which ends the others."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from agents.common.interrupt import Interrupt
from agents.segmenting.results import LabelFolder
from agents.segmenting.segmenter import OtherFeaturesError, Segmenter
from gym_rlseg.images import ConstantImageError, FilesSource

#: Errors that every other image would meet as well.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def segment_files(
    segmenter: Segmenter,
    source: FilesSource,
    targets: Mapping[Path, Path],
    folder: LabelFolder,
    tell: Callable[[str], None],
    warn: Callable[[str, str], None],
) -> Interrupt:
    """Segment image files, and write what comes of them.

    Args:
        segmenter: of a run.
        source: of the images.
        targets: image -> label file.
        folder: takes labels and tables.
        tell: takes a line about every image.
        warn: takes "error: " or "warning: ", and a line about an image that can't be used.

    Returns:
        What tells whether a signal stopped it, after the image that it came in.

    Raises:
        ValueError: if the run is for images of another kind.
        OSError: if the disk is full.
    """
    try:
        with Interrupt("stopping after this image") as interrupt:
            for file, target in targets.items():
                if interrupt.requested is not None:
                    break
                try:
                    line = _segment(segmenter, source, file, target, folder, warn)
                except (ValueError, OSError, MemoryError, RuntimeError) as error:
                    _failed(str(file), target, error, folder, warn)
                else:
                    tell(line)
    finally:
        folder.tables()
    return interrupt


def _segment(
    segmenter: Segmenter,
    source: FilesSource,
    file: Path,
    target: Path,
    folder: LabelFolder,
    warn: Callable[[str, str], None],
) -> str:
    """Segment an image and write its labels; a line about it."""
    started, name = time.monotonic(), str(file)
    raw = source.raw(file)
    try:
        result = segmenter.segment(source.load(file, raw))
    except ConstantImageError as error:
        # Not the advice behind it, which is for training.
        reason = _reason(name, error).partition("; remove")[0]
        folder.nothing(name, target, raw.shape[1:], reason)
        warn("warning: ", f"{reason}; its labels are all 0")
        return f"{name}: nothing to see"
    seconds = time.monotonic() - started
    folder.image(name, target, result, raw, seconds)
    return f"{name}: {result.n_objects} objects, reward {result.reward:.3f}, {seconds:.2f} s"


def _failed(
    name: str,
    target: Path,
    error: Exception,
    folder: LabelFolder,
    warn: Callable[[str, str], None],
) -> None:
    """Pass over an image, unless its error says that the others would fail as well."""
    reason = _reason(name, error)
    if isinstance(error, OtherFeaturesError) and not folder.segmented:
        raise ValueError(reason) from error  # the run is for other images
    lacking = isinstance(error, MemoryError) or "memory" in str(error).lower()
    if isinstance(error, RuntimeError) and not lacking:
        raise error  # torch has no other kind for what it can't allocate
    if isinstance(error, OSError) and error.errno in _FULL:
        raise error
    warn("error: ", reason)
    folder.failure(name, target, reason)


def _reason(name: str, error: Exception) -> str:
    """The message with the file's whole name in it, once."""
    message = str(error)
    if isinstance(error, OSError) and error.strerror:
        message = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    elif isinstance(error, MemoryError | RuntimeError):
        message = f"not enough memory ({message}); try --tile or a smaller image"
    if name in message:
        return message
    head, colon, rest = message.partition(": ")
    return f"{name}: {rest if colon and name.endswith(head) else message}"
