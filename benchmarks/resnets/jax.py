"""What jaxconv's and plain Flax's have in common: how they are made, and a step of training written by hand."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from benchmarks.builders.built import Built
from benchmarks.resnets import flax
from benchmarks.resnets.size import Size
from benchmarks.timing import compile_anew
from jaxconv import models, nn

RULE = optax.sgd(0.1, momentum=0.9)


def make(library: str, size: Size, dtype: Any = None) -> nnx.Module:
    """jaxconv's ResNet or plain Flax's, with the same weights, which are float32 whatever `dtype` computes in."""
    theirs = lambda: flax.ResNet(size, dtype=dtype, rngs=nnx.Rngs(0))
    ours = lambda: models.ResNet(
        size.depths, bottleneck=True, width=size.width, num_classes=size.classes, dtype=dtype, rngs=nn.Rngs(0)
    )
    # Drawn by NumPy: JAX compiles a program for each shape, which takes longer than what is to be measured.
    random = np.random.default_rng(0)
    model = nnx.eval_shape(theirs if library == "flax" else ours)
    nnx.update(model, jax.tree.map_with_path(lambda path, leaf: _weight(path, leaf.shape, random), nnx.state(model)))
    return model


def _weight(path: Any, shape: tuple[int, ...], random: np.random.Generator) -> jax.Array:
    """He et al.'s kernels; normalisation that changes nothing before it has seen a batch."""
    name = jax.tree_util.keystr(path)
    if "kernel" in name:
        return jnp.asarray(random.standard_normal(shape) * np.sqrt(2 / np.prod(shape[:-1])), jnp.float32)
    return jnp.full(shape, 1.0 if "scale" in name or "var" in name else 0.0, jnp.float32)


def parameters(model: nnx.Module) -> int:
    """How many numbers are trained."""
    return sum(leaf.size for leaf in jax.tree.leaves(nnx.state(model, nnx.Param)))


def batch(size: Size, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Random images, and labels."""
    x = np.random.default_rng(0).standard_normal((number, size.image, size.image, 3)).astype(np.float32)
    return x, np.arange(number, dtype=np.int32) % size.classes


def logits(library: str, size: Size, number: int, dtype: Any = None) -> np.ndarray:
    """In evaluation mode, before training."""
    model = make(library, size, dtype)
    model.eval()
    x, _ = batch(size, number)
    return np.asarray(jax.jit(lambda x: model(x))(x), np.float32)  # pyright: ignore[reportCallIssue]: both are called


def training_step(model: nnx.Module) -> tuple[Callable[..., tuple[Any, jax.Array]], Any]:
    """A step of stochastic gradient descent as users of Flax write it, and the state that it starts from."""
    model.train()
    graph, weights, rest = nnx.split(model, nnx.Param, ...)

    def step(state: Any, x: jax.Array, y: jax.Array) -> tuple[Any, jax.Array]:
        weights, rest, moments = state

        def loss(weights: Any) -> tuple[jax.Array, Any]:
            model = nnx.merge(graph, weights, rest, copy=True)
            logits = model(x).astype(jnp.float32)  # pyright: ignore[reportCallIssue]: both are called
            value = optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()
            return value, nnx.state(model, nnx.Not(nnx.Param))

        (value, rest), gradients = jax.value_and_grad(loss, has_aux=True)(weights)
        updates, moments = RULE.update(gradients, moments, weights)
        return (optax.apply_updates(weights, updates), rest, moments), value

    return step, (weights, rest, RULE.init(weights))


def prepare(library: str, task: str, size: Size, number: int, steps: int) -> Built:
    """Some steps in a row, of which the last is waited for; bfloat16 on what device JAX chooses."""
    results = [logits(library, size, 2, jnp.bfloat16)]
    model = make(library, size, jnp.bfloat16)
    x, y = jax.device_put(batch(size, number))
    if task == "forward":
        model.eval()
        graph, weights = nnx.split(model)
        infer, took = compile_anew(lambda weights, x: nnx.merge(graph, weights)(x), weights, x)
        return Built(lambda: [infer(weights, x) for _ in range(steps)][-1], parameters(model), (took,), results)
    step, state = training_step(model)
    program, took = compile_anew(step, state, x, y, donate_argnums=0)

    def run() -> Any:
        nonlocal state
        loss = None
        for _ in range(steps):
            state, loss = program(state, x, y)
        return state, loss

    return Built(run, parameters(model), (took,), results)
