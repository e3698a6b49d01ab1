"""The list of a state's arrays: path, type, shape and checksum of each, by which a state is told from any other.

An entry is a dictionary that JSON can hold; `impl` names what draws from random keys, and is `None` for other arrays.
"""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import Sharding, SingleDeviceSharding

from jaxconv.train.disk.bits import checksums

Entry = Mapping[str, Any]


def entries(tree: Any) -> list[Entry]:
    """Return an entry without checksum for each leaf, in JAX's order."""
    leaves = jax.tree.leaves_with_path(tree)
    return [
        {
            # Flax's variables are nodes with a `value`, which says nothing to users.
            "path": jax.tree_util.keystr(path, simple=True, separator=".").removesuffix(".value"),
            "type": str(leaf.dtype),
            "shape": list(leaf.shape),
        }
        for path, leaf in leaves
    ]


def pack(state: Any) -> tuple[Sequence[Entry], list[Array | np.ndarray]]:
    """Return the entries of `state`, and arrays of the kinds that Orbax can write."""
    leaves = jax.tree.leaves(state)
    facts = zip(entries(state), leaves, checksums(leaves), strict=True)
    packed = [{**entry, "impl": _implementation(leaf), "sum": total} for entry, leaf, total in facts]
    return packed, [_data(leaf) for leaf in leaves]


def unpack(packed: Sequence[Entry], arrays: Sequence[Array], shardings: Sequence[Sharding]) -> list[Array]:
    """Return the leaves of which `pack` made `arrays`.

    Raises:
      ValueError: if one is not what was saved.
    """
    leaves = [_leaf(*facts) for facts in zip(packed, arrays, shardings, strict=True)]
    for entry, leaf, total in zip(packed, leaves, checksums(leaves), strict=True):
        if total != entry["sum"] or (str(leaf.dtype), list(leaf.shape)) != (entry["type"], entry["shape"]):
            raise ValueError(f"its {entry['path']} is not what was saved")
    return leaves


def difference(saved: Sequence[Entry], wanted: Sequence[Entry]) -> tuple[str, str, str] | None:
    """Return the first path whose array differs, and what it is in `saved` and in `wanted`."""
    for one, other in zip_longest(saved, wanted):
        if _told(one) != _told(other) or one["path"] != other["path"]:
            # Of two paths in one place, the one that only `wanted` has is the news.
            known = {entry["path"] for entry in saved}
            path = other["path"] if other and (one is None or other["path"] not in known) else one["path"]
            there, here = (
                _told(next((entry for entry in side if entry["path"] == path), None)) for side in (saved, wanted)
            )
            return path, there, here
    return None


def sharding_of(leaf: Any) -> Sharding:
    """Return where `leaf` lies or, if it does not say, the first device."""
    found = getattr(leaf, "sharding", None)
    return SingleDeviceSharding(jax.local_devices()[0]) if found is None else found


def _told(entry: Entry | None) -> str:
    return "absent" if entry is None else f"{entry['type']}{entry['shape']}"


def _implementation(leaf: Array) -> str | None:
    return str(jax.random.key_impl(leaf)) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else None


def _data(leaf: Array) -> Array | np.ndarray:
    if not leaf.size:
        return np.zeros(1, np.uint8)  # Orbax refuses arrays without elements
    return jax.random.key_data(leaf) if _implementation(leaf) else leaf


def _leaf(entry: Entry, array: Array, sharding: Sharding) -> Array:
    if 0 not in entry["shape"]:
        return jax.random.wrap_key_data(array, impl=entry["impl"]) if entry["impl"] else array

    def empty() -> Array:
        if entry["impl"]:
            return jax.random.split(jax.random.key(0, impl=entry["impl"]), entry["shape"])
        return jnp.zeros(entry["shape"], entry["type"])

    return jax.jit(empty, out_shardings=sharding)()  # jit: `sharding` may lie on devices of other processes
