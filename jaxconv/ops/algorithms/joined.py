"""Groups of few channels joined into wider ones, for which oneDNN has a primitive and for the narrow ones none.

Like `blocks`, it puts zeros between the groups that share a kernel, and a NaN in one of them reaches the others; but it
stays one convolution with groups, and joins no more of them than it has to.
"""

from dataclasses import replace

import jax
import jax.numpy as jnp

from jaxconv.ops.algorithms import native
from jaxconv.ops.algorithms.problem import Problem, Solve

MOST = 8  # groups that become one, and as many times the products


def refuses(problem: Problem) -> str | None:
    """What has no groups to join, or gains nothing."""
    if problem.groups == 1 or problem.solve == "kernel" or problem.members > 1:
        return "joins the groups of one kernel, forward or back to the data"
    if (reason := native.refuses(problem)) is not None:
        return reason
    if not native.lays_out_windows(problem):
        return "is for what oneDNN has no primitive for, and it has one for this"
    if together(problem) is None:
        return f"joins up to {MOST} groups, and for none of those oneDNN has a primitive"


def together(problem: Problem) -> int | None:
    """How many groups to make one: the fewest for which oneDNN has a primitive."""
    for each in range(2, MOST + 1):
        wider = replace(problem, groups=problem.groups // each)
        if problem.groups % each == 0 and native.refuses(wider) is None and not native.lays_out_windows(wider):
            return each
    return None


def contract(problem: Problem, a: jax.Array, b: jax.Array, solve: Solve) -> jax.Array:
    """One convolution with fewer groups."""
    each = together(problem)
    assert each is not None, "refused before"
    return solve(replace(problem, groups=problem.groups // each), a, _joined(b, problem.groups, each))


def _joined(kernel: jax.Array, groups: int, each: int) -> jax.Array:
    """*lead i (group o) -> *lead (each i) (group o): inputs of the other groups of those that are joined get zeros."""
    *lead, c_in, c_out = kernel.shape
    split = kernel.reshape(*lead, 1, c_in, groups // each, each, c_out // groups)
    own = jnp.eye(each, dtype=bool)[:, None, None, :, None]
    return jnp.where(own, split, jnp.zeros((), kernel.dtype)).reshape(*lead, each * c_in, c_out)
