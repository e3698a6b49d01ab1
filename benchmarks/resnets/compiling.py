"""What a ResNet-50's step of training takes to compile, and the memory that it needs, each in a fresh process."""

import dataclasses
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from benchmarks.apart import Apart
from benchmarks.memory import peak, settle
from benchmarks.resnets import jax as resnets
from benchmarks.resnets.size import Size
from benchmarks.timing import Measurement, Sample, compile_anew, relative_difference
from jaxconv import train
from jaxconv.train.loop.placement import Placement
from jaxconv.train.loop.step import Task, placed_step  # no door leads to the step that `fit` repeats

Step = Callable[..., Any]

# The first is that of `fit`, which also keeps the means of loss and accuracy and halts at a loss that is no number.
STEPS = ("jaxconv", "by hand", "flax")
ROUNDING = 1e-3  # of the largest logit: float32 through fifty layers


def measure(size: Size, batch: int, rounds: int) -> list[Measurement]:
    """Seconds of compiling and of a step, bytes that XLA sets aside for it, and bytes it adds to those resident."""
    difference = check(size)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in STEPS}
    for _ in range(rounds):
        for name in STEPS:
            with Apart("flax" if name == "flax" else "jaxconv") as process:
                found[name].append(process.ask(once, name, size, batch))

    def samples(quantity: str) -> dict[str, Sample]:
        return {name: Sample(tuple(one[quantity] for one in each)) for name, each in found.items()}

    one = Measurement(
        suite="resnet-50",
        case=f"batch {batch}",
        call="step",
        warm=samples("step"),
        compiling=samples("compile"),
        difference=difference,
    )
    sizes = ("planned", "resident")
    return [one, *(dataclasses.replace(one, call=q, unit="B", warm=samples(q), compiling={}) for q in sizes)]


def check(size: Size) -> float:
    """Refuse to compare networks that differ."""
    with Apart("jaxconv") as process:
        logits = {name: [process.ask(resnets.logits, name, size, 2)] for name in ("jaxconv", "flax")}
    difference = relative_difference(logits)
    if difference > ROUNDING:
        raise RuntimeError(f"resnet-50: the logits of jaxconv and flax differ by {difference:.2g}")
    return difference


def once(name: str, size: Size, batch: int) -> dict[str, float]:
    """Compile one of the steps and take it: seconds and bytes."""
    function, state = _fit_step(size) if name == "jaxconv" else _step_by_hand(name, size)
    data = jax.device_put(resnets.batch(size, batch))
    jax.jit(jnp.sin).lower(0.0).compile()  # what all programs share is not the first one's
    program, compiling = compile_anew(function, state, *data, donate_argnums=0)
    compiled: Any = program
    state = jax.block_until_ready(program(state, *data))  # loads the code and starts the threads
    baseline = settle()
    start = time.perf_counter()
    state = jax.block_until_ready(program(state, *data))
    duration = time.perf_counter() - start
    return {
        "compile": compiling,
        "step": duration,
        "planned": float(compiled.memory_analysis().temp_size_in_bytes),
        "resident": float(max(peak() - baseline, 1)),
    }


def _fit_step(size: Size) -> tuple[Step, Any]:
    model = resnets.make("jaxconv", size)
    model.train()
    graph, weights, rest = nnx.split(model, nnx.Param, ...)
    task = Task(graph, resnets.RULE, train.cross_entropy, {"accuracy": train.accuracy}, None, None, None)
    step, state = placed_step(task, weights, rest, Placement.of("benchmark", None))
    return partial(_with_key, step), state


def _with_key(step: Step, state: Any, x: jax.Array, y: jax.Array) -> Any:
    return step(state, x, y, jax.random.key(0))


def _step_by_hand(name: str, size: Size) -> tuple[Step, Any]:
    step, state = resnets.training_step(resnets.make(name, size))
    return lambda state, x, y: step(state, x, y)[0], state
