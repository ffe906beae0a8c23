"""The command itself: help, version, exit codes, errors as one line."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import agents
from agents.cli import envs
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

    monkeypatch.setattr(envs, "run", run)


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
        (["train", "c", "-o", "r", "--threads", "1000000"], ("--threads", "<= 256", "1000000")),
        (["train", "c", "-o", "r", "--seed", "9" * 5000], ("--seed", "...")),
        (["train", "~nobody-of-this-name/c.yaml", "-o", "r"], ("~nobody-of-this-name/c.yaml",)),
        (["segment", "~nobody-of-this-name", "i", "-o", "o"], ("holds no run",)),
        (["evaluate", "~nobody-of-this-name", "l"], ("~nobody-of-this-name",)),
        (["audit", "~nobody-of-this-name"], ("~nobody-of-this-name",)),
        (["init", "~nobody-of-this-name", "-o", "c.yaml"], ("~nobody",)),
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
        (OSError("a" * 10**6), 2, f"rlseg: {('error: ' + 'a' * 10**6)[:1007]} ... {'a' * 1000}\n"),
        (MemoryError("9 TiB"), 2, "rlseg: error: not enough memory (9 TiB)\n"),
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

    monkeypatch.setattr(envs, "run", run)
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


def test_loops_of_links(tmp_path, rlseg):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    rlseg("train", loop, "-o", tmp_path / "run").refused(str(loop))
    rlseg("evaluate", loop, loop).refused(str(loop))
    rlseg("init", loop, "-o", tmp_path / "c.yaml").refused(str(loop))


@pytest.mark.parametrize("config", ["[" * 500, "a: &a [*a]", "a: !!bool maybe"])
def test_odd_configs(config, tmp_path, rlseg):
    (tmp_path / "c.yaml").write_text(config)
    rlseg("train", tmp_path / "c.yaml", "-o", tmp_path / "run").refused("not valid YAML")


def test_streams_that_are_closed(monkeypatch):
    """As `>&-` leaves them: then they are None."""
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["envs"]) == 0
    assert main(["train", "none.yaml", "-o", "none"]) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="of Linux")
def test_a_standard_output_that_is_full(monkeypatch, capfd):
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert main(["envs"]) == 2
        full.write("goes nowhere now")  # so that nothing is raised at exit, either
    assert capfd.readouterr().err == "rlseg: error: standard output: No space left on device\n"


def test_a_terminal_that_is_gone(monkeypatch):
    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(sys, "stderr", Gone())
    assert main(["train", "none.yaml", "-o", "none"]) == 2
