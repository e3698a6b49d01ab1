"""`python -m benchmarks.training`: what `train.fit` costs, beside steps written by hand and other libraries.

    fit        LeNet at batch 128 against a compiled step in a loop and `lax.scan`: epochs of 64 steps, and of one,
               which shows what fit does once an epoch
    epoch      LeNet on 1,024 of the digits at batch 32 and 128 against Keras on JAX and PyTorch, all from the same
               weights; the epochs that compile come before
    resnet-50  compiling a step of training, and its memory, against the same network in plain Flax: `planned` is what
               XLA sets aside, `resident` how far a step raises the memory of its process

Every library has a process of its own, and they take turns. Validation is off.
"""

import argparse
import sys
from collections.abc import Callable, Sequence

import jax
from rich.console import Console

from benchmarks import report
from benchmarks.epochs.compare import IMAGES, TRAINERS, compare
from benchmarks.peers import installed
from benchmarks.resnets.compiling import measure as resnet_50
from benchmarks.resnets.size import FULL, SMALL
from benchmarks.timing import Measurement, Sample

ROUNDS = 11
BATCH, LONG = 128, 64  # the steps of a long epoch


def fit(rounds: int, small: bool) -> list[Measurement]:
    """Epochs of many steps and of one."""
    names = ("jaxconv", "by hand", "scan")
    lengths = (2, 1) if small else (LONG, 1)
    return [compare("fit", f"{n} steps", names, n * BATCH, BATCH, rounds) for n in lengths]


def epoch(rounds: int, small: bool) -> list[Measurement]:
    """Epochs of the digits."""
    names = [name for name, (module, _) in TRAINERS.items() if installed(module) and name != "scan"]
    images, batches = (64, (32,)) if small else (IMAGES, (32, BATCH))
    return [compare("epoch", "digits", names, images, batch, rounds) for batch in batches]


def resnet(rounds: int, small: bool) -> list[Measurement]:
    """A step of a network that takes long to compile: half a minute each round and library."""
    return resnet_50(SMALL if small else FULL, 2 if small else 8, 3 if rounds > ROUNDS else 1)


PARTS: dict[str, Callable[[int, bool], list[Measurement]]] = {"fit": fit, "epoch": epoch, "resnet-50": resnet}


def once_an_epoch(found: Sequence[Measurement]) -> Sample | None:
    """Seconds that `fit` takes more than the step by hand for an epoch of one step, each round by itself."""
    short = [m.warm for m in found if (m.suite, m.case) == ("fit", "1 steps")]
    if not short:
        return None
    return Sample(tuple(a - b for a, b in zip(short[0]["jaxconv"].values, short[0]["by hand"].values, strict=False)))


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print one table, write one file; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.training",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--part", nargs="+", choices=PARTS, metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument(
        "--rounds",
        type=int,
        default=ROUNDS,
        metavar="N",
        help=f"epochs of each ({ROUNDS}); with more, ResNet-50 is compiled three times",
    )
    parser.add_argument("--small", action="store_true", help="short epochs and a tiny ResNet, to see that it works")
    options = parser.parse_args(words)
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    jax.config.update("jax_enable_compilation_cache", False)
    console = Console(width=None if sys.stdout.isatty() else 160)
    machine = report.describe_machine()
    found = [m for part in options.part or PARTS for m in PARTS[part](options.rounds, options.small)]
    report.show(console, machine, options.rounds, found)
    more = {}
    if cost := once_an_epoch(found):
        low, high = cost.quartiles
        console.print(f"fit, once an epoch: {1e3 * cost.median:.2f} ms (quartiles {1e3 * low:.2f} to {1e3 * high:.2f})")
        more["fit once an epoch"] = {"median": cost.median, "quartiles": [low, high]}
    if options == parser.parse_args([]):
        path = report.write("training", machine, options.rounds, found, **more)
        console.print(f"written to {path.relative_to(report.RESULTS.parents[1])}")
    else:
        console.print("not written, since options differ from the defaults")
    return 0


if __name__ == "__main__":
    sys.exit(main())
