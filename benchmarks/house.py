"""How the house is built: lines, chains of imports between rooms, circles; today beside a revision.

A room of a package is a folder directly in it, or a loose file; everything below a folder
belongs to its room. Imports count wherever they stand: at the top, in functions, for type
checkers only. A chain of n links passes through n + 1 rooms; rooms that import each other in
a circle count as one. Modules are in a circle if each can be reached from the other.
"""

from __future__ import annotations

import argparse
import ast
import io
import subprocess
import tarfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import networkx as nx
from common import record, table

ROOT = Path(__file__).parents[1]
PACKAGES = ("gym_rlseg", "agents")
Sources = Mapping[str, str]


def main() -> None:
    """Read both trees, print, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", metavar="REV", help="a revision of git to compare with")
    parser.add_argument("--dry-run", action="store_true", help="don't write RESULTS.md")
    arguments = parser.parse_args()
    columns = (
        {} if arguments.against is None else {arguments.against: of_revision(arguments.against)}
    )
    columns["today"] = of_folder(ROOT)
    measured = {name: measure(sources) for name, sources in columns.items()}
    rows = [[what, *(column[what] for column in measured.values())] for what in measured["today"]]
    body = table(["", *measured], rows)
    print(body)
    if not arguments.dry_run:
        record("house", "The house: lines and imports", body)


def of_folder(root: Path) -> Sources:
    """Path -> text of every module in a folder."""
    return {
        path.relative_to(root).as_posix(): path.read_text()
        for package in PACKAGES
        for path in sorted((root / package).rglob("*.py"))
    }


def of_revision(revision: str) -> Sources:
    """The same of a revision."""
    packed = subprocess.run(
        ["git", "archive", revision, *PACKAGES], cwd=ROOT, check=True, capture_output=True
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        return {
            member.name: archive.extractfile(member).read().decode()  # type: ignore[union-attr]
            for member in archive
            if member.name.endswith(".py")
        }


def measure(sources: Sources) -> dict[str, str]:
    """What is worth a row of the table."""
    imports = nx.DiGraph(imports_of(sources))
    result = {f"lines of {package}": f"{sum(lines(sources, package)):,}" for package in PACKAGES}
    for package in PACKAGES:
        chain = longest_chain(imports, package)
        result[f"longest chain between rooms of {package}"] = (
            f"{len(chain) - 1} links: {' → '.join(chain)}"
        )
        result[f"circles of rooms of {package}"] = circles(rooms_of(imports, package))
    result["circles of modules"] = circles(imports)
    importers = {
        a for a, b in imports.edges if b.startswith("agents.cli") and not a.startswith("agents.cli")
    }
    result["modules outside of agents.cli that import it"] = str(len(importers))
    return result


def lines(sources: Sources, package: str) -> Iterator[int]:
    """Lines of each module, blank ones and comments included."""
    for path, text in sources.items():
        if path.startswith(f"{package}/"):
            yield text.count("\n")


def imports_of(sources: Sources) -> dict[str, set[str]]:
    """Module -> the package's own modules that it imports."""
    modules = {module_name(path): text for path, text in sources.items()}
    found: dict[str, set[str]] = {}
    for module, text in modules.items():
        named = set(names_imported(ast.parse(text)))
        # `from package import module` names a module; `from module import thing` doesn't.
        targets = {max(prefixes(name) & modules.keys(), key=len, default="") for name in named}
        found[module] = targets - {"", module}
    return found


def names_imported(tree: ast.Module) -> Iterator[str]:
    """Dotted names behind every import, wherever it stands; there are no relative ones."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module_name(path: str) -> str:
    """Dotted name of a module; a package's __init__ goes by the package's."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def prefixes(name: str) -> set[str]:
    """a.b.c -> {a, a.b, a.b.c}."""
    parts = name.split(".")
    return {".".join(parts[: i + 1]) for i in range(len(parts))}


def longest_chain(imports: nx.DiGraph, package: str) -> list[str]:
    """Rooms of the longest chain, importers first."""
    condensed = nx.condensation(rooms_of(imports, package))
    chain = nx.dag_longest_path(condensed)
    return [" + ".join(sorted(condensed.nodes[part]["members"])) for part in chain]


def rooms_of(imports: nx.DiGraph, package: str) -> nx.DiGraph:
    """Which room imports which."""
    rooms: dict[str, set[str]] = defaultdict(set)
    for a, b in imports.edges:
        if in_rooms([a, b], package) and room(a) != room(b):
            rooms[room(a)].add(room(b))
    return nx.DiGraph(rooms)


def circles(graph: nx.DiGraph) -> str:
    """Everything that imports itself in the end."""
    parts = [sorted(part) for part in nx.strongly_connected_components(graph) if len(part) > 1]
    return "; ".join(" ↔ ".join(part) for part in sorted(parts)) or "none"


def in_rooms(modules: Iterable[str], package: str) -> bool:
    """Whether all lie in a package; its own __init__ is no room, it hands names on."""
    return all(module.startswith(f"{package}.") for module in modules)


def room(module: str) -> str:
    """The folder or loose file that a module lies in."""
    return module.split(".")[1]


if __name__ == "__main__":
    main()
