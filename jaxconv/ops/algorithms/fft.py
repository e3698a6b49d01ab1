"""Convolution of long windows by fast Fourier transforms, for which the length of the window is free.

A segment of the input and the kernel are transformed, multiplied channel by channel and summed, and transformed back:
per pixel and channel log(n) operations for the transforms and c_in * c_out / groups for the products, where the sum
over taps has `taps` times that. The input is cut into overlapping segments (overlap-save; Oppenheim & Schafer,
section 8.7.3), the first axis only, so that the transforms stay in the cache.

Numbers of up to 32 bits are transformed in 64, and a result below the error of that is zero, so whole numbers come out
to the bit and all others as exact as float32 can say. A transform of n numbers errs by about 7 * log2(n) * u of its
norm at most (Higham, Accuracy and Stability, 24.2; u is 1.1e-16), so no output errs by more than about 20 * log2(n) * u
* |x| * |kernel|, the norms of what is transformed. float64 itself is computed on request only: beside a loud place in
the same segment a quiet one loses digits. A NaN or an infinity spoils its whole segment.
"""

import math
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jaxconv.geometry import Axis
from jaxconv.ops.algorithms.problem import Problem, Solve, as_forward
from jaxconv.ops.algorithms.windows import LEAD, as_members, by_images, from_members, lengthened, spread

MOST = 512 * 2**20  # bytes of a transformed kernel
CHUNK = 128 * 2**20  # bytes of transformed images at a time
SEGMENTS = 64  # at most; each is a slice to compile
MANY = 16  # input channels of a group


def refuses(problem: Problem) -> str | None:
    """Integers, whose sums must stay exact, and kernels too large in the frequency domain."""
    if not jnp.issubdtype(problem.dtype, jnp.inexact):
        return f"rounds, and {jnp.dtype(problem.dtype)} must be exact"
    if len(problem.axes) > 3:
        return f"transforms 1 to 3 spatial axes, not {len(problem.axes)}"
    plan = _lengths(problem.windows)
    if math.prod(plan) * problem.c_in * problem.c_out // problem.groups * problem.members * 16 > MOST:
        return f"would need more than {MOST // 2**20} MiB for the transformed kernel"
    return None


def contract(problem: Problem, a: jax.Array, b: jax.Array, solve: Solve) -> jax.Array:
    """Transform, multiply, transform back."""
    with jax.enable_x64(True):
        wide = jnp.dtype(jnp.complex128 if jnp.issubdtype(problem.dtype, jnp.complexfloating) else jnp.float64)
        problem, a, b = as_forward(replace(problem, dtype=wide), a.astype(wide), b.astype(wide))
        alone, x, other = as_members(problem, a, b)
        lengths = _lengths(alone.axes)
        image = 16 * math.prod(lengths) * _number(alone.axes, lengths) * (alone.c_in + alone.c_out) * alone.members
        found = by_images(alone, max(1, CHUNK // image), partial(_whole, lengths), x, other, wide)
        return from_members(problem, found).astype(problem.sums)


def _whole(lengths: tuple[int, ...], problem: Problem, x: jax.Array, other: jax.Array) -> jax.Array:
    x = _segments(spread(x, problem.axes), problem.axes, lengths)
    return (_kernel if problem.solve == "kernel" else _out)(problem, x, other, lengths)


def _number(axes: tuple[Axis, ...], lengths: tuple[int, ...]) -> int:
    """How many segments there are."""
    return -(-(axes[0].slack + 1) // _hop(axes[0], lengths[0]))


def _without_noise(problem: Problem, found: jax.Array, x: jax.Array, other: jax.Array, lengths) -> jax.Array:
    """Zero where `found`, member batch ..., is no more than what the transforms of its batch may be off by."""
    if problem.sums == found.dtype:
        return found
    unit = float(jnp.finfo(found.dtype).eps) / 2
    loud = _norm(x, found.shape[1] if problem.solve == "out" else 1) * _norm(other, 1)
    off = 20 * math.log2(max(2, math.prod(lengths))) * unit * loud
    return jnp.where(jnp.abs(found) <= off.reshape(*off.shape, *[1] * (found.ndim - 2)), 0, found)


def _norm(array: jax.Array, parts: int) -> jax.Array:
    return jnp.linalg.norm(array.reshape(array.shape[0], parts, -1), axis=-1)


def _lengths(axes: tuple[Axis, ...]) -> tuple[int, ...]:
    """Of the transforms: the padded input or, on the first axis, a few times the window in at most `SEGMENTS` parts."""
    whole = [axis.slack + axis.reach for axis in axes]
    first = max(4 * axes[0].reach, -(-axes[0].slack // SEGMENTS) + axes[0].reach)
    return tuple(_fast(min(length, first) if n == 0 else length) for n, length in enumerate(whole))


def _fast(length: int) -> int:
    """The next length with small factors only."""
    powers = (2**n * factor for n in range(length.bit_length() + 1) for factor in (1, 3, 5, 9))
    return min(size for size in powers if size >= length)


def _hop(axis: Axis, length: int) -> int:
    """Positions between two segments: those whose window lies in one."""
    return length - axis.reach + 1


def _segments(wide: jax.Array, axes: tuple[Axis, ...], lengths: tuple[int, ...]) -> jax.Array:
    """Parts of the first axis as more images: member (segment * batch) channel *length."""
    hop, number = _hop(axes[0], lengths[0]), _number(axes, lengths)
    total = (number - 1) * hop + lengths[0]
    wide = lengthened(wide, LEAD, total)
    parts = [lax.slice_in_dim(wide, n * hop, n * hop + lengths[0], axis=LEAD) for n in range(number)]
    return jnp.moveaxis(jnp.concatenate(parts, 1), -1, 2)


def _out(problem: Problem, x: jax.Array, kernel: jax.Array, lengths: tuple[int, ...]) -> jax.Array:
    spread_kernel = lax.rev(_apart(kernel, 1, [axis.kernel_dilation for axis in problem.axes]), _space(kernel, 1))
    there, back = _transforms(problem, lengths)
    product = _mixed("mbi mio mbo", there(x), there(jnp.moveaxis(spread_kernel, (-2, -1), (1, 2))))
    found = _without_noise(problem, back(product), x, kernel, lengths)
    found = jnp.moveaxis(found, 2, -1)  # member (segment batch) *length c_out
    for number, axis in enumerate(problem.axes):  # the others wrap around
        found = lax.slice_in_dim(found, axis.reach - 1, None, axis=LEAD + number)
    first, *others = problem.axes
    found = found.reshape(problem.members, -1, problem.batch, *found.shape[2:])
    found = jnp.moveaxis(found, 1, 2).reshape(problem.members, problem.batch, -1, *found.shape[4:])
    for number, axis in enumerate((first, *others), start=LEAD):
        found = lax.slice_in_dim(found, 0, (axis.output - 1) * axis.stride + 1, axis.stride, number)
    return found


def _kernel(problem: Problem, x: jax.Array, out: jax.Array, lengths: tuple[int, ...]) -> jax.Array:
    first = problem.axes[0]
    hop = _hop(first, lengths[0])
    out = _apart(out, LEAD, [axis.stride for axis in problem.axes])
    number = x.shape[1] // problem.batch
    out = lengthened(out, LEAD, number * hop)
    out = out.reshape(problem.members, problem.batch, number, hop, *out.shape[3:])
    out = jnp.moveaxis(out, 1, 2).reshape(problem.members, -1, hop, *out.shape[4:])
    out = lax.rev(out, _space(out, LEAD))
    sizes = out.shape[LEAD:-1]
    there, back = _transforms(problem, lengths)
    product = _mixed("mbi mbo mio", there(x), there(jnp.moveaxis(out, -1, 2)))
    found = _without_noise(problem, back(product), x, out, lengths)
    found = jnp.moveaxis(found, (1, 2), (-2, -1))  # member *length c_in c_out
    for place, (axis, size) in enumerate(zip(problem.axes, sizes, strict=True), start=1):
        found = lax.slice_in_dim(found, size - 1, size - 1 + axis.reach, axis.kernel_dilation, place)
    return found


def _transforms(problem: Problem, lengths: tuple[int, ...]) -> tuple[Any, Any]:
    """The transform of the last axes and its inverse; that of real numbers is half as long."""
    over = tuple(range(-len(lengths), 0))
    there, back = jnp.fft.fftn, jnp.fft.ifftn
    if not jnp.issubdtype(problem.dtype, jnp.complexfloating):
        there, back = jnp.fft.rfftn, jnp.fft.irfftn
    return partial(there, s=lengths, axes=over), partial(back, s=lengths, axes=over)


def _mixed(terms: str, a: jax.Array, b: jax.Array) -> jax.Array:
    """The sum of products at each frequency: of few channels as one fused loop, of many as matrices.

    For 32 channels and 64 taps matrices take 9 ms and the loop 28; for 8 channels both take 1.
    """
    frequencies = "wyz"[: a.ndim - 3]
    left, right, found = (term + frequencies for term in terms.split())
    if a.shape[2] >= MANY:
        return jnp.einsum(f"{left},{right}->{found}", a, b)
    if found[1] == "b":
        return (a[:, :, :, None] * b[:, None]).sum(2)
    return (a[:, :, :, None] * b[:, :, None]).sum(1)


def _apart(array: jax.Array, place: int, steps: list[int]) -> jax.Array:
    """Zeros between the entries of the spatial axes, which begin at `place`."""
    space = range(place, place + len(steps))
    amounts = [(0, 0, steps[n - place] - 1 if n in space else 0) for n in range(array.ndim)]
    return lax.pad(array, jnp.zeros((), array.dtype), amounts)


def _space(array: jax.Array, place: int) -> tuple[int, ...]:
    """The spatial axes, from `place` to the channels: one axis for images, two for kernels."""
    return tuple(range(place, array.ndim - (1 if place == LEAD else 2)))
