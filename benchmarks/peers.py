"""How each competitor writes a case, as its own users would."""

import math
from collections.abc import Callable

import jax.numpy as jnp
from jax import Array, lax

import jaxconv as jc
from benchmarks.cases import Case

Function = Callable[..., Array]


def jaxconv(case: Case) -> Function:
    """Our own."""
    common = {"strides": case.strides, "padding": case.padding}
    if case.op in ("max_pool", "avg_pool"):
        pool = getattr(jc, case.op)
        return lambda x: pool(x, case.window, **common)
    convolve = getattr(jc, case.op)
    options = common | {"kernel_dilation": case.kernel_dilation, "feature_group_count": case.groups}
    return lambda x, kernel: convolve(x, kernel, **options)


def bare_lax(case: Case) -> Function:
    """`jax.lax` without anything around it."""
    rank = len(case.window)
    strides = (case.strides,) * rank
    if case.op in ("max_pool", "avg_pool"):
        window, steps = (1, *case.window, 1), (1, *strides, 1)
        if case.op == "max_pool":
            return lambda x: lax.reduce_window(x, -jnp.inf, lax.max, window, steps, case.padding)
        return lambda x: lax.reduce_window(x, 0.0, lax.add, window, steps, case.padding) / math.prod(case.window)
    space = "DHW"[-rank:]
    layout = (f"N{space}C", f"{space}IO", f"N{space}C")
    dilation = (case.kernel_dilation,) * rank
    if case.op == "conv_transpose":
        return lambda x, kernel: lax.conv_transpose(
            x, kernel, strides, case.padding, dilation, layout, transpose_kernel=True
        )
    causal = [((size - 1) * case.kernel_dilation, 0) for size in case.window]
    return lambda x, kernel: lax.conv_general_dilated(
        x,
        kernel,
        strides,
        causal if case.padding == "CAUSAL" else case.padding,
        rhs_dilation=dilation,
        dimension_numbers=layout,
        feature_group_count=case.groups,
    )


PEERS: dict[str, Callable[[Case], Function]] = {"jaxconv": jaxconv, "lax": bare_lax}
