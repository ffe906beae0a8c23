"""What commands print."""

from __future__ import annotations

import sys
from typing import TextIO


def say(line: str) -> None:
    """Print a line to standard output."""
    _print(line, sys.stdout)


def complain(message: str, kind: str = "error: ") -> None:
    """Print one line to standard error: "rlseg: error: ..."."""
    _print(f"rlseg: {kind}{' '.join(message.splitlines())}", sys.stderr)


def _print(line: str, stream: TextIO) -> None:
    # File names may hold what the terminal's encoding lacks; that must not end a command.
    encoding = stream.encoding or "utf-8"
    print(line.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)
