"""Convolutions as the algorithms are given them."""

import jax.numpy as jnp

from jaxconv.geometry import Window
from jaxconv.ops.algorithms.problem import Problem


def problem_of(space, window, c_in, c_out, *, solve="out", batch=1, groups=1, members=1, dtype="float32", **options):
    over = Window.of("test", window, **options).over(space)
    kind = jnp.dtype(dtype)
    return Problem(
        solve=solve,
        axes=over,
        groups=groups,
        members=members,
        batch=batch,
        c_in=c_in,
        c_out=c_out,
        dtype=kind,
        sums=kind,
    )
