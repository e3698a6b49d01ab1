"""The shifts that an array keeps, in a few words."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jaxconv.symmetry import Induced


def moves(output: "Induced", sizes: Sequence[int] | None = None) -> str:
    """The shifts that survive and what they do; cyclic ones on a torus of these sizes, if given."""
    generators = output.lattice.generators
    if sizes is not None:
        generators = tuple(t for t in generators if any(a % n for a, n in zip(t, sizes, strict=True)))
    if not generators:
        return "none"
    steps = {sum(t) for t in generators}
    alike = len(steps) == 1 and len(generators) == output.lattice.dim and all(map(_straight, generators))
    if alike:
        (step,) = steps
        kept = "all" if step == 1 else f"multiples of {step}"
    else:
        kept = "combinations of " + ", ".join(map(str, generators))
    return f"{kept}: {_done(output, generators, alike)}{_inside(output)}"


def _done(output: "Induced", generators: Sequence[tuple[int, ...]], alike: bool) -> str:
    images = [output.shift(t) for t in generators]
    amounts = [tuple(u[axis] for axis in output.moving) for u in images if u is not None]
    if len(amounts) < len(images):
        return "permuted"
    if not any(map(any, amounts)):
        return "unmoved"
    steps = {sum(u) for u in amounts}
    follows = all(list(map(bool, u)) == list(map(bool, t)) for t, u in zip(generators, amounts, strict=True))
    if alike and len(steps) == 1 and follows:
        return f"{sum(generators[0])} -> {steps.pop()}"
    return ", ".join(f"{t} -> {u}" for t, u in zip(generators, amounts, strict=True))


def _inside(output: "Induced") -> str:
    """The indices that never see the border, where these are not all."""
    clean = {(output.clean[axis], output.field.shape[axis]) for axis in output.moving}
    if all(interval == (0, size) for interval, size in clean):
        return ""
    spans = dict.fromkeys(f"{lo}:{hi}" for lo, hi in (output.clean[axis] for axis in output.moving))
    return ", inside " + " x ".join(spans)


def _straight(t: Sequence[int]) -> bool:
    return sum(map(bool, t)) == 1
