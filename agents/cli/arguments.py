"""Kinds of command-line arguments, with messages that say what is expected."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import TypeVar

from agents.common.threads import MOST_THREADS
from gym_rlseg.options.declared import shown

T = TypeVar("T")


def checked(parse: Callable[[str], T]) -> Callable[[str], T]:
    """`parse` for argparse, which would hide the message of a `ValueError`."""

    def convert(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return convert


def whole_number(least: int, most: int | None = None) -> Callable[[str], int]:
    """Parses whole numbers between two bounds; underscores may group digits."""
    wanted = f"a whole number >= {least}{'' if most is None else f' and <= {most}'}"

    def parse(text: str) -> int:
        if len(text) < 30 and re.fullmatch(r"\d+(_\d+)*", text):
            number = int(text)
            if least <= number and (most is None or number <= most):
                return number
        raise ValueError(f"expected {wanted}, got {shown(text)}")

    return parse


def channel(text: str) -> int | str:
    """A channel by its number from 0, or else its name."""
    return int(text) if text.isdecimal() else text


def add_region(parser: argparse.ArgumentParser, without: str) -> None:
    """Add --region, which leaves `args.region` away where it isn't given.

    Args:
        parser: of a command.
        without: what is done then.
    """

    def parse(text: str) -> int | str | None:
        return None if text == "none" else channel(text)

    parser.add_argument(
        "--region", metavar="R", type=parse, default=argparse.SUPPRESS,
        help="where to look at all: a folder of masks or GeoJSON polygons with the images' names, "
        "one such file for all, the number of a channel, channel:NAME, or none; outside, labels "
        f"are 0 (default: {without})",
    )  # fmt: skip


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add --device."""

    def parse(text: str) -> str:
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", text):
            raise ValueError(f"expected auto, cpu, cuda or cuda:N, got {text!r}")
        return text

    parser.add_argument(
        "--device", metavar="D", default="auto", type=checked(parse),
        help="auto (the default: a GPU if there is one), cpu, cuda or cuda:N",
    )  # fmt: skip


def add_threads(parser: argparse.ArgumentParser) -> None:
    """Add --threads."""
    parser.add_argument(
        "--threads", metavar="N", default=1,
        type=checked(whole_number(1, MOST_THREADS)),
        help="torch's threads (default: 1; the graphs are small, and threads that have to "
        "share a core with anything else wait far longer than they compute)",
    )  # fmt: skip
