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
      TypeError: if `model` is no NNX module.
      ValueError: if a weight has no counterpart in PyTorch, or its order there cannot be told.
    """
    if not isinstance(model, nnx.Module):
        raise TypeError(f"{where}: model must be a Flax NNX module; got {type(model).__name__}")
    held: dict[int, _Held] = {}
    for path, name, owner, variable in _variables(model, (), (), ()):
        entry = held.setdefault(id(variable), _Held(variable, owner, path[-1], [], []))
        entry.paths.append(path)
        entry.names.append(".".join((*name, _NAMES.get(path[-1], path[-1]) if isinstance(owner, _KNOWN) else path[-1])))
    for entry in held.values():
        _check(where, entry)
    state = {array_path(keys) for keys, _ in jax.tree_util.tree_leaves_with_path(nnx.state(model))}
    paths = {key: next(path for path in entry.paths if path in state) for key, entry in held.items()}
    dense = [paths[key] for key, e in held.items() if isinstance(e.owner, _DENSE) and e.attribute == "kernel"]
    own = any(not isinstance(entry.owner, _KNOWN) for entry in held.values())
    known = x is not None or getattr(model, "input_shape", None) is not None
    orders = torch_orders(where, model, x, dense) if dense or own or known else {}
    weights = [_weight(where, entry, paths[key], orders) for key, entry in held.items()]
    stems = [
        name.removesuffix("running_mean")
        for e in held.values()
        for name in e.names
        if isinstance(e.owner, nnx.BatchNorm) and e.attribute == "mean"
    ]
    return weights, [stem + COUNTER for stem in stems]


def _variables(
    node: Any, path: Path, name: tuple[str, ...], above: tuple[int, ...]
) -> Iterator[tuple[Path, tuple[str, ...], Any, nnx.Variable]]:
    """Every way to a variable that is a weight: its path, the name of its module in PyTorch, the module, the variable.

    `above` are the nodes on the way, so that a module that holds its parent ends the search.
    """
    above = (*above, id(node))
    for key, child in _children(node):
        below = (*path, str(key))
        if isinstance(child, nnx.Variable):
            if not isinstance(child, (nnx.RngState, nnx.Intermediate)):
                yield below, name, node, child
        elif isinstance(child, (nnx.Pytree, list, tuple, dict)) and id(child) not in above:
            dropped = isinstance(node, nnx.Sequential) and key == "layers"
            yield from _variables(child, below, name if dropped else (*name, str(key)), above)


def _children(node: Any) -> list[tuple[Any, Any]]:
    if isinstance(node, (list, tuple)):
        return list(enumerate(node))
    attributes = node if isinstance(node, dict) else vars(node)
    return [(key, child) for key, child in attributes.items() if not str(key).startswith("_pytree__")]


def _check(where: str, entry: _Held) -> None:
    """Refuse what PyTorch has no layer for."""
    owner, name = entry.owner, entry.names[0]
    kind, home = type(owner).__name__, type(owner).__module__
    if not isinstance(owner, (*_KNOWN, nnx.List, nnx.Dict)) and home.startswith(("flax.", "jaxconv.nn.")):
        raise ValueError(
            f"{where}: {'.'.join(entry.paths[0])} belongs to a {kind}, which PyTorch has no layer for; "
            f"give the weights to that module by hand"
        )
    if isinstance(owner, nn.Conv) and (owner.symmetry or owner.weight_standardization):
        option = "symmetry" if owner.symmetry else "weight_standardization"
        raise ValueError(
            f"{where}: {'.'.join(entry.paths[0])} is changed by {option}={getattr(owner, option)!r} before use, "
            f"which no layer of PyTorch does; build the model without it"
        )
    if isinstance(owner, _NORMS) and entry.variable.ndim != 1:
        raise ValueError(
            f"{where}: {name} has shape {entry.variable.shape} here, and PyTorch would order its axes otherwise; "
            f"only norms with one axis of features have a counterpart"
        )


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
    if mask is not None:
        mask = np.asarray(mask)
        if not np.isin(mask, (0, 1)).all():
            raise ValueError(
                f"{where}: the mask of {'.'.join(path[:-1])} scales its kernel, which no layer of PyTorch does; "
                f"a mask of zeros and ones has a counterpart"
            )
    return Weight(names, variable, axes, flipped, mine, mask)
