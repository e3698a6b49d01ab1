"""Grouped convolution as a few ordinary ones, each of as many groups as make `WIDTH` channels.

A kernel with zeros between its groups wastes products, and those of small groups are so slow that it pays: XLA computes
groups in naive loops on CPU. Of the gradient of such a kernel the blocks between the groups are dropped. A NaN or an
infinity in one group reaches those that share its convolution, since zero times either is NaN.
"""

from dataclasses import replace

import jax
import jax.numpy as jnp

from jaxconv.ops.algorithms.problem import OPERANDS, Problem, Slot, Solve

WIDTH = 32  # channels, of the input or of the output, whichever has more
MOST = 32  # ordinary convolutions; each is compiled


def refuses(problem: Problem) -> str | None:
    """What has no groups, or so many channels that the program would be long."""
    if problem.groups == 1:
        return "is for groups and this has one"
    if problem.groups // together(problem) > MOST:
        return f"makes at most {MOST} ordinary convolutions, and {problem.groups} groups would take more"


def together(problem: Problem) -> int:
    """How many groups share one convolution."""
    most = max(1, WIDTH * problem.groups // max(problem.c_in, problem.c_out))
    return next(n for n in range(min(most, problem.groups), 0, -1) if problem.groups % n == 0)


def contract(problem: Problem, a: jax.Array, b: jax.Array, solve: Solve) -> jax.Array:
    """One convolution for each block of groups."""
    each = together(problem)
    number = problem.groups // each
    block = replace(problem, groups=1, c_in=problem.c_in // number, c_out=problem.c_out // number)
    found = []
    for n in range(number):
        first, second = (
            _take(slot, array, n, number, each) for slot, array in zip(OPERANDS[problem.solve], (a, b), strict=True)
        )
        one = solve(block, first, second)
        found.append(_diagonal(one, each) if problem.solve == "kernel" else one)
    return jnp.concatenate(found, -1)


def _take(slot: Slot, array: jax.Array, n: int, number: int, each: int) -> jax.Array:
    channels = array.shape[-1] // number
    array = array[..., n * channels : (n + 1) * channels]
    return _block_diagonal(array, each) if slot == "kernel" else array


def _block_diagonal(kernel: jax.Array, groups: int) -> jax.Array:
    """*lead i (group o) -> *lead (group i) (group o), with zeros between different groups."""
    *lead, c_in, c_out = kernel.shape
    split = kernel.reshape(*lead, 1, c_in, groups, c_out // groups)
    same = jnp.eye(groups, dtype=bool)[:, None, :, None]
    return jnp.where(same, split, jnp.zeros((), kernel.dtype)).reshape(*lead, groups * c_in, c_out)


def _diagonal(kernel: jax.Array, groups: int) -> jax.Array:
    """*lead (group i) (group o) -> *lead i (group o): the adjoint of `_block_diagonal`."""
    *lead, c_in, c_out = kernel.shape
    split = kernel.reshape(*lead, groups, c_in // groups, groups, c_out // groups)
    blocks = [split[..., n, :, n, :] for n in range(groups)]
    return jnp.stack(blocks, -2).reshape(*lead, c_in // groups, c_out)
