"""`derive` on functions whose symmetry is known: what survives, how outputs move, what is blamed and refused.

Random networks are in test_derive_networks.py.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax import lax

import jaxconv as jc
from jaxconv import symmetry

K3 = 2.0 ** jnp.arange(3).reshape(3, 1, 1)
TORUS = dict(padding="SAME", padding_mode="circular")


def derive(f, shape, axes=(1,), **options):
    return symmetry.derive(f, shape, axes=axes, **options)


def reasons(claim):
    return [note.reason for note in claim.blame]


SURVIVORS = {
    "circular convolution": (lambda x: jc.conv(x, K3, **TORUS), (1, 12, 1), [(1,)]),
    "its stride divides": (lambda x: jc.conv(x, K3, strides=3, **TORUS), (1, 12, 1), [(3,)]),
    "its stride does not divide": (lambda x: jc.conv(x, K3, strides=2, **TORUS), (1, 9, 1), []),
    "zero padding": (lambda x: jc.conv(x, K3), (1, 12, 1), []),
    "overlapping pools that stop at the border": (lambda x: jc.max_pool(x, (3,), strides=(2,)), (1, 12, 1), []),
    "the same on a torus": (lambda x: jc.max_pool(x, (3,), strides=(2,), **TORUS), (1, 12, 1), [(2,)]),
    "wrap padding by jnp.pad": (lambda x: jnp.pad(x, ((0, 0), (2, 3), (0, 0)), mode="wrap"), (1, 12, 1), [(1,)]),
    "a roll and a mean": (lambda x: x + jnp.roll(x, 5, 1) - x.mean(), (1, 12, 1), [(1,)]),
    "a mirror image added": (lambda x: x + x[:, ::-1], (1, 12, 1), [(6,)]),
    "transposed convolution": (lambda x: jc.conv_transpose(x, K3, strides=2, **TORUS), (1, 12, 1), [(1,)]),
    "upsampling, then a stride": (lambda x: jc.conv(jnp.repeat(x, 2, 1), K3, strides=2, **TORUS), (1, 12, 1), [(1,)]),
    "phases apart and together": (
        lambda x: jnp.stack([x[:, 0::2], x[:, 1::2]], 2).reshape(x.shape),
        (1, 12, 1),
        [(1,)],
    ),
    "an encoding of period 4": (lambda x: x + jnp.tile(jnp.arange(4.0), 3)[:, None], (1, 12, 1), [(4,)]),
    "a dense layer of period 3": (
        lambda x: x.reshape(1, -1) @ jnp.tile(jnp.arange(6.0).reshape(3, 2) ** 2, (4, 1)),
        (1, 12, 1),
        [(3,)],
    ),
    "attention": (lambda x: nnx.dot_product_attention(x[:, :, None], x[:, :, None], x[:, :, None]), (1, 8, 4), [(1,)]),
    "a cumulative sum": (lambda x: jnp.cumsum(x, 1), (1, 8, 1), []),
    "a sorted signal": (lambda x: jnp.sort(x, 1), (1, 8, 1), [(1,)]),
    "couplings that depend on distance": (
        lambda x: jnp.einsum("bkc,kl,blc->bc", x, (jnp.arange(8)[:, None] - jnp.arange(8)) ** 2 % 8.0, x),
        (1, 8, 1),
        [(1,)],
    ),
    "a loop of rolls": (lambda x: lax.fori_loop(0, 3, lambda i, x: x + jnp.roll(x, i, 1), x), (1, 8, 1), [(1,)]),
    "a branch on an invariant": (lambda x: lax.cond(x.sum() > 0, jnp.sin, jnp.cos, x), (1, 8, 1), [(1,)]),
    "a branch on a pixel": (lambda x: lax.cond(x[0, 0, 0] > 0, jnp.sin, jnp.cos, x), (1, 8, 1), []),
    "a scan over layers": (
        lambda x: lax.scan(lambda x, k: (jc.conv(x, k, **TORUS), x.sum(1)), x, jnp.stack([K3, K3]))[0],
        (1, 8, 1),
        [(1,)],
    ),
    "a window as long as the axis": (lambda x: nnx.avg_pool(x[:, :, None], (12, 1)), (1, 12, 1), [(1,)]),
    "the same, pixel by pixel": (lambda x: jc.max_pool(x, (12,)), (1, 12, 1), [(1,)]),
    "a window that wraps around an orbit, and one period of the result": (
        lambda x: (x + jnp.roll(x, 3, 1) + jnp.roll(x, 6, 1) + jnp.roll(x, 9, 1))[:, :3],
        (1, 12, 1),
        [(1,)],
    ),
    "an axis of its own": (lambda x: x.sum(2), (1, 12, 3), [(1,)]),
    "Fourier transform, which has no rule yet": (lambda x: jnp.abs(jnp.fft.fft(x, axis=1)), (1, 8, 1), []),
}


@pytest.mark.parametrize("name", SURVIVORS)
def test_what_survives(name):
    f, shape, generators = SURVIVORS[name]
    claim = derive(f, shape)
    assert list(claim.generators) == generators
    assert claim.blame or generators == [(1,)]
    if generators:
        symmetry.check(f, claim, shape, examples=10)


def test_a_checkerboard_keeps_a_slanted_lattice():
    board = (np.indices((6, 4)).sum(0) % 2)[..., None].astype(np.float32)
    claim = symmetry.derive(lambda x: x * board, (1, 6, 4, 2))
    assert claim.generators == ((1, 1), (0, 2))
    assert str(claim.shifts) == "Shifts((1, 1), (0, 2))"
    assert len(claim.elements()) >= 11


def test_outputs_move_each_in_its_own_way():
    f = lambda x: {"half": jc.max_pool(x, (2, 2)), "mean": x.mean((1, 2)), "blocks": x.reshape(1, 6, 2, 4, 3)}
    claim = symmetry.derive(f, (1, 12, 4, 3))
    assert claim.kind == "equivariant"
    assert claim.outputs["half"].shift((2, 2)) == (0, 1, 1, 0)
    assert claim.outputs["mean"].shift((2, 2)) == (0, 0)
    assert claim.outputs["blocks"].shift((2, 2)) == (0, 1, 0, 2, 0)
    assert claim.outputs["blocks"].shift((1, 0)) is None  # a permutation of positions and blocks
    assert claim.outputs["blocks"].lattice.generators == ((1, 0), (0, 1))
    x = np.random.default_rng(0).integers(-9, 9, (1, 12, 4, 3)).astype(np.float32)
    moved = claim.outputs["blocks"].act(x.reshape(1, 6, 2, 4, 3), (1, 0))
    assert np.array_equal(moved, np.roll(x, 1, 1).reshape(1, 6, 2, 4, 3))


def test_blame_names_the_primitive_the_parameter_and_the_line():
    def f(x):
        x = jc.conv(x, K3, **TORUS)
        x = jc.conv(x, K3, strides=2, **TORUS)  # the line
        return x.mean(1)

    (stride, *_) = derive(f, (1, 27, 1)).blame
    line = f.__code__.co_firstlineno + 2
    assert stride.reason == "stride 2 does not divide 27: no cyclic shift survives; 28 would keep multiples of 2"
    assert stride.primitive == "conv"
    assert stride.place.endswith(f"test_derive.py:{line}")
    assert reasons(derive(f, (1, 28, 1))) == ["stride 2 keeps only the shifts by multiples of 2 pixels"]


def test_what_has_no_rule_is_reported_by_name():
    claim = derive(lambda x: jnp.linalg.qr(x[0])[0], (1, 4, 2))
    assert claim.kind == "none"
    assert "no rule follows positions through householder_product" in reasons(claim)[-1] or "qr" in str(claim.blame)


def test_interior_of_padded_networks():
    def f(x):
        x = jax.nn.relu(jc.conv(x, K3))
        return jc.max_pool(jc.conv(x, K3), (2,), strides=(2,))

    claim = derive(f, (1, 16, 1), domain="interior")
    assert (claim.kind, claim.generators, claim.outputs.clean[1]) == ("interior", ((2,),), (1, 7))
    assert claim.outputs.shift((4,)) == (0, 2, 0)
    assert symmetry.check(f, claim, (1, 16, 1), examples=20).tried > 5
    gap = derive(lambda x: f(x).mean(1), (1, 16, 1), domain="interior")
    assert (gap.kind, gap.generators) == ("none", ())


@pytest.mark.parametrize(
    ("window", "stride", "n", "about"),
    [
        (3, 1, 6, {"centre", "pixel"}),
        (3, 2, 6, {"pixel"}),
        (2, 2, 6, {"centre"}),
        (3, 2, 5, {"centre"}),
        (1, 1, 5, {"centre", "pixel"}),
    ],
)
def test_turns_carry_their_origin(window, stride, n, about):
    """On a torus a window of 3 with stride 2 turns even sizes about pixel 0, and odd ones about the centre."""
    kernel = jnp.asarray(np.minimum.outer(*[np.minimum(np.arange(window), np.arange(window)[::-1])] * 2) + 1.0)
    f = lambda x: jc.conv(x, kernel[..., None, None], strides=stride, **TORUS)
    claim = symmetry.derive(f, (1, n, n, 1))
    settled = {name for turn in claim.turns for name in ("centre", "pixel") if turn.settled and name in str(turn)}
    assert settled == about
    if about:
        symmetry.check(f, claim, (1, n, n, 1), examples=10)


def test_zero_padding_turns_about_the_centre():
    """What no shift survives, turns may: facts of rule 3, lo = hi and a stride that fits."""
    f = lambda x, **options: jc.conv(x, jnp.ones((3, 3, 1, 1)), **options)
    settled = lambda f, n: {str(turn) for turn in symmetry.derive(f, (1, n, n, 1)).turns if turn.settled}
    assert len(settled(f, 6)) == 7
    assert len(settled(lambda x: f(x, strides=2), 7)) == 7
    assert settled(lambda x: f(x, strides=2), 6) == {"transpose"}  # SAME pads the high side alone
    assert settled(lambda x: jc.conv(x, jnp.arange(9.0).reshape(3, 3, 1, 1)), 6) == set()


def test_spin_flip():
    odd = lambda x: jnp.tanh(jc.conv(x, K3))
    assert derive(odd, (1, 8, 1)).spin == "odd"
    assert derive(lambda x: odd(x) ** 2, (1, 8, 1)).spin == "even"
    assert derive(lambda x: jc.conv(x, K3, bias=jnp.zeros(1)), (1, 8, 1)).spin == "odd"
    assert derive(lambda x: jc.conv(x, K3, bias=jnp.ones(1)), (1, 8, 1)).spin == "unknown"
    assert derive(lambda x: jax.nn.relu(x), (1, 8, 1)).spin == "unknown"
    assert derive(lambda x: (x, abs(x), 0 * x), (1, 8, 1)).spin == ("odd", "even", "odd")


def test_whether_two_arrays_are_equal_does_not_ask_for_their_sign():
    spin = lambda f: derive(f, (1, 8, 1)).spin
    assert spin(lambda x: (x == 0, x != jnp.sin(x), abs(x) == 1)) == ("even", "even", "even")
    assert spin(lambda x: (x == 1, x == abs(x), x == jnp.arange(8.0)[:, None], x > 0)) == ("unknown",) * 4
    assert spin(lambda x: jnp.where(x.sum(1, keepdims=True) == 0, x, jnp.sign(x))) == "odd"
    assert spin(lambda x: jnp.where(x == 0, 1, jnp.sign(x))) == "unknown"
    assert spin(lambda x: jnp.where(x == 1, x, -x)) == "unknown"


class Small(nnx.Module):
    def __init__(self, *, rngs):
        self.conv = nnx.Conv(1, 4, (3, 3), padding="CIRCULAR", rngs=rngs)
        self.norm = nnx.BatchNorm(4, rngs=rngs)
        self.drop = nnx.Dropout(0.5, rngs=rngs)
        self.dense = nnx.Linear(4, 3, rngs=rngs)

    def __call__(self, x):
        x = nnx.avg_pool(nnx.relu(self.norm(self.conv(x))), (2, 2), strides=(2, 2))
        return self.dense(self.drop(x).mean((1, 2)))


def test_flax_modules_in_either_mode():
    model = Small(rngs=nnx.Rngs(0))
    training = symmetry.derive(model, (2, 8, 8, 1))
    assert training.kind == "none"  # each pixel has its own dropout mask
    assert "dropout with the current random key" in training.assumptions
    assert "batch statistics" in training.assumptions
    model.eval()
    claim = symmetry.derive(model, (2, 8, 8, 1))
    assert (claim.kind, claim.generators) == ("invariant", ((2, 0), (0, 2)))
    assert {"running averages", "no dropout"} <= set(claim.assumptions)
    symmetry.check(model, claim, (2, 8, 8, 1), examples=10)


def test_equinox_layers():
    layer = eqx.nn.Conv2d(1, 2, 3, stride=2, padding="SAME", padding_mode="CIRCULAR", key=jax.random.key(0))
    claim = symmetry.derive(layer, (1, 8, 8), axes=(1, 2))
    assert claim.moved((2, 4)) == [(0, 1, 2)]


def test_a_large_network_is_derived_abstractly():
    """A residual network at 224 x 224: nothing of the size of an image is computed."""
    block = lambda x, s: jax.nn.relu(jc.conv(x, jnp.ones((3, 3, 8, 8)), strides=s, **TORUS))

    def f(x):
        x = jc.conv(x, jnp.ones((7, 7, 3, 8)), strides=2, **TORUS)
        for stride in (1, 2, 1, 2, 1, 2):
            x = block(x, stride) + jc.conv(x, jnp.ones((1, 1, 8, 8)), strides=stride)
        return x.mean((1, 2))

    claim = symmetry.derive(f, (8, 224, 224, 3))
    assert (claim.kind, claim.generators) == ("invariant", ((16, 0), (0, 16)))


def test_the_words():
    text = str(derive(lambda x: jc.conv(x, K3, strides=2, **TORUS), (1, 8, 1))).splitlines()
    assert text[0] == "shifts    cyclic shifts of 8 pixels: those by multiples of (2,), equivariant"
    assert text[1] == "output    (1, 4, 1): (2,) shifts it by (0, 1, 0)"
    assert text[2].startswith("lost      stride 2 keeps only the shifts by multiples of 2 pixels (conv at ")
    assert text[-1] == "assumes   input float32[1, 8, 1], weights as they are, exact arithmetic"


NOISE = iter(range(10**6))


@pytest.mark.parametrize(
    ("f", "x", "options", "error", "text"),
    [
        (None, (1, 8, 1), {}, TypeError, "derive: f must be a function; got NoneType"),
        (jnp.sin, 3, {}, TypeError, "derive: x is an array, its shape, or a tree of those; got 3"),
        (jnp.sin, [], {}, ValueError, "derive: x holds no array"),
        (jnp.sin, (8, 1), {}, ValueError, "derive: say which axes shift; x of shape (8, 1) has too few"),
        (jnp.sin, (1, 8, 1), dict(axes=(3,)), ValueError, "derive: axes=(3,), but x of shape (1, 8, 1) has no axis 3"),
        (jnp.sin, (1, 8, 1), dict(axes=(1, -2)), ValueError, "must name one axis or more, each once"),
        (jnp.sin, (1, 0, 1), {}, ValueError, "has no pixel along one of axes=(1,)"),
        (jnp.sin, (1, 8, 1), dict(domain="plane"), ValueError, "derive: unknown domain 'plane'; use 'torus'"),
        (lambda x: x @ jnp.ones((3, 3)), (1, 8, 1), {}, ValueError, "does not accept an input of shape (1, 8, 1)"),
        (lambda x: x + next(NOISE), (1, 8, 1), {}, ValueError, "derive: the function is not deterministic"),
        (lambda x: jax.random.key(0), (1, 8, 1), {}, TypeError, "only numbers can be compared"),
        (lambda x: x[0] + x[1], [(1, 8, 1), (1, 6, 1)], dict(axes=(1,)), ValueError, "inputs shift together, but have"),
    ],
)  # fmt: skip
def test_bad_input_gets_a_sentence(f, x, options, error, text):
    with pytest.raises(error) as caught:
        symmetry.derive(f, x, **options)
    assert text in str(caught.value)


cat, pad1 = jnp.concatenate, lambda x: jnp.pad(x, ((0, 0), (1, 1)))
GATHER = lax.GatherDimensionNumbers(offset_dims=(0,), collapsed_slice_dims=(), start_index_map=(0,))
SCATTER = lax.ScatterDimensionNumbers((1,), (1,), (1,))
LOOKALIKES = {  # functions that are nearly symmetric: one part is not what it seems to be
    "pads by 0 and by 1": (lambda x: cat([pad1(x), jnp.pad(x, ((0, 0), (1, 1)), constant_values=1)]), (4, 3)),
    "labels shuffled in two ways": (
        lambda x: cat([x.reshape(4, *k).transpose(0, 2, 1).reshape(4, 8) for k in ((2, 4), (4, 2))]), (4, 8)
    ),
    "channels picked from two layouts": (
        lambda x: cat([x.reshape(4, *k)[:, :2, 0:1].reshape(4, 2) for k in ((2, 4), (4, 2))]),
        (4, 8),
    ),
    "every second row, and the rows repeated": (
        lambda x: cat([x.reshape(-1, 2)[:, ::-1].reshape(-1), jnp.repeat(x[1::2], 2)]), (8,)
    ),
    "values and indices": (lambda x: cat(lax.top_k(x, 1), 0), (4, 3)),
    "0 and -0": (lambda x: cat([lax.atan2(x, jnp.float32(0.0)), lax.atan2(x, jnp.float32(-0.0))]), (4,)),
    "-0 in an array": (lambda x: lax.atan2(x, np.array([0.0, -0.0, 0.0, 0.0], np.float32)), (4,)),
    "a kernel behind a tile": (
        lambda x: jnp.convolve(jnp.tile(x, 2), np.array([1.0, 2, 4, 8, 3, 5, 9], np.float32), mode="valid"), (6,)
    ),
    "two operands in one window": (
        lambda x: lax.reduce_window(
            (x, lax.cumsum(x)), (np.float32(0),) * 2, lambda a, b: (a[0] + b[1], a[1] + b[1]), (2,), (2,), ((0, 0),)
        )[0],
        (6,),
    ),
    "a window out of reach": (
        lambda x: cat([x[:2], lax.gather(x, np.array([3]), GATHER, (2,), mode="fill", fill_value=0)]), (4,)
    ),
    "rows written as columns": (
        lambda x: lax.scatter_add(x, np.array([[0], [1]]), np.array([[1, 2, 1, 2]] * 2, np.float32), SCATTER), (4, 2)
    ),
    "a mirror of merged rows": (lambda x: x.reshape(-1)[::-1], (4, 4), (0, 1)),
    "a border folded in": (lambda x: jnp.stack([jnp.pad(x, 1)[k] for k in range(8)]), (6,)),
    "a bool": (lambda x: x.astype(bool).astype(jnp.float32), (4,)),
    "small integers": (lambda x: x.astype(jnp.uint8).astype(jnp.float32), (4,)),
    "a default for what is missing": (
        lambda x: jnp.take(x, np.array([0, 9]), mode="fill", fill_value=7.0), (4,)
    ),
    "an index that has a sign": (lambda x: lax.dynamic_update_slice(x, x[:1] * 2, (x[0].astype(jnp.int32),)), (4,)),
    "a barrier": (lambda x: sum(lax.optimization_barrier((x, x[::-1]))), (6,)),
    "nothing at all": (lambda x: (x[:0], x[:0].sum(), x[:, None] @ jnp.zeros((1, 0))), (4,)),
}  # fmt: skip


@pytest.mark.parametrize("domain", ["torus", "interior"])
@pytest.mark.parametrize("name", LOOKALIKES)
def test_nothing_false_is_derived(name, domain):
    f, shape, *axes = LOOKALIKES[name]
    claim = derive(f, shape, *(axes or [(0,)]), domain=domain)
    x = np.random.default_rng(0).permutation(np.arange(float(np.prod(shape)), dtype=np.float32) - 3).reshape(shape)
    y = jax.tree.map(np.asarray, f(jnp.asarray(x)))
    for g in claim.elements():
        moved = jax.tree.map(np.asarray, f(jnp.asarray(claim.move(g, x))))
        (pairs,) = claim.compare(g, y, moved)
        assert all(np.array_equal(a, b) for a, b in pairs), claim.describe(g)


def test_loops_that_never_come_to_rest_are_given_up():
    loop = lambda x: lax.fori_loop(0, 3, lambda i, c: jnp.repeat(c[2:6], 2), x)
    assert derive(loop, (8,), (0,)).kind == "none"


def test_deep_networks_fit_on_the_stack():
    def f(x):
        a, b = x[:2], x[2:]
        for _ in range(600):
            a, b = jnp.sin(a), jnp.sin(b)
        return cat([a, b])

    assert derive(f, (4,), (0,)).generators == ((1,),)
