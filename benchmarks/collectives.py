"""`python -m benchmarks.collectives`: what a training step of `fit` sends, computes and holds, counted and compiled.

Nothing is run and no weights are made: the step is compiled for devices that need not be there, and its program is
read. By default these are eight CPUs; `--topology v5e:16x16` compiles for a pod of 256 TPUs on any Linux machine with
`pip install libtpu`, in ten minutes.
"""

import argparse
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax.sharding import Mesh
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.machine import RESULTS, describe_machine
from jaxconv import inspect, models, train
from jaxconv.train.loop.placement import Placement
from jaxconv.train.loop.step import Task, placed_step

BYTES = {"pred": 1, "bf16": 2, "f16": 2, "f32": 4, "s32": 4, "u32": 4, "f64": 8}
COLLECTIVE = re.compile(
    r"= (\(.*?\)|\S+) (all-reduce|all-gather|reduce-scatter|all-to-all|collective-permute)(?:-start)?\("
)


def compiled(
    model: nnx.Module, size: tuple[int, ...], batch: int, devices: Sequence[Any], *, fsdp: bool = False
) -> Any:
    """The step of `fit` with SGD and momentum, for `batch` bfloat16 images on each of `devices`."""
    placement = Placement.of("collectives", Mesh(np.array(devices), ("data",)), fsdp=fsdp)
    model.train()
    graph, weights, rest = nnx.split(model, nnx.Param, ...)
    metrics = {"accuracy": train.accuracy}
    task = Task(graph, optax.sgd(0.1, momentum=0.9), train.cross_entropy, metrics, None, None, None)
    found: dict[str, Any] = {}

    def build() -> Any:
        # `placed_step` puts the state on the devices; here it is noted where that would be.
        def put(state: Any, homes: Any) -> Any:
            found["homes"] = homes
            return state

        on_paper: Any = SimpleNamespace(
            weights=placement.weights, beside=placement.beside, whole=placement.whole, put=put
        )
        found["step"], state = placed_step(task, weights, rest, on_paper)
        return state

    shapes = jax.eval_shape(build)
    state = jax.tree.map(lambda leaf, home: _shape(leaf.shape, leaf.dtype, home), shapes, found["homes"])
    total = batch * len(devices)
    images = _shape((total, *size), jnp.bfloat16, placement.batch)
    labels = _shape((total,), jnp.int32, placement.batch)
    key = _shape((), jax.random.key(0).dtype, placement.whole)
    return jax.jit(found["step"], donate_argnums=0).lower(state, images, labels, key).compile()


def sent(program: str) -> Counter[str]:
    """Bytes of the results of each kind of collective in an HLO program, by kind and type: `"all-reduce f32"`."""
    total: Counter[str] = Counter()
    for shapes, kind in COLLECTIVE.findall(program):
        for dtype, dims in re.findall(r"(\w+)\[([\d,]*)\]", shapes):
            if dtype in BYTES:
                total[f"{kind} {dtype}"] += BYTES[dtype] * int(np.prod([int(n) for n in dims.split(",") if n] or [1]))
    return total


def expected(model: nnx.Module, size: tuple[int, ...], batch: int, gradient: int) -> dict[str, int]:
    """What arithmetic says of a device: bytes summed over all devices, FLOPs, bytes of the state.

    Gradients of kernels are summed with `gradient` bytes a number. BatchNorm sums four float32 numbers a channel: mean
    and mean square forward, and their like backward, which are the gradients of its scale and bias too; a compiler may
    sum one more. Loss and accuracy are a number each. A step has three times the products of the network's output: for
    the output, and for the gradients of both arrays of each product; two FLOPs a product.
    """
    weights, statistics = (
        sum(leaf.size for leaf in jax.tree.leaves(nnx.state(model, kind))) for kind in (nnx.Param, nnx.BatchStat)
    )
    products = inspect.summary(model, (1, *size)).macs
    return {
        "bytes summed": gradient * (weights - statistics) + 4 * 2 * statistics + 8,
        "FLOPs": 3 * 2 * products * batch,
        "bytes of weights and momentum": 2 * 4 * weights + 4 * statistics,
    }


def measured(step: Any) -> dict[str, Any]:
    """What the compiler says of the same."""
    memory, cost = step.memory_analysis(), step.cost_analysis()
    bytes_by_kind = sent(step.as_text())
    return {
        "bytes summed": sum(bytes_by_kind.values()),
        "FLOPs": int(cost["flops"]),
        "bytes of weights and momentum": memory.alias_size_in_bytes,
        "bytes between": memory.temp_size_in_bytes,
        "collectives": dict(bytes_by_kind),
    }


def _shape(shape: tuple[int, ...], dtype: Any, sharding: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, dtype, sharding=sharding)


def _devices(topology: str | None) -> Sequence[Any]:
    if topology is None:
        return jax.devices()
    from jax.experimental import topologies

    return topologies.get_topology_desc(topology, platform="tpu").devices


def main(argv: Sequence[str] | None = None) -> int:
    """Print one table; write one JSON file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.collectives", description=__doc__)
    parser.add_argument("--model", default="resnet50", help="its name in jaxconv.models")
    parser.add_argument("--size", type=int, default=224, help="height and width of the images")
    parser.add_argument("--channels", type=int, default=3, help="their channels")
    parser.add_argument("--batch", type=int, default=128, help="images a device")
    parser.add_argument("--topology", help="TPUs to compile for, such as v5e:16x16; default eight pretended CPUs")
    parser.add_argument("--fsdp", action="store_true", help="divide the weights")
    options = parser.parse_args(argv)
    # Read when JAX first looks for devices, which is later than its import.
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=8"
    jax.config.update("jax_platforms", "cpu")

    model = nnx.eval_shape(lambda: models.create(options.model, dtype=jnp.bfloat16, rngs=nnx.Rngs(0)))
    size, devices = (options.size, options.size, options.channels), _devices(options.topology)
    found = measured(compiled(model, size, options.batch, devices, fsdp=options.fsdp))
    # The CPU's compiler sums what it computes in float32; the TPU's sums bfloat16 gradients before it widens them.
    formula = expected(model, size, options.batch, gradient=2 if options.topology else 4)

    where = f"{len(devices)} x {devices[0].device_kind}"
    name = f"{options.model}, {options.size} x {options.size}, bfloat16, {options.batch} images a device"
    table = Table("a device, a step", "formula", "compiled", "ratio", title=f"{name}, {where}", box=box.SIMPLE_HEAD)
    for key, value in formula.items():
        table.add_row(key, f"{value:,}", f"{found[key]:,}", f"{found[key] / value:.3f}")
    table.add_row("bytes between", "", f"{found['bytes between']:,}", "")
    for kind, size_of_kind in found["collectives"].items():
        table.add_row(f"  {kind}", "", f"{size_of_kind:,}", "")
    Console(width=120).print(table)

    kind = "fsdp" if options.fsdp else "whole"
    path = RESULTS / f"collectives-{options.model}-{kind}-{(options.topology or 'cpu').replace(':', '-')}.json"
    content = {"machine": describe_machine(), "options": vars(options), "formula": formula, "compiled": found}
    path.write_text(json.dumps(content, indent=1) + "\n")
    print(f"written to {path.relative_to(RESULTS.parents[1])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
