"""The benchmarks on record, `benchmarks/results/*.json`, as Markdown: what misses its bound comes first."""

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.report import human

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
VERSIONS = ("python", "jax", "jaxlib", "numpy", "flax", "torch", "equinox", "keras")


def page() -> str:
    """Return every file as a section, those with the largest share of misses first."""
    records = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in RESULTS.glob("*.json")}
    return "\n\n".join(section(name, records[name]) for name in sorted(records, key=lambda n: (-_share(records[n]), n)))


def section(name: str, record: Mapping[str, Any]) -> str:
    """Return one file: where it was measured, how it compares with its bounds, and its numbers."""
    parts = [f"## {name}", _where(record)]
    if verdicts := record.get("bounds"):
        parts.append(_verdicts(verdicts))
    rows = record.get("measurements", record.get("results", []))
    if rows and "warm" in rows[0]:
        parts += _measured(rows, record.get("bounds", []))
    elif rows:
        parts.append(_rows([{k: v for k, v in row.items() if not isinstance(v, list)} for row in rows]))
    if "sweep" in record:
        medians = {key: f"{statistics.median(values):.3g} {record['unit']}" for key, values in record["sweep"].items()}
        parts.append(_rows([{"": key, "median": value} for key, value in medians.items()]))
    if "compiled" in record:
        pairs = [(key, record["formula"].get(key), value) for key, value in record["compiled"].items()]
        parts.append(_rows([{"": k, "counted": a, "compiled": b} for k, a, b in pairs if not isinstance(b, dict)]))
    return "\n\n".join(parts)


def _share(record: Mapping[str, Any]) -> float:
    return max((v["misses"] / v["cases"] for v in record.get("bounds") or [] if v["cases"]), default=0.0)


def _where(record: Mapping[str, Any]) -> str:
    machine = record["machine"]
    versions = ", ".join(f"{name} {machine[name]}" for name in VERSIONS if name in machine)
    rounds = f" Medians of {record['rounds']} rounds." if "rounds" in record else ""
    options = ", ".join(f"{key} {value}" for key, value in record.get("options", {}).items())
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['platform']}; "
        f"load {machine['load_average']} at the start; "
        f"{versions}; {machine['date'][:10]}, commit {machine.get('commit', 'unknown')}.{rounds}"
        + (f" Options: {options}." if options else "")
    )


def _verdicts(verdicts: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        {
            "suite": v["suite"],
            "of": "compiling" if v["quantity"] == "compile" else "memory" if v["suite"] == "memory" else "time",
            "over": f"{v['peer']}'s" if v["peer"] else "(seconds)",
            "geometric mean": _mean(v["geometric_mean"], v["mean_bound"]),
            "worst": f"{v['worst']:.2f}, bound {v['each_bound']:g}: {v['worst_case']}",
            "misses": f"{_strong(str(v['misses']), v['misses'])} of {v['cases']}",
        }
        for v in sorted(verdicts, key=lambda v: -v["misses"] / v["cases"])
    ]
    return _rows(rows)


def _mean(mean: float, bound: float | None) -> str:
    return f"{_strong(f'{mean:.2g}', mean > bound)}, bound {bound:.2g}" if bound else f"{mean:.2g}"


def _measured(rows: Sequence[Mapping[str, Any]], verdicts: Sequence[Mapping[str, Any]]) -> list[str]:
    """A table of the cases that miss a bound, and one, folded, of the others."""
    lines = [_line(row, _bounds(row, rows, verdicts)) for row in rows]
    bad = [line for line in lines if any("**" in cell for cell in line.values())]
    good = [line for line in lines if line not in bad]
    parts = ["Cases that miss a bound of time or memory, with the ratio that does in bold:", _rows(bad)] if bad else []
    folded = "\n".join(f"    {line}" for line in _rows(good).split("\n"))
    return [*parts, f'??? note "{len(good)} cases that keep theirs, or have none"\n\n{folded}'] if good else parts


def _bounds(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], verdicts: Sequence[Mapping[str, Any]]) -> dict:
    """The largest ratio allowed to each peer; a verdict over some cases of a suite says only which is the worst."""
    found = {}
    for v in verdicts:
        if v["suite"] == row["suite"] and v["quantity"] == "warm" and v["peer"]:
            of_all = v["cases"] == sum(r["suite"] == v["suite"] and v["peer"] in r["ratio"] for r in rows)
            if of_all or v["worst_case"] == f"{row['case']} {row['call']}".strip():
                found[v["peer"]] = v["each_bound"]
    return found


def _line(row: Mapping[str, Any], bounds: Mapping[str, float]) -> dict[str, str]:
    unit = row.get("unit", "s")
    line = {"case": f"{row['case']} {row['call']}", "method": row.get("method", "")}
    for name, sample in row["warm"].items():
        line[name] = human(sample["median"], unit)
        if name in row["ratio"]:
            ratio = row["ratio"][name]
            line[name] += f" ({_strong(f'{ratio:.2f}', ratio > bounds.get(name, float('inf')))})"
    return line


def _strong(text: str, really: Any) -> str:
    return f"**{text}**" if really else text


def _rows(rows: Iterable[Mapping[str, Any]]) -> str:
    """A table with a column for each key, without those that are empty all along."""
    rows = list(rows)
    heads = [key for key in dict.fromkeys(key for row in rows for key in row) if any(row.get(key) for row in rows)]
    lines = [heads, ["---"] * len(heads), *([_cell(row.get(head)) for head in heads] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace("|", "\\|")
