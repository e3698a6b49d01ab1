"""What `derive` says of a network holds, and nothing more than it says holds: random networks and familiar ones.

The truth is found by trying every motion; see networks/. `python -m tests.networks --count 500` measures more of them.
"""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, event, example, given, settings
from hypothesis import strategies as st
from networks import (
    LIBRARIES,
    MODES,
    Trial,
    draw_networks,
    false_inside,
    judge,
    judge_network,
    kind_of,
    leaves,
    networks,
    permuted_group,
    spanned,
    true_group,
)

import jaxconv as jc
from jaxconv import symmetry

FEWER = settings(max_examples=3 * settings.default.max_examples // 4)  # each example compiles a network


@FEWER
@given(networks())
def test_every_derived_motion_holds(network):
    verdict = judge_network(network, symmetry.derive, attempts=1)
    event(f"{len(verdict.derived)} of {math.prod(network.sizes)} shifts")
    assert not verdict.false, f"{network}: {verdict.false}"


@FEWER
@given(networks())
def test_every_shift_that_holds_is_derived(network):
    assume(kind_of(network) is None)
    verdict = judge_network(network, symmetry.derive)
    event(f"{len(verdict.true)} of {math.prod(network.sizes)} shifts")
    assert not verdict.missed, f"{network} misses {sorted(verdict.missed)}"


@FEWER
@given(networks())
def test_interior_claims_hold_wherever_they_speak(network):
    claim = symmetry.derive(network.f, jnp.ones(network.shape), axes=network.axes, domain="interior")
    false, spoken = false_inside(network.f, network.shape, network.axes, claim)
    event("speaks" if spoken else "is silent")
    assert not false, f"{network}: {false}"


@given(
    n=st.integers(6, 12),
    window=st.integers(1, 4),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 2),
    lo=st.integers(0, 3),
    hi=st.integers(0, 3),
    mode=st.sampled_from(MODES),
)
@example(n=8, window=3, stride=1, dilation=1, lo=1, hi=1, mode="zeros")
def test_the_interior_of_a_convolution_is_all_that_never_saw_the_border(n, window, stride, dilation, lo, hi, mode):
    reach = (window - 1) * dilation + 1
    kernel = 2.0 ** jnp.arange(window).reshape(window, 1, 1)
    options = dict(strides=stride, kernel_dilation=dilation, padding=((lo, hi),), padding_mode=mode)
    f = lambda x: jc.conv(x, kernel, **options)
    claim = symmetry.derive(f, jnp.ones((2, n, 1)), axes=(1,), domain="interior")
    (leaf,) = leaves(claim.outputs)
    first, last = math.ceil(lo / stride), (n - reach + lo) // stride
    assume(last >= first)
    assert tuple(leaf.clean[1]) == (first, last + 1)
    assert [t for t in range(2 * stride + 1) if (t,) in claim.lattice] == [0, stride, 2 * stride]
    assert tuple(leaf.shift((stride,)))[1] == 1


@pytest.mark.parametrize("library", LIBRARIES)
def test_networks_of_other_libraries(library):
    if library == "equinox":
        pytest.importorskip("equinox", reason="one of the libraries whose networks are derived")
    wrong = []
    for known in LIBRARIES[library]():
        claim = symmetry.derive(known.f, jnp.ones(known.shape), axes=known.axes, domain="torus")
        derived, expected = set(claim.lattice.elements(known.sizes)), spanned(known.generators, known.sizes)
        if known.unsettled:
            primitive, _ = known.unsettled
            if derived == expected or primitive not in {note.primitive for note in claim.blame}:
                wrong.append(f"{known.name}: no longer unsettled by {primitive}: {claim}")
        elif derived != expected:
            wrong.append(f"{known.name}: lacks {sorted(expected - derived)}, has too many {sorted(derived - expected)}")
        verdict = judge(known.f, known.shape, known.axes, claim, tolerance=known.tolerance, out_axes=known.out_axes)
        wrong += [f"{known.name}: {what}" for what in verdict.false]
        wrong += [f"{known.name}: {t} does not hold" for t in expected - verdict.true]
    assert not wrong, "\n".join(wrong)


# The bench itself: it finds what is known, tells what differs, and draws networks of every kind.


def test_the_bench_finds_known_groups():
    kernel = 2.0 ** jnp.arange(3).reshape(3, 1, 1)
    halve = lambda x: jc.conv(x, kernel, strides=2, padding="CIRCULAR")
    checkerboard = np.indices((4, 4)).sum(0)[..., None] % 2
    assert true_group(halve, (3, 8, 1), (1,)) == {(0,): (0,), (2,): (1,), (4,): (2,), (6,): (3,)}
    assert true_group(halve, (3, 9, 1), (1,)) == {(0,): (0,)}
    assert set(true_group(lambda x: x + checkerboard, (3, 4, 4, 1), (1, 2))) == spanned([(1, 1), (0, 2)], (4, 4))
    assert true_group(lambda x: x[:, ::-1], (3, 4, 1), (1,)) == {(t,): (-t % 4,) for t in range(4)}
    assert true_group(lambda x: jnp.sum(x, 1), (3, 4, 1), (1,)) == {(t,): () for t in range(4)}
    assert true_group(lambda x: (x, x.sum(1)), (3, 4, 1), (1,)) == {(t,): ((t,), ()) for t in range(4)}


def test_the_bench_knows_permutations_from_shifts():
    blocks = lambda x: x.reshape(x.shape[0], 4, 2)
    assert set(true_group(blocks, (3, 8, 1), (1,))) == {(0,), (2,), (4,), (6,)}
    assert permuted_group(blocks, (3, 8, 1), (1,)) == {(t,) for t in range(8)}
    assert permuted_group(lambda x: jnp.cumsum(x, 1), (3, 8, 1), (1,)) == {(0,)}


def test_the_bench_draws_groups_of_every_size():
    full = trivial = constant = 0
    drawn = draw_networks(40)
    for network in drawn:
        trial = Trial(network.f, network.shape, network.axes)
        full += len(trial.group) == math.prod(network.sizes)
        trivial += len(trial.group) == 1
        constant += any((y == y[:1, :1]).all() for y in trial.outputs)
    assert min(full, trivial, len(drawn) - full - trivial) >= 5
    assert constant <= 4
