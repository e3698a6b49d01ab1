"""Rules for primitives that combine many entries: reductions, windows, convolutions, products of matrices."""

from collections.abc import Callable, Sequence
from typing import Any

from jaxconv.symmetry.derivation.field import Field, Say
from jaxconv.symmetry.derivation.meet import agreed, contracted, contracted_axis, product
from jaxconv.symmetry.derivation.windows import Slide, one_digit, slid


def reduction(idempotent: bool) -> Callable[..., Field]:
    def rule(law: Any, say: Say, parameters: dict, f: Field) -> Field:
        f = law.reduce(f, parameters["axes"], idempotent, say)
        kept = [digits for axis, digits in enumerate(f.axes) if axis not in parameters["axes"]]
        return f.but(axes=tuple(kept), token=object())

    return rule


def arg(law: Any, say: Say, parameters: dict, f: Field) -> Field:
    f = contracted(law, f, parameters["axes"], say)
    kept = [digits for axis, digits in enumerate(f.axes) if axis not in parameters["axes"]]
    return f.but(axes=tuple(kept))


def _along(law: Any, say: Say, f: Field, axes: Sequence[int], shape: Sequence[int]) -> Field:
    """Any operation that works along `axes` and treats every other index alike."""
    f = contracted(law, f, axes, say)
    for axis in axes:
        f = f.with_axis(axis, f.label(shape[axis]))
    return f


def running(law: Any, say: Say, parameters: dict, f: Field) -> Field:
    return _along(law, say, f, [parameters["axis"]], f.shape)


def sort(law: Any, say: Say, parameters: dict, *fields: Field) -> list[Field]:
    axis = parameters["dimension"]
    if len(fields) == 1:  # sorted values depend on how often each occurs, not on where
        (f,) = fields
        reduced = law.reduce(f, [axis], False, say)
        return [reduced.but(token=object()).with_axis(axis, reduced.label(f.shape[axis]))]
    fields = tuple(_along(law, say, f, [axis], f.shape) for f in fields)
    return [agreed(law, [f.but() for f in fields], say).but(token=object()) for _ in fields]


def optimization_barrier(law: Any, say: Say, parameters: dict, *fields: Field) -> list[Field]:
    return [f.seen() for f in fields]


def top_k(law: Any, say: Say, parameters: dict, f: Field, *_: Field) -> list[Field]:
    axis = parameters.get("axis", len(f.axes) - 1) % len(f.axes)
    shape = (*f.shape[:axis], parameters["k"], *f.shape[axis + 1 :])
    return [_along(law, say, f, [axis], shape) for _ in range(2)]


def fft(law: Any, say: Say, parameters: dict, f: Field) -> Field:
    sizes, kind = parameters["fft_lengths"], str(parameters["fft_type"])
    axes = range(len(f.axes) - len(sizes), len(f.axes))
    shape = [*f.shape[: axes.start], *sizes]
    if kind.upper().endswith(("RFFT", "2")) and "IRFFT" not in kind.upper():
        shape[-1] = sizes[-1] // 2 + 1
    return _along(law, say, f, axes, shape)


def reduce_window(law: Any, say: Say, parameters: dict, *fields: Field) -> Any:
    inputs = fields
    if "jaxpr" in parameters:  # a computation of the user's own, of all operands at once
        if law.anchored:
            raise NotImplementedError("reduce_window with a function that may not be commutative")
        operands, inits = fields[: len(fields) // 2], fields[len(fields) // 2 :]
        together = agreed(law, operands, say)
        for init in inits:
            together = law.gate(together, init, say) if init.constant is None else together
        inputs = [together.but() for _ in operands]
    slides = {
        axis: Slide(*sizes)
        for axis, sizes in enumerate(
            zip(
                parameters["window_dimensions"],
                parameters["window_strides"],
                *zip(*parameters["padding"], strict=True),
                parameters["base_dilation"],
                parameters["window_dilation"],
                strict=True,
            )
        )
    }
    name, results = say("").primitive, []
    for f in inputs:
        whole = [axis for axis, slide in slides.items() if slide == Slide(f.shape[axis], slide.stride) != Slide()]
        if name != "reduce_window" and whole:  # as users write global pooling
            f = law.reduce(f, whole, name != "reduce_window_sum", say)
        for axis, slide in slides.items():
            if slide != Slide() and any(digit.still for digit in f.axes[axis]):
                f = contracted_axis(law, f, axis, f.shape[axis], say)
        results.append(slid(law, f, slides, say))
    return results if "jaxpr" in parameters else results[0]


def conv_general_dilated(law: Any, say: Say, parameters: dict, x: Field, kernel: Field) -> Field:
    numbers = parameters["dimension_numbers"]
    (batch, channel, *space), (out, _, *taps) = numbers.lhs_spec, numbers.rhs_spec
    slides = [
        Slide(kernel.shape[tap], stride, lo, hi, spread, dilation)
        for tap, stride, (lo, hi), spread, dilation in zip(
            taps,
            parameters["window_strides"],
            parameters["padding"],
            parameters["lhs_dilation"],
            parameters["rhs_dilation"],
            strict=True,
        )
    ]
    if parameters["batch_group_count"] > 1:
        size = x.shape[batch] // parameters["batch_group_count"]
        x = contracted_axis(law, x, batch, size, say)
    order = (batch, *space, channel)
    x = x.but(axes=tuple(x.axes[axis] for axis in order))
    spread = _convolved(law, say, x, kernel, range(1, 1 + len(space)), taps, slides, kernel.shape[out])
    where = dict(zip((numbers.out_spec[0], *numbers.out_spec[2:], numbers.out_spec[1]), spread.axes, strict=True))
    return spread.but(axes=tuple(where[axis] for axis in range(len(where))))


def conv(law: Any, say: Say, parameters: dict, a: Field, b: Field) -> Field:
    """Our own primitive, one trilinear sum with `x`, `kernel` or `out` left open."""
    axes, ensemble, solve = parameters["axes"], parameters["ensemble"], parameters["solve"]
    if solve == "kernel":
        raise NotImplementedError("conv with its kernel left open")
    if solve == "x":
        axes = tuple(axis.transposed() for axis in axes)
    slides = [Slide(a.window, a.stride, a.lo, a.hi, a.input_dilation, a.kernel_dilation) for a in axes]
    x, kernel = a.but(), b
    for axis in range(ensemble):  # every member has its own kernel
        x = contracted_axis(law, x, axis, x.shape[axis], say)
    space = range(len(x.axes) - 1 - len(axes), len(x.axes) - 1)
    taps = range(ensemble, ensemble + len(axes))
    groups = parameters["groups"]
    c_out = kernel.shape[-2] * groups if solve == "x" else kernel.shape[-1]
    return _convolved(law, say, x, kernel, space, taps, slides, c_out)


def _convolved(
    law: Any, say: Say, x: Field, kernel: Field, space: Sequence[int], taps: Sequence[int], slides: Any, c_out: int
) -> Field:
    """Convolve `x`, channels last, over the axes `space`; the kernel is invariant, or decides what survives."""
    channel = len(x.axes) - 1
    for axis, slide in zip(space, slides, strict=True):
        x = one_digit(law, x, axis, say) if slide != Slide() else x
    moved = slid(law, x.but(), dict(zip(space, slides, strict=True)), say)
    moved = law.kernel(moved, x, kernel, dict(zip(space, taps, strict=True)), say)
    if kernel.constant is None:
        moved = law.gate(moved, kernel, say)
    moved = contracted(law, moved, [channel], say)
    return moved.with_axis(channel, moved.label(c_out))


def dot_general(law: Any, say: Say, parameters: dict, a: Field, b: Field) -> Field:
    (a_sum, b_sum), (a_batch, b_batch) = parameters["dimension_numbers"]
    a_free = [axis for axis in range(len(a.axes)) if axis not in (*a_sum, *a_batch)]
    b_free = [axis for axis in range(len(b.axes)) if axis not in (*b_sum, *b_batch)]
    a_axes = [*a_batch, *a_free, *[None] * len(b_free), *a_sum]
    b_axes = [*b_batch, *[None] * len(a_free), *b_free, *b_sum]
    outer = len(a_axes) - len(a_sum)
    both = product(law, a, b, a_axes, b_axes, say)
    if (a.constant is None) != (b.constant is None):
        free = [k for k in range(outer) if (a_axes if a.constant is None else b_axes)[k] is None]
        guess = product(law, a, b, a_axes, b_axes, say, like=(free, range(outer, len(a_axes))))
        both = guess if guess.shifts != both.shifts and guess.shifts.meet(both.shifts) == both.shifts else both
    summed = law.reduce(both, range(outer, len(both.axes)), False, say)
    return summed.but(axes=summed.axes[:outer], token=object())
