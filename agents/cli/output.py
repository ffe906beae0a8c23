"""What commands print."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TextIO

#: Letters of a complaint; a value in it can be as long as a file.
_LONGEST = 2000


def say(line: str) -> None:
    """Print a line to standard output.

    Raises:
        OSError: if it doesn't take it; a BrokenPipeError if nobody reads it any more.
    """
    try:
        _print(line, sys.stdout)
    except OSError as error:
        # What is left in the buffer would raise once more at exit.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise type(error)(error.errno, error.strerror, "standard output") from error


def complain(message: str, kind: str = "error: ") -> None:
    """Print one line to standard error, if anybody is there: "rlseg: error: ..."."""
    line = " ".join(message.splitlines())
    if len(line) > _LONGEST:
        line = f"{line[: _LONGEST // 2]} ... {line[-_LONGEST // 2 :]}"
    with contextlib.suppress(OSError, ValueError):  # a closed terminal
        _print(f"rlseg: {kind}{line}", sys.stderr)


def on_terminal(stream: TextIO | None) -> bool:
    """Whether a person sees it or writes to it; None is one that was closed from the start."""
    return stream is not None and not stream.closed and stream.isatty()


def _print(line: str, stream: TextIO | None) -> None:
    if stream is None:
        return
    from gym_rlseg.messages import printable  # within, as --help waits for no heavy import

    # File names may hold what steers the terminal, or what its encoding lacks.
    encoding, line = stream.encoding or "utf-8", printable(line)
    print(line.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)
