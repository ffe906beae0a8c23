"""Questions on the terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from agents.cli.output import say

T = TypeVar("T")


def ask(question: str, default: str, parse: Callable[[str], T]) -> T:
    """Ask on the terminal until the answer can be used.

    Args:
        question: without its question mark's blank.
        default: shown, and taken if nothing is typed or the input ends.
        parse: raises a `ValueError` that says what is expected.
    """
    while True:
        try:
            text = input(f"{question} [{default}] ").strip()
        except EOFError:
            say("")
            text = ""
        try:
            return parse(text or default)
        except ValueError as error:
            say(f"  {error}")
