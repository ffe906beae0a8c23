"""What the documentation shows can be run: Python, YAML, and the commands of shells."""

from __future__ import annotations

import importlib
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents.algorithms import ALGORITHMS
from agents.cli.main import parser
from agents.runs.config import RunConfig
from agents.suggest.recipes import FAMILIES
from gym_rlseg.graph import BOUNDARIES
from gym_rlseg.rewards import REWARDS
from gym_rlseg.rewards.priors import PRIORS, as_prior

pytestmark = pytest.mark.usefixtures("one_thread_of_torch")

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = {str(path.relative_to(DOCS)): path.read_text() for path in sorted(DOCS.rglob("*.md"))}
TEXTS = {
    **PAGES,
    **{name: (ROOT / name).read_text() for name in ("README.md", "CONTRIBUTING.md")},
}
MAKEFILE = (ROOT / "Makefile").read_text()
_NAME = r"[a-z][\w-]*"


def blocks(text: str, language: str) -> list[tuple[int, str]]:
    """(line of its first line, text) of every fenced block of a language."""
    found = re.finditer(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [(text[: match.start(1)].count("\n"), match[1]) for match in found]


def commands(text: str, program: str) -> list[str]:
    """Whole commands: lines of shell blocks, fenced or, as in the README, indented."""
    lines = [line for _, block in blocks(text, "sh") for line in block.splitlines()]
    lines += re.findall(rf"^    ({program} .*)$", text, re.MULTILINE)
    return [line for line in lines if line.startswith(f"{program} ")]


def mentions(text: str, program: str) -> list[str]:
    """Commands in running text, which may leave out what isn't spoken of."""
    found = re.findall(rf"(?<!`)`({program} [^`]+)`", text)
    return [re.sub(r"\s+", " ", command) for command in found]


@pytest.fixture
def registries_as_they_were():
    """Pages may register names; no other test is to see them."""
    registries: tuple[Any, ...] = (BOUNDARIES, PRIORS, ALGORITHMS, FAMILIES)
    before = [dict(registry) for registry in registries]
    yield
    for registry, entries in zip(registries, before, strict=True):
        registry.clear()
        registry.update(entries)


WITH_PYTHON = [page for page, text in PAGES.items() if blocks(text, "python")]


@pytest.mark.usefixtures("registries_as_they_were")
@pytest.mark.parametrize("page", WITH_PYTHON)
def test_python_blocks(page, tmp_path, monkeypatch):
    """All blocks of a page in one namespace, in order; warnings are errors."""
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": page}
    for line, block in blocks(PAGES[page], "python"):
        exec(compile("\n" * line + block, page, "exec", dont_inherit=True), namespace)


def test_pages_that_are_to_have_python():
    assert {"index.md", "agents/sb3.md", "agents/subgraph_sac.md", "howto/agent.md"} < set(
        WITH_PYTHON
    )
    environments = {p for p in PAGES if p.startswith("environments/")}
    assert len(environments) == 7
    assert environments < set(WITH_PYTHON)


def test_quick_start_is_short():
    ((_, shell), *_) = blocks(PAGES["index.md"], "sh")
    ((_, python),) = blocks(PAGES["index.md"], "python")
    assert shell.startswith("pip install")
    assert len((shell + python).splitlines()) <= 20


def check_yaml(value: Any) -> str:
    """Build what a YAML block describes; returns its kind."""
    if isinstance(value, dict) and "environment" in value:
        RunConfig.from_data(value, ROOT)
        return "config"
    if isinstance(value, dict) and set(value) == {"reward"}:
        value = value["reward"]
    name = value["name"] if isinstance(value, dict) else value
    if name in REWARDS:
        REWARDS.build(value)
        return "reward"
    assert name in PRIORS, value
    as_prior(value)
    return "prior"


def test_yaml_blocks_are_configs_rewards_or_priors():
    kinds = [
        check_yaml(yaml.safe_load(block))
        for text in TEXTS.values()
        for _, block in blocks(text, "yaml")
    ]
    assert {kind: kinds.count(kind) for kind in set(kinds)}.keys() == {"config", "reward", "prior"}


@pytest.mark.parametrize("wrong", ["name: nucley", "environment: {id: RLSeg-Images-v0, pth: x}"])
def test_wrong_yaml_is_noticed(wrong):
    with pytest.raises((AssertionError, ValueError)):
        check_yaml(yaml.safe_load(wrong))


def arguments(command: str) -> list[str]:
    return shlex.split(command, comments=True)[1:]


def test_rlseg_commands_parse():
    found = [command for text in TEXTS.values() for command in commands(text, "rlseg")]
    assert len(found) > 10
    for command in found:
        parser().parse_args(arguments(command))  # raises ValueError


def options_of(subcommand: str) -> set[str]:
    (commands_,) = (a for a in parser()._actions if a.choices and "train" in a.choices)
    assert subcommand in commands_.choices, subcommand
    return {s for action in commands_.choices[subcommand]._actions for s in action.option_strings}


def test_rlseg_in_running_text():
    found = [command for text in TEXTS.values() for command in mentions(text, "rlseg")]
    assert len(found) > 10
    for command in found:
        first, *others = arguments(command)
        if not first.startswith("-"):
            flags = {word.split("=")[0] for word in others if word.startswith("-")}
            assert flags <= options_of(first), command


def test_make_targets_exist():
    targets = set(re.findall(rf"^({_NAME}):", MAKEFILE, re.MULTILINE))
    named = {
        word
        for text in TEXTS.values()
        for command in (*commands(text, "make"), *mentions(text, "make"))
        for word in arguments(command)[:1]
    }
    assert {"demo", "test", "check", "docs", "build"} <= named
    assert named <= targets


def scripts() -> Iterator[str]:
    for text in TEXTS.values():
        yield from re.findall(r"\b((?:benchmarks|examples|docs)/\w+\.py)\b", text)


def test_scripts_exist():
    named = set(scripts())
    assert len(named) > 5
    for name in named:
        assert (ROOT / name).is_file(), name


def test_extras_exist():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = {e for text in TEXTS.values() for e in re.findall(r"'\.\[([\w,]+)\]'", text)}
    assert {"agents", "dev"} <= named
    assert {e for names in named for e in names.split(",")} <= set(project["optional-dependencies"])


def names_in(text: str) -> set[str]:
    """Dotted names of the packages, in running text as code."""
    return set(re.findall(r"(?<!`)`((?:agents|gym_rlseg)(?:\.\w+)+)(?:\(.*?\))?`", text))


@pytest.mark.parametrize(
    "name", sorted({name for text in TEXTS.values() for name in names_in(text)})
)
def test_names_exist(name):
    """A module, or what can be reached from one by attributes."""
    parts = name.split(".")
    found = importlib.import_module(parts[0])
    for position, part in enumerate(parts[1:], start=2):
        try:
            found = getattr(found, part)
        except AttributeError:
            found = importlib.import_module(".".join(parts[:position]))


@pytest.mark.parametrize("page", TEXTS)
def test_files_and_folders_exist(page):
    text = TEXTS[page]
    if page == "howto/extend.md":
        text = re.sub(r"A file such as `.*?`", "", text)
    for name in re.findall(
        r"`((?:agents|gym_rlseg|examples|benchmarks|docs|tests)/[\w/]*(?:\.\w+)?)`", text
    ):
        assert (ROOT / name).exists(), name
