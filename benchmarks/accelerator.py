"""`python -m benchmarks.accelerator`: images a second through ResNet-50 at 224 x 224, forward and training, bfloat16.

jaxconv, Flax's own layers, and PyTorch with channels last, eager and compiled, each in a process of its own and in
turns, on the first GPU or wherever --device says. All compute in bfloat16 with float32 parameters and begin with the
same weights. The images lie on the device, a training step is SGD with momentum, and a sample is several steps, of
which only the last is waited for.

    python -m benchmarks.accelerator --device cpu --small     a tiny network, to see that it works
"""

import argparse
import dataclasses
import os
import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks import report
from benchmarks.apart import Apart
from benchmarks.resnets.size import FULL, SMALL
from benchmarks.resnets.speed import measure
from benchmarks.timing import Measurement

TASKS = ("forward", "train")


def show(console: Console, found: Sequence[Measurement]) -> None:
    """Print images a second."""
    names = list(found[0].warm)
    table = Table(
        "ResNet-50", *(f"{name}\nimages/s" for name in names), "smallest ratio\nto a peer", box=box.SIMPLE_HEAD
    )
    for m in found:
        rates = {name: 1 / m.warm[name].median for name in names}
        ratio = min(rates["jaxconv"] / rates[name] for name in names if name != "jaxconv")
        table.add_row(m.call, *(f"{rate:,.0f}" for rate in rates.values()), f"{ratio:.2f}")
    console.print(table)


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print one table, write one file; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accelerator",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--device", choices=("gpu", "cpu"), default="gpu")
    parser.add_argument("--batch", type=int, default=128, metavar="N", help="images a step (128)")
    parser.add_argument("--steps", type=int, default=20, metavar="N", help="steps a sample (20)")
    parser.add_argument("--rounds", type=int, default=11, metavar="N", help="samples of each competitor (11)")
    parser.add_argument("--small", action="store_true", help="one tiny block a stage, two images, two steps")
    options = parser.parse_args(words)
    if min(options.batch, options.steps, options.rounds) < 1:
        parser.error("--batch, --steps and --rounds must be at least 1")
    # Read when JAX first looks for devices. The libraries share the device, so none may reserve most of it.
    os.environ |= {
        "JAX_PLATFORMS": {"gpu": "cuda", "cpu": "cpu"}[options.device],
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }
    with Apart("machine") as process:
        machine = process.ask(report.describe_machine)
    size, batch, steps = (SMALL, 2, 2) if options.small else (FULL, options.batch, options.steps)
    found = [measure(task, size, batch, steps, options.rounds, options.device) for task in TASKS]
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(
        f"{machine['device']}, jax {machine['jax']}, batch {batch}, {dataclasses.asdict(size)}", highlight=False
    )
    show(console, found)
    if options.small:
        console.print("not written, since this network is not ResNet-50")
        return 0
    rates = {m.call: {name: round(1 / sample.median, 1) for name, sample in m.warm.items()} for m in found}
    path = report.write("accelerator", machine, options.rounds, found, **{"images a second": rates})
    console.print(f"written to {path.relative_to(report.RESULTS.parents[1])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
