"""The rooms and the arrows between them, drawn from the layers of `.importlinter` and the imports of the code."""

import ast
import configparser
from itertools import pairwise
from pathlib import Path

from make.reference import PAGES

ROOT = Path(__file__).parents[2]
WIDTH, HEIGHT = 640, 78  # of the drawing, of a layer
WIDE, HIGH, GAP = 112, 36, 18  # of a box, and what an arrow keeps away from it
Places = dict[str, tuple[float, float]]  # the middle of each room


def layers() -> list[list[str]]:
    """Return the rooms, the layer that may import all others first."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter", encoding="utf-8")
    lines = parser["importlinter:contract:rooms"]["layers"].split("\n")
    return [line.replace("|", ":").replace(" ", "").split(":") for line in lines if line.strip()]


def arrows() -> set[tuple[str, str]]:
    """Return which room imports which, without those that follow from others."""
    rooms = [room for layer in layers() for room in layer]
    found = {(room, name) for room in rooms for name in _imports(room) if name in rooms}
    reach = {room: {room} for room in rooms}
    for room in reversed(rooms):  # the lower ones first
        for _, other in (pair for pair in found if pair[0] == room):
            reach[room] |= reach[other]
    implied = {(a, b) for a, c in found for b in reach[c] if c not in (a, b)}
    return {(a, b) for a, b in found - implied if a != b}


def diagram() -> str:
    """Return the drawing as SVG that stands in a page and takes its colours."""
    places = {
        room: (WIDTH * (2 * k + 1) / (2 * len(layer)), HEIGHT * (j + 0.5))
        for j, layer in enumerate(layers())
        for k, room in enumerate(layer)
    }
    far_first = sorted(arrows(), key=lambda pair: (places[pair[0]][1] - places[pair[1]][1], pair))
    lines = [_line(a, b, places, lane) for lane, (a, b) in enumerate(far_first)]
    boxes = [_box(room, *place) for room, place in places.items()]
    words = "; ".join(" and ".join(layer) for layer in layers())
    return "\n".join(
        [
            f'<svg class="rooms" viewBox="0 0 {WIDTH} {HEIGHT * len(layers())}" role="group" '
            f'aria-label="The rooms of jaxconv from top to bottom, each importing from those below: {words}.">',
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
            '<path d="M0 0 8 4 0 8z"/></marker></defs>',
            *lines,
            *boxes,
            "</svg>",
        ]
    )


def _imports(room: str) -> set[str]:
    """The rooms that the files of `room` import from, for their types alone apart."""
    folder = ROOT / "jaxconv" / room
    names: set[str] = set()
    for path in folder.rglob("*.py") if folder.is_dir() else [folder.with_suffix(".py")]:
        names |= _named(ast.parse(path.read_text(encoding="utf-8")))
    return names


def _named(node: ast.AST) -> set[str]:
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return set()
    if isinstance(node, ast.ImportFrom) and node.module == "jaxconv":
        return {alias.name for alias in node.names}
    if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("jaxconv."):
        return {(node.module or "").split(".")[1]}
    return {name for child in ast.iter_child_nodes(node) for name in _named(child)}


def _line(start: str, end: str, places: Places, lane: int) -> str:
    """An arrow that passes the layers between two rooms where no room stands, in a lane of its own."""
    gap = GAP * (1 + lane // 2 / 2)
    (x, y), (u, v) = places[start], places[end]
    points = [(x, y + HIGH / 2)]
    for row in sorted({place[1] for place in places.values() if y < place[1] < v}):
        straight = x + (u - x) * (row - y) / (v - y)
        taken = [place[0] for place in places.values() if place[1] == row]
        free = [side for middle in taken for side in (middle - WIDE / 2 - gap, middle + WIDE / 2 + gap)]
        free = [side for side in [straight, *free] if all(abs(side - middle) > WIDE / 2 for middle in taken)]
        through = min(free[:: 1 - 2 * (lane % 2)], key=lambda side: abs(side - straight))
        points += [(through, row - HIGH / 2), (through, row + HIGH / 2)]
    points.append((u, v - HIGH / 2))
    bends = [f"C{a:g} {(b + d) / 2:g} {c:g} {(b + d) / 2:g} {c:g} {d:g}" for (a, b), (c, d) in pairwise(points)]
    return f'<path class="arrow" d="M{points[0][0]:g} {points[0][1]:g} {" ".join(bends)}"/>'


def _box(room: str, x: float, y: float) -> str:
    shape = f'<rect x="{x - WIDE / 2:g}" y="{y - HIGH / 2:g}" width="{WIDE}" height="{HIGH}" rx="6"/>'
    drawn = f'{shape}<text x="{x:g}" y="{y + 5:g}">{room}</text>'
    return f'<a href="reference/{room}.html">{drawn}</a>' if room in PAGES else f"<g>{drawn}</g>"
