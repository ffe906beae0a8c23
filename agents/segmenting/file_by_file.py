"""One image file after the other, none of which ends the others."""

from __future__ import annotations

import errno
import functools
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from agents.common.interrupt import Interrupt
from agents.segmenting.found import Found
from agents.segmenting.label_file import LabelFile
from agents.segmenting.results import LabelFolder
from agents.segmenting.segmenter import OtherFeaturesError, Segmenter
from agents.segmenting.targets import Target
from gym_rlseg.images import FilesSource, UnusableImageError
from gym_rlseg.images.base import spread

#: Errors that every other image would meet as well.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
#: Errors that an image may have by itself.
_OWN = (ValueError, OSError, MemoryError, RuntimeError)
#: How many images are looked at to tell a few that are of another kind from a wrong run.
_LOOKED_AT = 20
#: Takes a line about an image, and "error", "warning" or "" as its kind.
Tell = Callable[[str, str], None]


def segment_files(
    segmenter: Segmenter,
    source: FilesSource,
    targets: Sequence[Target],
    folder: LabelFolder,
    tell: Tell,
) -> Interrupt:
    """Segment image files, and write what comes of them.

    Args:
        segmenter: of a run.
        source: of the images.
        targets: the label files to write, with their images.
        folder: takes labels and tables.
        tell: takes a line about every image.

    Returns:
        What tells whether a signal stopped it, after the image that it came in.

    Raises:
        ValueError: if the run is for images of another kind.
        OSError: if the disk is full.
    """
    images = [image for target in targets for image in target.images.values()]
    suiting = functools.cache(lambda: any_suits(segmenter, source, images))
    try:
        with Interrupt("stopping after this image") as interrupt:
            for target in targets:
                if interrupt.requested is not None:
                    break
                with LabelFile(folder, target) as file:
                    segment_file(segmenter, source, file, tell, interrupt, suiting)
    finally:
        for exporter in folder.exporters:
            exporter.finish()
    return interrupt


def any_suits(segmenter: Segmenter, source: FilesSource, images: Sequence[Path]) -> bool:
    """Whether the agent knows the features of any of the images, or of so many of them."""
    for i in spread(len(images), _LOOKED_AT):
        try:
            segmenter.graph(source.load(images[i]))
        except _OWN:
            continue
        return True
    return False


def segment_file(
    segmenter: Segmenter,
    source: FilesSource,
    file: LabelFile,
    tell: Tell,
    interrupt: Interrupt,
    suiting: Callable[[], bool],
) -> None:
    """Segment the images of a label file, and write it.

    Args:
        segmenter: of a run.
        source: of the images.
        file: takes the labels.
        tell: takes a line about every image.
        interrupt: says when to stop.
        suiting: whether the run is for any of all images; asked if it isn't for the first.

    Raises:
        ValueError: if the run is for images of another kind.
        OSError: if the disk is full.
    """
    images = file.target.images
    told = None
    for page, image in images.items():
        if interrupt.requested is not None:
            break
        if told is not None:
            tell(*told)
        try:
            told = _segment(segmenter, source, file, page)
        except _OWN as error:
            told = _reason(str(image), error), "error"
            foreign = isinstance(error, OtherFeaturesError) and not file.folder.segmented
            if foreign and not suiting():
                raise ValueError(told[0]) from error  # the run is for other images
            _check_own(error)
            file.failure(page, told[0])
    try:
        if file.labels.pages:
            file.write()
            file.export()
        elif file.tried:
            file.discard()
    except _OWN as error:
        told = _reason(str(file.target.source), error), "error"
        _check_own(error)
        if not file.written:
            file.discard(told[0])
    if told is not None:  # behind the writing, as it may fail
        tell(*told)
    missing = len(images) - file.tried
    if missing and file.labels.pages:
        line = f"{file.target.source}: the last {missing} images in it aren't segmented"
        tell(f"{line}; their labels are 0", "warning")


def _segment(
    segmenter: Segmenter, source: FilesSource, file: LabelFile, page: int
) -> tuple[str, str]:
    """Segment an image into its label file; a line about it, and the line's kind."""
    image = file.target.images[page]
    started, name = time.monotonic(), str(image)
    raw = source.raw(image)
    try:
        sample = source.load(image, raw)
        result = segmenter.segment(sample)
    except UnusableImageError as error:
        # Not the advice behind it, which is for training.
        reason = _reason(name, error).partition("; remove")[0]
        file.nothing(page, raw.shape[1:], reason)
        return f"{reason}; its labels are all 0", "warning"
    seconds = time.monotonic() - started
    found = Found.of(result, segmenter.pipeline.reward).filtered(file.folder.filters)
    file.image(page, result, found, raw, seconds, sample.channels, sample.pixel_size)
    line = f"{name}: {found.count} objects, reward {result.reward:.3f}, {seconds:.2f} s"
    expected = segmenter.pipeline.reward.expected
    if expected is None or expected.holds(found.count):
        return line, ""
    return f"{line}; told were {expected.low} to {expected.high} objects", "warning"


def _check_own(error: Exception) -> None:
    """Raise an error that isn't an image's own, but one that others would meet as well."""
    # torch has no other kind of error for memory that it can't get.
    memory = not isinstance(error, RuntimeError) or "memory" in str(error).lower()
    if not memory or (isinstance(error, OSError) and error.errno in _FULL):
        raise error


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
