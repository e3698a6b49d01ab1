"""Try to refute a claim about a function; report the smallest counterexample."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.dtypes import canonicalize_dtype

from jaxconv.naming import named
from jaxconv.symmetry.claims import Claim, Invariant
from jaxconv.symmetry.groups import Group, Shifts
from jaxconv.symmetry.orbit import OrbitEquivariant
from jaxconv.symmetry.program import Program
from jaxconv.symmetry.report import Counterexample
from jaxconv.symmetry.search import Search


class EquivarianceError(AssertionError):
    """A claim is false; `counterexample` holds the evidence."""

    def __init__(self, counterexample: Counterexample):
        super().__init__(str(counterexample))
        self.counterexample = counterexample


@dataclass(frozen=True)
class Held:
    """A claim that survived: how many comparisons were equal to the bit, within the bound, or equal in 64 bits."""

    claim: Claim
    exact: int
    bound: int
    rounding: int

    @property
    def tried(self) -> int:
        """Number of comparisons."""
        return self.exact + self.bound + self.rounding

    def __str__(self) -> str:
        how = (
            f"held in {self.tried} comparisons: {self.exact} equal to the bit, {self.bound} within the rounding bound, "
            f"{self.rounding} equal in 64 bits"
        )
        name = str(self.claim)
        return f"{name}\n\n{how}" if "\n" in name else f"{name} {how}"


@dataclass(frozen=True)
class Unrefuted(Held):
    """No counterexample was found, which proves nothing; false in an `if`."""

    def __bool__(self) -> bool:
        return False


@named
def check(f: Callable[[Any], Any], claim: Claim, x: Any = None, *, examples: int = 100, seed: int = 0) -> Held:
    """Try to refute that `f` keeps what `claim` says, and raise the smallest counterexample.

    Inputs are small integers. Outputs must be equal to the bit, or within the rounding bound of `f`, or become equal
    in 64 bits. It draws for itself; inside a `@given` of your own use the strategies.

    Args:
      f: any JAX function of one array, or of one tree of arrays.
      claim: `Equivariant`, `Invariant`, `OrbitEquivariant`, `Interior`, what `derive` returned, or your own `Claim`.
      x: the shape of the input (float32), an array or `ShapeDtypeStruct`, or a tree of those; a list of any of these
        tries each, the smallest first. Needed unless the claim knows.
      examples: how many draws Hypothesis makes, beside a few fixed ones.
      seed: of the draws.
    Returns:
      How it held.
    Raises:
      EquivarianceError: if the claim is false.
      VacuousError: if the claim could not have failed: constant outputs, nothing to move.
      ValueError: if the claim does not fit the shapes, or `f` does not trace, is not deterministic or returns NaN.
      TypeError: if `f` returns what is no number.
    Example:
      >>> from jaxconv import symmetry
      >>> mean = lambda x: x.mean((1, 2))
      >>> symmetry.check(mean, symmetry.Invariant(symmetry.P4M()), (1, 6, 6, 2)).tried > 50
      True
    """
    search, found = _search("check", f, claim, x, examples, seed)
    if found is not None:
        raise EquivarianceError(found)
    search.require_substance()
    return Held(claim, *(search.counts[kind] for kind in ("exact", "bound", "rounding")))


@named
def refute(
    f: Callable[[Any], Any], claim: Claim | Group, x: Any = None, *, examples: int = 100, seed: int = 0
) -> Counterexample | Unrefuted:
    """Look for a counterexample.

    Args:
      f, x, examples, seed: as in `check`.
      claim: as in `check`; or a group alone, for the weakest claim about it: that f(g x) is some motion of f(x), by
        any shift and by the turns, mirrors and signs of the group.
    Returns:
      The smallest `Counterexample`, or an `Unrefuted`, which is false.
    Raises:
      ValueError, TypeError: as for `check`.
    Example:
      >>> from jaxconv import symmetry
      >>> every_other = lambda x: x[::2]
      >>> found = symmetry.refute(every_other, symmetry.Shifts(1), (4, 1))
      >>> str(found.element), found.x.ravel().tolist()
      ('shift by 1', [1.0, 0.0, 0.0, 0.0])
      >>> bool(symmetry.refute(every_other, symmetry.Shifts(2), (4, 1)))
      False
    """
    search, found = _search("refute", f, claim, x, examples, seed)
    return found or Unrefuted(search.claim, *(search.counts[kind] for kind in ("exact", "bound", "rounding")))


def given_claim(claim: Claim, x: Any = None, *, examples: int = 100, seed: int = 0) -> Callable[[Callable], Callable]:
    """Make a pytest test of a function: its first argument is the input, the others are fixtures.

    Args:
      claim, x, examples, seed: as in `check`.
    Returns:
      A decorator; the test that it makes calls `check`.
    Example:
      >>> from jaxconv import symmetry
      >>> @symmetry.given_claim(symmetry.Invariant(symmetry.Shifts(1)), (5, 2))
      ... def test_sum(x):
      ...     return x.sum(0)
      >>> test_sum()
    """

    def decorate(f: Callable) -> Callable:
        _, *others = inspect.signature(f).parameters.values()

        @functools.wraps(f)
        def test(*args: Any, **kwargs: Any) -> None:
            check(lambda x: f(x, *args, **kwargs), claim, x, examples=examples, seed=seed)

        # inspect reads the attribute, which no type of functions declares
        test.__signature__ = inspect.Signature(others)  # pyright: ignore[reportAttributeAccessIssue]
        del test.__wrapped__  # or pytest would look for a fixture called x
        return test

    return decorate


def _search(where: str, f: Any, claim: Any, x: Any, examples: int, seed: int) -> tuple[Search, Counterexample | None]:
    if not callable(f):
        raise TypeError(f"{where}: f must be a function; got {type(f).__name__}")
    if not isinstance(examples, int) or examples < 1:
        raise ValueError(f"{where}: examples must be at least 1; got {examples!r}")
    inputs = _inputs(where, claim, x)
    if isinstance(claim, Group) and where == "refute":
        claim = _weakest(claim, _named(where, Program, f, inputs[0]).y)
    if not all(hasattr(claim, name) for name in ("elements", "move", "compare", "describe")):
        raise TypeError(
            f"{where}: claim must be a claim such as Invariant(Shifts(1, 1)); got {claim!r}"
            + ("; refute takes groups" if isinstance(claim, Group) else "")
        )
    search = _named(where, Search, f, claim, inputs)
    covered = _named(where, search.cover)
    found = _named(where, search.hunt, max(examples, 100) if covered else examples, seed, covered)
    return search, None if found is None else Counterexample.of(
        search.claim, found, search.motions[search.programs.index(found.program)]
    )


def _named(where: str, function: Callable[..., Any], *args: Any) -> Any:
    """Call `function`; an error of the user gets the name of what was called."""
    try:
        return function(*args)
    except (ValueError, TypeError) as error:
        raise type(error)(f"{where}: {error}").with_traceback(error.__traceback__) from error.__cause__


def _inputs(where: str, claim: Any, x: Any) -> list[Any]:
    """Trees of arrays and `ShapeDtypeStruct`s, the smallest first."""
    x = getattr(claim, "x", None) if x is None else x
    if x is None or (isinstance(x, (list, tuple)) and not x):
        raise ValueError(f"{where}: say the shape of the input, such as x=(1, 16, 16, 3)")
    is_shape = lambda a: isinstance(a, tuple) and all(isinstance(n, (int, np.integer)) for n in a)

    def leaf(a: Any) -> Any:
        if is_shape(a):
            return jax.ShapeDtypeStruct(tuple(map(int, a)), np.dtype(np.float32))
        if isinstance(a, jax.ShapeDtypeStruct):
            return jax.ShapeDtypeStruct(a.shape, canonicalize_dtype(a.dtype))
        if not hasattr(a, "dtype"):
            raise TypeError(f"{where}: x is made of shapes and arrays; got {a!r}")
        return np.asarray(a, canonicalize_dtype(a.dtype))  # 32 bits, unless JAX has been told otherwise

    trees = [jax.tree.map(leaf, one, is_leaf=is_shape) for one in (x if isinstance(x, list) else [x])]
    return sorted(trees, key=lambda tree: sum(int(np.prod(a.shape)) for a in jax.tree.leaves(tree)))


def _weakest(group: Group, y: Any) -> Claim:
    """f(g x) = u f(x) with u any shift, and any motion like those of `group`; invariance of outputs without axes."""
    rank = group.rank or 0
    if any(leaf.ndim <= rank for leaf in jax.tree.leaves(y)):
        return Invariant(group)
    if not rank:
        return OrbitEquivariant(group)
    everywhere = Shifts(*(1,) * rank)
    turns = any(g.moves_axes or g.sign < 0 for g in group.generators)
    return OrbitEquivariant(group, out=everywhere * group if turns else everywhere)
