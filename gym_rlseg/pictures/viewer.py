"""Pictures shown as they come: in a window, or where none can be opened, as files."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Where pictures go without a window; within the working folder.
FOLDER = "rlseg-render"
_LOG = logging.getLogger(__name__)


class Viewer:
    """Shows one picture after another.

    The window is matplotlib's, by whichever of its backends can open one; closing it ends
    the show. Without a display, or with a backend that only writes files, pictures are
    saved as rlseg-render/000000.png and so on in the working folder; those that are there
    already stay.

    Args:
        fps: pictures per second: a window waits that long, so that each can be seen.
    """

    def __init__(self, fps: float) -> None:
        self._pause = 1.0 / fps
        self._window: Any = None
        self._last: NDArray[np.uint8] | None = None
        self._ended = False
        self._folder: Path | None = None
        self._number = 0

    def show(self, picture: NDArray[np.uint8]) -> None:
        """Show a picture, unless it is the one that is shown already.

        Args:
            picture: uint8 (H, W, 3).
        """
        if self._ended or (self._last is not None and np.array_equal(picture, self._last)):
            return
        self._last = picture.copy()
        if self._window is None and self._folder is None:
            self._window = _window(picture.shape)
            if self._window is None:
                self._folder = Path(FOLDER).absolute()
                _LOG.warning("no window can be opened: pictures go to %s", self._folder)
            else:
                self._window.canvas.mpl_connect("close_event", self._end)
        if self._window is not None:
            _draw(self._window, picture)
            self._window.canvas.start_event_loop(self._pause)
        else:
            self._save(picture)

    def close(self) -> None:
        """Close the window; the next picture opens another."""
        window, self._window, self._last = self._window, None, None
        if window is not None and not self._ended:
            window.destroy()
        self._ended = False

    def __getstate__(self) -> dict[str, Any]:
        # A window can't be copied: a copy opens its own.
        return {**self.__dict__, "_window": None, "_last": None, "_ended": False}

    def _end(self, _: object) -> None:
        if self._window is not None:
            self._window.canvas.stop_event_loop()
            self._window, self._ended = None, True

    def _save(self, picture: NDArray[np.uint8]) -> None:
        import imageio.v3 as iio

        assert self._folder is not None
        self._folder.mkdir(parents=True, exist_ok=True)
        while True:
            path = self._folder / f"{self._number:06d}.png"
            self._number += 1
            try:
                # Others may write here at the same time.
                with path.open("xb") as file:
                    iio.imwrite(file, picture, extension=".png")
            except FileExistsError:
                continue
            return


def _window(shape: tuple[int, ...]) -> Any:
    """A figure manager with a window for pictures of (H, W, 3), which pyplot knows nothing of.

    None if there can't be one.
    """
    try:
        import matplotlib as mpl
        import matplotlib.pyplot as plt

        with mpl.rc_context({"toolbar": "None"}):
            size = (shape[1] / 100, shape[0] / 100)
            manager = plt.new_figure_manager(0, figsize=size, dpi=100)
        if manager.canvas.required_interactive_framework is None:
            return None
        manager.set_window_title("gym_rlseg")
        manager.show()
    except Exception:
        # A display that is announced but can't be used raises what its toolkit pleases.
        return None
    return manager


def _draw(window: Any, picture: NDArray[np.uint8]) -> None:
    figure = window.canvas.figure
    figure.clear()
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.imshow(picture, origin="upper", aspect="equal")
    window.canvas.draw()
