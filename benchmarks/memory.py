"""The suite `memory`: the working set of an operation with all its gradients, in bytes.

Each case and library has a fresh process, which calls it once, gives back what is free, and counts how far a second
call raises the resident memory.
"""

import contextlib
import ctypes
import gc
import time
from collections.abc import Sequence
from pathlib import Path

import jax

from benchmarks import operators, peers
from benchmarks.apart import Apart
from benchmarks.cases import Case
from benchmarks.timing import Measurement, Sample, compile_anew

CALL = "+ gradients"
SETTLED = 0.2  # seconds, after which other threads have let go of the results


def measure(case: Case, against: Sequence[str], rounds: int) -> Measurement:
    """The working sets of all competitors; they hardly vary, so `rounds` is at most three."""
    names = ["jaxconv", *(name for name in against if name == "torch" or name in peers.JAX)]
    sizes: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(min(rounds, 3)):
        for name in names:
            with Apart(name) as process:
                sizes[name].append(process.ask(working_set, case, name))
    warm = {name: Sample(tuple(values)) for name, values in sizes.items()}
    return Measurement(
        suite="memory", case=case.name, call=CALL, warm=warm, unit="B", method=peers.served_by(case, CALL)
    )


def working_set(case: Case, library: str) -> float:
    """Bytes above those that imports, inputs and the program take."""
    inputs = operators.arguments(case)
    if library == "torch":
        call = peers.torch_call(case, CALL, inputs)
    else:
        program, _ = compile_anew(peers.with_call(peers.JAX[library](case), CALL), *inputs)
        call = operators.bind(program, inputs)
    call()  # loads the code and starts the threads
    baseline = settle()
    jax.block_until_ready(call())
    return float(max(peak() - baseline, 1))


def settle() -> int:
    """Give back what is free, forget earlier peaks, and count what remains."""
    gc.collect()
    time.sleep(SETTLED)
    with contextlib.suppress(AttributeError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def peak() -> int:
    """The largest resident memory since `settle`."""
    return _status("VmHWM")


def _status(key: str) -> int:
    """A line of what Linux knows of this process, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(f"{key}:"))
