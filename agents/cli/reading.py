"""Arguments that say what is read of image files."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from agents.cli.arguments import channel, checked, whole_number

_UNASKED = argparse.SUPPRESS


def add_images(parser: argparse.ArgumentParser) -> None:
    """Add IMAGES and --pattern."""
    parser.add_argument(
        "images", metavar="IMAGES", nargs="+",
        help="folder with images, file, or glob pattern; several are fine",
    )  # fmt: skip
    parser.add_argument(
        "--pattern", metavar="GLOB", default="*",
        help='which files of the folder; "**/*" descends into sub-folders (default: *)',
    )  # fmt: skip


def places(args: argparse.Namespace) -> str | tuple[str, ...]:
    """IMAGES as `FilesSource` takes them."""
    return args.images[0] if len(args.images) == 1 else tuple(args.images)


def add_reading(parser: argparse.ArgumentParser, *, without: str = "") -> None:
    """Add --key, --page and --level, which leave nothing behind where they aren't given.

    Args:
        parser: of a command.
        without: what is done then, in brackets.
    """
    parser.add_argument(
        "--key", metavar="NAME", default=_UNASKED, type=lambda text: text or None,
        help=f'dataset in HDF5 and Zarr files, series in TIFF; "" for the only one{without}',
    )  # fmt: skip
    parser.add_argument(
        "--page", metavar="N", default=_UNASKED, type=checked(_page),
        help="of files with several images (time, depth): a number from 0, each, or none to refuse "
        f"them{without}",
    )  # fmt: skip
    parser.add_argument(
        "--level", metavar="N", default=_UNASKED, type=checked(whole_number(0, 99)),
        help=f"of resolution, 0 = full, in OME-Zarr and in TIFF with a pyramid{without}",
    )  # fmt: skip


def add_channels(parser: argparse.ArgumentParser, *, without: str) -> None:
    """Add --channel, which may be given several times; see `add_reading`."""
    parser.add_argument(
        "--channel", metavar="C", dest="channels", action="append", type=channel, default=_UNASKED,
        help="to look at: its number from 0 or its name; several by repeating, in the order of "
        f"those trained on{without}",
    )  # fmt: skip


def given(args: argparse.Namespace) -> Mapping[str, Any]:
    """Options of a `Reader` that were given."""
    names = ("key", "page", "level", "region")
    found = {name: getattr(args, name) for name in names if hasattr(args, name)}
    several = tuple(getattr(args, "channels", ()))
    if several:
        found["channel"] = several[0] if len(several) == 1 else several
    return found


def _page(text: str) -> int | str | None:
    if text == "none":
        return None
    if text != "each" and not text.isdecimal():
        raise ValueError(f"expected a number from 0, each or none, got {text!r}")
    return text if text == "each" else int(text)
