"""A summary as text and as HTML."""

import shutil
from html import escape
from typing import TYPE_CHECKING

from jaxconv.geometry import ReceptiveField

if TYPE_CHECKING:
    from jaxconv.inspect.rows import Row
    from jaxconv.inspect.summary import Summary

_UNBOUNDED = 1000  # columns, where there is no terminal to be narrow
_SHORTEST = 20  # columns that a path keeps however narrow the terminal is
_UNITS = "kMGTPE"
_NUMBERS = ("parameters", "state", "MACs", "memory", "field")
_STYLE = (
    "<style>.jaxconv-summary{border-collapse:collapse;color:inherit;font-size:smaller}"
    ".jaxconv-summary th,.jaxconv-summary td"
    "{padding:.15em .7em;text-align:left;white-space:nowrap;border:0;background:none}"
    ".jaxconv-summary .number{text-align:right;font-variant-numeric:tabular-nums}"
    ".jaxconv-summary th,.jaxconv-summary tr.last td{border-bottom:1px solid currentColor}</style>"
)


def text(summary: "Summary") -> str:
    """The table as wide as it needs to be; a terminal too narrow for that shows the ends of long paths."""
    columns = _columns(summary)
    lines = [columns, *(_cells(summary, columns, row) for row in summary.rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    room = shutil.get_terminal_size((_UNBOUNDED, 24)).columns - sum(widths[1:]) - 2 * (len(widths) - 1)
    widths[0] = min(widths[0], max(room, _SHORTEST))
    place = [str.rjust if name in _NUMBERS else str.ljust for name in columns]
    table = []
    for path, *others in lines:
        cells = [path if len(path) <= widths[0] else "..." + path[3 - widths[0] :], *others]
        line = "  ".join(put(cell, width) for put, cell, width in zip(place, cells, widths, strict=True))
        table.append(line.rstrip())
    return "\n".join([_head(summary), "", *table, "", *_totals(summary)])


def html(summary: "Summary") -> str:
    """The table for a notebook, in the colours of its page."""
    columns = _columns(summary)
    line = lambda tag, cells: "".join(
        f"<{tag}{_class(name)}>{escape(cell)}</{tag}>" for name, cell in zip(columns, cells, strict=True)
    )
    head, *rows = [line("th", columns), *(line("td", _cells(summary, columns, row)) for row in summary.rows)]
    body = "".join(f"<tr{' class=last' * (row is rows[-1])}>{row}</tr>" for row in rows)
    totals = "<br>".join(map(escape, _totals(summary)))
    return (
        f'<div style="overflow-x:auto">{_STYLE}<p>{escape(_head(summary))}</p><table class="jaxconv-summary">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p>{totals}</p></div>"
    )


def _class(column: str) -> str:
    return ' class="number"' if column in _NUMBERS else ""


def _columns(summary: "Summary") -> list[str]:
    """The columns in which there is something to read."""
    columns = ["layer", "kind", "output", "parameters"]
    columns += ["state"] * bool(summary.state) + ["MACs", "memory"] + ["field"] * bool(summary.axes)
    return columns + ["cyclic shifts", "away from border"] * any(row.shifts for row in summary.rows)


def _cells(summary: "Summary", columns: list[str], row: "Row") -> list[str]:
    cells = {
        "layer": _name(summary, row),
        "kind": row.kind,
        "output": _output(row),
        "parameters": f"{row.parameters:,}" if row.parameters else "",
        "state": f"{row.state:,}" if row.state else "",
        "MACs": _short(row.macs) if row.macs else "",
        "memory": f"{_short(row.memory)}B" if row.memory else "",
        "field": _field(row.field),
        **dict(zip(("cyclic shifts", "away from border"), row.shifts or ("-", "-"), strict=True)),
    }
    return [cells[column] for column in columns]


def _name(summary: "Summary", row: "Row") -> str:
    return row.name if row.path else f"{summary.model} {row.name}".rstrip()


def _output(row: "Row") -> str:
    """The shape of the first array, and how many others there are."""
    shapes = ["x".join(map(str, array.shape)) or "()" for array in row.output]
    return shapes[0] + (f" +{len(shapes) - 1}" if len(shapes) > 1 else "") if shapes else ""


def _field(fields: tuple[ReceptiveField | None, ...]) -> str:
    """Size, jump and start, one number for all axes if they are the same."""
    known = [field for field in fields if field is not None]
    if len(known) < len(fields):
        return "-"
    numbers = zip(*((field.size, field.jump, field.start) for field in known), strict=True)
    return "/".join("x".join(map(str, dict.fromkeys(n) if len(set(n)) == 1 else n)) for n in numbers)


def _short(number: int) -> str:
    """Four digits and a unit: 4.089 G."""
    if number < 1000:
        return f"{number} "
    power = 1
    while power < len(_UNITS) and float(f"{number / 1000**power:.4g}") >= 1000:
        power += 1
    return f"{number / 1000**power:.4g} {_UNITS[power - 1]}"


def _head(summary: "Summary") -> str:
    given = ", ".join(f"{array.dtype}{list(array.shape)}" for array in summary.inputs) or "nothing"
    return f"{summary.model} of {given}"


def _totals(summary: "Summary") -> list[str]:
    unused = f", of which this call does not use {summary.unused:,}" if summary.unused else ""
    least = "at least " if summary.endless else ""
    facts = {
        "parameters": f"{summary.parameters:,}{unused}",
        "state": f"{summary.state:,}",
        "MACs": f"{least}{summary.macs:,}" + (f" ({_short(summary.macs)})" if summary.macs >= 1000 else ""),
        "memory": f"{least}{_short(summary.memory)}B for all outputs together",
    }
    regular = [row for row in summary.rows if row.field and row.field[0] and row.field[0].jump > 0]
    if regular:  # layers after it may read what is not regular, so it is named
        last, field = regular[-1], regular[-1].field[0]
        assert field is not None
        size, jump, start = field.size, field.jump, field.start
        first = (f"{jump} p" if jump > 1 else "p") + (f" {'-' if start < 0 else '+'} {abs(start)}" if start else "")
        pixels = f"{size} pixels of the input from {first} on" if size > 1 else f"pixel {first} of the input"
        facts["field"] = f"{size}/{jump}/{start} after {_name(summary, last)}: its pixel p reads {pixels}"
    return [f"{name:<12}{fact}" for name, fact in facts.items()]
