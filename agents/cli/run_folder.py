"""What a run's folder holds, and how it is written."""

from __future__ import annotations

import contextlib
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.cli.output import output_folder, write_csv, write_text

if TYPE_CHECKING:
    from agents.cli.config import RunConfig
    from agents.subgraph_sac import SubgraphSAC


@dataclass(frozen=True)
class RunFolder:
    """The folder of one training.

    Attributes:
        path: config.yaml (resolved), checkpoint.pt (training resumes from it), best.pt
            (the best actor alone), validation.csv, panels.png and log/ (TensorBoard).
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

    def create(self, config: RunConfig, agent: SubgraphSAC) -> None:
        """Make the folder with its config and a checkpoint, so that any later stop resumes."""
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            write_text(self.config, config.to_yaml())
            self.save(agent)
        except BaseException:
            # Half a run could neither be resumed nor started again.
            for file in (self.config, self.best, self.checkpoint, self.validation):
                file.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                self.path.rmdir()  # unless it holds something else
            raise

    def save(self, agent: SubgraphSAC) -> None:
        """Write checkpoint, best actor and learning curve, each of them all or nothing.

        Raises:
            OSError: if the disk refuses; the files are then as they were before.
        """
        _save(agent, self.best, include_replay=False)
        _save(agent, self.checkpoint)
        curve = agent.learning_curve
        names = ("timestep", "seconds", "reward")
        write_csv(self.validation, names, [[row[name] for name in names] for row in curve])


def _save(agent: SubgraphSAC, path: Path, **options: Any) -> None:
    try:
        agent.save(path, **options)
    except OSError as error:
        # A full disk gives an error that names no file.
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
