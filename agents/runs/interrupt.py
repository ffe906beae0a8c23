"""Ctrl-C as a request to stop at the next good moment."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any

_NOTE = b"\nrlseg: stopping after this step, then saving (Ctrl-C again stops at once)\n"


class Interrupt:
    """Context in which the first Ctrl-C only sets `requested` and the second one raises.

    Signal handlers belong to the main thread: in any other one the context does nothing.
    """

    def __init__(self) -> None:
        self.requested = False
        self._installed = False
        self._previous: Any = None

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self._handle)
            self._installed = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._installed:
            # None stands for a handler that wasn't set from Python; it can't be set again.
            previous = signal.SIG_DFL if self._previous is None else self._previous
            signal.signal(signal.SIGINT, previous)
            self._installed = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        # print() isn't safe here: the signal may have come in the middle of another one.
        with contextlib.suppress(OSError):
            os.write(2, _NOTE)
