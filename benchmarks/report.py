"""What is kept of a run: a JSON file for later, a table for now."""

import datetime
import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jaxlib
from rich import box
from rich.console import Console
from rich.table import Table

import jaxconv
from benchmarks.timing import Measurement, Sample

RESULTS = Path(__file__).parent / "results"
IMPORT_BOUND = 0.3  # seconds that `import jaxconv` may add to `import jax, flax`


def describe_machine() -> dict[str, Any]:
    """What the numbers depend on besides the code."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "platform": jax.default_backend(),
        "device": jax.devices()[0].device_kind,
        "cpu": _cpu_model(),
        "cores": cores,
        "load_average": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "system": platform.system(),
        "python": platform.python_version(),
        "jax": jax.__version__,
        "jaxlib": jaxlib.version.__version__,
        "jaxconv": jaxconv.__version__,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def write(
    suite: str,
    machine: Mapping[str, Any],
    rounds: int,
    measurements: Sequence[Measurement],
    imports: Mapping[str, Sample],
) -> Path:
    """Write everything measured to a file of its own for this suite, platform and jax."""
    path = RESULTS / f"{suite}-{machine['platform']}-jax{machine['jax']}.json"
    content = {
        "suite": suite,
        "machine": machine,
        "rounds": rounds,
        "unit": "seconds; ratio is jaxconv / peer, the median over rounds",
        "import": {statement: _record(sample) for statement, sample in imports.items()},
        "measurements": [
            {
                "case": m.case,
                "call": m.call,
                "ratio": {peer: _short(m.ratio(peer)) for peer in m.warm if peer != "jaxconv"},
                "warm": {name: _record(sample) for name, sample in m.warm.items()},
                **({"compile": {name: _record(sample) for name, sample in m.compiling.items()}} if m.compiling else {}),
            }
            for m in measurements
        ],
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")
    return path


def show(
    console: Console,
    machine: Mapping[str, Any],
    rounds: int,
    measurements: Sequence[Measurement],
    imports: Mapping[str, Sample],
) -> None:
    """Print one table, the worst ratio first."""
    table = Table(
        title=f"{machine['cpu']}, {machine['cores']} cores, {machine['platform']}, jax {machine['jax']}, "
        f"Python {machine['python']}, load {machine['load_average']}",
        caption=f"Medians of {rounds} rounds in turns. ratio: jaxconv / lax, the median over rounds; below 1 jaxconv "
        "is faster. The last two columns: tracing and compiling, which happen once and are not in the others.",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.add_column("case", no_wrap=True)
    table.add_column("call", no_wrap=True)
    for heading in ("jaxconv", "lax", "ratio", "compile\njaxconv", "\nlax"):
        table.add_column(heading, justify="right", no_wrap=True)
    for m in sorted(measurements, key=lambda m: -m.ratio("lax")):
        ratio = m.ratio("lax")
        style = "red" if ratio > 1.03 else "green" if ratio < 0.97 else ""
        compiling = [human(m.compiling[name].median) for name in ("jaxconv", "lax")] if m.compiling else ["", ""]
        warm = [human(m.warm[name].median) for name in ("jaxconv", "lax")]
        table.add_row(m.case, m.call, *warm, f"[{style}]{ratio:.2f}[/]" if style else f"{ratio:.2f}", *compiling)
    console.print(table)
    for statement, sample in imports.items():
        bound = f" (at most {human(IMPORT_BOUND)})" if statement == "import jaxconv" else ""
        console.print(f"{statement} adds {human(sample.median)} to import jax, flax{bound}", highlight=False)


def human(seconds: float) -> str:
    """A duration with three digits and a unit."""
    scale, unit = next((s, u) for s, u in ((1, "s"), (1e-3, "ms"), (1e-6, "µs")) if seconds >= s or u == "µs")
    number = seconds / scale
    return f"{number:.{0 if number >= 100 else 1 if number >= 10 else 2}f} {unit}"


def _record(sample: Sample) -> dict[str, Any]:
    return {"median": _short(sample.median), "quartiles": [_short(q) for q in sample.quartiles]}


def _short(number: float) -> float:
    return float(f"{number:.4g}")


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
