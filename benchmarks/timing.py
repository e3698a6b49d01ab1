"""How time is taken: competitors take turns, so that whatever else the machine does slows all alike."""

import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from benchmarks.cases import Case
from benchmarks.peers import PEERS, Function

SHORTEST = 0.01  # seconds; shorter calls are repeated until a sample lasts as long
COMPILATIONS = 3


@dataclass(frozen=True)
class Sample:
    """The durations of one competitor, in seconds, one a round."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def quartiles(self) -> tuple[float, float]:
        low, high = np.quantile(self.seconds, [0.25, 0.75])
        return float(low), float(high)


@dataclass(frozen=True)
class Measurement:
    """One case, one way of calling it, all competitors."""

    case: str
    call: str
    warm: Mapping[str, Sample]
    compiling: Mapping[str, Sample] | None = None

    def ratio(self, peer: str) -> float:
        """jaxconv's time over the peer's: the median over rounds, in each of which both met the same machine."""
        return statistics.median(
            ours / theirs for ours, theirs in zip(self.warm["jaxconv"].seconds, self.warm[peer].seconds, strict=True)
        )


def measure(case: Case, rounds: int) -> list[Measurement]:
    """Time `case` compiled, forward alone and with all gradients, after checking that all give the same numbers."""
    functions = {name: peer(case) for name, peer in PEERS.items()}
    integers = arguments(case, functions["jaxconv"], whole=True)
    reals = arguments(case, functions["jaxconv"])
    found = []
    for call, wrap in (("forward", _forward), ("+ gradients", _with_gradients)):
        wrapped = {name: wrap(function) for name, function in functions.items()}
        programs, compiling = compile_all(wrapped, reals)
        check_equal(case, {name: program(*integers) for name, program in programs.items()})
        warm = alternate({name: lambda p=program: p(*reals) for name, program in programs.items()}, rounds)
        found.append(Measurement(case.name, call, warm, compiling))
    return found


def measure_overhead(case: Case, rounds: int) -> list[Measurement]:
    """Time `case` called without jit, and the making of its jaxpr."""
    functions = {name: peer(case) for name, peer in PEERS.items()}
    inputs = arguments(case, functions["jaxconv"], whole=True)[:-1]
    check_equal(case, {name: function(*inputs) for name, function in functions.items()})
    eager = {name: lambda f=function: f(*inputs) for name, function in functions.items()}
    # A new lambda each time, because JAX remembers the jaxpr of a function that it has seen.
    trace = {name: lambda f=function: jax.make_jaxpr(lambda *a: f(*a))(*inputs) for name, function in functions.items()}
    return [
        Measurement(case.name, "no jit", alternate(eager, rounds)),
        Measurement(case.name, "trace", alternate(trace, rounds)),
    ]


def measure_import(rounds: int) -> dict[str, Sample]:
    """Seconds that imports add to `import jax, flax`, each in a fresh interpreter."""
    statements = ("import flax.nnx", "import jaxconv")
    seconds: dict[str, list[float]] = {statement: [] for statement in statements}
    for _ in range(rounds + 1):
        for statement in statements:
            program = f"import time, jax, flax; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
            answer = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
            seconds[statement].append(float(answer.stdout))
    return {statement: Sample(tuple(s[1:])) for statement, s in seconds.items()}  # the first round reads the disk


def arguments(case: Case, function: Function, *, whole: bool = False) -> list[jax.Array]:
    """The inputs of `case` and, last, a cotangent of its output; small integers make every sum exact."""
    random = np.random.default_rng(0)
    inputs = [jax.ShapeDtypeStruct(shape, np.float32) for shape in case.shapes]
    shapes = [*case.shapes, jax.eval_shape(function, *inputs).shape]
    draws = (random.integers(-3, 4, shape) if whole else random.standard_normal(shape) for shape in shapes)
    return [jax.device_put(draw.astype(np.float32)) for draw in draws]


def check_equal(case: Case, outputs: Mapping[str, Any]) -> None:
    """Refuse to time competitors that compute different things."""
    ours = jax.tree.leaves(outputs["jaxconv"])
    for name, output in outputs.items():
        for mine, other in zip(ours, jax.tree.leaves(output), strict=True):
            if not np.array_equal(mine, other):
                raise RuntimeError(f"{case.name}: jaxconv and {name} give different numbers, so timing them is idle")


def compile_all(functions: Mapping[str, Function], inputs: list[jax.Array]) -> tuple[dict[str, Any], dict[str, Sample]]:
    """Compile each function a few times, in turn; returns the programs and the durations, tracing included."""
    programs: dict[str, Any] = {}
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(COMPILATIONS):
        for name, function in functions.items():
            fresh = jax.jit(lambda *a, f=function: f(*a))  # jit remembers functions that it has compiled
            start = time.perf_counter()
            programs[name] = fresh.lower(*inputs).compile()
            seconds[name].append(time.perf_counter() - start)
    return programs, {name: Sample(tuple(s)) for name, s in seconds.items()}


def alternate(calls: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, Sample]:
    """Run the calls in turns, A B B A A B ..., so that neither always comes first; returns seconds a call."""
    repeats = {}
    for name, call in calls.items():
        seconds(call, 1)
        repeats[name] = math.ceil(SHORTEST / seconds(call, 1))
    samples: dict[str, list[float]] = {name: [] for name in calls}
    order = list(calls)
    for _ in range(rounds):
        for name in order:
            samples[name].append(seconds(calls[name], repeats[name]))
        order.reverse()
    return {name: Sample(tuple(s)) for name, s in samples.items()}


def seconds(call: Callable[[], Any], repeats: int) -> float:
    """The mean duration of a call, waited for each time."""
    start = time.perf_counter()
    for _ in range(repeats):
        jax.block_until_ready(call())
    return (time.perf_counter() - start) / repeats


def _forward(function: Function) -> Callable[..., Any]:
    return lambda *inputs: function(*inputs[:-1])


def _with_gradients(function: Function) -> Callable[..., Any]:
    def run(*inputs: jax.Array) -> Any:
        *operands, cotangent = inputs
        out, pull = jax.vjp(function, *operands)
        return out, pull(cotangent)

    return run
