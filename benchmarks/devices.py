"""`python -m benchmarks.devices`: how a training step of `fit` scales over 1, 2, 4, ... of the devices that are there.

Weak scaling keeps the batch of a device, strong scaling that of all devices together. Each epoch of `fit` is timed as
a whole, with the model's weights copied out at its end. Where there are only CPUs, `--virtual N` pretends N devices.
They share the same cores: no speed-up by more hardware can be seen, only what dividing the work costs.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.machine import RESULTS, describe_machine
from jaxconv import models, train


def seconds(options: argparse.Namespace, devices: int, batch: int) -> float:
    """The median duration of a step, over all epochs but the first, which compiles."""
    # In half precision only where it is faster.
    dtype = jnp.float32 if jax.default_backend() == "cpu" else jnp.bfloat16
    model = models.create(options.model, dtype=dtype, rngs=nnx.Rngs(0))
    draw = np.random.default_rng(0)
    images = draw.normal(size=(batch, options.size, options.size, options.channels)).astype(np.float32)
    labels = draw.integers(0, 10, batch)
    ends = []
    train.fit(
        model,
        lambda epoch: [(images, labels)] * options.steps,
        optimizer=optax.sgd(0.01, momentum=0.9),
        epochs=options.rounds + 1,
        mesh=jax.make_mesh((devices,), ("data",), devices=jax.devices()[:devices]),
        fsdp=options.fsdp,
        callbacks=[lambda history: ends.append(time.perf_counter())],
        progress=False,
    )
    return statistics.median(np.diff(ends)) / options.steps


def scaling(options: argparse.Namespace) -> list[dict[str, Any]]:
    """A row for each kind of scaling and each number of devices."""
    counts = [2**power for power in range(jax.device_count().bit_length()) if 2**power <= jax.device_count()]
    rows = []
    for kind in ("weak", "strong"):
        first = None
        for devices in counts:
            batch = options.batch * (devices if kind == "weak" else counts[-1])
            step = seconds(options, devices, batch)
            speed = batch / step
            first = speed if first is None else first
            shared = devices if options.virtual is None else 1  # pretended devices add no cores
            rows.append(
                {
                    "scaling": kind,
                    "devices": devices,
                    "batch": batch,
                    "seconds a step": step,
                    "images a second": speed,
                    "efficiency": speed / (first * shared),
                }
            )
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Print one table; write one JSON file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.devices", description=__doc__)
    parser.add_argument("--model", default="lenet", help="its name in jaxconv.models")
    parser.add_argument("--size", type=int, default=28, help="height and width of the images")
    parser.add_argument("--channels", type=int, default=1, help="their channels")
    parser.add_argument(
        "--batch", type=int, default=32, help="images a device; strong scaling has as many a step as all"
    )
    parser.add_argument("--steps", type=int, default=20, help="steps an epoch")
    parser.add_argument("--rounds", type=int, default=5, help="epochs, of which the median is shown")
    parser.add_argument("--fsdp", action="store_true", help="divide the weights")
    parser.add_argument("--virtual", type=int, metavar="N", help="pretend N devices on this machine's CPU")
    options = parser.parse_args(argv)
    if options.virtual is not None:
        # Read when JAX first looks for devices, which is later than its import.
        flag = f"--xla_force_host_platform_device_count={options.virtual}"
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flag}"
        jax.config.update("jax_platforms", "cpu")

    rows, machine = scaling(options), describe_machine()
    shared = f"{options.virtual} pretended devices share {machine['cores']} cores"
    table = Table(
        *rows[0],
        title=f"{options.model}, {'divided' if options.fsdp else 'whole'} weights, {machine['device']}, jax "
        f"{machine['jax']}",
        caption="Efficiency: images a second, over those of one device "
        + ("times the devices." if options.virtual is None else f"alone, because {shared}."),
        box=box.SIMPLE_HEAD,
    )
    for row in rows:
        table.add_row(*(f"{value:.4g}" if isinstance(value, float) else str(value) for value in row.values()))
    Console(width=120).print(table)
    kind = f"{machine['platform']}{'' if options.virtual is None else f'-virtual{options.virtual}'}"
    path = RESULTS / f"devices-{options.model}-{kind}-jax{machine['jax']}.json"
    path.write_text(json.dumps({"machine": machine, "options": vars(options), "results": rows}, indent=1) + "\n")
    print(f"written to {path.relative_to(RESULTS.parents[1])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
