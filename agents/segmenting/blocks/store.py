"""What a call has done so far, in a folder: files that are whole or not there."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.writing import replacing, write_text

_JOB = "job.json"


class BlockStore:
    """The folder beside the output in which what is done is kept until all is.

    Args:
        folder: it needn't exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self, job: Mapping[str, Any]) -> str:
        """Start a job, or go on with it.

        Args:
            job: all that decides the result, as plain data.

        Returns:
            A name of this very job: no other folder, now or earlier, has the same.

        Raises:
            ValueError: if the folder holds results of another job, naming what differs.
            OSError: if the disk refuses.
        """
        wanted = json.loads(json.dumps(dict(job)))
        if (self.folder / _JOB).exists():
            known = json.loads((self.folder / _JOB).read_text(encoding="utf-8"))
            differing = sorted(
                key for key in {*wanted, *known["job"]} if wanted.get(key) != known["job"].get(key)
            )
            if not differing:
                return str(known["name"])
            if any(self.folder.glob("*-*.npz")):
                raise ValueError(
                    f"{self.folder} holds results of another call, which differs in "
                    f"{', '.join(differing)}; remove it, or choose another output"
                )
            self.remove()  # that call came to nothing
        self.folder.mkdir(parents=True, exist_ok=True)
        name = uuid.uuid4().hex
        write_text(self.folder / _JOB, json.dumps({"name": name, "job": wanted}, indent=1))
        return name

    def job(self) -> dict[str, Any]:
        """What `begin` was given."""
        content: dict[str, Any] = json.loads((self.folder / _JOB).read_text(encoding="utf-8"))
        return content["job"]

    def has(self, name: str) -> bool:
        """Whether arrays of that name are there."""
        return (self.folder / f"{name}.npz").exists()

    def save(self, name: str, **arrays: Any) -> None:
        """Keep some arrays under a name, all or none.

        Raises:
            OSError: if the disk refuses.
        """
        with replacing(self.folder / f"{name}.npz") as temporary, temporary.open("wb") as file:
            np.savez(file, **arrays)

    def load(self, name: str) -> dict[str, NDArray]:
        """The arrays of that name."""
        with np.load(self.folder / f"{name}.npz", allow_pickle=False) as content:
            return dict(content)

    def save_large(self, name: str, array: NDArray) -> None:
        """Keep an array of which parts will be read.

        Raises:
            OSError: if the disk refuses.
        """
        with replacing(self.folder / f"{name}.npy") as temporary, temporary.open("wb") as file:
            np.save(file, array)

    def large(self, name: str) -> NDArray:
        """That array, of which only what is looked at comes into memory."""
        return np.load(self.folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)
