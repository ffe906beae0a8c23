"""Kinds of command-line arguments, with messages that say what is expected."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def checked(parse: Callable[[str], T]) -> Callable[[str], T]:
    """`parse` for argparse, which would hide the message of a `ValueError`."""

    def convert(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return convert


def whole_number(least: int) -> Callable[[str], int]:
    """Parses whole numbers of at least `least`; underscores may group digits."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"\d[\d_]*", text) or int(text) < least:
            raise ValueError(f"expected a whole number >= {least}, got {text!r}")
        return int(text)

    return parse


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
        "--threads", metavar="N", default=1, type=checked(whole_number(1)),
        help="torch's threads (default: 1; the graphs are small, and threads that have to "
        "share a core with anything else wait far longer than they compute)",
    )  # fmt: skip
