"""What a run's folder holds, and how it is written."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gym_rlseg.paths import output_folder
from gym_rlseg.writing import write_csv, write_text

if TYPE_CHECKING:
    from agents.graph.agent import GraphAgent
    from agents.runs.config import RunConfig


@dataclass(frozen=True)
class RunFolder:
    """The folder of one training.

    Attributes:
        path: config.yaml (resolved), checkpoint.pt (training resumes from it), best.pt
            (the best actor alone), validation.csv, skipped.csv (if images were left out),
            report.html, panels.png and log/ (TensorBoard).
    """

    path: Path

    @property
    def config(self) -> Path:
        """The resolved config."""
        return self.path / "config.yaml"

    @property
    def checkpoint(self) -> Path:
        """From which training resumes."""
        return self.path / "checkpoint.pt"

    @property
    def best(self) -> Path:
        """The selected actor, without the replay."""
        return self.path / "best.pt"

    @property
    def validation(self) -> Path:
        """The learning curve."""
        return self.path / "validation.csv"

    @property
    def skipped(self) -> Path:
        """Images that were left out, and why."""
        return self.path / "skipped.csv"

    @property
    def report(self) -> Path:
        """What came of the training, to look at in a browser."""
        return self.path / "report.html"

    @property
    def panels(self) -> Path:
        """The last validation image, segmented."""
        return self.path / "panels.png"

    @property
    def log(self) -> Path:
        """TensorBoard's folder."""
        return self.path / "log"

    @property
    def resume_command(self) -> str:
        """What continues the training."""
        return f"rlseg train -o {shlex.quote(str(self.path))} --resume"

    def check_free(self) -> None:
        """Refuse a place where no new run can go; nothing is made yet.

        Raises:
            ValueError: if it is a file, not writable, or holds a run.
        """
        output_folder(self.path)
        if self.config.exists() or self.checkpoint.exists():
            raise ValueError(
                f"{self.path} already holds a run; choose another folder, or continue it "
                f"with: {self.resume_command}"
            )

    def check_run(self, file: Path) -> None:
        """Refuse a place that holds no run, or lacks `file` of it.

        Raises:
            ValueError: naming what is missing.
        """
        for needed in (self.path, self.config, file):
            if not needed.exists():
                raise ValueError(
                    f"{self.path} holds no run: {needed} does not exist; give a folder that "
                    "'rlseg train' wrote"
                )

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other trainings out of the folder, which is made if it isn't there.

        The system drops the lock when the process ends, however it ends, so none goes stale.
        A folder that holds no run in the end is removed again, unless it holds something
        else.

        Raises:
            ValueError: if another training uses the folder, or it can't be one.
            OSError: if it can't be made or written to.
        """
        from filelock import FileLock, Timeout

        output_folder(self.path)
        made = [place for place in (self.path, *self.path.parents) if not place.exists()]
        self.path.mkdir(parents=True, exist_ok=True)
        file = self.path / ".lock"
        lock = FileLock(file)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise ValueError(
                f"{self.path} is in use by another training; wait until it ends, or choose "
                "another folder"
            ) from error
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # some systems keep a file that is open
                file.unlink()
            lock.release()
            with contextlib.suppress(OSError):  # the first that holds something ends it
                for place in made:
                    place.rmdir()

    def create(
        self, config: RunConfig, agent: GraphAgent, skipped: Mapping[str, str] | None = None
    ) -> None:
        """Write config and first checkpoint, so that any later stop resumes.

        Args:
            config: of the run.
            agent: untrained.
            skipped: images that were left out, and why.
        """
        try:
            if skipped:
                write_csv(self.skipped, ("image", "reason"), skipped.items())
            write_text(self.config, config.to_yaml())
            self.save(agent)
        except BaseException:
            # Half a run could neither be resumed nor started again.
            for file in (self.config, self.best, self.checkpoint, self.validation, self.skipped):
                file.unlink(missing_ok=True)
            raise

    def save(self, agent: GraphAgent) -> None:
        """Write checkpoint, best actor and learning curve, each of them all or nothing.

        Raises:
            OSError: if the disk refuses; the files are then as they were before.
        """
        for path, include_replay in ((self.best, False), (self.checkpoint, True)):
            try:
                agent.save(path, include_replay=include_replay)
            except OSError as error:
                # A full disk gives an error that names no file.
                reason = error.strerror or str(error)
                if self.checkpoint.exists():
                    reason += (
                        f"; the last checkpoint is whole, continue with: {self.resume_command}"
                    )
                raise OSError(error.errno, reason, str(path)) from error
        curve = agent.learning_curve
        names = ("timestep", "seconds", "reward")
        write_csv(self.validation, names, [[row[name] for name in names] for row in curve])
