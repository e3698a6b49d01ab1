"""Which axes of a model's weights PyTorch keeps in another order, because it flattens images channels first."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxconv.inspect.torch.axes import (
    BATCH,
    CHANNEL,
    Label,
    Order,
    Step,
    Ties,
    UnknownOrder,
    Value,
    WeightAxis,
    alone,
    order,
    whole,
)
from jaxconv.inspect.torch.axis_rules import meet_all, rule
from jaxconv.symmetry.derivation.walk import walk

Path = tuple[str, ...]


def torch_orders(
    where: str, model: nnx.Module, x: Any, weights: Collection[Path], dense: Collection[Path]
) -> dict[WeightAxis, Order]:
    """The orders that differ, found by following the axes of images through the model's program.

    Args:
      where: the function that errors speak of.
      model: a Flax NNX module.
      x: what to call it with: an array, a `jax.ShapeDtypeStruct` or a shape, or a tuple of arrays; None for the
        model's own `input_shape`.
      weights: paths of all weights.
      dense: those of the dense kernels, of which each must be met.
    Raises:
      TypeError: if `x` is of the wrong kind.
      ValueError: if an order cannot be told.
    """
    space = getattr(model, "input_shape", None)
    if x is None:
        if space is None:
            raise ValueError(
                f"{where}: x is needed, because the order of weights depends on how images are flattened on the way "
                f"and {type(model).__name__} has no input_shape; pass the shape of an input, such as x=(1, 28, 28, 1)"
            )
        x = (1, *space)
    inputs = _inputs(where, x)
    found: dict[WeightAxis, Order] = {}
    missing = set(weights)
    for train in (False, True):  # heads that help training are called in training only
        if missing or not train:
            missing -= _follow(where, model, inputs, len(space) if space else None, train, found)
    if idle := sorted(missing.intersection(dense)):
        names = ", ".join(".".join(path) for path in idle)
        raise ValueError(
            f"{where}: {names} took no part in {type(model).__name__}(x), so nobody knows in which order PyTorch keeps "
            f"the inputs; remove what the model does not call, or pass an x for which it does"
        )
    return found


def _inputs(where: str, x: Any) -> tuple:
    """The arguments; a tuple of whole numbers is the shape of one float32 array, as in `summary`."""
    if isinstance(x, tuple) and x and all(type(n) is int for n in x):
        x = jax.ShapeDtypeStruct(x, jnp.float32)
    inputs = x if isinstance(x, tuple) else (x,)
    for leaf in jax.tree.leaves(inputs):
        if not isinstance(leaf, (jax.Array, np.ndarray, np.generic, jax.ShapeDtypeStruct)):
            raise TypeError(
                f"{where}: x must be an array, a shape such as (1, 28, 28, 1), a jax.ShapeDtypeStruct or a tuple of "
                f"arrays; got {leaf!r:.40} of type {type(leaf).__name__}; pass a shape or jnp.asarray(...)"
            )
    return inputs


def _follow(
    where: str, model: nnx.Module, inputs: tuple, rank: int | None, train: bool, found: dict[WeightAxis, Order]
) -> set[Path]:
    """Add to `found` the orders in one mode of the model, and return the weights that took part."""
    copy = nnx.clone(model)
    copy.train() if train else copy.eval()
    graph, state = nnx.split(copy)
    shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), (state, inputs))
    try:
        program = jax.make_jaxpr(lambda state, inputs: nnx.merge(graph, state)(*inputs))(*shapes)
    except Exception as error:  # whatever the user's model raises
        said = ", ".join(str(tuple(leaf.shape)) for leaf in jax.tree.leaves(inputs))
        raise ValueError(
            f"{where}: {type(model).__name__} does not run on x of shape {said} in {'train' if train else 'eval'} "
            f"mode ({type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}); "
            f"pass an x that it takes"
        ) from error
    paths = [array_path(keys) for keys, _ in jax.tree_util.tree_leaves_with_path(shapes[0])]
    images = jax.tree.leaves(shapes[1])
    values = [_weight(path, v) for path, v in zip(paths, program.jaxpr.invars, strict=False)]
    domain = _TorchAxes()
    try:
        outputs = walk(domain, program, values + [_image(image.shape, rank) for image in images])
        domain.returned([value for value in outputs if isinstance(value, Value)])
        _read(domain.ties, values, paths, found)
    except UnknownOrder as error:
        raise ValueError(
            f"{where}: the order in which PyTorch keeps the weights of {type(model).__name__} cannot be told, because "
            f"the path of an image through it cannot be followed: {error}"
        ) from error
    used = {id(atom) for equation in program.jaxpr.eqns for atom in equation.invars}
    return {path for path, v in zip(paths, program.jaxpr.invars, strict=False) if id(v) in used}


def array_path(keys: tuple) -> Path:
    """`features layers 0 kernel`, from JAX's path to the array in it."""
    return tuple(str(key.key) for key in keys if isinstance(key, jax.tree_util.DictKey))


def _weight(path: Path, variable: Any) -> Value:
    shape = tuple(getattr(variable.aval, "shape", ()))
    return Value(shape, tuple(whole(WeightAxis(path, axis), size) for axis, size in enumerate(shape)))


def _image(shape: tuple[int, ...], rank: int | None) -> Value:
    """The input: as many batch axes as `rank`, the axes of one image, leaves; spatial axes; channels last."""
    batch = len(shape) - rank if rank is not None else 0
    names = [BATCH if k < batch else k - batch + 1 for k in range(len(shape) - 1)] + [CHANNEL]
    return Value(tuple(shape), tuple(whole(of, size) for of, size in zip(names, shape, strict=False)))


def _read(ties: Ties, values: list[Value], paths: list[Path], found: dict) -> None:
    for path, value in zip(paths, values, strict=True):
        name = ".".join(path)
        for axis, label in enumerate(value.labels):
            known = ties.resolve(label)
            maker = known[0].of if known else None
            if isinstance(maker, Step) and not maker.plain:
                raise UnknownOrder(f"axis {axis} of {name} meets what {maker.made_by} made")
            space = [atom.of for atom in known or () if isinstance(atom.of, int) and atom.of > CHANNEL]
            if space != sorted(space):  # whether PyTorch's model turns it too, nobody knows
                raise UnknownOrder(f"axis {axis} of {name} meets an image that was turned before it was flattened")
            if (here := order(known)) and found.setdefault(WeightAxis(path, axis), here) != here:
                raise UnknownOrder(f"{name} meets one image when training, another when not")


class _TorchAxes:
    """The domain: what `walk` asks of labelled arrays."""

    def __init__(self) -> None:
        self.ties = Ties()

    def rule(self, equation: Any, say: Callable, values: Sequence[Value]) -> list[Value]:
        """Return the values of the outputs of one equation."""
        shapes = [tuple(getattr(variable.aval, "shape", ())) for variable in equation.outvars]
        name = equation.primitive.name
        step = f"{name} at {say('').place}"
        follow = rule(name)
        try:
            found = follow(self.ties, step, equation.params, values, shapes)
        except UnknownOrder as error:
            raise UnknownOrder(f"{error} ({step})" if step not in str(error) else str(error)) from error
        return [_value(shape, labels) for shape, labels in zip(shapes, found, strict=True)]

    def returned(self, outputs: Sequence[Value]) -> None:
        """Refuse an image that is returned as a dense layer made it: whether PyTorch's is the same, nobody knows."""
        for value in outputs:
            for label in map(self.ties.resolve, value.labels):
                if label and isinstance(label[0].of, WeightAxis) and not label[0].whole:
                    raise UnknownOrder("a dense layer's output is returned as several axes")

    def join(self, values: Sequence[Value], say: Callable) -> Value:
        """Return what holds of every one of `values`."""
        step = f"{say('').primitive} at {say('').place}"
        return _value(values[0].shape, meet_all(self.ties, step, values, values[0].shape))

    def gate(self, value: Value, condition: Value, say: Callable) -> Value:
        """Which branch was taken moves no axis."""
        del condition, say
        return value

    def member(self, value: Value, say: Callable) -> Value:
        """Return one entry along axis 0."""
        del say
        return _value(value.shape[1:], value.labels[1:])

    def listed(self, value: Value, length: int) -> Value:
        """Return `length` such entries, stacked."""
        return _value((length, *value.shape), (None, *value.labels))

    def widen(self, value: Value) -> Value:
        """Forget the labels."""
        return _value(value.shape, [whole(Step("a loop"), size) for size in value.shape])

    def alike(self, a: Value, b: Value) -> bool:
        """Return whether two values say the same."""
        return all(self.ties.resolve(x) == self.ties.resolve(y) for x, y in zip(a.labels, b.labels, strict=True))

    def constant(self, shape: tuple[int, ...], compute: Callable | None, repeated: Collection[int] = ()) -> Value:
        """Return an array that depends on no input and no weight."""
        del repeated
        return Value(tuple(shape), (None,) * len(shape), compute or (lambda: None))


def _value(shape: Sequence[int], labels: Sequence[Label]) -> Value:
    return Value(tuple(shape), tuple(alone([() if n == 1 else label for n, label in zip(shape, labels, strict=True)])))
