"""How PyTorch names a model's weights, and lays each of them out."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
from flax import nnx

from jaxconv import nn
from jaxconv.inspect.torch.axes import Order, WeightAxis
from jaxconv.inspect.torch.order import Path, array_path, torch_orders

_CONVOLUTIONS = (nn.Conv, nn.ConvTranspose, nnx.Conv, nnx.ConvTranspose)
_DENSE = (nn.Dense, nnx.Linear)
_NORMS = (nnx.BatchNorm, nnx.GroupNorm, nnx.InstanceNorm, nnx.LayerNorm, nnx.RMSNorm)
_KNOWN = (*_CONVOLUTIONS, *_DENSE, *_NORMS, nnx.Embed)
_CONTAINERS = (nnx.List, nnx.Dict, nnx.Sequential, nn.DepthwiseConv, nn.SeparableConv)
_NO_WEIGHTS = (nnx.RngState, nnx.Intermediate)
_NAMES = {"kernel": "weight", "scale": "weight", "embedding": "weight", "mean": "running_mean", "var": "running_var"}
COUNTER = "num_batches_tracked"  # PyTorch's BatchNorm counts its batches; without use where momentum is a number


@dataclass(frozen=True)
class Weight:
    """A variable of the model, and its form in PyTorch.

    Attributes:
      names: what PyTorch calls it; several where modules share it.
      variable: where the model keeps it.
      axes: which axis of ours PyTorch has first, second, ...
      flipped: whether the window is turned round, as in Flax's transposed convolution.
      orders: for an axis of ours that meets a flattened image, how PyTorch orders it.
      mask: zeros where a connection is cut.
    """

    names: tuple[str, ...]
    variable: nnx.Variable
    axes: tuple[int, ...]
    flipped: bool = False
    orders: Mapping[int, Order] = field(default_factory=dict)
    mask: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """PyTorch's."""
        return tuple(self.variable.shape[axis] for axis in self.axes)

    def to_torch(self, array: np.ndarray) -> np.ndarray:
        """Our array as PyTorch has it."""
        array = array if self.mask is None else array * self.mask.astype(array.dtype)
        for axis, order in self.orders.items():
            array = _reordered(array, axis, order.sizes, order.torch)
        return self._flip(array).transpose(self.axes)

    def from_torch(self, array: np.ndarray) -> np.ndarray:
        """PyTorch's array as we have it."""
        array = self._flip(array.transpose(np.argsort(self.axes)))
        for axis, order in self.orders.items():
            sizes = [order.sizes[k] for k in order.torch]
            array = _reordered(array, axis, sizes, [int(k) for k in np.argsort(order.torch)])
        return array

    def _flip(self, array: np.ndarray) -> np.ndarray:
        return np.flip(array, tuple(range(array.ndim - 2))) if self.flipped else array


def _reordered(array: np.ndarray, axis: int, sizes: Sequence[int], order: Sequence[int]) -> np.ndarray:
    """`array` with its `axis`, which holds axes of `sizes`, laid out in another order of them."""
    before, after = array.shape[:axis], array.shape[axis + 1 :]
    turned = [*range(axis), *(axis + k for k in order), *range(axis + len(sizes), array.ndim - 1 + len(sizes))]
    return array.reshape(*before, *sizes, *after).transpose(turned).reshape(*before, math.prod(sizes), *after)


@dataclass
class _Held:
    """A variable, the module that holds it, as which attribute, and every way to it."""

    variable: nnx.Variable
    owner: Any
    attribute: str
    paths: list[Path]
    names: list[str]


def torch_weights(where: str, model: nnx.Module, x: Any) -> tuple[list[Weight], list[str]]:
    """The weights of `model`, and the names of the counters that PyTorch's BatchNorm has besides.

    Raises:
      TypeError: if `model` is no NNX module, or `x` no input.
      ValueError: if a weight has no counterpart in PyTorch, or its order there cannot be told.
    """
    if not isinstance(model, nnx.Module):
        raise TypeError(f"{where}: model must be a Flax NNX module; got {type(model).__name__}")
    held: dict[int, _Held] = {}
    for path, name, above, variable in _variables(model, (), (), ()):
        _check(where, path, above, variable)
        owner = above[-1]
        entry = held.setdefault(id(variable), _Held(variable, owner, path[-1], [], []))
        entry.paths.append(path)
        entry.names.append(".".join((*name, _NAMES.get(path[-1], path[-1]) if isinstance(owner, _KNOWN) else path[-1])))
    paths = _paths(where, model, held)
    dense = [paths[key] for key, e in held.items() if isinstance(e.owner, _DENSE) and e.attribute == "kernel"]
    orders = {} if x is None and _is_plain(model) else torch_orders(where, model, x, paths.values(), dense)
    weights = [_weight(where, entry, paths[key], orders) for key, entry in held.items()]
    stems = [
        name.removesuffix("running_mean")
        for e in held.values()
        for name in e.names
        if isinstance(e.owner, nnx.BatchNorm) and e.attribute == "mean"
    ]
    return weights, [stem + COUNTER for stem in stems]


def _variables(
    node: Any, path: Path, name: tuple[str, ...], above: tuple[Any, ...]
) -> Iterator[tuple[Path, tuple[str, ...], tuple[Any, ...], nnx.Variable]]:
    """Every way to a variable that is a weight: its path, its module's name in PyTorch, the nodes above, the variable.

    A module that holds one of the nodes `above` it ends the search.
    """
    above = (*above, node)
    for key, child in _children(node):
        below = (*path, str(key))
        if isinstance(child, nnx.Variable):
            if not isinstance(child, _NO_WEIGHTS):
                yield below, name, above, child
        elif isinstance(child, (nnx.Pytree, list, tuple, dict)) and all(child is not other for other in above):
            dropped = isinstance(node, nnx.Sequential) and key == "layers"
            yield from _variables(child, below, name if dropped else (*name, str(key)), above)


def _children(node: Any) -> list[tuple[Any, Any]]:
    if isinstance(node, (list, tuple)):
        return list(enumerate(node))
    attributes = node if isinstance(node, dict) else vars(node)
    return [(key, child) for key, child in attributes.items() if not str(key).startswith("_pytree__")]


def _check(where: str, path: Path, above: Sequence[Any], variable: nnx.Variable) -> None:
    """Refuse what PyTorch has no counterpart for."""
    owner, name, value = above[-1], ".".join(path), variable.get_value()
    for module in above:
        ours = type(module).__module__.startswith(("flax.", "jaxconv.nn."))
        if ours and not isinstance(module, (*_KNOWN, *_CONTAINERS)):
            raise ValueError(
                f"{where}: {name} belongs to a {type(module).__name__}, which is no layer of PyTorch with the same "
                f"weights; give the weights to that module by hand"
            )
    if not (hasattr(value, "shape") and hasattr(value, "dtype")):
        raise ValueError(f"{where}: {name} holds a {type(value).__name__}, but a weight is one array; make it one")
    if isinstance(owner, nn.Conv) and (owner.symmetry or owner.weight_standardization):
        option = "symmetry" if owner.symmetry else "weight_standardization"
        raise ValueError(
            f"{where}: {name} is changed by {option}={getattr(owner, option)!r} before use, "
            f"which no layer of PyTorch does; build the model without it"
        )
    if isinstance(owner, _KNOWN) and value.ndim != (rank := _rank(owner, path[-1], value.ndim)):
        raise ValueError(
            f"{where}: {name} has shape {value.shape}, but that of a {type(owner).__name__} is {rank}-dimensional in "
            f"PyTorch; keep stacked modules in a list"
        )


def _rank(owner: Any, attribute: str, otherwise: int) -> int:
    """How many axes a weight of a known module has in PyTorch; what else a user keeps there is the user's business."""
    if attribute == "kernel" and isinstance(owner, _CONVOLUTIONS):
        return len(owner.kernel_size) + 2
    ranks = {"kernel": 2, "embedding": 2, "bias": 1, "scale": 1, "mean": 1, "var": 1}
    return ranks.get(attribute, otherwise)


def _is_plain(layer: Any) -> bool:
    """Whether no image is flattened in it: a chain of convolutions, norms and activations."""
    if type(layer) is nnx.Sequential:
        return all(map(_is_plain, layer.layers))
    known = type(layer) in (*_CONVOLUTIONS, *_NORMS)
    return known or any(layer is function for room in (jax.nn, nnx, nn) for function in vars(room).values())


def _paths(where: str, model: nnx.Module, held: Mapping[int, _Held]) -> dict[int, Path]:
    """The path that Flax gives each variable, once it is sure that each has a name of its own and none is left out."""
    taken: dict[str, tuple[_Held, Path]] = {}
    for entry in held.values():
        for path, name in zip(entry.paths, entry.names, strict=True):
            other, there = taken.setdefault(name, (entry, path))
            if other is not entry:
                raise ValueError(
                    f"{where}: {'.'.join(there)} and {'.'.join(path)} are both {name} in PyTorch; rename one of them"
                )
    weights = nnx.state(model, nnx.All(nnx.Variable, nnx.Not(_NO_WEIGHTS)))
    state = {array_path(keys) for keys, _ in jax.tree_util.tree_leaves_with_path(weights)}
    if unmet := sorted(state.difference(path for entry in held.values() for path in entry.paths)):
        raise ValueError(
            f"{where}: {', '.join('.'.join(path) for path in unmet)} stand in a container that gives them no name in "
            f"PyTorch; keep them in modules, lists or dicts"
        )
    return {key: next(path for path in entry.paths if path in state) for key, entry in held.items()}


def _weight(where: str, entry: _Held, path: Path, orders: Mapping[WeightAxis, Order]) -> Weight:
    owner, variable, rank = entry.owner, entry.variable, entry.variable.ndim
    names = tuple(entry.names)
    mine = {key.axis: order for key, order in orders.items() if key.path == path}
    if entry.attribute != "kernel" or not isinstance(owner, (*_CONVOLUTIONS, *_DENSE)):
        return Weight(names, variable, tuple(range(rank)), orders=mine)
    axes = (rank - 1, rank - 2, *range(rank - 2))
    flipped = isinstance(owner, nnx.ConvTranspose) and not owner.transpose_kernel
    if flipped:
        axes = (rank - 2, rank - 1, *range(rank - 2))
    mask = getattr(owner, "mask", None)
    if isinstance(mask, jax.ShapeDtypeStruct):
        raise ValueError(
            f"{where}: the mask of {'.'.join(path[:-1])} has a shape but no numbers; build it outside of nnx.eval_shape"
        )
    if mask is not None:
        mask = np.asarray(mask)
        if not np.isin(mask, (0, 1)).all():
            raise ValueError(
                f"{where}: the mask of {'.'.join(path[:-1])} scales its kernel, which no layer of PyTorch does; "
                f"a mask of zeros and ones has a counterpart"
            )
    return Weight(names, variable, axes, flipped, mine, mask)
