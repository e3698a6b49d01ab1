"""Rounding bounds are never too small; rounding is not taken for a broken symmetry, nor a broken one for rounding."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import jaxconv as jc
from jaxconv.symmetry import Equivariant, Invariant, Shifts, check, refute
from jaxconv.symmetry.program import Program

DRAW = np.random.default_rng(0)


def normalise(x):
    return (x - x.mean(-1, keepdims=True)) * lax.rsqrt(x.var(-1, keepdims=True) + 1e-3)


@jax.custom_jvp
def wrapped(x):
    return jax.checkpoint(jax.jit(lambda a: jnp.sin(a) * a))(x)


wrapped.defjvp(lambda p, t: (wrapped(*p), t[0]))

KERNEL = DRAW.normal(size=(3, 4, 4)).astype(np.float32)
SAFE = {
    "arithmetic": lambda x: (x + 0.1) * (x - 0.3) / (x * x + 0.7) - x**3,
    "exp": lambda x: jnp.exp(x * 0.1) + jnp.exp2(x * 0.1) + jnp.expm1(-x),
    "logarithms and roots": lambda x: (
        jnp.log(x * x + 0.1) + jnp.sqrt(x * x + 0.2) + jnp.log1p(x * x) + jnp.cbrt(x * 0.3)
    ),
    "waves": lambda x: jnp.sin(x * 1.3) + jnp.cos(x * 0.7) + jnp.tanh(x * 0.9) + jnp.arctan(x / 3),
    "rational functions of exp": lambda x: jax.nn.gelu(x * 0.7) + jax.nn.silu(x * 0.3) + jax.nn.softplus(x * 0.1),
    "error functions": lambda x: lax.erf(x * 0.3) + lax.erfc(x * 0.4) + lax.erf_inv(x * 0.1),
    "choices": lambda x: jnp.where(x * 0.3 > 0.1, x * 0.3, 0.1) + jnp.clip(x / 3, -1, 1) + jnp.maximum(x * 0.7, x / 3),
    "powers": lambda x: jnp.abs(x * 0.3 + 0.01) ** 1.7 + (x * 0.3 + 9) ** -2,
    "softmax": lambda x: jax.nn.softmax(x * 0.3, -1) + jax.nn.logsumexp(x * 0.7, -1, keepdims=True),
    "normalisation": normalise,
    "moves": lambda x: (
        jnp.roll(jnp.pad(x * 0.3, ((1, 2), (0, 0)))[::2, ::-1].T, 1, 0)[jnp.array([2, 0])] @ jnp.ones((5, 2))
    ),
    "sums": lambda x: jnp.cumsum(x * 0.3, 0) + (x / 3).sum(0) + jnp.cumsum((x / 7).mean(1)).max(),
    "sorting": lambda x: jnp.sort(x * 0.3, 0) + jnp.max(x / 3, 0) + jnp.min(x / 7) + lax.cummax(x / 3, 0),
    "scatter": lambda x: jnp.zeros((3, 4)).at[jnp.array([0, 1, 1, 2, 0, 0])].add(x / 3).at[0].set(x[0] * 0.3),
    "products": lambda x: (x / 3) @ KERNEL[0] @ (x.T / 7),
    "our convolutions": lambda x: jc.conv_transpose(
        jc.conv(x / 3, KERNEL, strides=2), KERNEL, strides=2, padding_mode="circular"
    ),
    "gradients": jax.grad(lambda x: jnp.tanh(jc.conv(x / 3, KERNEL)).sum()),
    "lax convolution": lambda x: lax.conv_general_dilated(
        x[None] / 3, KERNEL, (1,), "SAME", (1,), (2,), ("NWC", "WIO", "NWC")
    ),
    "pooling": lambda x: jc.max_pool(x / 3, (2,)) + jc.avg_pool(x / 3, (2,)) - jc.min_pool(x / 7, (2,)),
    "fourier": lambda x: (
        jnp.abs(jnp.fft.fft(x / 3, axis=0)) + jnp.fft.irfft(jnp.fft.rfft(x / 7, axis=0) * 0.3, 6, axis=0)
    ),
    "wrappers": wrapped,
}


@pytest.mark.parametrize("name", SAFE)
def test_bounds_hold_and_are_finite(name):
    program = Program(SAFE[name], jax.ShapeDtypeStruct((6, 4), np.float32))
    for scale in (1, 0.37, 100):
        x = np.float32(DRAW.integers(-4, 5, (6, 4)) * (scale if name not in ("error functions", "exp") else 1))
        y, bound, exact = program(x), program.bounds(x), program.wide(x)
        assert np.isfinite(bound).all(), program.unbounded
        assert exact.dtype in (np.float64, np.complex128)
        assert (np.abs(y - exact) <= bound).all()
        assert bound.max() <= 1e-3 * max(1, np.abs(y).max()), "a bound that says something"
    assert program.unbounded == ()


def test_what_does_not_depend_on_the_input_is_as_good_as_exact():
    """It is the same for f(x) and f(g x), however it was rounded."""
    noisy = lambda x: x * jax.random.normal(jax.random.key(0), x.shape)
    program = Program(noisy, jax.ShapeDtypeStruct((6, 4), np.float32))
    ones = np.ones((6, 4), np.float32)
    assert program.bounds(ones).max() < 1e-6
    np.testing.assert_allclose(program.wide(ones), program(ones), rtol=1e-4)


def test_what_has_no_rule_is_named():
    loop = lambda x: lax.fori_loop(0, 3, lambda _, a: jnp.sin(a) * 0.3, x)
    program = Program(loop, jax.ShapeDtypeStruct((3,), np.float32))
    assert np.isinf(program.bounds(np.ones(3, np.float32))).all()
    assert program.unbounded in (("while",), ("scan",))
    gathered = Program(lambda x: x[jnp.argmax(jnp.sin(x))], jax.ShapeDtypeStruct((3,), np.float32))
    gathered.bounds(np.ones(3, np.float32))
    assert "argmax" in gathered.unbounded


def test_integers_are_exact():
    program = Program(lambda x: (x + 3) // 2 * jnp.arange(3), jax.ShapeDtypeStruct((3,), np.int32))
    assert not program.bounds(np.arange(3, dtype=np.int32)).any()


@pytest.mark.parametrize(
    "loop",
    [
        lambda x: lax.scan(lambda c, a: (c * 0.3 + jnp.sin(a), c), jnp.zeros((4,)), x)[1],
        lambda x: lax.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, jnp.sin(s[1]) + s[1]), (0, x))[1],
        lambda x: lax.cond(x.sum() > 0, jnp.sin, jnp.cos, x),
        lambda x: lax.map(lambda a: jnp.exp(a).astype(jnp.bfloat16).astype(jnp.float32), x),
        lambda x: lax.reduce_precision(x / 3, 8, 7),
    ],
)
def test_programs_with_loops_are_widened(loop):
    x = np.float32(DRAW.integers(-3, 4, (6, 4)))
    program = Program(loop, x)
    exact = program.wide(x)
    assert exact.dtype == np.float64
    with jax.enable_x64(True):
        np.testing.assert_allclose(exact, loop(jnp.asarray(x, jnp.float64)), rtol=2e-2)
    assert 0 < np.abs(exact - program(x)).max() < 0.2


# A kernel whose taps cancel makes means of almost nothing: the hardest for tolerances.
def cancelling(t):
    kernel = t["kernel"] - t["kernel"].mean((0, 1))
    return jc.conv(t["x"], kernel, padding="CIRCULAR").mean((1, 2))


def test_no_false_alarm_where_fixed_tolerances_raise_them():
    """300 true claims with random weights; NumPy's usual rtol=1e-5 with atol=1e-6 refutes some of them."""
    fresh = lambda: {
        "x": np.float32(DRAW.integers(-40, 41, (1, 6, 6, 2))),
        "kernel": np.float32(DRAW.normal(size=(3, 3, 2, 3))),
    }
    program = Program(cancelling, fresh())
    usual = bound = 0
    for _ in range(300):
        t = fresh()
        moved = t | {"x": np.roll(t["x"], DRAW.integers(0, 6, 2), (1, 2))}
        a, b = program(t), program(moved)
        usual += not np.allclose(a, b, rtol=1e-5, atol=1e-6)
        bound += bool((np.abs(a - b) > 1.01 * (program.bounds(t) + program.bounds(moved))).any())
    assert usual > 0
    assert bound == 0


def test_verdicts():
    """Equal to the bit, within the bound, equal in 64 bits, and really different by little."""
    claim, shape = Invariant(Shifts(1)), (1, 5, 1)
    exact = check(lambda x: x.sum(1), claim, shape, examples=20)
    assert exact.bound == exact.rounding == 0
    bound = check(lambda x: (x * 0.1).sum(1) * (x / 7).sum(1), claim, shape, examples=20)
    assert bound.bound > 0
    unknown = check(lambda x: lax.map(lambda a: (a / 7).sum(0), x), claim, shape, examples=20)
    assert unknown.bound == 0
    assert unknown.rounding > 0
    small = lambda x: (x * 0.1).sum(1) + 1e-5 * x[:, 0]
    found = refute(small, claim, shape, examples=20)
    assert found.verdict.kind == "real"
    assert found.verdict.error < 1e-3


def test_half_precision_is_rounding_too():
    f = lambda x: jnp.tanh(jc.conv(x, jnp.asarray(KERNEL[:, :1], jnp.bfloat16), padding="CIRCULAR")).mean(1)
    held = check(f, Invariant(Shifts(1)), jax.ShapeDtypeStruct((1, 6, 1), jnp.bfloat16), examples=20)
    assert held.rounding > 0
    padded = lambda x: jc.conv(x, jnp.asarray(KERNEL[:, :1], jnp.bfloat16)).mean(1)
    assert refute(padded, Invariant(Shifts(1)), jax.ShapeDtypeStruct((1, 6, 1), jnp.bfloat16), examples=20)


def test_weights_in_float32_do_not_stop_the_triage():
    """`lax` refuses operands of two types, and so would a plain call with a 64-bit input."""
    f = lambda x: lax.conv_general_dilated(
        jnp.pad(x, ((0, 0), (1, 1), (0, 0)), mode="wrap"),
        KERNEL[:, :1],
        (1,),
        "VALID",
        dimension_numbers=("NWC", "WIO", "NWC"),
    )
    deep = lambda x: lax.map(lambda a: a.mean(0), f(x))
    assert check(deep, Invariant(Shifts(1)), (1, 5, 1), examples=20).rounding > 0
    assert refute(lambda x: f(x)[:, ::-1], Equivariant(Shifts(1)), (1, 5, 1), examples=20)
