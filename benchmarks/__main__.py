"""`python -m benchmarks`: time jaxconv against `jax.lax`, in turns, in one process."""

import argparse
import sys
from collections.abc import Sequence
from difflib import get_close_matches

import jax
from rich.console import Console
from rich.progress import track

from benchmarks import report, timing
from benchmarks.cases import CASES, TINY, Case

NAMES = tuple(case.name for case in (*CASES, *TINY))


def main(words: Sequence[str] | None = None) -> int:
    """Run the suite, or the cases asked for; returns the exit status."""
    options = _parse(words)
    chosen = [case for case in (*CASES, *TINY) if options.case is None or case.name in options.case]
    jax.config.update("jax_enable_compilation_cache", False)  # or compile times are those of reading a file
    console, progress = Console(), Console(stderr=True)
    machine = report.describe_machine()
    measurements = []
    for case in track(chosen, "timing", console=progress, transient=True):
        measurements += _time(case, options.rounds)
    imports = {} if options.case else timing.measure_import(min(options.rounds, 5))
    report.show(console, machine, options.rounds, measurements, imports)
    if options.case:
        console.print("not written, since only some cases ran")
    else:
        path = report.write("quick", machine, options.rounds, measurements, imports)
        console.print(f"written to {path.relative_to(report.RESULTS.parent.parent)}")
    return 0


def _time(case: Case, rounds: int) -> list[timing.Measurement]:
    return timing.measure_overhead(case, rounds) if case in TINY else timing.measure(case, rounds)


def _parse(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, epilog=f"cases: {', '.join(NAMES)}"
    )
    parser.add_argument("--case", nargs="+", metavar="NAME", help="time only these, and write no file")
    parser.add_argument("--rounds", type=int, default=15, metavar="N", help="samples of each competitor (default 15)")
    options = parser.parse_args(words)
    for name in options.case or ():
        if name not in NAMES:
            near = get_close_matches(name, NAMES)
            parser.error(
                f"no case is called {name!r}; "
                + (f"did you mean {' or '.join(near)}?" if near else f"the cases are {', '.join(NAMES)}")
            )
    if options.rounds < 1:
        parser.error(f"--rounds {options.rounds} must be at least 1")
    return options


if __name__ == "__main__":
    sys.exit(main())
