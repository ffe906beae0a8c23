"""A U-Net's embeddings of pixels, computed with NumPy from weights in a file."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from gym_rlseg.paths import user_path
from gym_rlseg.writing import write_bytes

Floats = NDArray[np.float32]
#: What a file says that it is, and how its content is laid out.
FORMAT, VERSION = "gym_rlseg.embedding", 1
# Neighbourhoods of so many numbers are written out at a time.
_AT_ONCE = 2**22
_EPS = 1e-5  # of torch's GroupNorm


@dataclass(frozen=True, kw_only=True, eq=False)
class PixelNetwork:
    """Embeds every pixel by a U-Net that `agents.pretrain` has trained.

    It is `agents.pixels.unet.UNet` without attention, a 1 x 1 convolution behind it, and
    every pixel's embedding divided by its length; computed without torch, so that it can be a
    part of an environment.

    Attributes:
        channels: of the images.
        widths: channels of each level.
        groups: of GroupNorm, at most.
        weights: by torch's names, those of the last layer as "head.weight" and "head.bias".
        name: what messages call it.
    """

    channels: int
    widths: tuple[int, ...]
    groups: int
    weights: Mapping[str, Floats]
    name: str = "embedding"

    @property
    def features(self) -> int:
        """Length F of an embedding."""
        return len(self.weights["head.bias"])

    @classmethod
    def read(cls, path: str | Path) -> PixelNetwork:
        """The network of a file that `write` wrote; a stranger's can't run code.

        Raises:
            ValueError: naming the file, if it is missing, damaged or something else.
        """
        file = user_path(path)
        if not file.is_file():
            raise ValueError(f"no embedding at {file}; 'rlseg pretrain' makes one")
        try:
            archive = io.BytesIO(file.read_bytes())  # NumPy leaves a broken file open
            with np.load(archive, allow_pickle=False) as content:
                facts = json.loads(str(content["facts"]))
                weights = {key: content[key] for key in content.files if key != "facts"}
            if (facts["format"], facts["version"]) != (FORMAT, VERSION):
                raise ValueError("it is of another release")
            made = cls(
                channels=int(facts["channels"]),
                widths=tuple(int(width) for width in facts["widths"]),
                groups=int(facts["groups"]),
                weights=weights,
                name=str(file),
            )
            made(np.zeros((made.channels, 1, 1), np.float32))  # all weights fit
        except Exception as error:  # damaged archives fail in a dozen ways
            raise ValueError(f"{file} can't be read as an embedding: {error}") from error
        return made

    def write(self, path: str | Path) -> Path:
        """Write all of it to a file, all or nothing."""
        facts = {
            "format": FORMAT,
            "version": VERSION,
            "channels": self.channels,
            "widths": list(self.widths),
            "groups": self.groups,
        }
        content = io.BytesIO()
        np.savez(content, allow_pickle=False, facts=np.array(json.dumps(facts)), **self.weights)
        file = user_path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(file, content.getvalue())
        return file

    def __call__(self, image: Floats) -> Floats:
        """Embeddings float32 (F, H, W) of unit length, of an image float32 (C, H, W).

        Raises:
            ValueError: if the image has another number of channels.
        """
        if len(image) != self.channels:
            raise ValueError(
                f"{self.name} embeds images of {self.channels} channel(s), got {len(image)}"
            )
        factor = 2 ** (len(self.widths) - 1)
        height, width = image.shape[1:]
        behind = ((0, 0), (0, -height % factor), (0, -width % factor))
        pixels, skips = np.pad(image, behind, mode="edge"), []
        for level, _ in enumerate(self.widths):
            if level:
                channels, rows, columns = pixels.shape
                halves = pixels.reshape(channels, rows // 2, 2, columns // 2, 2)
                pixels = halves.max(axis=(2, 4))
            pixels = self._double(pixels, f"down.{level}")
            skips.append(pixels)
        skips.pop()
        for level, _ in enumerate(itertools.pairwise(self.widths)):
            pixels = pixels.repeat(2, axis=1).repeat(2, axis=2)
            pixels = self._double(np.concatenate([pixels, skips.pop()]), f"up.{level}")
        pixels = pixels[:, :height, :width]
        kernel, shift = self.weights["head.weight"], self.weights["head.bias"]
        found = np.tensordot(kernel.reshape(len(kernel), -1), pixels, 1) + shift[:, None, None]
        return found / np.maximum(np.linalg.norm(found, axis=0), np.float32(1e-12))

    def _double(self, pixels: Floats, name: str) -> Floats:
        """Convolution, norm and ReLU, twice."""
        for convolution, norm in ((0, 1), (3, 4)):
            pixels = _convolved(pixels, self.weights[f"{name}.{convolution}.weight"])
            scale, shift = (self.weights[f"{name}.{norm}.{part}"] for part in ("weight", "bias"))
            pixels = np.maximum(_normalised(pixels, self.groups, scale, shift), 0.0)
        return pixels


def groups_of(width: int, most: int) -> int:
    """Number of groups into which channels go evenly, at most `most`."""
    return max(n for n in range(1, min(most, width) + 1) if width % n == 0)


def _convolved(pixels: Floats, kernel: Floats) -> Floats:
    """3 x 3 convolution with zeros around: (C, H, W), (O, C, 3, 3) -> (O, H, W)."""
    channels, height, width = pixels.shape
    windows = sliding_window_view(np.pad(pixels, ((0, 0), (1, 1), (1, 1))), (3, 3), (1, 2))
    flat = kernel.reshape(len(kernel), -1)
    found = np.empty((len(kernel), height, width), np.float32)
    rows = max(1, _AT_ONCE // (9 * channels * width))
    for top in range(0, height, rows):
        part = windows[:, top : top + rows].transpose(0, 3, 4, 1, 2)
        found[:, top : top + rows] = (flat @ part.reshape(9 * channels, -1)).reshape(
            len(kernel), -1, width
        )
    return found


def _normalised(pixels: Floats, groups: int, scale: Floats, shift: Floats) -> Floats:
    """GroupNorm: zero mean and unit variance of each group of channels, then an affine map."""
    parts = pixels.reshape(groups_of(len(pixels), groups), -1)
    mean = parts.mean(axis=1, keepdims=True)
    parts = (parts - mean) / np.sqrt(parts.var(axis=1, keepdims=True) + np.float32(_EPS))
    return parts.reshape(pixels.shape) * scale[:, None, None] + shift[:, None, None]
