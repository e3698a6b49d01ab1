"""The weights of a Flax NNX model, from PyTorch and to PyTorch.

Names and layouts follow from the model by these rules, which `load_torch` and `save_torch` share.

- A name is the path to the variable, without the `layers` of `nnx.Sequential`: `features.layers.0.kernel` is
  `features.0.weight`. Kernels, scales and embeddings are `weight`; the `mean` and `var` of BatchNorm `running_mean` and
  `running_var`. A variable of a module of your own keeps its name and its axes.
- A kernel `*window c_in/groups c_out` is `c_out c_in/groups *window` there, one of `nn.ConvTranspose`, `*window
  c_out/groups c_in`, is `c_in c_out/groups *window`, and a dense one `c_out c_in`.
- An image is `*batch *space c` here and `*batch c *space` there, also when it is flattened: the axis of a weight that
  meets a flattened image is permuted. That it does is found by following the image through the model's program.
- What is no weight is not written: PyTorch's `momentum` 0.1 is Flax's 0.9. PyTorch's `eps` is 1e-5, for RMSNorm the
  machine epsilon of the input's type; Flax's is 1e-5 for BatchNorm and 1e-6 for the others. In training both normalise
  alike, but Flax averages the variance of the batch, and PyTorch n / (n - 1) times that, with n pixels a channel, into
  `running_var`.
"""

import os
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxconv.inspect.torch.files import Entry, Tensors, check_ending, tensors, write
from jaxconv.inspect.torch.layout import Weight, torch_weights
from jaxconv.naming import named

_PREFIXES = ("module.", "_orig_mod.")  # DataParallel's and torch.compile's
_SHOWN = 100  # lines of what does not fit
_MANY = 20  # near names are looked for as long as there are no more missing: the search is quadratic


@named
def load_torch(model: nnx.Module, source: str | os.PathLike[str] | Mapping[str, Any], *, x: Any = None) -> None:
    """Give `model` the weights of a PyTorch model with the same layers under the same names.

    The model is changed in place, as by `nnx.update`; if anything does not fit, it is left as it was. Numbers are cast
    to the type of the parameter.

    Args:
      model: a Flax NNX module; `nnx.eval_shape` makes one without weights, which takes less memory.
      source: a `.safetensors`, `.pth` or `.pt` file, or a state dict of tensors or arrays. The state dict may be the
        entry `state_dict`, `model_state_dict` or `model` of a checkpoint, and may have `module.` or `_orig_mod.`
        before every name. From `.pth` and `.pt` only tensors are read, never code.
      x: an example of the model's input, a `jax.ShapeDtypeStruct` or a shape; a tuple of arrays for several inputs.
        By default one of the model's `input_shape`; a chain (`nnx.Sequential`) of convolutions, norms and functions of
        `jax.nn` needs none. The last axis holds channels, so `B T F` is read as images with one spatial axis.
    Raises:
      ValueError: if the file is damaged; if names, shapes or types do not fit, up to 100 of them in one message; if a
        weight is not finite; if a layer has no counterpart; or if the path of an image cannot be followed, as where a
        dense layer's output is reshaped to an image and pooled or normalised before a convolution takes it, where
        flattened images are concatenated, or where height and width are swapped before a flatten.
      FileNotFoundError: if there is no such file.
      ImportError: if it needs a package that is not installed.
      TypeError: if `model`, `source` or `x` is of the wrong kind.
    Example:
      >>> load_torch(model, torch_state(model))
    """
    weights, counters = torch_weights("load_torch", model, x)
    found = _without_prefix(tensors("load_torch", source), weights)
    title = f"load_torch: {found.title} does not fit {type(model).__name__}, which is unchanged"
    _refuse(f"{title}; rename the entries or build the model that they belong to", _misfits(weights, counters, found))
    troubles: list[str] = []
    arrays = [_array(weight, found, troubles) for weight in weights]
    _refuse(f"{title}; train or download the weights again", troubles)
    _assign([weight.variable for weight in weights], arrays)


@named
def torch_state(model: nnx.Module, *, x: Any = None) -> dict[str, np.ndarray]:
    """Return the weights of `model` as PyTorch names them and lays them out.

    Args:
      model: a Flax NNX module.
      x: as in `load_torch`.
    Returns:
      What `load_state_dict` takes once `torch.from_numpy` has made tensors of it.
    Raises:
      ValueError, TypeError: as in `load_torch`, if a layer or the path of an image has no counterpart.
    Example:
      >>> torch_state(model)["features.0.weight"].shape
      (6, 1, 5, 5)
    """
    weights, counters = torch_weights("torch_state", model, x)
    state = {}
    for weight in weights:
        value = weight.variable.get_value()
        if isinstance(value, jax.ShapeDtypeStruct):
            raise ValueError(f"torch_state: {weight.names[0]} has a shape but no numbers; load or draw them first")
        array = np.array(weight.to_torch(np.asarray(value)), order="C")
        state |= dict.fromkeys(weight.names, array)
    return state | {name: np.zeros((), np.int64) for name in counters}


@named
def save_torch(model: nnx.Module, path: str | os.PathLike[str], *, x: Any = None) -> None:
    """Write the weights of `model` into a file that PyTorch's `load_state_dict` takes, strictly.

    Args:
      model: a Flax NNX module.
      path: ends in `.safetensors`, `.pth` or `.pt`; an old file is replaced in one step.
      x: as in `load_torch`.
    Raises:
      ValueError, TypeError: as in `load_torch`, if a layer or the path of an image has no counterpart.
      OSError: if the file cannot be written; an old one is then still whole.
      ImportError: if it needs a package that is not installed.
    Example:
      >>> save_torch(model, "lenet.safetensors")
      >>> load_torch(model, "lenet.safetensors")
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"save_torch: path must be a str or an os.PathLike; got {type(path).__name__}; name a file")
    check_ending("save_torch", f"path={os.fspath(path)!r}", Path(path))
    write("save_torch", Path(path), torch_state(model, x=x))


def _without_prefix(found: Tensors, weights: list[Weight]) -> Tensors:
    """The entries without what wrappers write before every name."""
    for prefix in _PREFIXES:
        theirs, ours = (name.startswith(prefix) for name in found.entries), (w.names[0] for w in weights)
        if found.entries and all(theirs) and not all(name.startswith(prefix) for name in ours):
            entries = {name.removeprefix(prefix): entry for name, entry in found.entries.items()}
            found = Tensors(found.title, entries, lambda name, read=found.read, prefix=prefix: read(prefix + name))
    return found


def _assign(variables: list[nnx.Variable], arrays: Sequence[Any]) -> None:
    old = [variable.get_raw_value() for variable in variables]
    try:
        for variable, array in zip(variables, arrays, strict=True):
            variable.set_value(array)
    except BaseException:  # a hook of the user's, or Ctrl-C: all of the weights are loaded or none
        for variable, value in zip(variables, old, strict=True):
            variable.set_raw_value(value)
        raise


def _refuse(title: str, troubles: list[str]) -> None:
    if troubles:
        more = [f"and {len(troubles) - _SHOWN} more"] if len(troubles) > _SHOWN else []
        raise ValueError("\n  ".join([f"{title}:", *troubles[:_SHOWN], *more]))


def _misfits(weights: list[Weight], counters: list[str], found: Tensors) -> list[str]:
    """What is wrong before any number is read: names, shapes, types."""
    entries = found.entries
    expected = {name for weight in weights for name in weight.names}
    missing = [weight for weight in weights if not any(name in entries for name in weight.names)]
    spare = {n: e for n, e in entries.items() if n not in expected and n not in counters}
    troubles = [_missing(weight, spare if len(missing) <= _MANY else {}) for weight in missing]
    troubles += [f"{name} {entry.shape} has no place in the model" for name, entry in spare.items()]
    for weight in weights:
        for name in weight.names:
            if name in entries:
                troubles += _misfit(name, entries[name], weight)
    return troubles


def _missing(weight: Weight, spare: Mapping[str, Entry]) -> str:
    name, shape = weight.names[0], weight.shape
    near = get_close_matches(name, [other for other, entry in spare.items() if entry.shape == shape], n=1, cutoff=0.3)
    return f"{name} {shape} is missing" + (f"; is it {near[0]}?" if near else "")


def _misfit(name: str, entry: Entry, weight: Weight) -> list[str]:
    troubles = []
    if entry.shape != weight.shape:
        troubles.append(f"{name} has shape {entry.shape}, but the model takes {weight.shape}")
    dtype = weight.variable.dtype
    takes = ["real"] if jnp.issubdtype(dtype, jnp.inexact) else ["whole"]
    takes += ["complex"] if jnp.issubdtype(dtype, jnp.complexfloating) else []
    if entry.kind not in takes:
        troubles.append(f"{name} holds {entry.kind} numbers, but the model takes {' or '.join(takes)} ones ({dtype})")
    return troubles


def _array(weight: Weight, found: Tensors, troubles: list[str]) -> jax.Array | None:
    """The weight as the model wants it, in its type and on its devices; or None, and why not."""
    names = [name for name in weight.names if name in found.entries]
    theirs = [found.read(name) for name in names]
    for name, other in zip(names[1:], theirs[1:], strict=True):
        if not np.array_equal(other, theirs[0]):
            troubles.append(f"{names[0]} and {name} differ, but are one weight of the model")
    old = weight.variable.get_value()
    given = weight.from_torch(theirs[0])
    with np.errstate(over="ignore"):  # what is too large for the type is infinite, and refused below
        array = np.array(given, old.dtype, order="C")
    if not jnp.issubdtype(old.dtype, jnp.inexact) and (wrong := np.count_nonzero(array != given)):
        troubles.append(f"{names[0]} holds numbers that {old.dtype} does not: {wrong} of {array.size}")
    if names[0].endswith("running_var") and isinstance(weight.variable, nnx.BatchStat) and (array < 0).any():
        troubles.append(f"{names[0]} holds negative numbers, which are no variances")
    if weight.mask is not None and array[weight.mask == 0].any():
        troubles.append(f"{names[0]} is not zero where the model's mask cuts connections")
    if (wrong := array.size - np.isfinite(array).sum()) > 0:
        troubles.append(f"{names[0]} holds NaN or infinite numbers as {old.dtype}: {wrong} of {array.size}")
    if troubles:
        return None
    committed = isinstance(old, jax.Array) and old.committed
    new = jax.device_put(array, old.sharding if committed else None)
    if new.dtype != old.dtype:
        troubles.append(f"{names[0]} is {old.dtype} in the model, which needs jax.enable_x64")
    return new
