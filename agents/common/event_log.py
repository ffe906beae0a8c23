"""TensorBoard's files; a disk that refuses them doesn't end a training."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


class EventLog:
    """Writes scalars and pictures until the disk refuses; then it warns, once, and is silent.

    Args:
        folder: for the files; it is made if it isn't there.
    """

    def __init__(self, folder: str | Path) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._folder = folder
        self._writer: Any = None
        # Its thread would print a traceback beside the warning.
        self._hook = threading.excepthook
        threading.excepthook = self._in_thread
        self._try(lambda: setattr(self, "_writer", SummaryWriter(str(folder))))  # type: ignore[no-untyped-call]

    @property
    def works(self) -> bool:
        """Whether anything is still written."""
        return self._writer is not None

    def scalar(self, name: str, value: float, timestep: int) -> None:
        """Write a number."""
        if self.works:
            self._try(lambda: self._writer.add_scalar(name, value, timestep))

    def picture(self, name: str, pixels: NDArray[np.uint8], timestep: int) -> None:
        """Write a picture (H, W, 3)."""
        if self.works:
            self._try(lambda: self._writer.add_image(name, pixels, timestep, dataformats="HWC"))

    def close(self) -> None:
        """Write what is pending."""
        if self.works:
            self._try(lambda: self._writer.close())
        self._writer = None
        threading.excepthook = self._hook

    def _try(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            self._writer = None
            reason = error.strerror or str(error)
            warnings.warn(
                f"{self._folder}: {reason}; the log for TensorBoard ends here, training goes on",
                stacklevel=3,
            )

    def _in_thread(self, error: threading.ExceptHookArgs) -> None:
        # The writer raises it once more, in this thread.
        if not isinstance(error.exc_value, OSError):
            self._hook(error)
