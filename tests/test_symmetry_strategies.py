"""The public strategies draw what they say, and their draws shrink to what a person would have chosen."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

import jaxconv as jc
from jaxconv import symmetry

PATIENT = settings(
    deadline=None, max_examples=500, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
smallest = lambda strategy, condition: find(strategy, condition, settings=PATIENT)


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3), (1, 4, 4, 2), (0, 2)])
@pytest.mark.parametrize("dtype", [np.float32, np.int32, np.uint8, jnp.bfloat16, bool, np.complex64])
def test_signals_fit(shape, dtype):
    if 0 in shape:
        return  # Hypothesis cannot place a number in an empty array, and nobody needs one

    @settings(max_examples=10)
    @given(symmetry.signals(shape, dtype=dtype))
    def fits(x):
        assert x.shape == shape
        assert x.dtype == dtype

    fits()


def test_every_kind_of_signal_is_drawn():
    shape = (2, 6)
    kind = lambda name: symmetry.signals(shape, kinds=(name,))
    assert smallest(kind("sparse"), lambda x: True).tolist() == np.zeros(shape).tolist()
    assert np.count_nonzero(smallest(kind("impulse"), lambda x: True)) == 1
    checkerboard = smallest(kind("checkerboard"), lambda x: True)
    assert checkerboard[0, 0] == checkerboard[1, 1] != checkerboard[0, 1]
    period = smallest(kind("periodic"), lambda x: np.ptp(x, axis=1).any() and (x[:, :3] == x[:, 3:]).all())
    assert np.ptp(period)
    modulus = smallest(kind("modulus"), lambda x: np.ptp(x) > 0)
    assert len(np.unique(np.abs(modulus))) == 1
    with pytest.raises(ValueError, match="signals: unknown kinds \\['noise'\\]; use any of \\['sparse'"):
        symmetry.signals(shape, kinds=("noise",))


def test_sizes_straddle_parity():
    assert smallest(symmetry.sizes(1), lambda s: s[0] % 2 == 0) == (2,)
    assert smallest(symmetry.sizes(1), lambda s: s[0] % 2 == 1) == (3,)
    assert smallest(symmetry.sizes(3, low=4, equal=True), lambda s: s[0] > 4) == (5, 5, 5)


def test_elements_shrink_to_generators():
    shift = smallest(symmetry.shifts((6, 6), step=2), lambda g: True)
    assert str(shift) == "shift by (2, 0)"
    turn = smallest(symmetry.group_elements(symmetry.D4(), (3, 3)), lambda g: g.axes == (1, 0))
    assert str(turn) == "rot90 about the centre"
    with pytest.raises(ValueError, match=r"group_elements: Shifts\(4\) has only the identity on sizes \(4,\)"):
        symmetry.group_elements(symmetry.Shifts(4), (4,))


def test_weights_have_no_symmetry():
    w = smallest(symmetry.weights((3, 3, 1, 2)), lambda w: True)
    assert len(np.unique(np.abs(w))) == w.size
    assert w.min() < 0 < w.max()


@given(st.data())
def test_a_property_of_ones_own(data):
    """What the strategies are for: the theorem of circular convolution, in the words of a user's test."""
    sizes = data.draw(symmetry.sizes(2, high=4))
    x = data.draw(symmetry.signals((1, *sizes, 1)))
    kernel = data.draw(symmetry.weights((2, 2, 1, 1)))
    shift = data.draw(symmetry.shifts(sizes))
    f = lambda x: np.asarray(jc.conv(x, kernel, padding="CIRCULAR"))
    np.testing.assert_array_equal(f(shift(x, (1, 2))), shift(f(x), (1, 2)))


@given(symmetry.conv_geometries(ranks=(1,)))
def test_geometries_are_legal(geometry):
    jc.conv(jnp.ones(geometry.x_shape), jnp.ones(geometry.kernel_shape), **geometry.options)
