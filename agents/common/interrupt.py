"""Signals to stop as a request to do so at the next good moment."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from types import FrameType
from typing import Any

#: Ctrl-C, what schedulers send before they kill, and a terminal that was closed.
_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


class Interrupt:
    """Context in which a signal to stop only sets `requested`; a second Ctrl-C raises.

    Signals that the process has been told to ignore (by nohup, say) stay ignored. Signal
    handlers belong to the main thread: in any other one the context does nothing.

    Args:
        note: what to say on the terminal when the first comes, such as "stopping after this
            step".

    Attributes:
        requested: the first signal, or None.
        forced: whether a second Ctrl-C has raised.
    """

    def __init__(self, note: str) -> None:
        self.requested: signal.Signals | None = None
        self.forced = False
        self._note = f"\nrlseg: {note} (Ctrl-C again stops at once)\n".encode()
        self._previous: dict[int, Any] = {}

    @property
    def name(self) -> str:
        """Of the first signal, as people know it."""
        assert self.requested is not None, "nothing has stopped it"
        return "Ctrl-C" if self.requested is signal.SIGINT else self.requested.name

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        while self._previous:
            number, previous = self._previous.popitem()
            # None stands for a handler that wasn't set from Python; it can't be set again.
            signal.signal(number, signal.SIG_DFL if previous is None else previous)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested is None:
            self.requested = signal.Signals(number)
            # print() isn't safe here: the signal may have come in the middle of another one.
            with contextlib.suppress(OSError):
                os.write(2, self._note)
        elif number == signal.SIGINT:  # the others often come in pairs
            self.forced = True
            raise KeyboardInterrupt
