"""One image file after the other, none of which ends the others."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from agents.common.interrupt import Interrupt
from agents.segmenting.results import LabelFolder
from agents.segmenting.segmenter import OtherFeaturesError, Segmenter
from gym_rlseg.images import FilesSource, UnusableImageError

#: Errors that every other image would meet as well.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def segment_files(
    segmenter: Segmenter,
    source: FilesSource,
    targets: Mapping[Path, Path],
    folder: LabelFolder,
    tell: Callable[[str, str], None],
) -> Interrupt:
    """Segment image files, and write what comes of them.

    Args:
        segmenter: of a run.
        source: of the images.
        targets: image -> label file.
        folder: takes labels and tables.
        tell: takes a line about every image, and "error", "warning" or "" as its kind.

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
                    line, kind = _segment(segmenter, source, file, target, folder)
                except (ValueError, OSError, MemoryError, RuntimeError) as error:
                    line, kind = _reason(str(file), error), "error"
                    if isinstance(error, OtherFeaturesError) and not folder.segmented:
                        raise ValueError(line) from error  # the run is for other images
                    if not _is_its_own(error):
                        raise
                    folder.failure(str(file), target, line)
                folder.tables(now_and_then=True)  # for when it is killed
                tell(line, kind)
    finally:
        folder.tables()
    return interrupt


def _segment(
    segmenter: Segmenter, source: FilesSource, file: Path, target: Path, folder: LabelFolder
) -> tuple[str, str]:
    """Segment an image and write its labels; a line about it, and the line's kind."""
    started, name = time.monotonic(), str(file)
    raw = source.raw(file)
    try:
        result = segmenter.segment(source.load(file, raw))
    except UnusableImageError as error:
        # Not the advice behind it, which is for training.
        reason = _reason(name, error).partition("; remove")[0]
        folder.nothing(name, target, raw.shape[1:], reason)
        return f"{reason}; its labels are all 0", "warning"
    seconds = time.monotonic() - started
    folder.image(name, target, result, raw, seconds)
    line = f"{name}: {result.n_objects} objects, reward {result.reward:.3f}, {seconds:.2f} s"
    expected = segmenter.pipeline.reward.expected
    if expected is None or expected.holds(result.n_objects):
        return line, ""
    return f"{line}; told were {expected.low} to {expected.high} objects", "warning"


def _is_its_own(error: Exception) -> bool:
    """Whether it is an image's own error, which others needn't meet."""
    if isinstance(error, OSError):
        return error.errno not in _FULL
    # torch has no other kind of error for memory that it can't get.
    return not isinstance(error, RuntimeError) or "memory" in str(error).lower()


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
