"""What every layer of a model returns, without a change to the model."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
from flax import nnx
from jax.extend.core import get_opaque_trace_state

from jaxconv.inspect.tapping import tapped
from jaxconv.naming import named


@partial(jax.tree_util.register_dataclass, data_fields=["output"], meta_fields=["path", "kind", "call"])
@dataclass(frozen=True)
class Layer:
    """One call of one module: a tree with its output as the only leaf, so that `jax.eval_shape` and `derive` keep it.

    Attributes:
      path: where the module stands in the model, as in `nnx.iter_modules`; empty for the model itself.
      kind: the name of its class.
      call: 0 when the module was first called, 1 when it was called again, and so on.
      output: the array that it returned, or what a transformation put in its place.
    """

    path: tuple[Hashable, ...]
    kind: str
    call: int
    output: Any

    @property
    def name(self) -> str:
        """The path with dots, and which call it was if not the first: `encoder.cell (call 2)`."""
        dotted = ".".join(map(str, self.path)) or self.kind
        return f"{dotted} (call {self.call + 1})" if self.call else dotted


@named
def layers(model: nnx.Module) -> Callable[..., tuple[Layer, ...]]:
    """Return the function that runs `model` and returns what each of its modules returned, in the order they finished.

    A module stands after those that it calls, and the model itself, with the final output, is last. What returns no
    array is left out, and so is what runs inside a transformation of its own, such as `nnx.remat` or `nnx.scan`.
    A shared module has the path where it is first found; a function such as `nn.relu` is no module.

    Args:
      model: a Flax NNX module; it is copied at every call, so its variables do not change.
    Returns:
      A pure function with the arguments of `model`, fit for `jax.jit`, `jax.eval_shape` and `symmetry.derive`.
    Example:
      >>> for layer in jax.eval_shape(layers(model), jnp.ones((28, 28, 1)))[:2]:
      ...     print(layer.name, layer.kind, layer.output.shape)
      features.layers.0 Conv (24, 24, 6)
      features.layers.2 MaxPool (12, 12, 6)
    """
    if not isinstance(model, nnx.Module):
        raise TypeError(f"layers: model must be a Flax NNX module; got {type(model).__name__}")

    def run(*args: Any, **kwargs: Any) -> tuple[Layer, ...]:
        copy = nnx.clone(model)
        modules = [(path, module) for path, module in nnx.iter_modules(copy) if callable(module)]
        paths = {id(module): path for path, module in modules}
        here = _trace()
        found: list[Layer] = []

        def record(module: nnx.Module, call: Callable[[], Any]) -> Any:
            output = call()
            path = paths.get(id(module))
            if path is not None and isinstance(output, jax.Array) and _trace() == here:
                earlier = sum(layer.path == path for layer in found)
                found.append(Layer(path, type(module).__name__, earlier, output))
            return output

        with tapped({type(module) for _, module in modules}, record):
            copy(*args, **kwargs)
        return tuple(found)

    return run


def _trace() -> Any:
    """The transformation that is being traced: arrays of an inner one must not leave it."""
    return get_opaque_trace_state(convention="nnx")
