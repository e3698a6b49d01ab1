"""Blocking against its definition, block by block; what its ties do; which symmetries it keeps, derived and refuted."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import jaxconv as jc
from jaxconv import nn, symmetry

RNG = np.random.default_rng(0)
KEY = jax.random.key(0)


def spins(*shape, dtype=np.int8):
    return RNG.choice([-1, 1], shape).astype(dtype)


def blocks(x, window, offset):
    """`*batch *space_out c site`, by the definition: pixel (block * window + offset + site) modulo the size."""
    rank = len(window)
    lead, space = x.shape[: -1 - rank], x.shape[-1 - rank : -1]
    out = tuple(n // w for n, w in zip(space, window, strict=True))
    found = np.zeros((*lead, *out, x.shape[-1], np.prod(window)), x.dtype)
    for block in itertools.product(*map(range, out)):
        for number, site in enumerate(itertools.product(*map(range, window))):
            pixel = tuple((b * w + o + s) % n for b, w, o, s, n in zip(block, window, offset, site, space, strict=True))
            found[(..., *block, slice(None), number)] = x[(..., *pixel, slice(None))]
    return found


CASES = [((12,), (3,), (1,)), ((6, 8), (2, 4), (0, 3)), ((6, 8), (3, 2), (2, 0)), ((4, 6, 4), (2, 3, 2), (1, 2, 0))]


@pytest.mark.parametrize(("space", "window", "offset"), CASES)
def test_every_rule_is_its_definition(space, window, offset):
    x = spins(2, *space, 3)
    cells = blocks(x, window, offset)
    total, majority = cells.sum(-1, dtype=int), np.sign(cells.sum(-1, dtype=int))
    at = dict(window_shape=window, offset=offset)
    kept, mean, zero, first, tossed = jax.jit(
        lambda x: (
            jc.decimate(x, **at),
            jc.block_average(x, **at),
            *(jc.majority_pool(x, ties=ties, **at) for ties in ("zero", "first")),
            jc.majority_pool(x, key=KEY, **at),
        )
    )(x)
    equal = np.testing.assert_array_equal
    equal(kept, cells[..., 0])
    np.testing.assert_allclose(mean, total / np.prod(window), rtol=2e-7)  # a third is rounded
    equal(zero, majority)
    equal(first, np.where(total == 0, cells[..., 0], majority))
    equal(np.asarray(tossed)[total != 0], majority[total != 0])
    assert set(np.unique(tossed)) <= {-1, 1}


@pytest.mark.parametrize("dtype", ["int32", "bfloat16"])
def test_spins_of_any_signed_dtype_stay_in_it(dtype):
    x = spins(4, 6, 6, 2)
    known = lambda x: (jc.majority_pool(x, (2, 2), ties="first"), jc.majority_pool(x, (2, 2), key=KEY))
    for found, expected in zip(jax.jit(known)(jnp.asarray(x, dtype)), jax.jit(known)(x), strict=True):
        assert (found.dtype, expected.dtype) == (dtype, "int8")
        np.testing.assert_array_equal(found.astype(jnp.int8), expected)
    assert jc.decimate(jnp.asarray(x, dtype), (2, 2)).dtype == dtype
    mean = jc.block_average(jnp.asarray(x, dtype), (2, 2)).dtype
    assert mean == (dtype if jnp.issubdtype(dtype, jnp.floating) else "float32")


def test_many_spins_do_not_overflow_int8():
    x = np.ones((1, 16, 16, 1), np.int8)
    x[0, 0, :5] = -1
    assert jc.majority_pool(x, (16, 16), ties="zero") == 1
    assert jc.block_average(x, (16, 16)) == np.float32(246 / 256)


def test_majority_of_other_numbers_is_the_sign_of_their_sum():
    x = jnp.asarray([3.0, -1.0, -1.0, 0.0, 0.5, -0.25, -0.25, 0.0, 0.0, 0.0, 0.0, 0.0])[:, None]
    for options in (dict(ties="first"), dict(ties="zero"), dict(key=KEY)):
        found = jc.majority_pool(x, (4,), **options)[:, 0]
        assert (found[0], found[2]) == (1, 0)
    assert jc.majority_pool(x, (4,), ties="first")[1, 0] == 1


def test_tied_blocks_become_each_of_their_sites_equally_often():
    """Four sites, of which one is positive, one zero and two negative; within 4 standard errors, with one key."""
    n = 20_000
    x = np.tile(np.asarray([2, -1, 0, -1], np.int8), n)[:, None]
    found = np.asarray(jc.majority_pool(x, (4,), key=KEY))
    for value, chance in ((1, 1 / 4), (0, 1 / 4), (-1, 1 / 2)):
        assert abs(np.mean(found == value) - chance) < 4 * np.sqrt(chance * (1 - chance) / n)
    (low, high), _ = np.histogram(np.flatnonzero(found == 1), 2, (0, n))
    assert abs(low - high) < 4 * np.sqrt(n / 4)  # and everywhere


def test_random_ties_are_drawn_anew_for_each_example_channel_and_key_and_are_odd():
    x = np.tile(np.asarray([1, -1], np.int8), 32).reshape(1, 64, 1) * np.ones((2, 1, 2), np.int8)
    found = np.asarray(jc.majority_pool(x, (2,), key=KEY))
    other = np.asarray(jc.majority_pool(x, (2,), key=jax.random.key(1)))
    columns = [*found.transpose(0, 2, 1).reshape(4, 32), other[0, :, 0]]
    assert all((a != b).any() for a, b in itertools.combinations(columns, 2))
    np.testing.assert_array_equal(jc.majority_pool(-x, (2,), key=KEY), -found)
    np.testing.assert_array_equal(jc.majority_pool(x, (2,), key=KEY), found)


def test_keys_go_through_jit_and_vmap():
    x, keys = spins(3, 8, 8, 1), jax.random.split(KEY, 3)
    f = lambda x, key: jc.majority_pool(x, (2, 2), key=key)
    np.testing.assert_array_equal(
        jax.jit(jax.vmap(f))(x, keys), jnp.stack([f(*one) for one in zip(x, keys, strict=True)])
    )


def test_gradients():
    x = jnp.asarray(spins(6, 6, 1), jnp.float32)
    slope = lambda f: jax.grad(lambda x: (f(x) * jnp.arange(1.0, 10).reshape(3, 3, 1)).sum())(x)
    for options in (dict(ties="first"), dict(ties="zero"), dict(key=KEY)):
        assert not slope(lambda x, options=options: jc.majority_pool(x, (2, 2), **options)).any()
    kept = slope(lambda x: jc.decimate(x, (2, 2), offset=1))
    np.testing.assert_array_equal(kept[1::2, 1::2], jnp.arange(1.0, 10).reshape(3, 3, 1))
    assert kept.sum() == 45
    shared = slope(lambda x: jc.block_average(x, (2, 2), offset=1))
    np.testing.assert_array_equal(shared[1:3, 1:3, 0], np.full((2, 2), 1 / 4))


def test_two_levels_of_decimation_and_of_averages_are_one():
    x = spins(8, 12, 1, dtype=np.float32)
    np.testing.assert_array_equal(jc.decimate(jc.decimate(x, (2, 3)), (2, 2)), jc.decimate(x, (4, 6)))
    twice = jc.block_average(jc.block_average(x, (2, 2)), (2, 2))
    np.testing.assert_array_equal(twice, jc.block_average(x, (4, 4)))


RULES = {
    "decimate": lambda x: jc.decimate(x, (2, 3), offset=1),
    "block_average": lambda x: jc.block_average(x, (2, 3), offset=1),
    "majority, zero": lambda x: jc.majority_pool(x, (2, 3), offset=1, ties="zero"),
    "majority, first": lambda x: jc.majority_pool(x, (2, 3), offset=1, ties="first"),
}


@pytest.mark.parametrize("dtype", ["int8", "int32", "bfloat16"])
@pytest.mark.parametrize("name", RULES)
def test_the_claims_are_derived_for_every_kind_of_spin(name, dtype):
    claim = symmetry.derive(RULES[name], jax.ShapeDtypeStruct((1, 4, 6, 1), dtype))
    assert (claim.generators, claim.spin) == (((2, 0), (0, 3)), "odd")


@pytest.mark.parametrize("name", RULES)
def test_shifts_by_whole_blocks_and_the_spin_flip_are_derived_and_hold(name):
    f = RULES[name]
    claim = symmetry.derive(f, (1, 4, 6, 1))
    assert (claim.generators, claim.spin) == (((2, 0), (0, 3)), "odd")
    assert [claim.moved(t) for t in claim.generators] == [[(0, 1, 0, 0)], [(0, 0, 1, 0)]]
    assert symmetry.check(f, claim, examples=20).tried > 5
    assert symmetry.refute(f, symmetry.Shifts(1, 1), (1, 4, 6, 1))


def test_turns_that_blocks_keep():
    """About the centre for whole blocks, about pixel 0 for its multiples; a block's first pixel keeps the diagonal."""
    turns = lambda f: {str(t) for t in symmetry.derive(f, (1, 6, 6, 1)).turns if t.settled}
    average = turns(lambda x: jc.block_average(x, (2, 2)))
    assert len(average) == 7
    assert "rot90 about the centre" in average
    assert turns(lambda x: jc.majority_pool(x, (2, 2), ties="zero")) == average
    assert "rot90 about pixel 0" in turns(lambda x: jc.decimate(x, (2, 2)))
    first = lambda x: jc.majority_pool(x, (2, 2), ties="first")
    assert turns(first) == {"transpose"}
    assert symmetry.refute(first, symmetry.Equivariant(symmetry.C4(), symmetry.C4()), (1, 6, 6, 1))


def test_of_random_ties_with_a_known_key_the_spin_flip_alone_is_derived():
    f = lambda x: jc.majority_pool(x, (2, 2), key=KEY)
    claim = symmetry.derive(f, (1, 4, 4, 1))
    assert (claim.generators, claim.spin) == ((), "odd")
    assert symmetry.check(f, claim, examples=20).tried > 5
    assert symmetry.refute(f, symmetry.Equivariant(symmetry.Shifts(2, 2), symmetry.Shifts(1, 1)), (1, 4, 4, 1))


def test_max_pooling_keeps_no_spin_flip():
    f = lambda x: jc.max_pool(x, (2, 2))
    assert symmetry.derive(f, (1, 4, 4, 1)).spin == "unknown"
    assert symmetry.refute(f, symmetry.SpinFlip(), (1, 4, 4, 1))


def test_modules_are_the_functions():
    x = spins(2, 6, 6, 1)
    options = dict(offset=(1, 0))
    np.testing.assert_array_equal(nn.Decimate((2, 3), **options)(x), jc.decimate(x, (2, 3), **options))
    np.testing.assert_array_equal(nn.BlockAverage((2, 3), **options)(x), jc.block_average(x, (2, 3), **options))
    for ties in ("first", "zero"):
        found = nn.MajorityPool((2, 3), ties=ties, **options)(x)
        np.testing.assert_array_equal(found, jc.majority_pool(x, (2, 3), ties=ties, **options))


def test_the_module_draws_ties_from_its_stream():
    x = spins(16, 16, 1)
    key = nnx.Rngs(ties=3).ties()
    expected = jc.majority_pool(x, (2, 2), key=key)
    pool = nn.MajorityPool((2, 2), rngs=nnx.Rngs(0))
    np.testing.assert_array_equal(nn.MajorityPool((2, 2))(x, rngs=nnx.Rngs(ties=3)), expected)
    np.testing.assert_array_equal(pool(x, rngs=nnx.Rngs(ties=3)), expected)
    run = nnx.jit(lambda pool, x: pool(x))
    assert (run(pool, x) != run(pool, x)).any()  # the stream moves on, within jit too


X = np.ones((1, 6, 6, 1), np.int8)
ERRORS = [
    (lambda: jc.decimate(X, (4, 3)), ValueError,
     "decimate: blocks of (4, 3) do not tile the spatial shape (6, 6) of x; make it (4, 6) or (8, 6)"),
    (lambda: jc.block_average(X, (7, 2)), ValueError,
     "block_average: blocks of (7, 2) do not tile the spatial shape (6, 6) of x; make it (7, 6)"),
    (lambda: jc.majority_pool(X, (2, 2), ties="zero", offset=(0, 3)), ValueError,
     "majority_pool: offset=(0, 3) must lie in the window (2, 2); use (0, 1), which gives the same blocks, numbered "
     "from another one"),
    (lambda: jc.decimate(X, (2, 2), offset=-1), ValueError, "decimate: offset=-1 must be at least 0"),
    (lambda: jc.decimate(X, (2, 2), offset=0.5), TypeError, "decimate: offset=0.5 must be a whole number"),
    (lambda: jc.majority_pool(X, (2, 2)), ValueError,
     "majority_pool: ties='random' needs a key; give key=jax.random.key(0), or ties='first' or 'zero'"),
    (lambda: jc.majority_pool(X, (2, 2), ties="first", key=KEY), ValueError,
     "majority_pool: ties='first' takes no key; leave the key out"),
    (lambda: jc.majority_pool(X, (2, 2), ties="even"), ValueError,
     "majority_pool: unknown ties 'even'; use one of 'random', 'first', 'zero'"),
    (lambda: jc.majority_pool(X > 0, (2, 2), key=KEY), TypeError,
     "majority_pool: x is bool but spins are +1 and -1; write zeros and ones as 2 * x.astype(jnp.int8) - 1"),
    (lambda: jc.majority_pool(X.astype(np.uint8), (2, 2), key=KEY), TypeError, "majority_pool: x is uint8 but spins"),
    (lambda: jc.majority_pool(X + 1j, (2, 2), key=KEY), TypeError, "majority_pool: x is complex64 but spins"),
    (lambda: nn.Decimate((2, 2), offset=2), ValueError, "Decimate: offset=2 must lie in the window (2, 2); use (0, 0)"),
    (lambda: nn.MajorityPool((2, 2), ties="last"), ValueError, "MajorityPool: unknown ties 'last'; use one of"),
    (lambda: nn.MajorityPool((2, 2))(X), ValueError,
     "MajorityPool: ties='random' needs rngs; give rngs=nnx.Rngs(0), or ties='first' or 'zero'"),
    (lambda: nn.MajorityPool((2, 2), rngs=KEY), TypeError, "MajorityPool: rngs must be nnx.Rngs, got "),
    (lambda: nn.BlockAverage(2), TypeError, "BlockAverage: window_shape=2 must be a tuple"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "text"), ERRORS)
def test_errors_say_what_to_do(call, error, text):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value).startswith(text)
