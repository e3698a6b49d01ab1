"""A number for what an array holds, the same wherever its parts lie."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array


def checksums(arrays: Sequence[Array]) -> list[int]:
    """Return 32 bits for each array: the sum of a hash of every word's bits and place.

    Sums of integers that wrap around do not depend on their order, so the number is the same on any mesh and for any
    files; an array that is spread over processes is summed where it lies. One changed word changes the sum for certain,
    several go unseen once in 2**32 times.

    Args:
      arrays: of any shape and type, also random keys; in several processes, of any global sharding.
    Example:
      >>> checksums([jnp.arange(3), jnp.arange(3)[::-1]])
      [3235121960, 74227812]
    """
    # NumPy, although XLA is faster: to compile a program for each shape would take longer than a run's snapshots.
    sums = np.array([_sum(array) for array in arrays], np.uint32)
    if jax.process_count() > 1:
        from jax.experimental import multihost_utils

        sums = multihost_utils.process_allgather(sums).sum(axis=0, dtype=np.uint32)
    return sums.tolist()


def _sum(array: Array) -> int:
    if jnp.issubdtype(array.dtype, jax.dtypes.prng_key):
        array = jax.random.key_data(array)
    parts = [shard for shard in array.addressable_shards if shard.replica_id == 0]
    return sum(_sum_of_part(np.asarray(part.data), part.index, array.shape) for part in parts) % 2**32


def _sum_of_part(part: np.ndarray, index: Sequence[slice], shape: Sequence[int]) -> int:
    """Sum over the `part` that lies at `index` in an array of this shape."""
    words = np.ascontiguousarray(part).reshape(*part.shape, 1).view(f"u{min(part.dtype.itemsize, 4)}")
    ranges = [range(*where.indices(size)) for where, size in zip(index, shape, strict=True)]
    place = np.zeros((), np.uint32)
    for along, size in zip([*ranges, range(words.shape[-1])], [*shape, words.shape[-1]], strict=True):
        place = place[..., np.newaxis] * np.uint32(size % 2**32) + np.arange(along.start, along.stop, dtype=np.uint32)
    place *= np.uint32(0x9E3779B9)  # odd, so that no two places of an array below 2**32 words meet
    place += words
    return int(_mix(place).sum(dtype=np.uint32))


def _mix(x: np.ndarray) -> np.ndarray:
    """Hash `x` in place, such that no two numbers meet: a plain product would not see two signs that change.

    Source: Appleby's MurmurHash3, fmix32.
    """
    x ^= x >> 16
    x *= np.uint32(0x85EBCA6B)
    x ^= x >> 13
    x *= np.uint32(0xC2B2AE35)
    x ^= x >> 16
    return x
