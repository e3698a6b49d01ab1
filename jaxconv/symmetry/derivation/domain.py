"""Fields as the values of a walk: what a jaxpr does to positions, under one law."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jaxconv.symmetry.derivation.field import Field, Say, merged_notes
from jaxconv.symmetry.derivation.lattice import Lattice
from jaxconv.symmetry.derivation.meet import agreed, contracted, pinned
from jaxconv.symmetry.derivation.primitives import RULES


@dataclass(frozen=True)
class Positions:
    """The domain of fields over `dim` axes of the input, under a `law` of shifts or of one point motion."""

    law: Any
    dim: int

    def constant(
        self, shape: tuple[int, ...], compute: Callable[[], Any] | None = None, repeated: Collection[int] = ()
    ) -> Field:
        """Return an array of labels that no motion changes."""
        bare = Field((), (), Lattice.whole(self.dim))
        axes = (bare.uniform(n) if axis in repeated else bare.label(n) for axis, n in enumerate(shape))
        return replace(bare, axes=tuple(axes), constant=compute)

    def rule(self, equation: Any, say: Say, values: Sequence[Field]) -> Sequence[Field]:
        """Go through one equation by its rule; without one, only what leaves every input alone is kept."""
        name = equation.primitive.name
        if not all(map(self.law.hopeful, values)):
            return self._broken(equation, values)
        if name in RULES:
            try:
                results = RULES[name](self.law, say, equation.params, *values)
                results = results if isinstance(results, list) else [results]
                return [f if f.token is not None else f.but(token=object()) for f in results]
            except NotImplementedError as error:
                reason = f"{error}: no rule follows positions through it"
        else:
            reason = f"no rule follows positions through {name}"
        return self._opaque(equation, lambda _: say(reason), values)

    def _broken(self, equation: Any, values: Sequence[Field]) -> list[Field]:
        """Nothing is known of what is computed from values of which nothing is known."""
        shapes = [tuple(getattr(variable.aval, "shape", ())) for variable in equation.outvars]
        notes = merged_notes(*(value.notes for value in values))
        return [self.constant(shape).but(holds=False, notes=notes) for shape in shapes]

    def _opaque(self, equation: Any, say: Say, values: Sequence[Field]) -> list[Field]:
        outputs = [self.constant(tuple(getattr(variable.aval, "shape", ()))) for variable in equation.outvars]
        for value in values:
            outputs = [self.gate(output, value, say) for output in outputs]
        return outputs

    def join(self, values: Sequence[Field], say: Say) -> Field:
        """Return what holds of all `values`."""
        return agreed(self.law, [value.but() for value in values], None).but(token=object())

    def alike(self, a: Field, b: Field) -> bool:
        """Return whether two fields obey the same law; where they start matters to point motions only."""
        return (a.axes, a.shifts, a.holds, len(a.rows)) == (b.axes, b.shifts, b.holds, len(b.rows)) and all(
            x.period == y.period and self.law.same(x.start, y.start, x.period)
            for x, y in zip(a.rows, b.rows, strict=True)
        )

    def widen(self, value: Field) -> Field:
        """Return what is left where a loop changes a field at every turn."""
        return pinned(self.law, value)

    def gate(self, value: Field, condition: Field, say: Say) -> Field:
        """Return `value`, keeping what leaves `condition` alone."""
        if condition.constant is not None:
            return value
        return self.law.gate(value, condition, say).noted(*condition.notes)

    def member(self, value: Field, say: Say) -> Field:
        """Return one entry along axis 0."""
        value = contracted(self.law, value, [0], say)
        return value.but(axes=value.axes[1:], token=object())

    def listed(self, value: Field, length: int) -> Field:
        """Return `length` such entries, each with its own label."""
        return value.but(axes=(value.label(length), *value.axes), token=object())
