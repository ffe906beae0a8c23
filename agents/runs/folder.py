"""What a run's folder holds, and how it is written."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gym_rlseg.paths import output_folder, user_path
from gym_rlseg.writing import write_csv, write_text

if TYPE_CHECKING:
    from agents.common.agent import Agent
    from agents.runs.config import RunConfig


#: How a config starts that a training has written, so that a user's own is never replaced.
_MARK = "# Resolved config: every option, as this run uses it.\n"


class RunFolder:
    """The folder of one training. It holds a run as soon as it has a checkpoint.

    Args:
        path: of the folder.

    Attributes:
        path: of the folder.
        config: the resolved config, config.yaml.
        checkpoint: from which training resumes, checkpoint.pt.
        best: the best actor, without the replay, best.pt.
        validation: the learning curve, validation.csv.
        skipped: images that were left out and why, skipped.csv, if there are any.
        report: what came of it, to look at in a browser, report.html.
        panels: the last validation image, segmented, panels.png.
        log: TensorBoard's folder.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = user_path(path)
        self.config = self.path / "config.yaml"
        self.checkpoint, self.best = self.path / "checkpoint.pt", self.path / "best.pt"
        self.validation, self.skipped = self.path / "validation.csv", self.path / "skipped.csv"
        self.report, self.panels = self.path / "report.html", self.path / "panels.png"
        self.log = self.path / "log"

    @property
    def resume_command(self) -> str:
        """What continues the training."""
        return f"rlseg train -o {shlex.quote(str(self.path))} --resume"

    @property
    def shown(self) -> bool:
        """Whether the report is of the last checkpoint; that of a killed training isn't."""
        return (
            self.report.exists() and self.report.stat().st_mtime >= self.checkpoint.stat().st_mtime
        )

    def check_free(self) -> None:
        """Refuse a place where no new run can go; nothing is made yet.

        A config alone is what a training left that was killed before its first checkpoint.

        Raises:
            ValueError: if it is a file, not writable, or holds a run or another's config.
        """
        output_folder(self.path)
        if self.best.exists() or self.checkpoint.exists():
            raise ValueError(
                f"{self.path} already holds a run; choose another folder, or continue it "
                f"with: {self.resume_command}"
            )
        if self.config.exists():
            with self.config.open("rb") as file:
                if file.read(len(_MARK)) != _MARK.encode():
                    raise ValueError(
                        f"{self.config} is no run's config, which would replace it; choose "
                        "another folder"
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
                    "'rlseg train' wrote, or let it write one"
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
            for pattern in (".*.part", ".*.pt.*"):  # what a killed training was writing
                for file_part in self.path.glob(pattern):
                    file_part.unlink(missing_ok=True)
            yield
        finally:
            with contextlib.suppress(OSError):  # some systems keep a file that is open
                file.unlink()
            lock.release()
            with contextlib.suppress(OSError):  # the first that holds something ends it
                for place in made:
                    place.rmdir()

    def create(
        self, config: RunConfig, agent: Agent, skipped: Mapping[str, str] | None = None
    ) -> None:
        """Write config and first checkpoint, so that any later stop resumes.

        Args:
            config: of the run.
            agent: untrained.
            skipped: images that were left out, and why.
        """
        files = (self.skipped, self.config, self.checkpoint, self.best, self.validation)
        if not agent.team.leads:
            self.save(agent)
            return
        try:
            self.skipped.unlink(missing_ok=True)  # of a training that was killed before it began
            if skipped:
                write_csv(self.skipped, ("image", "reason"), skipped.items())
            write_text(self.config, _MARK + config.to_yaml())
            self.save(agent)
        except BaseException:
            for file in files:
                file.unlink(missing_ok=True)
            raise

    def save(self, agent: Agent) -> None:
        """Write checkpoint, best actor and learning curve, each of them all or nothing.

        All processes of a team have to call it, of which the first one writes.

        Raises:
            OSError: if the disk refuses; the file is then as it was before.
        """
        for path, include_replay in ((self.checkpoint, True), (self.best, False)):
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
        if not agent.team.leads:
            return
        names = ("timestep", "seconds", "reward")
        rows = [[row[name] for name in names] for row in agent.learning_curve]
        write_csv(self.validation, names, rows)
