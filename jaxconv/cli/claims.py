"""Derived claims as the lines of a table, one line a layer."""

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flax import nnx

    from jaxconv.symmetry import Induced

_PLAIN_WIDTH = 120  # where there is no terminal


@dataclass(frozen=True)
class Row:
    """One layer: its output without the batch axis, the shifts that it keeps, and what is lost here first."""

    name: str
    kind: str
    shape: tuple[int, ...]
    torus: str
    plane: str
    lost: tuple[str, ...]


def rows(
    network: "nnx.Module", shape: tuple[int, ...], *, prefix: tuple[str, ...] = (), interior: bool = False
) -> list[Row]:
    """Derive every layer's claim on a torus, and on a plane too if `interior`.

    A container whose output is as its last layer left it has no row of its own.
    """
    from jaxconv import symmetry
    from jaxconv.inspect import layers
    from jaxconv.inspect.moves import moves

    sizes = shape[1:3]
    torus = symmetry.derive(layers(network), shape, axes=(1, 2)).outputs
    plane = symmetry.derive(layers(network), shape, axes=(1, 2), domain="interior").outputs if interior else torus
    paths = [layer.path for layer in torus]
    table: list[Row] = []
    seen: set[str] = set()
    for here, there in zip(torus, plane, strict=True):
        reasons, others = _reasons(here.output), _reasons(there.output)
        lost = _together([_labelled(r, reasons, others) for r in dict.fromkeys([*reasons, *others]) if r not in seen])
        seen |= {*reasons, *others}
        row = Row(
            replace(here, path=(*prefix, *here.path)).name,
            here.kind,
            here.output.field.shape[1:],
            moves(here.output, sizes),
            moves(there.output) if interior else "",
            lost,
        )
        holds_others = any(path[: len(here.path)] == here.path != path for path in paths)
        if not (holds_others and table and not lost and _same(row, table[-1])):
            table.append(row)
    return table


def _same(row: Row, other: Row) -> bool:
    return (row.shape, row.torus, row.plane) == (other.shape, other.torus, other.plane)


def _reasons(output: "Induced") -> list[str]:
    return [f"{note.reason} ({note.primitive})" for note in output.blame]


def _labelled(reason: str, torus: list[str], plane: list[str]) -> str:
    if reason not in plane:
        return f"lost, cyclic: {reason}"
    return f"lost: {reason}" if reason in torus else f"lost, away from border: {reason}"


def _together(reasons: Iterable[str]) -> tuple[str, ...]:
    """The reasons, those that differ in the axis alone as one."""
    axes: dict[str, list[str]] = {}
    for reason in reasons:
        found = re.search(r"\baxis (\d+)", reason)
        axes.setdefault(re.sub(r"\baxis \d+", "axis {}", reason), []).append(found.group(1) if found else "")
    return tuple(
        reason.replace("axis {}", f"axis {numbers[0]}" if len(numbers) == 1 else f"axes {' and '.join(numbers)}")
        for reason, numbers in axes.items()
    )


def print_rows(table: Sequence[Row]) -> None:
    """Print one line a layer, with a column for the plane if there is something in it, and below it what is lost."""
    from rich.padding import Padding
    from rich.text import Text

    header = ["layer", "kind", "output", "cyclic shifts", "away from border"]
    cells = [header] + [[row.name, row.kind, "x".join(map(str, row.shape)), row.torus, row.plane] for row in table]
    if not any(row.plane for row in table):
        cells = [line[:-1] for line in cells]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in cells]
    _print(Text(lines[0], style="bold"))
    for line, row in zip(lines[1:], table, strict=True):
        _print(Text(line))
        for reason in row.lost:
            _print(Padding(Text(reason, style="dim"), (0, 0, 0, 4)))


def print_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Print pairs of a name and a fact, long facts indented."""
    from rich.padding import Padding
    from rich.table import Table

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(min_width=17, no_wrap=True)
    grid.add_column()
    for name, fact in facts:
        grid.add_row(name, fact)
    _print(Padding(grid, (0, 0, 0, 2)))


def _print(renderable: object) -> None:
    from rich.console import Console

    width = None if sys.stdout.isatty() else _PLAIN_WIDTH
    console = Console(file=sys.stdout, width=width, markup=False, highlight=False, emoji=False)
    with console.capture() as capture:
        console.print(renderable)
    for line in capture.get().splitlines():
        print(line.rstrip())
