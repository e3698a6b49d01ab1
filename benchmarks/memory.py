"""The suite `memory`: the working set of an operation with all its gradients, in bytes.

Each case and library has an interpreter of its own, `python -m benchmarks.memory CASE PEER`: it imports, makes the
inputs, compiles, and only then counts how far the resident memory rises above that.
"""

import contextlib
import ctypes
import dataclasses
import gc
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import operators, peers
from benchmarks.cases import CASES, Case
from benchmarks.timing import Measurement, Sample, compile_all

CALL = "+ gradients"
REPEATS = 2


def measure(case: Case, against: Sequence[str], rounds: int) -> Measurement:
    """The working sets of all competitors; they hardly vary, so `rounds` is at most three."""
    names = ["jaxconv", *(name for name in against if name == "torch" or name in peers.JAX)]
    sizes: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(min(rounds, 3)):
        for name in names:
            words = [sys.executable, "-m", "benchmarks.memory", case.name, name]
            sizes[name].append(
                float(subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()[-1])
            )
    warm = {name: Sample(tuple(values)) for name, values in sizes.items()}
    return Measurement(
        suite="memory", case=case.name, call=CALL, warm=warm, unit="B", method=peers.served_by(case, CALL)
    )


def working_set(case: Case, peer: str) -> int:
    """Bytes above those that imports, inputs and the program take."""
    prepare(dataclasses.replace(case, x=(1, *case.x[1:])), peer)()  # loads the code and starts the threads
    call = prepare(case, peer)
    baseline = _settle()
    for _ in range(REPEATS):
        call()
    return max(_peak() - baseline, 1)


def prepare(case: Case, peer: str) -> Callable[[], Any]:
    """The call on its inputs, compiled if it has to be."""
    inputs = operators.arguments(case)
    if peer == "torch":
        return peers.torch_call(case, CALL, inputs)
    function = peers.with_call(peers.JAX[peer](case), CALL)
    programs, _ = compile_all({peer: function}, tuple(inputs), 1)
    return operators.bind(programs[peer], inputs)


def _settle() -> int:
    """Give back what is free, forget earlier peaks, and count what remains."""
    gc.collect()
    with contextlib.suppress(AttributeError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _peak() -> int:
    return _status("VmHWM")


def _status(key: str) -> int:
    """A line of what Linux knows of this process, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(f"{key}:"))


if __name__ == "__main__":
    print(working_set(next(case for case in CASES if case.name == sys.argv[1]), sys.argv[2]))
