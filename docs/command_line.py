"""A hook of MkDocs: the page of the command `rlseg`, made from its parsers at every build."""

from __future__ import annotations

import argparse

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from agents.cli.main import EXIT_CODES, parser

PAGE = "cli.md"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page to the site's files."""
    files.append(File.generated(config, PAGE, content=command_page()))
    return files


def command_page() -> str:
    """The page: a section per sub-command with its usage and every argument."""
    of_rlseg = parser()
    (commands,) = (a for a in of_rlseg._actions if isinstance(a, argparse._SubParsersAction))
    summaries = {action.dest: action.help for action in commands._choices_actions}
    lines = ["# The command line", "", of_rlseg.description or "", ""]
    lines += ["Every command has `--help`; `--debug` goes before it.", ""]
    lines += ["| Command | What it does |", "| --- | --- |"]
    lines += [f"| [`rlseg {name}`](#rlseg-{name}) | {summaries[name]} |" for name in summaries]
    for name, command in commands.choices.items():
        usage = command.format_usage().removeprefix("usage: ").strip()
        lines += ["", f"## rlseg {name}", "", _sentences(command.description or "")]
        lines += ["", "```text", usage, "```", "", "| Argument | Meaning |", "| --- | --- |"]
        lines += [_row(action) for action in command._actions if action.dest != "help"]
    return "\n".join([*lines, "", "## Exit codes", "", "```text", EXIT_CODES.strip(), "```", ""])


def _row(action: argparse.Action) -> str:
    value = action.metavar or ("" if action.nargs == 0 else action.dest.upper())
    value = " ".join(value) if isinstance(value, tuple) else value
    if action.choices and not action.metavar:
        value = "{" + ",".join(map(str, action.choices)) + "}"
    names = ", ".join(action.option_strings)
    shown = f"{names} {value}".strip() if action.nargs != 0 else names
    meaning = " ".join((action.help or "").split()) % vars(action)
    return f"| `{shown}` | {meaning} |".replace("%%", "%")


def _sentences(text: str) -> str:
    """Paragraphs as they are, indented examples as code."""
    blocks = []
    for block in text.strip().split("\n\n"):
        indented = all(line.startswith("    ") for line in block.splitlines())
        blocks.append(f"```text\n{block}\n```" if indented else block)
    return "\n\n".join(blocks)
