"""Which modules may know which: read from their imports, wherever these stand."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import networkx as nx

ROOT = Path(__file__).parents[1]
PACKAGES = ("gym_rlseg", "agents")
#: Links of the longest chain of imports between the rooms of `agents`.
LONGEST_CHAIN = 7


def name_of(path: Path) -> str:
    """`a/b/__init__.py` is a.b, `a/b/c.py` is a.b.c."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def trees() -> Mapping[str, ast.Module]:
    """Every module's syntax tree."""
    files = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return {name_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in files}


def imported(tree: ast.Module) -> Iterator[str]:
    """Names of what is imported at the top, in functions and for type checkers."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in trees() else str(node.module)


@cache
def imports() -> nx.DiGraph:
    """An edge from every module to each that it imports, in both packages."""
    graph = nx.DiGraph()
    graph.add_nodes_from(trees())
    for name, tree in trees().items():
        graph.add_edges_from((name, other) for other in imported(tree) if other in trees())
    return graph


def circles(graph: nx.DiGraph) -> list[list[str]]:
    """Groups of nodes that reach each other."""
    return [sorted(group) for group in nx.strongly_connected_components(graph) if len(group) > 1]


def rooms(graph: nx.DiGraph) -> nx.DiGraph:
    """The rooms of `agents`: folders, and loose files, directly in it."""
    result = nx.DiGraph()
    for one, other in graph.edges:
        ends = [tuple(end.split(".")[:2]) for end in (one, other)]
        if all(len(end) == 2 and end[0] == "agents" for end in ends) and ends[0] != ends[1]:
            result.add_edge(ends[0][1], ends[1][1])
    return result


def test_what_is_read() -> None:
    """The tests below would pass on nothing."""
    graph = imports()
    assert graph.has_edge("agents.graph.policy", "agents.common.checkpoint")  # at the top
    assert graph.has_edge("agents", "agents.subgraph_sac")  # in a function, of a package
    assert rooms(graph).has_edge("graph", "common")
    assert circles(nx.DiGraph([("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")])) == [list("abc")]


def test_no_circles_of_modules() -> None:
    assert circles(imports()) == []


def test_no_circles_of_rooms_and_no_long_chains() -> None:
    graph = rooms(imports())
    assert circles(graph) == []
    chain = nx.dag_longest_path(graph)
    assert len(chain) - 1 <= LONGEST_CHAIN, " -> ".join(chain)


def test_nothing_imports_the_command_line() -> None:
    for one, other in imports().edges:
        inside = one == "agents.cli" or one.startswith("agents.cli.")
        assert inside or not other.startswith("agents.cli"), (one, other)


def test_environments_know_neither_agents_nor_torch() -> None:
    for name, tree in trees().items():
        if name.split(".")[0] == "gym_rlseg":
            known = {other.split(".")[0] for other in imported(tree)}
            assert not known & {"agents", "torch", "torch_geometric"}, name


def test_agents_do_not_know_each_other() -> None:
    siblings = {"colouring", "subgraph_sac", "subgraph_reinforce", "sb3"}
    graph = rooms(imports())
    for one in siblings:
        assert not siblings & set(graph.successors(one)), one
    assert not list(graph.successors("common"))


def test_no_module_imports_the_package_that_it_is_in() -> None:
    for one, other in imports().edges:
        assert not one.startswith(f"{other}."), (one, other)
