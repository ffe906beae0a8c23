"""Draw the picture of the house from the code's own imports: python docs/house.py [FILE].

A room is a folder of a package, or a file that lies loose in it. An arrow goes from a room to
one that it imports from; what follows from other arrows is left out, and so are imports for type
checking alone. Files that import from no room (options, messages and the like) share a box.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("agents", "gym_rlseg")
Rooms = Mapping[str, set[str]]
#: Size of the drawing in pixels.
_WIDTH, _BOX, _HEIGHT, _GAP, _MARGIN = 940, 26, 32, 36, 16
_STYLE = """\
  text { font: 13px sans-serif; text-anchor: middle; fill: #17313a }
  .title { font-weight: bold; text-anchor: start; fill: #55707a }
  .package { fill: #f4f8f8; stroke: #c3d3d6 }
  .room { fill: #ffffff; stroke: #2c7a7b; stroke-width: 1.3 }
  .agents { stroke: #b7791f }
  path { fill: none; stroke: #7c949c; stroke-width: 1.2 }
  .circle { stroke: #c53030; stroke-dasharray: 4 3 }
"""


def main() -> None:
    """Write the picture."""
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "house.svg"
    file.write_text(drawing())


def imports(root: Path = ROOT) -> dict[str, set[str]]:
    """Room -> the other rooms that it imports from, such as "agents/graph" -> {...}."""
    found: dict[str, set[str]] = {}
    for package in PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            parts = file.relative_to(root).with_suffix("").parts
            if parts[1] not in ("__init__", "_version"):
                names = imported(ast.parse(file.read_text()))
                into = {room for name in names for room in _room(root, name.split("."))}
                found.setdefault("/".join(parts[:2]), set()).update(into)
    return {room: into - {room} for room, into in found.items()}


def imported(module: ast.AST) -> Iterator[str]:
    """Full names that a module imports, at its top or late, but for type checking."""
    for node in ast.iter_child_nodes(module):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from imported(node)


def _room(root: Path, name: list[str]) -> Iterator[str]:
    if name[0] in PACKAGES and len(name) > 1:
        path = root / name[0] / name[1]
        if path.is_dir() or path.with_suffix(".py").is_file():
            yield f"{name[0]}/{name[1]}"


def circles(rooms: Rooms) -> set[tuple[str, str]]:
    """(room, other) of the imports that close a circle; there should be none."""
    closing: set[tuple[str, str]] = set()
    done: set[str] = set()

    def visit(room: str, above: tuple[str, ...]) -> None:
        for other in sorted(rooms[room]):
            if other in (*above, room):
                closing.add((room, other))
            elif other not in done:
                visit(other, (*above, room))
        done.add(room)

    for room in sorted(rooms):
        if room not in done:
            visit(room, ())
    return closing


def without_circles(rooms: Rooms) -> dict[str, set[str]]:
    """The rooms without the imports that close a circle."""
    closing = circles(rooms)
    return {r: {o for o in into if (r, o) not in closing} for r, into in rooms.items()}


def depths(rooms: Rooms) -> dict[str, int]:
    """The longest chain of imports below each room; circles must be opened before."""
    known: dict[str, int] = {}

    def depth(room: str) -> int:
        if room not in known:
            known[room] = 1 + max((depth(other) for other in sorted(rooms[room])), default=-1)
        return known[room]

    for room in sorted(rooms):
        depth(room)
    return known


def foundations(rooms: Rooms) -> set[str]:
    """Loose files that rooms import from, and that import from nothing but each other."""
    used = set().union(*rooms.values())
    found = {r for r in used if (ROOT / f"{r}.py").is_file()}
    while any(not rooms[r] <= found for r in found):
        found = {r for r in found if rooms[r] <= found}
    return found


def without_shortcuts(rooms: Rooms) -> dict[str, set[str]]:
    """The arrows that don't follow from others."""
    below: dict[str, set[str]] = {}
    for room in sorted(rooms, key=depths(rooms).__getitem__):
        below[room] = set(rooms[room]).union(*(below[other] for other in rooms[room]))
    return {
        room: {o for o in into if not any(o in below[other] for other in into - {o})}
        for room, into in rooms.items()
    }


def drawing() -> str:
    """The picture as SVG."""
    rooms = imports()
    small = foundations(rooms)
    rooms = {room: into - small for room, into in rooms.items() if room not in small}
    closing, rooms = circles(rooms), without_circles(rooms)
    places, frames = _layout(rooms)
    bottom = frames[PACKAGES[-1]][1] + 14
    size = f"0 0 {_WIDTH} {bottom + _HEIGHT + 6:.0f}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}">',
        f"<style>\n{_STYLE}</style>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#7c949c" '
        'style="fill: #7c949c"/></marker></defs>',
    ]
    for package, (top, end) in frames.items():
        parts.append(
            f'<rect class="package" x="4" y="{top}" width="{_WIDTH - 8}" height="{end - top}" '
            f'rx="8"/><text class="title" x="16" y="{top + 20}">{package}</text>'
        )
    for room, into in sorted(without_shortcuts(rooms).items()):
        for other in sorted(into):
            parts.append(_arrow(places[room], places[other]))
    for room, other in sorted(closing):
        parts.append(_arrow(places[room], places[other], "circle"))
    for room, (x, y, width) in sorted(places.items()):
        package, name = room.split("/")
        shown = name if (ROOT / room).is_dir() else f"{name}.py"
        parts.append(_box(x, y, width, f"room {package}", shown))
    names = "everything may use: " + ", ".join(
        f"{room.split('/')[1]}.py" for room in sorted(small) if room.startswith("gym_rlseg/")
    )
    parts.append(_box(_WIDTH / 2, bottom, 7.2 * len(names) + 20, "room", names))
    return "\n".join([*parts, "</svg>", ""])


def _layout(
    rooms: Rooms,
) -> tuple[dict[str, tuple[float, float, float]], dict[str, tuple[float, float]]]:
    """(middle, top, width) of every room's box, and (top, bottom) of every package's frame."""
    arrows = without_shortcuts(rooms)
    y, places, frames = float(_MARGIN), {}, {}
    for package in PACKAGES:
        own = {r: {o for o in into if o in rooms and o.startswith(package)} for r, into in
               rooms.items() if r.startswith(package)}  # fmt: skip
        depth = depths(own)
        frames[package] = [y]
        y += 30
        for level in range(max(depth.values()), -1, -1):
            row = [room for room in sorted(own) if depth[room] == level]
            wanted = {r: _mean(places[o][0] for o in places if r in arrows[o]) for r in row}
            row.sort(key=lambda room: wanted[room])
            for room, x, width in _spread(row):
                places[room] = (x, y, width)
            y += _HEIGHT + _GAP
        y += _MARGIN - _GAP
        frames[package].append(y)
        y += _GAP - 10
    return places, {package: (top, bottom) for package, (top, bottom) in frames.items()}


def _spread(row: Iterable[str]) -> Iterator[tuple[str, float, float]]:
    row = list(row)
    widths = [8.0 * len(room.split("/")[1]) + _BOX + 16 for room in row]
    gap = (_WIDTH - 2 * _MARGIN - sum(widths)) / (len(row) + 1)
    x = float(_MARGIN)
    for room, width in zip(row, widths, strict=True):
        yield room, x + gap + width / 2, width
        x += gap + width


def _mean(values: Iterable[float]) -> float:
    values = list(values)
    return sum(values) / len(values) if values else _WIDTH / 2


def _arrow(
    start: tuple[float, float, float], end: tuple[float, float, float], kind: str = "arrow"
) -> str:
    (x, y, _), (u, v, _) = start, end
    y += _HEIGHT
    bend = max((v - y) / 2, 20)
    curve = f"M{x:.0f},{y:.0f} C{x:.0f},{y + bend:.0f} {u:.0f},{v - bend:.0f} {u:.0f},{v - 1:.0f}"
    return f'<path class="{kind}" d="{curve}" marker-end="url(#tip)"/>'


def _box(x: float, y: float, width: float, kind: str, text: str) -> str:
    return (
        f'<rect class="{kind}" x="{x - width / 2:.0f}" y="{y:.0f}" width="{width:.0f}" '
        f'height="{_HEIGHT}" rx="5"/><text x="{x:.0f}" y="{y + 21:.0f}">{text}</text>'
    )


if __name__ == "__main__":
    main()
