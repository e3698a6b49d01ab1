"""How each library writes a case, as its own users would."""

import functools
import importlib.util
import math
import os
from collections.abc import Callable, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import jaxconv as jc
from benchmarks.cases import Call, Case

Function = Callable[..., Any]

AGAIN = "jaxconv again"  # jaxconv against itself: the noise of the machine
INSTALLED_AS = {"lax": "jax", "jaxconv": "jaxconv", "torch.compile": "torch"}
PEERS = ("lax", "torch", "torch.compile", "flax", "equinox", "keras", "jaxconv")
QUICK = ("lax", "torch", "flax")


def installed(peer: str) -> bool:
    """Whether the library can be imported here."""
    return importlib.util.find_spec(INSTALLED_AS.get(peer, peer)) is not None


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def torch_module() -> ModuleType:
    """PyTorch with as many threads as there are cores."""
    torch = import_module("torch")
    torch.set_num_threads(cores())
    return torch


def jaxconv(case: Case) -> Function:
    """Our own."""
    options: dict[str, Any] = {"strides": case.strides, "padding": case.padding}
    if case.pool:
        pool = getattr(jc, case.op)
        return lambda x: pool(x, case.window, **options)
    convolve = getattr(jc, case.op)
    options |= {"kernel_dilation": case.kernel_dilation, "feature_group_count": case.groups}
    return lambda x, kernel: convolve(x, kernel, **options)


def bare_lax(case: Case) -> Function:
    """`jax.lax` without anything around it."""
    rank = len(case.window)
    strides, dilation = (case.strides,) * rank, (case.kernel_dilation,) * rank
    if case.pool:
        window, steps, pads = (1, *case.window, 1), (1, *strides, 1), ((0, 0), *case.pads, (0, 0))
        if case.op == "max_pool":
            return lambda x: lax.reduce_window(x, -jnp.inf, lax.max, window, steps, pads)
        return lambda x: lax.reduce_window(x, 0.0, lax.add, window, steps, pads) / math.prod(case.window)
    space = "DHW"[-rank:]
    layout = (f"N{space}C", f"{space}IO", f"N{space}C")
    if case.op == "conv_transpose":
        reach = [case.kernel_dilation * (size - 1) for size in case.window]
        around = [(r - lo, r - hi) for r, (lo, hi) in zip(reach, case.pads, strict=True)]
        return lambda x, kernel: lax.conv_transpose(x, kernel, strides, around, dilation, layout, transpose_kernel=True)
    return lambda x, kernel: lax.conv_general_dilated(
        x,
        kernel,
        strides,
        case.pads,
        rhs_dilation=dilation,
        dimension_numbers=layout,
        feature_group_count=case.groups,
    )


def served_by(case: Case, call: Call) -> str:
    """The algorithms that jaxconv chooses for the convolutions of `case`, forward first."""
    if case.pool:
        return ""
    choices = jc.explain(jaxconv(case), *case.shapes, gradients=call != "forward").choices
    return " ".join(dict.fromkeys(choice.method for choice in choices))


JAX: dict[str, Callable[[Case], Function]] = {"jaxconv": jaxconv, "lax": bare_lax, AGAIN: jaxconv}


def with_call(function: Function, call: Call) -> Function:
    """`function` of its inputs and, last, a cotangent that the forward pass does not look at."""

    def forward(*inputs: jax.Array) -> Any:
        return function(*inputs[:-1])

    def gradients(*inputs: jax.Array) -> Any:
        *operands, cotangent = inputs
        out, pull = jax.vjp(function, *operands)
        return out, pull(cotangent)

    return forward if call == "forward" else gradients


def torch_call(case: Case, call: Call, inputs: Sequence[np.ndarray]) -> Callable[[], list[Any]]:
    """PyTorch, eager, on the same numbers in the layout that it is fastest in: channels last, but in 1-D."""
    torch = torch_module()
    x, *kernels, cotangent = (_to_torch(case, array, number) for number, array in enumerate(inputs))
    function = _torch_function(case)
    operands = [x, *kernels]

    def forward() -> list[Any]:
        with torch.inference_mode():
            return [function(*operands)]

    def gradients() -> list[Any]:
        out = function(*operands)
        return [out, *torch.autograd.grad(out, operands, cotangent)]

    for operand in operands:
        operand.requires_grad_(call != "forward")
    return forward if call == "forward" else gradients


def from_torch(case: Case, results: Sequence[Any]) -> list[np.ndarray]:
    """Results of `torch_call` with their axes where JAX has them."""
    out, *gradients = (result.detach() for result in results)
    moved = [out.movedim(1, -1)]
    for number, gradient in enumerate(gradients):
        moved.append(gradient.movedim(1, -1) if number == 0 else gradient.movedim((1, 0), (-2, -1)))
    return [array.numpy() for array in moved]


def _to_torch(case: Case, array: np.ndarray, number: int) -> Any:
    tensor = torch_module().from_numpy(array)
    tensor = tensor.movedim((-2, -1), (1, 0)) if number == 1 and not case.pool else tensor.movedim(-1, 1)
    return in_fast_layout(tensor.contiguous())


def in_fast_layout(tensor: Any) -> Any:
    """Channels last for images and volumes; PyTorch has no such layout for sequences."""
    torch = torch_module()
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    return tensor.contiguous(memory_format=formats.get(tensor.ndim, torch.contiguous_format))


def _torch_function(case: Case) -> Function:
    functional = torch_module().nn.functional
    rank = len(case.window)
    function = getattr(functional, f"{case.op}{rank}d")
    pads = tuple(lo for lo, _ in case.pads)
    if case.pool:
        return lambda x: function(x, case.window, case.strides, pads)
    options: dict[str, Any] = {"stride": case.strides, "groups": case.groups, "dilation": case.kernel_dilation}
    if all(lo == hi for lo, hi in case.pads):
        return lambda x, kernel: function(x, kernel, padding=pads, **options)
    around = [side for pair in reversed(case.pads) for side in pair]
    return lambda x, kernel: function(functional.pad(x, around), kernel, **options)
