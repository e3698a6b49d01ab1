"""Group convolutions, symmetric kernels and spin flips: every element of the group, to the bit, and what breaks it."""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import jaxconv as jc
from jaxconv import nn
from jaxconv.geometry import pad_amounts
from jaxconv.ops.groups import quotient, turn

RNG = np.random.default_rng(0)
ORDER = {"p4": 4, "p4m": 8}
QUARTER, MIRROR = np.asarray([[0, -1], [1, 0]]), np.asarray([[1, 0], [0, -1]])
POINTS = [np.linalg.matrix_power(QUARTER, g % 4) @ np.linalg.matrix_power(MIRROR, g // 4) for g in range(8)]


def whole(*shape):
    return RNG.integers(-4, 5, shape).astype(np.float32)


def moved(f, g, u, *, regular):
    """f[A^-1 (q - u)] on the torus, by indices alone; of a function on the group, orientation g^-1 h at h."""
    n = f.shape[0]
    q = np.stack(np.meshgrid(range(n), range(n), indexing="ij"))
    source = np.tensordot(POINTS[g].T, q - np.reshape(u, (2, 1, 1)), 1) % n
    f = f[source[0], source[1]]
    return f[:, :, [quotient(g, h) for h in range(f.shape[2])]] if regular else f


def test_elements_multiply_as_the_matrices_and_arrays_that_they_turn():
    square = np.arange(9).reshape(3, 3)
    for g, h in itertools.product(range(8), repeat=2):
        np.testing.assert_array_equal(POINTS[g] @ POINTS[quotient(g, h)], POINTS[h])
        np.testing.assert_array_equal(turn(turn(square, quotient(g, h)), g), turn(square, h))
        if g < 4 and h < 4:
            assert quotient(g, h) < 4, "p4 is closed"


@pytest.mark.parametrize(
    ("n", "k", "s", "padding"),
    [
        (4, 3, 1, "SAME"),
        (5, 2, 1, "CIRCULAR"),
        (4, 3, 2, "SAME"),
        (6, 3, 2, "CIRCULAR"),
        (4, 2, 2, "VALID"),
        (6, 4, 3, 1),
    ],
)
@pytest.mark.parametrize(("group", "lifting"), [("p4", True), ("p4m", True), ("p4m", False)])
def test_exactly_the_documented_elements_of_the_torus_survive(n, k, s, padding, group, lifting):
    """x -> (A, u) x becomes p -> A p + ((A - 1) d + u) / s if that is whole, and nothing at all if it is not."""
    order = ORDER[group]
    x = whole(n, n, 2) if lifting else whole(n, n, order, 2)
    kernel = whole(k, k, 2, 2) if lifting else whole(k, k, order, 2, 2)
    elements = list(itertools.product(range(order), range(n), range(n)))
    images = np.stack([moved(x, g, u, regular=not lifting) for g, *u in elements])
    convolve = jax.jit(partial(jc.group_conv, group=group, strides=s, padding=padding, padding_mode="circular"))
    outputs = np.asarray(convolve(images, kernel, bias=whole(2)))
    m = outputs.shape[1]
    d = (k - 1) / 2 - pad_amounts(padding, n, k, s)[0]
    for (g, *u), y in zip(elements, outputs, strict=True):
        v = ((POINTS[g] - np.eye(2)) @ [d, d] + u) / s
        found = [w for w in np.ndindex(m, m) if np.array_equal(y, moved(outputs[0], g, w, regular=True))]
        assert found == ([tuple(int(t) % m for t in v)] if (v == v.round()).all() else [])


@pytest.mark.parametrize("padding_mode", ["zeros", "reflect", "circular"])
@pytest.mark.parametrize("k", [2, 3])
def test_arrays_may_be_turned_whole_and_need_not_be_square(padding_mode, k):
    """The formula of the documentation; an even window keeps it where it is not padded."""
    f = lambda x: jc.group_conv(
        jc.group_conv(x, lift, group="p4", padding_mode=padding_mode, padding=(k - 1) // 2),
        deep, group="p4", padding_mode=padding_mode, padding=(k - 1) // 2,
    )  # fmt: skip
    x, lift, deep = whole(2, 5, 4, 2), whole(k, k, 2, 3), whole(k, k, 4, 3, 2)
    here, there = f(x), f(jnp.rot90(x, 1, (-3, -2)))
    np.testing.assert_array_equal(there, jnp.roll(jnp.rot90(here, 1, (-4, -3)), 1, -2))
    mirrored = f(x[:, :, ::-1])
    orders = itertools.permutations(range(4))
    assert not any(np.array_equal(mirrored, here[:, :, ::-1, list(order)]) for order in orders)


@pytest.mark.parametrize("group", ["p4", "p4m"])
def test_pooled_networks_forget_the_group_and_nothing_more(group):
    """Pooling takes the orientations for an axis with a window of 1."""
    order = ORDER[group]
    lift, deep = whole(3, 3, 1, 2), whole(2, 2, order, 2, 2)

    @jax.jit
    def features(x):
        f = jc.max_pool(jnp.maximum(jc.group_conv(x, lift, group=group), 0), (2, 2, 1))
        return jc.group_conv(f, deep, group=group, padding="VALID", bias=np.ones(2))

    x = whole(6, 6, 1)
    turned = features(np.stack([turn(x, g) for g in range(8)]))
    each = lambda y: len(np.unique(np.asarray(y).reshape(8, -1), axis=0))
    assert each(jc.global_max_pool(turned, rank=3)) == 8 // order
    assert each(turned.sum((1, 2, 3))) == 8 // order
    assert each(turned.sum((1, 2))) > 8 // order, "without the orientations the turns are seen"
    for reduction in ("max", "mean"):
        image = jc.orientation_pool(turned * 8, reduction=reduction)
        for g in range(order):
            np.testing.assert_array_equal(image[g], turn(image[0], g))


def test_pools_treat_orientations_alike():
    f = whole(2, 4, 4, 8, 3)
    one_by_one = lambda pool: jnp.stack([pool(f[..., g, :]) for g in range(8)], -2)
    np.testing.assert_array_equal(jc.max_pool(f, (2, 2, 1)), one_by_one(lambda x: jc.max_pool(x, (2, 2))))
    blurred = jc.blur_pool(f, (3, 3, 1), strides=(2, 2, 1))
    np.testing.assert_array_equal(blurred, one_by_one(lambda x: jc.blur_pool(x, (3, 3))))
    joint = jc.polyphase_offsets(f.reshape(2, 4, 4, 24))
    np.testing.assert_array_equal(jc.polyphase_offsets(f, strides=(2, 2, 1))[:, :2], joint)


def test_ties_of_orientations_go_to_the_first():
    gradient = jax.grad(lambda f: jc.orientation_pool(f).sum())(jnp.ones((2, 2, 4, 1)))
    np.testing.assert_array_equal(gradient, jnp.zeros((2, 2, 4, 1)).at[..., 0, :].set(1))


def test_a_group_convolution_is_a_convolution_with_every_turn_of_its_kernel():
    x, kernel, bias = whole(2, 5, 5, 2), whole(3, 3, 2, 3), whole(3)
    turned = jc.group_conv(x, kernel, group="p4m", bias=bias)
    for g in range(8):
        np.testing.assert_array_equal(turned[..., g, :], jc.conv(x, turn(kernel, g), bias=bias))
    np.testing.assert_array_equal(turned, jc.group_conv(x, kernel, group="p4m", bias=bias, method="einsum"))


@pytest.mark.parametrize("k", [4, 5])  # on 3 x 3 every kernel that turns keep is kept by mirrors
@pytest.mark.parametrize("symmetry", ["p4m", "p4", "pmm"])
def test_symmetrized_kernels_are_symmetric_to_the_bit(symmetry, k):
    kernel = RNG.normal(size=(k, k, 2, 3)).astype(np.float32)
    members = {"p4m": range(8), "p4": range(4), "pmm": (0, 2, 4, 6)}[symmetry]
    got = np.asarray(jc.symmetrize(kernel, symmetry=symmetry))
    kept = [g for g in range(8) if np.array_equal(turn(got, g), got)]
    assert kept == list(members)
    np.testing.assert_array_equal(jc.symmetrize(got, symmetry=symmetry), got)
    np.testing.assert_allclose(got, np.mean([turn(kernel, g) for g in members], 0), atol=1e-6)


def test_mirrors_alone_need_no_square_window():
    kernel = whole(2, 3, 1, 1)
    got = jc.symmetrize(kernel, symmetry="pmm")
    np.testing.assert_array_equal(got, (kernel + kernel[::-1] + kernel[:, ::-1] + kernel[::-1, ::-1]) / 4)


def test_symmetric_convolutions_commute_with_turns():
    x = whole(6, 6, 1)

    def kept(symmetry):
        random = lambda key, shape, dtype: jnp.asarray(8 * whole(*shape), dtype)
        layer = nn.Conv(1, 2, (5, 5), symmetry=symmetry, kernel_init=random, rngs=nn.Rngs(0))
        y = jax.jit(layer)(np.stack([turn(x, g) for g in range(8)]))
        return [g for g in range(8) if np.array_equal(y[g], turn(y[0], g))]

    assert kept("p4m") == list(range(8))
    assert kept("p4") == [0, 1, 2, 3]
    assert kept("pmm") == [0, 2, 4, 6]
    assert kept(None) == [0]


def test_symmetric_kernels_keep_the_variance_of_the_preset():
    plain = nn.Conv(32, 64, (3, 3), rngs=nn.Rngs(0)).kernel[...]
    for symmetry in ("p4m", "p4", "pmm"):
        kernel = jc.symmetrize(
            nn.Conv(32, 64, (3, 3), symmetry=symmetry, rngs=nn.Rngs(0)).kernel[...], symmetry=symmetry
        )
        np.testing.assert_allclose(kernel.var((2, 3)), plain.var(), rtol=0.1)
    assert nn.Conv(1, 1, (3, 3), symmetry="p4", param_dtype=jnp.bfloat16, rngs=nn.Rngs(0)).kernel.dtype == jnp.bfloat16
    averaged = jc.symmetrize(plain).var((2, 3))
    np.testing.assert_allclose(averaged, plain.var() / np.asarray([[4, 4, 4], [4, 1, 4], [4, 4, 4]]), rtol=0.1)


def test_modules_are_their_functions_under_every_transform():
    x, labels = whole(3, 6, 6, 1), jnp.asarray([1.0, -1.0, 2.0])
    lift = nn.GroupConv(1, 4, (3, 3), group="p4", lift=True, strides=2, padding="CIRCULAR", rngs=nn.Rngs(0))
    deep = nn.GroupConv(4, 2, (3, 3), group="p4", use_bias=False, rngs=nn.Rngs(1))
    assert (lift.kernel.shape, deep.kernel.shape, lift.bias.shape) == ((3, 3, 1, 4), (3, 3, 4, 4, 2), (4,))
    net = nn.Sequential(lift, nn.relu, deep, nn.OrientationPool(reduction="mean"), nn.GlobalAvgPool())
    by_hand = jc.group_conv(x, lift.kernel[...], group="p4", bias=lift.bias[...], strides=2, padding="CIRCULAR")
    by_hand = jc.group_conv(jnp.maximum(by_hand, 0), deep.kernel[...], group="p4")
    expected = by_hand.mean((1, 2, 3))
    np.testing.assert_allclose(net(x), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(jax.vmap(net)(x), expected, rtol=1e-5, atol=1e-6)
    loss = lambda net: ((net(x)[:, 0] - labels) ** 2).mean()
    gradients = nnx.grad(loss)(net)
    assert all(float(abs(leaf).max()) > 0 for leaf in jax.tree.leaves(gradients))
    with jax.enable_x64(True):
        wide = nn.GroupConv(1, 4, (3, 3), lift=True, param_dtype=jnp.float64, rngs=nn.Rngs(0))
        assert wide(x.astype(np.float64)).dtype == jnp.float64


@pytest.mark.parametrize(("parity", "sign"), [("even", 1), ("odd", -1)])
def test_spin_flips_are_exact_whatever_the_module_does(parity, sign):
    spins = np.sign(RNG.normal(size=(4, 6, 6, 1))).astype(np.float32)
    net = nn.Sequential(
        nn.Conv(1, 8, (3, 3), bias_init=jax.nn.initializers.normal(), rngs=nn.Rngs(0)), nn.relu, nn.GlobalMaxPool()
    )
    f = jax.jit(nn.SpinFlip(lambda x: {"here": net(x), "twice": 2 * net(x)}, parity=parity))
    for name, out in f(spins).items():
        np.testing.assert_array_equal(f(-spins)[name], sign * out)
    assert not np.allclose(net(-spins), sign * net(spins))
    both = [nn.SpinFlip(net, parity=p)(spins) for p in ("even", "odd")]
    np.testing.assert_allclose(both[0] + both[1], net(spins), rtol=1e-6)
    np.testing.assert_array_equal(nn.SpinFlip(nn.SpinFlip(net, parity=parity), parity=parity)(spins), both[sign < 0])
