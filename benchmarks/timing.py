"""How time is taken: competitors take turns, so that whatever else the machine does slows all alike."""

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

SHORTEST = 0.03  # seconds; shorter calls are repeated until a sample lasts as long
# Seconds of calls before each sample. A scheduler that packs idle processes onto one core takes up to 50 ms of work to
# give their threads a core each (measured on a virtual machine; until then a convolution on two threads takes twice
# its time), so that samples taken right after a pause measure the scheduler.
LEAD = 0.06
PAUSE = 0.01  # seconds between competitors: the threads of the last one stop spinning
PATIENCE = 4.0  # seconds that one competitor may take in one measurement; a slow one takes part in fewer rounds
LONG = 0.2  # seconds after which a call needs no lead

Compiled = Callable[..., Any]


@dataclass(frozen=True)
class Sample:
    """What one competitor took, in seconds or bytes, one number a round."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def quartiles(self) -> tuple[float, float]:
        low, high = np.quantile(self.values, [0.25, 0.75])
        return float(low), float(high)


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One case of a suite, one way of calling it, all competitors."""

    suite: str
    case: str
    call: str
    warm: Mapping[str, Sample]
    compiling: Mapping[str, Sample] = field(default_factory=dict)
    unit: str = "s"
    method: str = ""  # the algorithm that served jaxconv
    difference: float = 0.0  # largest difference between results of competitors, relative to the largest result

    def ratio(self, peer: str, *, compiling: bool = False) -> float:
        """jaxconv's time over the peer's: the median over rounds, in each of which both met the same machine."""
        samples = self.compiling if compiling else self.warm
        pairs = zip(samples["jaxconv"].values, samples[peer].values, strict=False)  # a slow one left early
        return statistics.median(ours / theirs for ours, theirs in pairs)


def alternate(timers: Mapping[str, Callable[[int], float]], rounds: int) -> dict[str, Sample]:
    """Time calls in turns, A B B A A B ..., so that neither always comes first.

    A timer takes a number of repeats and gives the mean duration of a call, as `partial(seconds, call)` does.
    """
    cost = {name: timer(1) for name, timer in timers.items()}
    cost |= {name: timers[name](1) for name in timers if cost[name] < 1}  # the first was a warm-up
    samples: dict[str, list[float]] = {name: [] for name in timers}
    order = list(timers)
    for number in range(rounds):
        for name in order:
            if number * cost[name] < PATIENCE:
                samples[name].append(_turn(timers[name], cost[name]))
        order.reverse()
    return {name: Sample(tuple(s)) for name, s in samples.items()}


def _turn(timer: Callable[[int], float], cost: float) -> float:
    time.sleep(PAUSE)
    repeats, lead = math.ceil(SHORTEST / cost), 0.0
    while cost < LONG and lead < LEAD:  # of what it takes now: the cost was perhaps that of a slow start
        lead += repeats * timer(repeats)
    return timer(repeats)


def seconds(call: Callable[[], Any], repeats: int) -> float:
    """The mean duration of a call, waited for each time; what does not come from JAX is done when it returns."""
    start = time.perf_counter()
    for _ in range(repeats):
        jax.block_until_ready(call())
    return (time.perf_counter() - start) / repeats


def compile_often(
    function: Callable[..., Any], inputs: Sequence[Any], times: int
) -> tuple[Compiled, tuple[float, ...]]:
    """The program, and the durations of compiling it some times, tracing included.

    The first is not counted where there are others: it pays for what all programs share.
    """
    compiled = [compile_anew(function, *inputs) for _ in range(times)]
    return compiled[-1][0], tuple(duration for _, duration in compiled[1:] or compiled)


def compile_anew(function: Callable[..., Any], *inputs: Any, **options: Any) -> tuple[Compiled, float]:
    """The program, and the seconds that it took when nothing of it was known; options are those of `jax.jit`."""
    fresh = jax.jit(lambda *a: function(*a), **options)  # jit remembers functions that it has compiled
    jax.clear_caches()  # and what they call
    start = time.perf_counter()
    program = fresh.lower(*inputs).compile()
    return program, time.perf_counter() - start


def relative_difference(outputs: Mapping[str, Sequence[np.ndarray]]) -> float:
    """The largest difference from jaxconv's results, over the largest number in them; infinite if shapes differ."""
    worst = 0.0
    for others in outputs.values():
        for mine, other in zip(outputs["jaxconv"], others, strict=True):
            if mine.shape != other.shape or not np.isfinite(other).all():
                return math.inf
            worst = max(worst, float(np.max(np.abs(mine - other)) / max(np.max(np.abs(other)), 1e-30)))
    return worst
