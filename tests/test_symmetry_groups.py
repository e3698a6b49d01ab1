"""Elements, groups and their actions: the laws that every claim rests on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxconv import symmetry
from jaxconv.symmetry import (
    C4,
    D4,
    P4,
    P4M,
    Element,
    Identity,
    Reflections,
    Regular,
    Shifts,
    Spatial,
    SpinFlip,
    Unmoved,
)

PLANE = P4M(origin="pixel") * SpinFlip()
PAIRS = st.integers(1, 4).flatmap(lambda n: st.tuples(*[st.sampled_from(PLANE.elements((n, n)))] * 2))


@given(PAIRS)
def test_elements_act_as_their_products_and_inverses_do(pair):
    g, h = pair
    x = np.random.default_rng(0).normal(size=(2, *g.sizes, 3))
    for action in (Spatial((1, 2)), Spatial()):
        np.testing.assert_array_equal(action(g @ h, x), action(g, action(h, x)))
        np.testing.assert_array_equal(action(g.inverse(), action(g, x)), x)
        np.testing.assert_array_equal(action(g**3, x), action(g, action(g, action(g, x))))


@given(PAIRS)
def test_regular_representations_are_representations(pair):
    g, h = (e if e.sign > 0 else SpinFlip().resolve(e.sizes)[0] @ e for e in pair)
    y = np.random.default_rng(0).normal(size=(*g.sizes, 8, 2))
    np.testing.assert_array_equal(Regular()(g @ h, y), Regular()(g, Regular()(h, y)))


def test_elements_are_what_numpy_does():
    x = np.arange(16).reshape(4, 4)
    quarter, mirror = D4().resolve((4, 4))
    np.testing.assert_array_equal(quarter(x), np.rot90(x))
    np.testing.assert_array_equal(mirror(x), np.flip(x, 0))
    np.testing.assert_array_equal(Shifts((1, 2)).resolve((4, 4))[0](x), np.roll(x, (1, 2), (0, 1)))
    np.testing.assert_array_equal(SpinFlip().resolve((4, 4))[0](x), -x)
    fixed = D4(origin="pixel").resolve((4, 4))[0](x)
    assert fixed[0, 0] == x[0, 0]
    np.testing.assert_array_equal(np.roll(fixed, -1, 0), np.rot90(x))


@given(PAIRS, st.sampled_from([(1, 2), (-3, -2)]))
def test_code_of_an_element_is_the_element(pair, axes):
    g = pair[0]
    x = np.random.default_rng(0).normal(size=(2, *g.sizes, 3))
    np.testing.assert_array_equal(eval(g.code("x", axes, 4), {"np": np, "x": x}), g(x, axes))


@pytest.mark.parametrize(
    ("group", "sizes", "number"),
    [
        (Shifts(1, 1), (3, 4), 12),
        (Shifts(4, 4), (8, 12), 6),
        (Shifts(2), (5,), 5),
        (Shifts((1, 1), (0, 2)), (4, 4), 8),
        (Shifts(0, 1), (4, 4), 4),
        (C4(), (5, 5), 4),
        (D4(), (4, 4), 8),
        (D4(origin="pixel"), (4, 4), 8),
        (P4(), (3, 3), 36),
        (P4M(2), (4, 4), 32),
        (Reflections("centre", None), (3, 4), 2),
        (Reflections("pixel", "centre"), (3, 4), 4),
        (SpinFlip(), (3,), 2),
        (Shifts(1, 1) * D4() * SpinFlip(), (2, 2), 64),
    ],
)
def test_orders_of_groups(group, sizes, number):
    elements = group.elements(sizes)
    assert len(set(elements)) == len(elements) == number
    assert elements[0].is_identity


def test_elements_of_a_group_are_closed():
    elements = set((Shifts(1, 2) * Reflections("centre", None)).elements((3, 4)))
    assert {g @ h for g in elements for h in elements} == elements


def test_sizes_1_and_2_have_mirrors_that_move_nothing():
    assert D4(origin="pixel").resolve((2, 2))[1].is_identity
    assert not D4(origin="centre").resolve((2, 2))[1].is_identity
    assert D4(origin="centre").resolve((1, 1))[0].is_identity


def test_words():
    assert str(Element()) == "identity"
    assert [str(g) for g in P4M(2).generators] == [
        "shift by (2, 0)",
        "shift by (0, 2)",
        "rot90 about the centre",
        "mirror of axis 0 about the centre",
    ]
    assert str(Reflections("pixel").generators[0]) == "mirror about pixel 0"
    assert repr(Shifts((1, 1)) * C4(origin="pixel")) == "Shifts((1, 1)) * C4(origin='pixel')"
    assert str(Shifts(1).resolve((3,))[0] @ SpinFlip().resolve((3,))[0]) == "shift by 1 then x -> -x"


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Shifts(), ValueError, "Shifts: give one step per axis, or vectors of one length; got ()"),
        (lambda: Shifts((1, 1), 2), ValueError, "Shifts: give one step per axis, or vectors of one length; got"),
        (lambda: Shifts(0.5), TypeError, "Shifts: steps are whole pixels; got 0.5"),
        (lambda: D4(origin="corner"), ValueError, "D4: origin is 'centre' or 'pixel'; got 'corner'"),
        (lambda: Shifts(1) * D4(), ValueError, "Shifts(1) moves 1 axes and D4(origin='centre') moves 2"),
        (
            lambda: D4().resolve((8, 6)),
            ValueError,
            "D4(origin='centre'): rot90 about the centre exchanges axes 1 and 0",
        ),
        (lambda: Shifts(1, 1).resolve((8,)), ValueError, "moves 2 axes, but sizes=(8,) has 1"),
        (lambda: Regular()(D4().resolve((2, 2))[1], np.zeros((2, 2, 4, 1))), ValueError, "use eight (p4m)"),
        (lambda: Regular()(D4().resolve((2, 2))[1], np.zeros((2, 2, 3, 1))), ValueError, "orientation axis has size 3"),
    ],
)
def test_errors(make, error, words):
    with pytest.raises(error) as caught:
        make()
    assert words in str(caught.value)


def test_homomorphisms_extend_and_those_that_do_not_are_refused():
    from jaxconv.symmetry import Equivariant

    claim = Equivariant(Shifts(2, 2) * C4(), out=Shifts(1, 1) * C4())
    elements = claim.elements(np.zeros((1, 6, 6, 1)), np.zeros((1, 3, 3, 1)))
    assert len(elements) == 9 * 4 - 1
    halves = [m for m in elements if not m.source.moves_axes]
    assert all(m.images[0].shift == tuple(t // 2 for t in m.source.shift) for m in halves)

    with pytest.raises(ValueError, match="no homomorphism sends shift by 2 -> shift by 1 on sizes") as caught:
        Equivariant(Shifts(2), out=Shifts(1)).elements(np.zeros((1, 9, 1)), np.zeros((1, 5, 1)))
    assert "a stride must divide the size at every level" in str(caught.value)
    # Turning the shifts one way and their images the other disagrees in the product of two generators.
    twisted = Equivariant(Shifts(1, 1) * C4(), out=Shifts(1, 1) * Identity())
    with pytest.raises(ValueError, match="rot90 about the centre"):
        twisted.elements(np.zeros((4, 4, 1)), np.zeros((4, 4, 1)))
    with pytest.raises(ValueError, match="has 2 generators and Shifts\\(1\\) has 1"):
        Equivariant(Shifts(1, 1), out=Shifts(1), out_axes=(1,)).elements(np.zeros((4, 4, 1)), np.zeros((4, 4, 1)))
    with pytest.raises(ValueError, match="times the second is not on"):  # 256 shifts: the orders are compared
        Equivariant(Shifts(1, 1), out=Shifts(1, 1)).elements(np.zeros((32, 32, 1)), np.zeros((32, 31, 1)))


def test_large_groups_are_sampled_with_their_generators():
    claim = symmetry.Invariant(P4M())
    elements = claim.elements(np.zeros((1, 224, 224, 3)), np.zeros((1, 10)))
    assert len(elements) <= 512
    assert [m.source for m in elements[:4]] == list(P4M().resolve((224, 224)))
    assert max(m.source.shift[0] for m in elements) > 100


def test_axes_that_are_not_there():
    claim = symmetry.Equivariant(Shifts(1, 1))
    with pytest.raises(ValueError, match=r"Shifts\(1, 1\): output has shape \(1, 10\), where axes \(-3, -2\) are not"):
        claim.elements(np.zeros((1, 8, 8, 3)), np.zeros((1, 10)))
    with pytest.raises(ValueError, match=r"the group moves 2 axes, but axes=\(1,\) names 1"):
        symmetry.Invariant(Shifts(1, 1), axes=(1,)).elements(np.zeros((1, 8, 8, 3)), np.zeros((1, 10)))
    with pytest.raises(ValueError, match="the inputs that move have grids"):
        symmetry.Invariant(Shifts(1, 1)).elements([np.zeros((8, 8, 3)), np.zeros((4, 4, 3))], np.zeros((1, 10)))
    symmetry.Invariant(Shifts(1), axes=[None, Unmoved()]).elements([np.zeros((8, 3)), np.zeros(4)], np.zeros(2))
