"""Modules: equal to Flax's where both exist, equal to the functions they call, and easy to mix with Flax's own."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from hypothesis import given
from hypothesis import strategies as st
from strategies import conv_geometries, conv_problems, integers_as_floats, pool_problems

import jaxconv as jc
from jaxconv import nn


def integers(*shape: int, low: int = -4, high: int = 4) -> np.ndarray:
    return np.random.default_rng(sum(shape)).integers(low, high + 1, shape).astype(np.float32)


def whole(key, shape, dtype=np.float32) -> jax.Array:
    """An initialiser of small integers, which make sums exact; it compiles nothing."""
    del key
    return jnp.asarray(integers(*shape), dtype)


def with_integers(module, *args, **options):
    """A module whose parameters are whole numbers; equal for equal shapes."""
    return module(*args, kernel_init=whole, bias_init=whole, rngs=nnx.Rngs(0), **options)


def run(module, x) -> np.ndarray:
    return np.asarray(jax.jit(lambda x: module(x))(x))


def assert_equal_modules(ours, theirs, x):
    here, there = (dict(nnx.to_flat_state(nnx.state(module, nnx.Param))) for module in (ours, theirs))
    assert jax.tree.map(jnp.shape, here) == jax.tree.map(jnp.shape, there)
    np.testing.assert_array_equal(*jax.jit(lambda x: (ours(x), theirs(x)))(x))


# Convolution


@st.composite
def flax_problems(draw):
    """Convolutions that Flax can say: one word for all axes (CAUSAL over one axis), or numbers of zeros."""
    word = draw(st.sampled_from(("numbers", "SAME", "VALID", "CIRCULAR", "REFLECT", "CAUSAL")))
    if word == "numbers":
        return draw(conv_problems(modes=("zeros",), words=()))
    g = draw(
        conv_geometries(
            ranks=(1,) if word == "CAUSAL" else (1, 2, 3),
            modes=("zeros", word.lower()),
            words=(word,),
            numbers=False,
            input_dilations=(1,),  # lax has no words for a dilated input
        )
    )
    g = g.but(padding=word, padding_mode="zeros")  # Flax has one word for all axes
    return g, draw(integers_as_floats(g.x_shape)), draw(integers_as_floats(g.kernel_shape))


@given(flax_problems(), st.booleans())
def test_conv_is_flax_conv(problem, use_bias):
    g, x, _ = problem
    options = g.options | {"use_bias": use_bias}
    ours = with_integers(nn.Conv, g.c_in, g.c_out, g.window, **options)
    del options["padding_mode"]
    assert_equal_modules(ours, with_integers(nnx.Conv, g.c_in, g.c_out, g.window, **options), x)


@pytest.mark.parametrize("padding", ["SAME", "VALID", "CIRCULAR", "REFLECT", "CAUSAL", 1, ((2, 0), (1, 3))], ids=str)
def test_conv_is_flax_conv_where_both_sides_are_padded_differently(padding):
    rank = 1 if padding == "CAUSAL" else 2
    sizes, x = (4, 6, (4, 2)[:rank]), integers(2, 8, 7, 4) if rank == 2 else integers(2, 8, 4)
    options = {"padding": padding, "strides": (2, 1)[:rank], "kernel_dilation": (1, 3)[:rank], "feature_group_count": 2}
    assert_equal_modules(with_integers(nn.Conv, *sizes, **options), with_integers(nnx.Conv, *sizes, **options), x)


def test_conv_with_a_mask_is_flax_conv_with_a_mask():
    x, mask = integers(2, 5, 6, 2), integers(3, 3, 2, 4, low=0, high=1)
    options = {"mask": jnp.asarray(mask), "padding": "CIRCULAR"}
    ours, theirs = (with_integers(module, 2, 4, (3, 3), **options) for module in (nn.Conv, nnx.Conv))
    assert_equal_modules(ours, theirs, x)
    gradient = nnx.jit(nnx.grad(lambda module: module(x).sum()))(ours)["kernel"][...]
    assert gradient.any()
    assert not gradient[mask == 0].any()
    assert [path for path, _ in nnx.to_flat_state(nnx.state(ours, nnx.Param))] == [("bias",), ("kernel",)]


def test_dense_is_flax_linear():
    for use_bias in (True, False):
        ours, theirs = (with_integers(module, 5, 3, use_bias=use_bias) for module in (nn.Dense, nnx.Linear))
        assert_equal_modules(ours, theirs, integers(2, 4, 5))


@given(
    conv_problems(modes=("zeros",), words=("SAME", "VALID"), pairs=False, input_dilations=(1,), groups=(1,)),
    st.sampled_from(("SAME", "VALID", "numbers")),
)
def test_conv_transpose_is_flax_conv_transpose_of_a_transposed_kernel(problem, padding):
    g, x, _ = problem
    strides, dilation = (
        value if isinstance(value, tuple) else (value,) * g.rank
        for value in (g.options["strides"], g.options["kernel_dilation"])
    )
    reach = [(k - 1) * d + 1 for k, d in zip(g.window, dilation, strict=True)]
    extra, flax_padding = None, padding
    if padding == "VALID":  # where windows leave gaps, lax appends the gap to the end
        extra = tuple(max(s - r, 0) for s, r in zip(strides, reach, strict=True))
    elif padding == "numbers":  # which lax applies to the dilated input
        padding = tuple((r - 1) // 2 for r in reach)
        flax_padding = [(r - 1 - p, r - 1 - p) for r, p in zip(reach, padding, strict=True)]
    options = {"strides": strides, "kernel_dilation": dilation}
    sizes = (g.c_in, g.c_out, g.window)
    ours = with_integers(nn.ConvTranspose, *sizes, padding=padding, output_padding=extra, **options)
    theirs = with_integers(nnx.ConvTranspose, *sizes, padding=flax_padding, transpose_kernel=True, **options)
    # Both hand the initialiser a shape of its own liking; what counts is the array.
    ours.kernel[...] = theirs.kernel[...]
    assert_equal_modules(ours, theirs, x)


# Pooling


@given(
    pool_problems(modes=("zeros",), words=("SAME", "VALID"), dilations=(1,), batches=((2,), ())),
    st.booleans(),
)
def test_pooling_is_flax_pooling(problem, count_include_pad):
    g, x = problem

    def each(value):
        return value if isinstance(value, tuple) else (value,) * g.rank

    padding = tuple(
        jc.geometry.pad_amounts(p, n, k, s)
        for p, n, k, s in zip(each(g.options["padding"]), g.space, g.window, each(g.strides), strict=True)
    )
    options = {"strides": each(g.strides), "padding": padding}

    @jax.jit
    def both(x):
        ours = [jc.max_pool(x, g.window, **g.options), jc.min_pool(x, g.window, **g.options)]
        ours.append(jc.avg_pool(x, g.window, count_include_pad=count_include_pad, **g.options))
        theirs = [nnx.max_pool(x, g.window, **options), nnx.min_pool(x, g.window, **options)]
        theirs.append(nnx.avg_pool(x, g.window, count_include_pad=count_include_pad, **options))
        return list(zip(ours, theirs, strict=True))

    for ours, theirs in both(x):
        np.testing.assert_array_equal(ours, theirs)


WINDOW_POOLS = [
    (nn.MaxPool, jc.max_pool),
    (nn.MinPool, jc.min_pool),
    (nn.AvgPool, jc.avg_pool),
    (nn.LpPool, jc.lp_pool),
]
WINDOW_OPTIONS = [
    {},
    {"strides": (1, 3)},
    {"padding": ((1, 0), 1)},
    {"padding": 1, "padding_mode": ("circular", "zeros")},
    {"window_dilation": (1, 2)},
]


@pytest.mark.parametrize(
    ("module", "function", "options"),
    [(*pool, options) for pool in WINDOW_POOLS for options in WINDOW_OPTIONS]
    + [(nn.AvgPool, jc.avg_pool, {"padding": 1, "count_include_pad": False}), (nn.LpPool, jc.lp_pool, {"p": 3})],
    ids=lambda value: getattr(value, "__name__", None) or "-".join(value) or "defaults",
)
def test_a_pooling_module_is_its_function(module, function, options):
    x = integers(2, 6, 7, 2)
    out = run(module((2, 3), **options), x)
    np.testing.assert_array_equal(out, jax.jit(partial(function, window_shape=(2, 3), **options))(x))
    if options:
        less = dict(list(options.items())[:-1])  # the last option must matter, or the test would not see it dropped
        without = run(module((2, 3), **less), x)
        assert out.shape != without.shape or (out != without).any()


@pytest.mark.parametrize(("module", "function"), WINDOW_POOLS, ids=lambda value: value.__name__)
def test_a_pooling_module_can_insist_on_tiling(module, function):
    with pytest.raises(ValueError, match="do not tile"):
        module((2, 3), exact=True)(integers(6, 7, 2))


@pytest.mark.parametrize(
    ("module", "function"),
    [
        (nn.GlobalMaxPool(), jc.global_max_pool),
        (nn.GlobalMaxPool(rank=1), partial(jc.global_max_pool, rank=1)),
        (nn.GlobalAvgPool(), jc.global_avg_pool),
        (nn.GlobalAvgPool(rank=1), partial(jc.global_avg_pool, rank=1)),
        (nn.AdaptiveMaxPool((2, 3)), partial(jc.adaptive_max_pool, output_shape=(2, 3))),
        (nn.AdaptiveAvgPool((2, 3)), partial(jc.adaptive_avg_pool, output_shape=(2, 3))),
        (nn.Flatten(), jc.flatten),
        (nn.Flatten(rank=1), partial(jc.flatten, rank=1)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_module_without_parameters_is_its_function(module, function):
    x = integers(2, 5, 4, 3)
    np.testing.assert_array_equal(run(module, x), jax.jit(function)(x))


# Modules with parameters

CONV_OPTIONS = [
    {},
    {"strides": (2, 1)},
    {"padding": ((1, 0), 2)},
    {"padding": 1, "padding_mode": ("circular", "edge")},
    {"input_dilation": (1, 2)},
    {"kernel_dilation": (2, 1)},
    {"feature_group_count": 2},
    {"preferred_element_type": jnp.bfloat16},
]


def assert_module_is(module, function, x):
    out, expected = run(module, x), jax.jit(function)(x)
    assert out.dtype == expected.dtype
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("options", CONV_OPTIONS, ids=lambda options: "-".join(options) or "defaults")
def test_conv_is_its_function(options):
    module = with_integers(nn.Conv, 4, 6, (3, 2), **options)
    function = partial(jc.conv, kernel=integers(*module.kernel.shape), bias=integers(6), **options)
    assert_module_is(module, function, integers(2, 6, 5, 4))


@pytest.mark.parametrize(
    "options",
    [o for o in CONV_OPTIONS if "input_dilation" not in o] + [{"strides": 2, "padding": 1, "output_padding": (1, 0)}],
    ids=lambda options: "-".join(options) or "defaults",
)
def test_conv_transpose_is_its_function(options):
    module = with_integers(nn.ConvTranspose, 4, 6, (3, 2), **options)
    function = partial(jc.conv_transpose, kernel=module.kernel[...], bias=integers(6), **options)
    assert_module_is(module, function, integers(2, 6, 5, 4))


def test_conv_can_insist_on_tiling():
    with pytest.raises(ValueError, match="do not tile"):
        nn.Conv(1, 1, (3,), strides=2, padding="VALID", exact=True, rngs=nnx.Rngs(0))(jnp.ones((6, 1)))


def test_conv_standardizes_its_kernel():
    module = nn.Conv(3, 4, (3, 3), weight_standardization=True, rngs=nnx.Rngs(0))
    kernel = jc.standardize(module.kernel[...])
    np.testing.assert_allclose(kernel.mean((0, 1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(kernel.std((0, 1, 2)), 1, atol=1e-3)
    x = integers(5, 5, 3)
    np.testing.assert_allclose(run(module, x), jc.conv(x, kernel), rtol=1e-5, atol=1e-5)


def test_depthwise_conv_filters_each_channel_alone():
    x = integers(2, 6, 5, 3)
    module = with_integers(nn.DepthwiseConv, 3, (3, 2), channel_multiplier=2, strides=2, use_bias=False)
    kernel = integers(3, 2, 1, 6)
    assert module.conv.kernel.shape == kernel.shape
    alone = [jc.conv(x[..., i : i + 1], kernel[..., 2 * i : 2 * i + 2], strides=2) for i in range(3)]
    np.testing.assert_array_equal(run(module, x), np.concatenate(alone, -1))


def test_separable_conv_is_its_function():
    options = {"strides": (2, 1), "padding": 1, "padding_mode": ("edge", "zeros")}
    module = nn.SeparableConv(3, 4, (3, 2), channel_multiplier=2, **options, rngs=nnx.Rngs(0))
    assert module.depthwise.conv.bias is None
    module.pointwise.bias[...] = jnp.arange(4.0)
    kernels = {"depthwise_kernel": module.depthwise.conv.kernel[...], "pointwise_kernel": module.pointwise.kernel[...]}
    function = partial(jc.separable_conv, **kernels, bias=jnp.arange(4.0), **options)
    assert_module_is(module, function, integers(2, 6, 5, 3))


def test_local_conv_with_one_kernel_everywhere_is_conv():
    x, options = integers(2, 6, 5, 3), {"strides": (2, 1), "padding": ((1, 0), 1), "padding_mode": ("circular", "edge")}
    module = with_integers(nn.LocalConv, 3, 4, (3, 2), (6, 5), **options)
    kernel, bias = integers(3, 2, 3, 4), integers(4)
    assert module.kernel.shape == (*module.bias.shape[:2], *kernel.shape)
    module.bias[...] = jnp.broadcast_to(bias, module.bias.shape)
    np.testing.assert_array_equal(run(module, x), run(partial(jc.conv, kernel=kernel, bias=bias, **options), x))
    module.kernel[1, 2] = jnp.zeros_like(kernel)
    silenced = (run(module, x) == bias).all((0, 3))  # elsewhere no sum of products happens to vanish
    assert silenced[1, 2]
    assert silenced.sum() == 1


PARAMETRISED = {
    "Conv": partial(nn.Conv, 2, 4, (3,)),
    "ConvTranspose": partial(nn.ConvTranspose, 2, 4, (3,)),
    "Dense": partial(nn.Dense, 2, 4),
    "LocalConv": partial(nn.LocalConv, 2, 4, (3,), (5,)),
    "DepthwiseConv": partial(nn.DepthwiseConv, 2, (3,)),
    "SeparableConv": partial(nn.SeparableConv, 2, 4, (3,)),
}
every_module_with_parameters = pytest.mark.parametrize("make", PARAMETRISED.values(), ids=PARAMETRISED)


@every_module_with_parameters
def test_dtypes_are_flaxs(make):
    def dtypes(given, **options):
        module = nnx.eval_shape(lambda: make(**options, rngs=nnx.Rngs(0)))
        (parameters,) = {leaf.dtype for leaf in jax.tree.leaves(nnx.state(module))}
        out = nnx.eval_shape(lambda module, x: module(x), module, jax.ShapeDtypeStruct((5, 2), given))
        return parameters, out.dtype

    half, single = np.dtype(jnp.bfloat16), np.dtype(np.float32)
    assert dtypes(single) == (single, single)
    assert dtypes(single, dtype=half) == (single, half)
    assert dtypes(single, param_dtype=half) == (half, single)
    assert dtypes(half, param_dtype=half) == (half, half)


def program(make, **options) -> str:
    graph, state = nnx.split(nnx.eval_shape(lambda: make(**options, rngs=nnx.Rngs(0))))
    run = jax.make_jaxpr(lambda state, x: nnx.merge(graph, state)(x))
    return str(run(state, jax.ShapeDtypeStruct((5, 2), jnp.float32))).lower()


@every_module_with_parameters
def test_precision_reaches_the_computation(make):
    assert "highest" in program(make, precision="highest")
    assert "highest" not in program(make)


@pytest.mark.parametrize("make", [PARAMETRISED["Conv"], PARAMETRISED["ConvTranspose"], PARAMETRISED["SeparableConv"]])
def test_method_reaches_the_computation(make):
    assert "dot_general" in program(make, method="einsum")
    assert "dot_general" not in program(make)


@pytest.mark.parametrize("name", [name for name in PARAMETRISED if name != "SeparableConv"])  # it has two kernels
def test_initialisers_and_bias_can_be_chosen(name):
    make = partial(PARAMETRISED[name], rngs=nnx.Rngs(0))
    module = make(kernel_init=nnx.initializers.constant(3), bias_init=nnx.initializers.constant(5))
    parameters = nnx.to_flat_state(nnx.state(module))
    assert {path[-1]: set(np.ravel(leaf[...])) for path, leaf in parameters} == {"kernel": {3}, "bias": {5}}
    module = make(use_bias=False, kernel_init=whole)
    assert [path[-1] for path, _ in nnx.to_flat_state(nnx.state(module))] == ["kernel"]


@pytest.mark.parametrize(
    ("ours", "theirs", "fan_in"),
    [
        (partial(nn.Conv, 32, 48, (3, 4)), partial(nnx.Conv, 32, 48, (3, 4)), 32 * 12),
        (
            partial(nn.Conv, 64, 96, (3, 4), feature_group_count=4),
            partial(nnx.Conv, 64, 96, (3, 4), feature_group_count=4),
            16 * 12,
        ),
        (partial(nn.ConvTranspose, 32, 48, (3, 4)), partial(nnx.ConvTranspose, 32, 48, (3, 4)), 32 * 12),
        (partial(nn.Dense, 100, 200), partial(nnx.Linear, 100, 200), 100),
    ],
    ids=["Conv", "Conv-groups", "ConvTranspose", "Dense"],
)
def test_the_default_initial_distribution_is_flaxs(ours, theirs, fan_in):
    ours, theirs = ours(rngs=nnx.Rngs(0)), theirs(rngs=nnx.Rngs(1))
    here, there = np.ravel(ours.kernel[...]), np.ravel(theirs.kernel[...])
    assert here.size == there.size >= 10_000
    assert here.std() == pytest.approx(there.std(), rel=0.04)
    assert here.std() == pytest.approx(fan_in**-0.5, rel=0.04)
    assert np.abs(here).max() == pytest.approx(np.abs(there).max(), rel=0.02)  # normal, cut at two deviations
    assert abs(here.mean()) < 0.05 * here.std()
    assert not ours.bias[...].any()
    assert not theirs.bias[...].any()


def test_each_kernel_of_a_local_conv_is_drawn_as_that_of_a_conv():
    kernel = np.asarray(nn.LocalConv(32, 48, (3,), (4,), padding="SAME", rngs=nnx.Rngs(0)).kernel[...])
    for one in kernel:
        assert one.std() == pytest.approx((32 * 3) ** -0.5, rel=0.06)
    assert (kernel[0] != kernel[1]).any()


# Mixing with Flax


class Net(nnx.Module):
    def __init__(self, rngs: nnx.Rngs):
        self.features = nn.Sequential(
            nn.Conv(1, 4, (3, 3), padding_mode="circular", rngs=rngs),
            nnx.BatchNorm(4, rngs=rngs),
            nnx.relu,
            nn.MaxPool((2, 2)),
            nnx.Conv(4, 4, (3, 3), rngs=rngs),
            nn.SeparableConv(4, 4, (3, 3), rngs=rngs),
            nn.ConvTranspose(4, 4, (2, 2), strides=2, padding="VALID", rngs=rngs),
            nn.AvgPool((2, 2)),
            nn.Flatten(),
        )
        self.head = nnx.Sequential(nnx.Dropout(0.5, rngs=rngs), nn.Dense(64, 2, rngs=rngs))

    def __call__(self, x):
        return self.head(self.features(x))


def test_modules_mix_with_flaxs_under_jit_and_grad():
    net = nnx.jit(lambda: Net(nnx.Rngs(0)))()
    optimizer = nnx.Optimizer(net, optax.adam(1e-2), wrt=nnx.Param)
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 32)
    x = jnp.asarray(rng.normal(size=(32, 8, 8, 1)) + 2 * y[:, None, None, None], jnp.float32)

    @nnx.jit
    def step(net, optimizer):
        def loss(net):
            return optax.softmax_cross_entropy_with_integer_labels(net(x), y).mean()

        value, gradient = nnx.value_and_grad(loss)(net)
        optimizer.update(net, gradient)
        return value

    losses = [float(step(net, optimizer)) for _ in range(30)]
    assert np.mean(losses[-5:]) < 0.5 * losses[0]
    assert net.features.layers[1].mean[...].any()  # the running statistics have moved

    head = nnx.jit(lambda net: net.head(jnp.ones((1, 64))))
    assert (head(net) != head(net)).any()  # dropout
    net.eval()
    np.testing.assert_array_equal(head(net), head(net))
    graph, state = nnx.split(net)
    out = jax.jit(lambda state, x: nnx.merge(graph, state)(x))(state, x)
    assert (out.argmax(-1) == y).mean() > 0.9


def test_an_ensemble_of_modules_is_one_vmapped_module():
    x = integers(2, 6, 6, 1)

    @nnx.split_rngs(splits=3)
    @nnx.vmap(in_axes=(0,))
    def make(rngs):
        return nn.Conv(1, 2, (3, 3), padding_mode="circular", rngs=rngs)

    ensemble = make(nnx.Rngs(0))
    kernel = jnp.asarray(integers(3, 3, 3, 1, 2))
    ensemble.kernel[...] = kernel
    out = nnx.vmap(lambda module, x: module(x), in_axes=(0, None))(ensemble, x)
    for member in range(3):
        np.testing.assert_array_equal(out[member], jc.conv(x, kernel[member], padding_mode="circular"))


@pytest.mark.parametrize("name", ["BatchNorm", "Dropout", "GroupNorm", "LayerNorm", "Sequential", "relu", "gelu"])
def test_flaxs_own_are_reused(name):
    assert getattr(nn, name) is getattr(nnx, name)


def test_a_mask_cuts_after_weight_standardization_and_is_not_trained():
    mask = jnp.ones((3, 3, 2, 4)).at[0, 0].set(0)
    layer = nn.Conv(2, 4, (3, 3), mask=mask, weight_standardization=True, padding="VALID", rngs=nnx.Rngs(0))
    x = jnp.ones((3, 3, 2))
    np.testing.assert_array_equal(layer(x), layer(x.at[0, 0].add(100.0)))
    gradient = jax.grad(lambda state, graph: nnx.merge(graph, state)(x).sum(), allow_int=True)
    graph, state = nnx.split(layer)
    assert not jnp.any(gradient(state, graph)["mask"])
    half = nn.Conv(2, 4, (3, 3), mask=mask, dtype=jnp.bfloat16, param_dtype=jnp.bfloat16, rngs=nnx.Rngs(0))
    assert half(x.astype(jnp.bfloat16)).dtype == jnp.bfloat16


def test_initialisers_reach_both_steps_of_a_separable_convolution():
    ones = jax.nn.initializers.ones
    layer = nn.SeparableConv(2, 3, (3, 3), kernel_init=ones, bias_init=ones, rngs=nnx.Rngs(0))
    assert all(bool((leaf == 1).all()) for leaf in jax.tree.leaves(nnx.state(layer, nnx.Param)))


def test_torch_initialisation_of_complex_parameters():
    layer = nn.Conv(2, 64, (3, 3), init="torch", param_dtype=jnp.complex64, rngs=nnx.Rngs(0))
    for leaf in (layer.kernel[...], layer.bias[...]):
        assert leaf.dtype == jnp.complex64
        assert 0 < jnp.abs(leaf).max() <= 18**-0.5 * 1.001
