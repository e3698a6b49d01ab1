"""`python -m benchmarks`: jaxconv and other libraries in turns, each in its own process, on the same numbers.

Without options a quick selection against lax, PyTorch and Flax in under three minutes; with --full everything, and
the figures. Every competitor must first give the same results. The cases that miss a bound come first.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import jax
from rich.console import Console
from rich.progress import track

from benchmarks import figures, memory, models, operators, overhead, peers, per_sample, report, scaling
from benchmarks.apart import Team
from benchmarks.cases import CASES, HEAVY, TINY
from benchmarks.networks import NETWORKS
from benchmarks.timing import Measurement

Job = Callable[[Team], Sequence[Measurement]]
SUITES = ("operators", "models", "per-sample", "overhead", "scaling", "memory")
QUICK = SUITES[:4]
TIMED = ("operators", "models", "overhead")
NAMES = (*(case.name for case in (*CASES, *TINY)), "import", *(network.name for network in NETWORKS))


@dataclass(frozen=True)
class Plan:
    """What to run."""

    full: bool
    suites: Sequence[str]
    against: Sequence[str]
    asked: bool  # whether the user named the peers
    cases: Sequence[str] | None
    rounds: int

    def wants(self, name: str, quick: bool) -> bool:
        return name in self.cases if self.cases else self.full or quick


def main(words: Sequence[str] | None = None) -> int:
    """Run the suites asked for; returns the exit status."""
    options = _parser().parse_args(words)
    _check_names(options.case or ())
    plan = Plan(
        full=options.full,
        suites=options.suite or (TIMED if options.case else SUITES if options.full else QUICK),
        against=_peers(options.against, options.full),
        asked=options.against is not None,
        cases=options.case,
        rounds=options.rounds or (11 if options.full else 4),
    )
    jax.config.update("jax_enable_compilation_cache", False)  # or compile times are those of reading a file
    console = Console(width=None if sys.stdout.isatty() else 160)
    machine = report.describe_machine()
    collected: list[Measurement] = []
    for suite in plan.suites:
        jobs = list(_jobs(suite, plan))
        with Team() as team:
            progress = track(jobs, suite, console=Console(stderr=True), transient=True)
            found = [m for job in progress for m in job(team)]
        if plan.full and found:
            report.show(console, machine, plan.rounds, found)
            if not (options.case or options.against):
                _tell(console, report.write(suite, machine, plan.rounds, found))
        collected += found
    if not plan.full:
        report.show(console, machine, plan.rounds, collected)
        if not (options.case or options.against or options.suite):
            _tell(console, report.write("quick", machine, plan.rounds, collected))
    if options.case or options.against or (options.suite and not plan.full):
        console.print("not written, since not everything ran")
    elif plan.full:
        for path in figures.draw():
            _tell(console, path)
    return 0


def _jobs(suite: str, plan: Plan) -> Iterator[Job]:
    """The work of a suite in pieces, each of seconds to a minute."""
    against, rounds = plan.against, plan.rounds
    match suite:
        case "operators":
            times = 4 if plan.full else 2
            for one in CASES:
                if plan.wants(one.name, one.quick):
                    yield lambda team, one=one: operators.measure(one, against, rounds, team, compilations=times)
        case "models":
            for network in NETWORKS:
                if plan.wants(network.name, network.quick):
                    apart = () if network.compiled or plan.asked else ("torch.compile",)
                    names = [name for name in against if name not in apart]
                    yield lambda team, network=network, names=names: models.measure(network, names, rounds, team)
        case "overhead":
            for tiny in TINY:
                if plan.wants(tiny.name, True):
                    yield lambda _, tiny=tiny: overhead.measure(tiny, rounds)
            if plan.wants("import", True):
                yield lambda _: [overhead.measure_import(min(rounds, 5 if plan.full else 2))]
        case "per-sample":
            if not plan.cases:
                # complex128 takes lax minutes
                dtypes = per_sample.DTYPES[: 2 if plan.full else 1] if "lax" in against else ()
                yield lambda _: per_sample.measure(rounds, lax_dtypes=dtypes)
        case "scaling":
            if not plan.cases:
                chosen = scaling.CASES if plan.full else scaling.CASES[::3]
                for one in chosen:
                    yield lambda team, one=one: operators.measure(
                        one, against, rounds, team, suite="scaling", compilations=1
                    )
        case "memory":
            for one in CASES:
                if one.name in HEAVY and plan.wants(one.name, one.name == HEAVY[0]):
                    yield lambda _, one=one: [memory.measure(one, against, rounds=1)]


def _tell(console: Console, path) -> None:
    console.print(f"written to {path.relative_to(report.RESULTS.parent.parent)}")


def _peers(asked: Sequence[str] | None, full: bool) -> list[str]:
    chosen = asked or [name for name in peers.PEERS if name != "jaxconv" and (full or name in peers.QUICK)]
    missing = [name for name in chosen if not peers.installed(name)]
    if asked and missing:
        raise SystemExit(f"--against {missing[0]}: {missing[0]} is not installed")
    return [peers.AGAIN if name == "jaxconv" else name for name in chosen if name not in missing]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"cases: {', '.join(NAMES)}",
    )
    parser.add_argument("--full", action="store_true", help="every case, every installed peer, and the figures")
    parser.add_argument("--suite", nargs="+", choices=SUITES, metavar="SUITE", help=f"of {', '.join(SUITES)}")
    parser.add_argument(
        "--against",
        nargs="+",
        choices=peers.PEERS,
        metavar="PEER",
        help=f"of {', '.join(peers.PEERS)}; jaxconv against itself shows the noise. Writes no file",
    )
    parser.add_argument("--case", nargs="+", metavar="NAME", help="only these, large ones too. Writes no file")
    parser.add_argument("--rounds", type=_positive, metavar="N", help="samples of each competitor (4, full 11)")
    return parser


def _positive(word: str) -> int:
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"{word} must be a whole number of at least 1")
    return int(word)


def _check_names(asked: Sequence[str]) -> None:
    for name in asked:
        if name not in NAMES:
            near = get_close_matches(name, NAMES)
            raise SystemExit(
                f"no case is called {name!r}; "
                + (f"did you mean {' or '.join(near)}?" if near else f"the cases are {', '.join(NAMES)}")
            )


if __name__ == "__main__":
    sys.exit(main())
