"""A hook of MkDocs: pages of the API from the docstrings of what the packages export.

A package's page has the names in its `__all__`; modules that others import from by their own
name are listed here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
#: Modules with a page of their own.
MODULES = (
    "gym_rlseg.graph.partition",
    "gym_rlseg.metrics",
    "gym_rlseg.rewards.audit",
    "gym_rlseg.rewards.landscape",
    "gym_rlseg.rewards.objects",
)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the pages to the navigation."""
    (section,) = (entry for entry in config.nav or [] if "API" in entry)
    section["API"] += [{name: _page(name)} for name in sorted(contents())]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages to the site's files."""
    for name, members in contents().items():
        lines = [f"# {name}", "", *(f"::: {member}\n" for member in members)]
        files.append(File.generated(config, _page(name), content="\n".join(lines)))
    return files


def contents() -> dict[str, list[str]]:
    """Page -> full names of what it documents."""
    found = {name: [name] for name in MODULES}
    for package in ("gym_rlseg", "agents"):
        for file in sorted((ROOT / package).rglob("__init__.py")):
            name = ".".join(file.parent.relative_to(ROOT).parts)
            members = [f"{name}.{member}" for member in exported(file)]
            if members:
                found[name] = members
    return found


def exported(file: Path) -> Iterator[str]:
    """The names in a module's `__all__`, without those that begin with an underscore."""
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets
        ):
            yield from (n for n in ast.literal_eval(node.value) if not n.startswith("_"))


def _page(name: str) -> str:
    return f"api/{name}.md"
