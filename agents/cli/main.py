"""Entry point of `rlseg`: sub-commands, and errors as one line with an exit code."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Collection, Sequence
from typing import Any, NoReturn

from agents.cli.output import complain

EXIT_CODES = """\
exit codes:
  0    all went well
  1    it ran, but something failed: an image could not be segmented, a label image
       has no counterpart, a reward is gamed, a check of doctor failed
  2    an argument, a file or a config cannot be used; the message says which
  130  stopped by Ctrl-C; a training has saved a checkpoint that resumes (129 and 143:
       by SIGHUP, as a terminal was closed, and SIGTERM, with as much saved)
"""

#: Sub-commands, each of a module of the same name that has `add_arguments` and `run`.
COMMANDS = {
    "init": "look at images and write a config for them",
    "pretrain": "learn embeddings of pixels from the images of a config",
    "train": "train an agent on the images of a config",
    "segment": "turn images into label images with a trained run",
    "evaluate": "score label images against true ones",
    "audit": "test whether a reward can be gamed",
    "envs": "list the environments and their defaults",
    "doctor": "check the installation",
}


class _Parser(argparse.ArgumentParser):
    """Raises instead of printing its usage, so that every error looks alike."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message}; see '{self.prog} --help'")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a sub-command.

    Args:
        argv: arguments without the program's name; None takes those of the process.

    Returns:
        The exit code, see `EXIT_CODES`. `--help` and `--version` raise `SystemExit(0)`,
        as is usual with argparse.
    """
    debug = False
    try:
        given = sys.argv[1:] if argv is None else list(argv)
        args = parser(given).parse_args(given)
        debug = args.debug
        with warnings.catch_warnings():
            # The usual two lines of file name and source text help no user of a command.
            warnings.showwarning = _show_warning
            # What it says of a broken file is in the error's sentence, too.
            logging.getLogger("tifffile").setLevel(logging.CRITICAL)
            return int(args.run(args))
    except KeyboardInterrupt as stop:
        return _stopped(str(stop), ends=argv is None)
    except SystemError as error:
        # What a Ctrl-C within compiled code becomes.
        if not isinstance(error.__cause__, KeyboardInterrupt):
            raise
        return _stopped("", ends=argv is None)
    except BrokenPipeError:
        return 1  # the reader, such as `head`, has seen enough
    except ModuleNotFoundError as error:
        if debug or error.name is None or error.name.split(".")[0] in ("agents", "gym_rlseg"):
            raise
        complain(f"{error.name} is not installed; run: pip install 'gym-rlseg[agents]'")
        return 2
    except (ValueError, OSError, MemoryError) as error:
        if debug:
            raise
        complain(_reason(error))
        return 2


def _stopped(reason: str, *, ends: bool) -> int:
    """Say that Ctrl-C did it; `ends`: the process ends with the command."""
    if ends and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # impatient ones would get a traceback
    complain(reason or "stopped by Ctrl-C", kind="")
    return 130


def parser(names: Collection[str] = tuple(COMMANDS)) -> argparse.ArgumentParser:
    """What reads the command line.

    Args:
        names: the sub-commands that know their arguments; others needn't be imported.
    """
    formatter = argparse.RawDescriptionHelpFormatter
    result = _Parser(
        prog="rlseg",
        description="Instance segmentation without annotation: describe your objects by a "
        "reward,\ntrain on the images alone, and get label images back.",
        epilog=EXIT_CODES,
        formatter_class=formatter,
    )
    result.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    result.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = result.add_subparsers(metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(
            name, help=summary, epilog=EXIT_CODES, formatter_class=formatter
        )
        if name in names:
            module = importlib.import_module(f"agents.cli.{name}")
            command.description = module.__doc__
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return result


class _Version(argparse.Action):
    """Prints the version; an action so that the package is imported only when asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from gym_rlseg import __version__

        print(f"rlseg {__version__}")
        parser.exit()


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    complain(str(message), kind="warning: ")


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{os.fsdecode(error.filename)}: {error.strerror}"
    if isinstance(error, MemoryError):
        return f"not enough memory {str(error) and f'({error})'}".rstrip()
    return str(error) or type(error).__name__
