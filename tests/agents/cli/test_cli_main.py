"""The command itself: help, version, exit codes, errors as one line."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest

import agents
from agents.cli import main as entry
from agents.cli.main import main
from agents.cli.output import say
from gym_rlseg import __version__

COMMANDS = ("init", "train", "segment", "evaluate", "audit", "envs", "doctor")


def fake_run(monkeypatch: pytest.MonkeyPatch, error: BaseException | None) -> None:
    """Make `rlseg envs` raise `error`."""

    def run(_: object) -> int:
        if error is not None:
            raise error
        return 0

    module = SimpleNamespace(__doc__="", add_arguments=lambda parser: None, run=run)
    monkeypatch.setitem(entry._COMMANDS, "envs", (module, ""))


@pytest.mark.parametrize("arguments", [[], *([name] for name in COMMANDS)])
def test_help_documents_the_exit_codes(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*arguments, "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert "exit codes:" in text
    assert "130  stopped by Ctrl-C" in text


def test_help_waits_for_no_heavy_import():
    code = (
        "import contextlib, sys\n"
        "from agents.cli.main import main\n"
        "with contextlib.suppress(SystemExit):\n    main(['--help'])\n"
        "print({'torch', 'skimage', 'gymnasium', 'numpy'} & set(sys.modules))"
    )
    environ = {**os.environ, "PYTHONPATH": str(Path(agents.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environ, check=True
    )
    assert done.stdout.endswith("set()\n")
    for name in COMMANDS:
        assert name in done.stdout


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"rlseg {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ("COMMAND", "--help")),
        (["trian"], ("trian", "train")),
        (["train", "c.yaml"], ("-o/--output", "rlseg train --help")),
        (["train", "c", "-o", "r", "--time-limit", "soon"], ("--time-limit", "'soon'", "10m")),
        (["train", "c", "-o", "r", "--timesteps", "0"], ("--timesteps", "whole number >= 1")),
        (["train", "c", "-o", "r", "--seed", "-1"], ("--seed",)),
        (["train", "c", "-o", "r", "--seed", "1__0"], ("--seed",)),
        (["train", "c", "-o", "r", "--device", "tpu"], ("--device", "'tpu'", "cuda")),
        (["train", "-o", "r"], ("CONFIG", "--resume")),
    ],
)
def test_wrong_arguments_are_one_line_and_exit_code_2(arguments, words, rlseg):
    rlseg(*arguments).refused(*words)


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (None, 0, ""),
        (ValueError("a\nb"), 2, "rlseg: error: a b\n"),
        (FileNotFoundError(2, "No such file", "x.tif"), 2, "rlseg: error: x.tif: No such file\n"),
        (PermissionError(13, "Denied", "x"), 2, "rlseg: error: x: Denied\n"),
        (OSError("broken"), 2, "rlseg: error: broken\n"),
        (KeyboardInterrupt(), 130, "rlseg: stopped by Ctrl-C\n"),
        (
            ModuleNotFoundError("No module named 'torch'", name="torch.nn"),
            2,
            "rlseg: error: torch.nn is not installed; run: pip install 'gym-rlseg[agents]'\n",
        ),
    ],
)
def test_errors_become_a_line_and_a_code(error, code, line, monkeypatch, rlseg):
    fake_run(monkeypatch, error)
    outcome = rlseg("envs")
    assert (outcome.code, outcome.err) == (code, line)


@pytest.mark.parametrize(
    "error",
    [TypeError("a bug"), AssertionError(), ModuleNotFoundError("bug", name="agents.nothing")],
)
def test_bugs_keep_their_traceback(error, monkeypatch):
    fake_run(monkeypatch, error)
    with pytest.raises(type(error)):
        main(["envs"])


def test_debug_shows_where_an_error_came_from(monkeypatch):
    fake_run(monkeypatch, ValueError("a"))
    with pytest.raises(ValueError, match="a"):
        main(["--debug", "envs"])


@pytest.mark.filterwarnings("default")
def test_warnings_are_one_line(monkeypatch, rlseg):
    def run(_: object) -> int:
        warnings.warn("odd", stacklevel=2)
        return 0

    module = SimpleNamespace(__doc__="", add_arguments=lambda parser: None, run=run)
    monkeypatch.setitem(entry._COMMANDS, "envs", (module, ""))
    shown = warnings.showwarning
    assert rlseg("envs").err == "rlseg: warning: odd\n"
    assert warnings.showwarning is shown


def test_reader_that_stops_reading_gets_no_traceback():
    environ = {**os.environ, "PYTHONPATH": str(Path(agents.__file__).parents[1])}
    command = [sys.executable, "-m", "agents.cli", "envs"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 1


def test_file_names_beyond_the_terminals_letters(monkeypatch, capfd):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    say("nu\u0308klei \udce9.tif")
    assert raw.getvalue() == b"nu\\u0308klei \\udce9.tif\n"
