"""Questions that the rules ask of a problem."""

import jax.numpy as jnp

from jaxconv.ops.algorithms.problem import Problem


def channels(problem: Problem) -> tuple[int, int]:
    """Channels of a group that are summed over and that are made, of the convolution that is computed."""
    c_in, c_out = problem.c_in // problem.groups, problem.c_out // problem.groups
    return (c_out, c_in) if problem.solve == "x" else (c_in, c_out)


def holes(problem: Problem) -> bool:
    """Zeros between the pixels of the input of what is computed."""
    return problem.solve != "kernel" and any(axis.input_dilation > 1 for axis in problem.windows)


def plain(problem: Problem) -> bool:
    """Neither strides nor input dilation."""
    return all(axis.stride == 1 and axis.input_dilation == 1 for axis in problem.axes)


def tiles(problem: Problem) -> bool:
    """Windows that lie side by side."""
    return problem.taps > 1 and all(axis.stride == axis.window and axis.kernel_dilation == 1 for axis in problem.axes)


def half(problem: Problem) -> bool:
    """Floats of 16 bits or fewer."""
    return jnp.issubdtype(problem.dtype, jnp.floating) and jnp.dtype(problem.dtype).itemsize < 4


def single(problem: Problem) -> bool:
    """float32, in the sums too."""
    return problem.dtype == problem.sums == jnp.float32


def dense(problem: Problem) -> bool:
    """One kernel whose channels all mix."""
    return problem.groups == problem.members == 1 and not half(problem)


def long(problem: Problem) -> bool:
    """Windows so long that transforms of the whole input cost less, and inputs as long."""
    many = problem.taps > 64 if problem.depthwise else problem.taps >= 256 and problem.groups == 1
    inputs = 4 * problem.pixels >= problem.taps * problem.batch
    exact = problem.dtype == problem.sums and problem.dtype in (jnp.float32, jnp.complex64)  # 64 bits would round
    return many and inputs and problem.macs >= 2**24 and plain(problem) and exact


def tiny(problem: Problem) -> bool:
    """Sums of so few terms for so few channels that they are written out.

    Sums of 72 terms in complex128 took 0.3 of lax's time, and 20 s to compile for three layers and their gradients.
    """
    summed, made = channels(problem)
    few = made <= 32 if summed == 1 else made <= 16 and summed <= 4
    inexact = jnp.issubdtype(problem.dtype, jnp.inexact)  # int8 and int32 were at par
    return problem.solve != "kernel" and few and summed * problem.taps <= 36 and plain(problem) and inexact


def wide_weights(problem: Problem) -> bool:
    """Enough work for the chunks to pay: with 2^27 products or 16 channels lax was at par."""
    return problem.macs >= 2**28 and min(problem.c_in, problem.c_out) >= 32 and plain(problem)


def far(problem: Problem) -> bool:
    """Strides of 16 or more, as of patches: 0.05 for 16x16; 8x8 was at par."""
    return all(axis.input_dilation == 1 or axis.input_dilation >= 16 for axis in problem.windows)


def slow(problem: Problem) -> bool:
    """Numbers that XLA multiplies fast over two axes only."""
    return dense(problem) and not single(problem) and problem.macs >= 2**16


def few_sums(problem: Problem) -> bool:
    """At most 8 channels are summed, and at least as many made: windows no larger than what they make."""
    summed, made = channels(problem)
    return summed <= min(8, made) and problem.macs >= 2**16


def integer(problem: Problem) -> bool:
    """Whole numbers of at least 8 channels; of fewer lax was faster on some shapes."""
    integers = jnp.issubdtype(problem.dtype, jnp.integer)
    return integers and dense(problem) and min(problem.c_in, problem.c_out) >= 8


def rgb(problem: Problem) -> bool:
    """Enough output for the weights of few input channels."""
    return problem.c_out >= 16 and problem.macs >= 2**24


def grouped(problem: Problem) -> bool:
    """Groups of one kernel, forward or back to the data."""
    forward = problem.solve != "kernel" and problem.groups > 1 and problem.members == 1
    return forward and not problem.depthwise and single(problem) and problem.taps > 1


def between(problem: Problem) -> bool:
    """Channels for which batched products were at par with lax."""
    return 16 < problem.c_in // problem.groups < 48


def strided_weights(problem: Problem) -> bool:
    """The shapes on which strided weights were faster; larger windows lost."""
    return problem.macs >= 2**27 and min(problem.c_in, problem.c_out) >= 64 and problem.taps <= 9
