"""Monte Carlo renormalisation: sums and jackknife by their definition, error bars, the Ising model's exponents."""

import itertools

import jax
import numpy as np
import pytest

import jaxconv as jc
from jaxconv import data
from jaxconv.physics import CRITICAL_TEMPERATURE, critical_exponents, mean_and_error

KEY = jax.random.key(0)


def majority(spins, key):
    return jc.majority_pool(spins[..., None], (2, 2), key=key)[..., 0]


def decimate(spins, _):
    return jc.decimate(spins[..., None], (2, 2))[..., 0]


def average(spins, _):
    return jc.block_average(spins[..., None], (2, 2))[..., 0]


def hot(*shape):
    return np.random.default_rng(0).choice([-1, 1], shape).astype(np.int8)


def operators(spins):
    """All even and odd operators of one lattice, site by site."""
    n = len(spins)
    even, odd = np.zeros(3, int), np.zeros(2, int)
    for i, j in itertools.product(range(n), range(n)):
        a, b, c, d = (int(spins[(i + k) % n, (j + m) % n]) for k, m in ((0, 0), (0, 1), (1, 0), (1, 1)))
        even += (a * b + a * c, a * d + b * c, a * b * c * d)
        odd += (a, a * b * c + a * b * d + a * c * d + b * c * d)
    return even, odd


def exponent(below, above, *, centred):
    """ln of the largest eigenvalue of T over ln 2, T being <S_n S_n>_c^-1 <S_n S_n-1>_c."""
    if centred:
        below, above = below - below.mean(0), above - above.mean(0)
    return np.log2(np.linalg.eigvals(np.linalg.inv(above.T @ above) @ above.T @ below).real.max())


@pytest.mark.parametrize(("even", "odd"), [(3, 2), (2, 1)])
def test_exponents_and_errors_are_their_definition(even, odd):
    """On two chains of 13 samples and pieces of 4 and 5, each left out in turn."""
    samples = hot(2, 13, 4, 4).repeat(2, -1).repeat(2, -2) * np.where(hot(2, 13, 8, 8) + hot(13, 8, 8) < -1, -1, 1)
    found = critical_exponents(samples, decimate, KEY, levels=1, even=even, odd=odd, bins=3)
    assert found.sizes == (8, 4)
    lattices = samples.reshape(26, 8, 8)
    below, above = ([operators(s) for s in each] for each in (lattices, lattices[:, ::2, ::2]))
    pieces = [range(13 * chain + a, 13 * chain + b) for chain in (0, 1) for a, b in ((0, 4), (4, 8), (8, 13))]
    for kind, count, y, error in ((0, even, found.y_t, found.y_t_error), (1, odd, found.y_h, found.y_h_error)):
        fine, coarse = (np.array([one[kind][:count] for one in each], float) for each in (below, above))
        np.testing.assert_allclose(y[0], exponent(fine, coarse, centred=kind == 0))
        without = [
            exponent(np.delete(fine, piece, 0), np.delete(coarse, piece, 0), centred=kind == 0) for piece in pieces
        ]
        np.testing.assert_allclose(error[0], np.std(without) * np.sqrt(len(pieces) - 1))


def test_averages_hand_the_magnetisation_on_exactly():
    found = critical_exponents(hot(64, 16, 16), average, KEY, levels=2)
    np.testing.assert_allclose(found.y_h, 2, rtol=1e-6)
    np.testing.assert_allclose(found.y_h_error, 0, atol=1e-6)


def test_error_bars_are_the_spread_of_independent_runs():
    """Free spins: a kept one says nothing of its block, so b^y_h = 1. The spread of 60 runs is known to 9 %."""
    runs = [critical_exponents(s, decimate, KEY, levels=1) for s in hot(60, 128, 8, 8)]
    y, errors = np.array([(run.y_h[0], run.y_h_error[0]) for run in runs]).T
    assert abs(y.mean()) < 4 * y.std() / np.sqrt(60)
    assert abs(errors.mean() / y.std() - 1) < 0.36


def test_chains_one_after_another_are_one_longer_chain():
    spins = hot(2, 32, 8, 8)
    apart, joined = (
        critical_exponents(s, decimate, KEY, levels=1, bins=n) for s, n in ((spins, 4), (spins.reshape(64, 8, 8), 8))
    )
    assert (apart.y_t, apart.y_h_error) == (joined.y_t, joined.y_h_error)


@pytest.fixture(scope="module")
def critical():
    """Return 600 lattices of 64 x 64 at Tc, 3 sweeps apart, as 12 chains."""
    return (
        data.ising(64, [CRITICAL_TEMPERATURE], 600, KEY, chains=12, sweeps=3, warmup=60)
        .spins[0]
        .reshape(12, 50, 64, 64)
    )


@pytest.mark.once
def test_exponents_of_the_ising_model(critical):
    """y_t = 1 and y_h = 15/8; the notebook on renormalisation has ten times the samples."""
    found = critical_exponents(critical, majority, jax.random.key(1), levels=3, bins=4)
    assert found.sizes == (64, 32, 16, 8)
    assert ((found.y_h > 1.85) & (found.y_h < 1.90) & (found.y_h_error < 0.01)).all()
    assert (abs(found.y_t - 1)[1:] < 4 * found.y_t_error[1:]).all()  # the first level is low by 0.04 to 0.06
    assert (found.y_t_error < 0.08).all()
    wrong = critical_exponents(critical, decimate, KEY, levels=1, bins=4)
    assert wrong.y_h[0] > 1.99  # a site that is kept has no new length: the spurious y_h = d


@pytest.mark.once
def test_ties_at_the_critical_temperature(critical):
    tied = critical.reshape(12, 50, 32, 2, 32, 2).sum((3, 5)) == 0
    mean, error = mean_and_error(tied.mean((2, 3)))
    assert error < 0.002
    assert abs(mean - 0.083) < 4 * error + 0.0005


def test_the_table():
    found = critical_exponents(hot(64, 8, 8), average, KEY, levels=1)
    assert str(found).splitlines()[0].split() == ["lattices", "y_t", "y_h"]
    assert str(found).splitlines()[1].startswith("8 -> 4 ")
    assert str(found).endswith("2.0000 +- 0.0000")


X = hot(32, 8, 8)
ERRORS = [
    (lambda: critical_exponents(X[0], decimate, KEY), ValueError,
     "critical_exponents: spins of shape (8, 8) must be `samples L L` or `chains samples L L`"),
    (lambda: critical_exponents(X > 0, decimate, KEY), TypeError,
     "critical_exponents: spins are bool, but +1 and -1 need a sign; make them jnp.int8"),
    (lambda: critical_exponents(X, decimate, KEY), ValueError,
     "critical_exponents: levels=3 blocks 8 sites a side down to 1, but neighbours on both sides are different only "
     "from 3 on; use levels=1"),
    (lambda: critical_exponents(X[:, :4, :4], decimate, KEY, levels=1), ValueError,
     "critical_exponents: levels=1 blocks 4 sites a side down to 2, but neighbours on both sides are different only "
     "from 3 on; start from a larger lattice"),
    (lambda: critical_exponents(X, lambda s, key: s, KEY), ValueError,
     "critical_exponents: block must make a smaller square lattice, but made (8, 8) of (8, 8)"),
    (lambda: critical_exponents((X + 1) // 2, decimate, KEY, levels=1), ValueError,
     "critical_exponents: spins must be +1 and -1; write zeros and ones as 2 * spins - 1"),
    (lambda: critical_exponents(X, decimate, KEY, even=4), ValueError,
     "critical_exponents: even=4 operators, but there are 3; use at most 3"),
    (lambda: critical_exponents(X, decimate, KEY, levels=1, bins=33), ValueError,
     "critical_exponents: bins=33 pieces cannot be cut from chains of 32 samples; take more"),
    (lambda: critical_exponents(X, decimate, KEY, bins=1), ValueError, "critical_exponents: bins=1 must be at least 2"),
    (lambda: critical_exponents(np.ones_like(X), decimate, KEY, levels=1), ValueError,
     "critical_exponents: the operators of level 1 do not fluctuate independently in these samples; take more samples "
     "at the critical temperature, or fewer operators"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "text"), ERRORS)
def test_errors_say_what_to_do(call, error, text):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value).startswith(text)
