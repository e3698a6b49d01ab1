"""What is kept of a run: a JSON file for later, a table for now, the cases that miss their bound first."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.bounds import excess, misses, verdicts
from benchmarks.machine import RESULTS as RESULTS
from benchmarks.machine import describe_machine as describe_machine
from benchmarks.timing import Measurement, Sample


def write(name: str, machine: Mapping[str, Any], rounds: int, measurements: Sequence[Measurement], **more: Any) -> Path:
    """Write everything measured, and what more is to be kept, to a file of its own for this name, platform and jax."""
    path = RESULTS / f"{name}-{machine['platform']}-jax{machine['jax']}.json"
    content = {
        "suite": name,
        "machine": machine,
        "rounds": rounds,
        "unit": "seconds, or bytes where unit is B; ratio is jaxconv / peer, the median over rounds",
        "bounds": verdicts(measurements),
        **more,
        "measurements": [_entry(m) for m in sorted(measurements, key=excess, reverse=True)],
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")
    return path


def show(console: Console, machine: Mapping[str, Any], rounds: int, measurements: Sequence[Measurement]) -> None:
    """Print one table, the worst first, and what it says of each bound."""
    peers = list(dict.fromkeys(name for m in measurements for name in m.warm if name != "jaxconv"))
    rivals = list(dict.fromkeys(name for m in measurements for name in m.compiling if name != "jaxconv"))
    served = any(m.method for m in measurements)
    compiled = any(m.compiling for m in measurements)
    suites = " ".join(dict.fromkeys(m.suite for m in measurements))
    table = Table(
        title=f"{suites}: {machine['cpu']}, {machine['cores']} cores, {machine['platform']}, jax {machine['jax']}, "
        f"Python {machine['python']}, load {machine['load_average']}",
        caption=f"Medians of up to {rounds} rounds in turns. Beside each peer's number the ratio jaxconv / peer, the "
        "median over rounds: below 1 jaxconv needs less. Red misses its bound; those come first. compile: tracing and "
        "compiling, which happen once and are not in the others.",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.add_column("case", no_wrap=True)
    table.add_column("call", no_wrap=True)
    headings = ["jaxconv", *peers, *(["compile"] if compiled else []), *(f"compile\n{name}" for name in rivals)]
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    if served:
        table.add_column("method", no_wrap=True)
    for m in sorted(measurements, key=excess, reverse=True):
        cells = [_own(m, "warm"), *(_cell(m, name, "warm") for name in peers)]
        cells += [_own(m, "compile")] * compiled + [_cell(m, name, "compile") for name in rivals]
        table.add_row(m.case, m.call, *cells, *([m.method] if served else []))
    console.print(table)
    for verdict in verdicts(measurements):
        console.print(_sentence(verdict), highlight=False)


def human(number: float, unit: str = "s") -> str:
    """A duration or a size with three digits and a unit."""
    steps = ((1, "s"), (1e-3, "ms"), (0, "µs")) if unit == "s" else ((2**30, "GB"), (2**20, "MB"), (0, "kB"))
    scale, name = next(step for step in steps if number >= step[0])
    number /= scale or (1e-6 if unit == "s" else 2**10)
    return f"{number:.{0 if number >= 100 else 1 if number >= 10 else 2}f} {name}"


def _samples(m: Measurement, quantity: str) -> Mapping[str, Sample]:
    return m.compiling if quantity == "compile" else m.warm


def _own(m: Measurement, quantity: str) -> str:
    samples = _samples(m, quantity)
    if "jaxconv" not in samples:
        return ""
    unit = m.unit if quantity == "warm" else "s"
    return _red(human(samples["jaxconv"].median, unit), misses(m, None, quantity))


def _cell(m: Measurement, peer: str, quantity: str) -> str:
    samples = _samples(m, quantity)
    if peer not in samples:
        return ""
    took = human(samples[peer].median, m.unit if quantity == "warm" else "s")
    ratio = f"{m.ratio(peer, compiling=quantity == 'compile'):.2f}"
    return f"{took} {_red(ratio, misses(m, peer, quantity))}"


def _red(text: str, bad: bool) -> str:
    return f"[red]{text}[/]" if bad else text


def _sentence(verdict: Mapping[str, Any]) -> str:
    what = "time" if verdict["quantity"] == "warm" else "compile time"
    what = "working set" if verdict["suite"] == "memory" else what
    if not verdict["peer"]:
        return f"{verdict['suite']}, {what}: at most {human(verdict['worst'])} (bound {human(verdict['each_bound'])})"
    mean = f" (bound {verdict['mean_bound']:.2g})" if verdict["mean_bound"] else ""
    return (
        f"{verdict['suite']}, {what} over {verdict['peer']}'s: geometric mean {verdict['geometric_mean']:.2f}{mean}, "
        f"worst {verdict['worst']:.2f} ({verdict['worst_case']}), "
        f"{verdict['misses']} of {verdict['cases']} above {verdict['each_bound']:g}"
    )


def _entry(m: Measurement) -> dict[str, Any]:
    peers = [name for name in m.warm if name != "jaxconv"]
    return {
        "suite": m.suite,
        "case": m.case,
        "call": m.call,
        **({"unit": m.unit} if m.unit != "s" else {}),
        **({"method": m.method} if m.method else {}),
        "difference": _short(m.difference),
        "ratio": {peer: _short(m.ratio(peer)) for peer in peers},
        "warm": {name: _record(sample) for name, sample in m.warm.items()},
        **({"compile": {name: _record(sample) for name, sample in m.compiling.items()}} if m.compiling else {}),
    }


def _record(sample: Sample) -> dict[str, Any]:
    return {
        "median": _short(sample.median),
        "quartiles": [_short(q) for q in sample.quartiles],
        "rounds": len(sample.values),
    }


def _short(number: float) -> float:
    return float(f"{number:.4g}")
