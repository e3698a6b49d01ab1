"""The suite `overhead`: what a call costs where there is nothing to compute, and what the import costs."""

import subprocess
import sys
from functools import partial

import jax

from benchmarks import peers
from benchmarks.cases import TINY, Case
from benchmarks.operators import arguments
from benchmarks.timing import Measurement, Sample, alternate, seconds


def measure(case: Case, rounds: int) -> list[Measurement]:
    """Time `case` called without jit, and the making of its jaxpr, against `lax`."""
    functions = {name: peers.JAX[name](case) for name in ("jaxconv", "lax")}
    inputs = jax.device_put(arguments(case, whole=True)[:-1])
    eager = {name: partial(seconds, partial(function, *inputs)) for name, function in functions.items()}
    # A new lambda each time, because JAX remembers the jaxpr of a function that it has seen.
    trace = {
        name: partial(seconds, lambda f=function: jax.make_jaxpr(lambda *a: f(*a))(*inputs))
        for name, function in functions.items()
    }
    return [
        Measurement(suite="overhead", case=case.name, call="no jit", warm=alternate(eager, rounds)),
        Measurement(suite="overhead", case=case.name, call="trace", warm=alternate(trace, rounds)),
    ]


def measure_import(rounds: int) -> Measurement:
    """Seconds that imports add to `import jax, flax`, each in a fresh interpreter."""
    modules = {"jaxconv": "jaxconv", "flax": "flax.nnx"}
    durations: dict[str, list[float]] = {name: [] for name in modules}
    for _ in range(rounds + 1):
        for name, module in modules.items():
            program = (
                f"import time, jax, flax; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
            )
            answer = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
            durations[name].append(float(answer.stdout))
    warm = {name: Sample(tuple(s[1:])) for name, s in durations.items()}  # the first round reads the disk
    return Measurement(suite="overhead", case="import", call="", warm=warm)


NAMES = (*(case.name for case in TINY), "import")
