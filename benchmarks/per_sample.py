"""The suite `per-sample`: the gradient of each of 1,024 samples, as variational Monte Carlo on lattices needs it.

Wave functions are computed in float64 or complex128, where `lax` has no fast path; the bounds are five times the time
in float32, and five seconds to compile. It runs in an interpreter of its own, because 64 bits are an option of the
process: `JAX_ENABLE_X64=1 python -m benchmarks.per_sample` prints what it found as JSON.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import jaxconv as jc
from benchmarks.timing import Measurement, Sample, alternate, compile_anew, relative_difference, seconds

SAMPLES, SIDE, CHANNELS = 1024, 6, (1, 8, 8, 8)
DTYPES = ("float32", "float64", "complex128")
ROUNDING = 1e-3  # of the largest gradient, in float32


def ours(x: jax.Array, kernel: jax.Array) -> jax.Array:
    return jc.conv(x, kernel)


def theirs(x: jax.Array, kernel: jax.Array) -> jax.Array:
    return lax.conv_general_dilated(x[None], kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))[0]


def gradients(conv: Callable[..., jax.Array], dtype: str) -> Callable[..., Any]:
    """The gradients of all kernels for each sample; of complex kernels the holomorphic ones."""

    def amplitude(kernels: Sequence[jax.Array], x: jax.Array) -> jax.Array:
        for kernel in kernels:
            x = jnp.tanh(conv(x, kernel))
        return x.sum()

    return jax.vmap(jax.grad(amplitude, holomorphic=dtype.startswith("complex")), (None, 0))


def arguments(dtype: str, samples: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Kernels, and spins of plus and minus one."""
    random = np.random.default_rng(0)
    kernels = []
    for c_in, c_out in itertools.pairwise(CHANNELS):
        kernel = random.standard_normal((3, 3, c_in, c_out)) / np.sqrt(9 * c_in)
        kernels.append((kernel * (1 + 0.1j) if dtype.startswith("complex") else kernel).astype(dtype))
    return kernels, random.choice([-1.0, 1.0], (samples, SIDE, SIDE, 1)).astype(dtype)


def measure(rounds: int, *, lax_dtypes: Sequence[str], samples: int = SAMPLES) -> list[Measurement]:
    """Time all dtypes in turns, in a fresh interpreter; some of them against `lax`, which they take up to minutes."""
    words = [sys.executable, "-m", "benchmarks.per_sample", "--rounds", str(rounds), "--samples", str(samples)]
    words += ["--lax", *lax_dtypes]
    answer = subprocess.run(
        words, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, "JAX_ENABLE_X64": "1"}
    )
    found = json.loads(answer.stdout.splitlines()[-1])
    warm, compiling = (
        {key: Sample(tuple(values)) for key, values in found[kind].items()} for kind in ("warm", "compile")
    )
    return [
        Measurement(
            suite="per-sample",
            case=f"{samples} samples",
            call=dtype,
            warm=_of(warm, dtype) | ({"float32": warm["jaxconv float32"]} if dtype != "float32" else {}),
            compiling=_of(compiling, dtype),
            difference=found["difference"][dtype],
        )
        for dtype in DTYPES
    ]


def _of(samples: dict[str, Sample], dtype: str) -> dict[str, Sample]:
    found = {name: samples.get(f"{name} {dtype}") for name in ("jaxconv", "lax")}
    return {name: sample for name, sample in found.items() if sample}


def main() -> None:
    """What `measure` runs in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.per_sample", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="samples of each competitor (default 7)")
    parser.add_argument("--samples", type=int, default=SAMPLES, metavar="N", help=f"batch size (default {SAMPLES})")
    parser.add_argument("--lax", nargs="*", choices=DTYPES, default=(), help="dtypes in which to time lax too")
    options = parser.parse_args()
    jax.config.update("jax_enable_compilation_cache", False)
    timers, compiling, difference = {}, {}, {}
    for dtype in DTYPES:
        convs = {"jaxconv": ours} | ({"lax": theirs} if dtype in options.lax else {})
        inputs = jax.device_put(arguments(dtype, options.samples))
        compiled = {name: compile_anew(gradients(conv, dtype), *inputs) for name, conv in convs.items()}
        results = {name: [np.asarray(g) for g in program(*inputs)] for name, (program, _) in compiled.items()}
        difference[dtype] = relative_difference(results)
        if difference[dtype] > ROUNDING:
            raise RuntimeError(f"per-sample, {dtype}: jaxconv and lax differ by {difference[dtype]:.2g}")
        for name, (program, duration) in compiled.items():
            timers[f"{name} {dtype}"] = partial(seconds, partial(program, *inputs))
            compiling[f"{name} {dtype}"] = [duration]
    warm = {name: sample.values for name, sample in alternate(timers, options.rounds).items()}
    print(json.dumps({"warm": warm, "compile": compiling, "difference": difference}))


if __name__ == "__main__":
    main()
