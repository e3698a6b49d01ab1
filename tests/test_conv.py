"""Every convolution equals the definition, to the bit on whole numbers, in every transform and dtype."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import conv_geometries, conv_problems, integers_as_floats

import jaxconv as jc

FEW = settings(max_examples=max(8, settings().max_examples // 4))  # where one example compiles large programs


def same_in_one(function, *arguments):
    """The two results of `function` are the same; compiled as one program, which is faster than op by op."""
    same(*jax.jit(function)(*arguments))


def same(got, expected):
    """Equal to the bit, dtypes included."""
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(np.asarray(a), np.asarray(b), strict=True), got, expected)


@given(conv_problems())
def test_conv_is_the_definition(problem):
    geometry, x, kernel = problem
    fast, defined = (partial(jc.conv, **geometry.options, method=method) for method in (None, "einsum"))
    same_in_one(lambda x, k: (fast(x, k), defined(x, k)), x, kernel)


def test_the_definition_is_the_formula():
    """The einsum against loops over every index, for a strided, dilated, grouped kernel with two boundaries."""
    rng = np.random.default_rng(0)
    x, kernel = rng.integers(-4, 5, (7, 5, 4)), rng.integers(-4, 5, (3, 2, 2, 6))
    (s, d, lo), hi = (2, 2, 3), 3
    expected = np.zeros(((7 + lo + hi - 5) // s + 1, (5 + lo + hi - 3) // s + 1, 6))
    for p, q, o in np.ndindex(*expected.shape):
        group = o // 3
        for t, u, i in np.ndindex(3, 2, 2):
            row, column = p * s + t * d - lo, q * s + u * d - lo
            if 0 <= column < 5:  # zeros beyond the columns, a torus along the rows
                expected[p, q, o] += x[row % 7, column, 2 * group + i] * kernel[t, u, i, o]
    got = jc.conv(
        x,
        kernel,
        strides=s,
        kernel_dilation=d,
        padding=((lo, hi), (lo, hi)),
        padding_mode=("circular", "zeros"),
        feature_group_count=2,
        method="einsum",
    )
    np.testing.assert_array_equal(got, expected)


@given(conv_problems(), st.data())
def test_conv_transpose_is_the_adjoint(problem, data):
    """<conv(u), y> = <u, conv_transpose(y)>, and the transposed output is shaped like u."""
    geometry, u, kernel = problem
    forward = jc.conv(u, kernel, **geometry.options)
    y = data.draw(integers_as_floats(forward.shape))
    sizes = _ask(jc.geometry.conv_input_sizes, geometry, forward.shape)
    paddings = _ask(jc.geometry.output_paddings, geometry, forward.shape)
    extra = tuple(p[n - s[0]] for n, s, p in zip(geometry.space, sizes, paddings, strict=True))
    back, defined = (
        partial(jc.conv_transpose, **geometry.options, output_padding=extra, method=method)
        for method in (None, "einsum")
    )
    back, defined = jax.jit(lambda y, k: (back(y, k), defined(y, k)))(y, kernel)
    assert back.shape == u.shape
    assert (np.asarray(forward) * y).sum() == (u * np.asarray(back)).sum()
    same(back, defined)


def _spatial(geometry, shape):
    return shape[len(geometry.batch) : -1]


def _ask(question, geometry, shape):
    return question(_spatial(geometry, shape), geometry.window, **geometry.window_options)


@given(conv_problems(ranks=(1, 2)), st.data())
def test_conv_is_linear_in_each_argument(problem, data):
    geometry, x, kernel = problem
    x2 = data.draw(integers_as_floats(x.shape))
    kernel2 = data.draw(integers_as_floats(kernel.shape))
    f = jax.jit(partial(jc.conv, **geometry.options))
    np.testing.assert_array_equal(
        f(2 * x + 3 * x2, kernel), 2 * np.asarray(f(x, kernel)) + 3 * np.asarray(f(x2, kernel))
    )
    np.testing.assert_array_equal(f(x, 2 * kernel - kernel2), 2 * np.asarray(f(x, kernel)) - np.asarray(f(x, kernel2)))


TRANSFORMS = {
    "jit": lambda f: jax.jit(f),
    "grad": lambda f: jax.grad(lambda x, k: (f(x, k) ** 2).sum(), (0, 1)),
    "jvp": lambda f: lambda x, k: jax.jvp(f, (x, k), (2 * x, k + 1)),
    "jacfwd": lambda f: jax.jacfwd(f, 1),
    "jacrev": lambda f: jax.jacrev(f, 0),
    "grad of grad": lambda f: jax.grad(lambda x, k: (jax.grad(lambda k: (f(x, k) ** 2).sum())(k) ** 2).sum(), (0, 1)),
    "remat": lambda f: jax.grad(jax.checkpoint(lambda x, k: (f(x, k) ** 2).sum()), 1),
    "linear transpose": lambda f: lambda x, k: jax.linear_transpose(lambda x: f(x, k), x)(f(x, k)),
    "scan": lambda f: lambda x, k: jax.lax.scan(lambda c, k: (c + f(x, k).sum(), None), 0.0, jnp.stack([k, 2 * k])),
}


@pytest.mark.parametrize("transform", TRANSFORMS)
@FEW
@given(problem=conv_problems(ranks=(1, 2), batches=((), (2,))))
def test_transforms_are_those_of_the_definition(transform, problem):
    geometry, x, kernel = problem
    functions = (partial(jc.conv, **geometry.options, method=method) for method in (None, "einsum"))
    fast, defined = map(TRANSFORMS[transform], functions)
    same_in_one(lambda x, k: (fast(x, k), defined(x, k)), x, kernel)


@pytest.mark.parametrize("over", [(0, None), (None, 0), (0, 0), (-1, None), (None, 1), (-2, 2)])
@FEW
@given(problem=conv_problems(ranks=(1, 2), batches=((), (2,))))
def test_vmap_over_inputs_and_kernels_is_the_loop(over, problem):
    """Forward, both gradients and their gradients, batched over either argument or both."""
    geometry, x, kernel = problem
    f = partial(jc.conv, **geometry.options)
    many = [np.stack([a, 1 - a]) for a in (x, kernel)]
    batched = [
        a if axis is None else np.moveaxis(m, 0, axis) for a, m, axis in zip((x, kernel), many, over, strict=True)
    ]

    def vmap_and_loop(*arguments):
        every = lambda x, k: (f(x, k), TRANSFORMS["grad"](f)(x, k), TRANSFORMS["grad of grad"](f)(x, k))
        pick = lambda i: [a if axis is None else jnp.take(a, i, axis) for a, axis in zip(arguments, over, strict=True)]
        loop = jax.tree.map(lambda *leaves: jnp.stack(leaves), *(every(*pick(i)) for i in range(2)))
        return jax.vmap(every, over)(*arguments), loop

    same_in_one(vmap_and_loop, *batched)


@FEW
@given(conv_problems(ranks=(1, 2), batches=((2,),)))
def test_nested_vmap_over_kernels_then_inputs(problem):
    geometry, x, kernel = problem
    f = partial(jc.conv, **geometry.options)

    def grid_and_loop(x, kernels):
        grid = jax.vmap(jax.vmap(f, (None, 0)), (0, None))(x, kernels)
        return grid, jnp.stack([jnp.stack([f(one, k) for k in kernels]) for one in x])

    same_in_one(grid_and_loop, x, np.stack([kernel, -kernel]))


@FEW
@given(conv_problems(ranks=(1, 2), batches=((2, 3), (1, 2, 2))))
def test_leading_axes_are_the_loop(problem):
    geometry, x, kernel = problem
    f = partial(jc.conv, **geometry.options)

    def whole_and_loop(x, k):
        flat = x.reshape(-1, *x.shape[len(geometry.batch) :])
        loop = jnp.stack([f(one, k) for one in flat])
        return f(x, k).reshape(loop.shape), loop

    same_in_one(whole_and_loop, x, kernel)


@FEW
@given(conv_geometries(ranks=(1, 2)))
def test_empty_batches_give_empty_batches_and_zero_gradients(geometry):
    x, kernel = np.zeros((0, *geometry.space, geometry.c_in), np.float32), np.ones(geometry.kernel_shape, np.float32)
    f = partial(jc.conv, **geometry.options)
    out = f(x, kernel)
    assert out.shape[0] == 0
    assert out.shape == jax.eval_shape(lambda x, k: jc.conv(x, k, **geometry.options, method="einsum"), x, kernel).shape
    grads = jax.grad(lambda x, k: f(x, k).sum(), (0, 1))(x, kernel)
    same(grads, (jnp.zeros_like(x), jnp.zeros_like(kernel)))
    assert jax.vmap(f)(x, np.zeros((0, *kernel.shape), np.float32)).shape == out.shape
    assert jc.conv_transpose(out, kernel, **geometry.but(output_padding=None).options).shape[0] == 0


DTYPES = [
    ("int8", "float32", "float32"),  # spins and a trained kernel; lax refuses the pair
    ("int8", "int8", "int32"),
    ("uint8", "int8", "int32"),
    ("bool", "float32", "float32"),
    ("int32", "bfloat16", "bfloat16"),
    ("bfloat16", "bfloat16", "bfloat16"),
    ("bfloat16", "float32", "float32"),
    ("float16", "float16", "float16"),
    ("float32", "complex64", "complex64"),
    ("int8", "complex64", "complex64"),
    ("float64", "float32", "float64"),
    ("complex64", "float64", "complex128"),
    ("int64", "int8", "int64"),
]


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(("of_x", "of_kernel", "of_out"), DTYPES)
def test_mixed_dtypes_promote_and_stay_exact(of_x, of_kernel, of_out, transposed):
    function = jc.conv_transpose if transposed else jc.conv
    with jax.enable_x64("64" in of_out or "128" in of_out):
        rng = np.random.default_rng(0)
        x = jnp.asarray(rng.integers(0, 2, (2, 6, 5, 4))).astype(of_x)
        kernel = jnp.asarray(rng.integers(-3, 4, (3, 2, 4, 4))).astype(of_kernel)
        kernel = kernel * (1 + 2j) if "complex" in of_kernel else kernel
        options = {"strides": (2, 1), "padding_mode": ("circular", "reflect")}
        got = function(x, kernel, **options)
        assert got.dtype == of_out
        same(got, function(x, kernel, **options, method="einsum"))
        wide = function(x.astype("complex64"), kernel.astype("complex64"), **options, method="einsum")
        np.testing.assert_array_equal(np.asarray(got, np.complex64), wide)


def test_small_integers_do_not_overflow():
    x, kernel = jnp.full((300, 1), 127, jnp.int8), jnp.full((300, 1, 1), 127, jnp.int8)
    assert jc.conv(x, kernel, padding="VALID").item() == 300 * 127 * 127


def test_bfloat16_sums_in_float32():
    """4096 + 4096 ones is 8192; a bfloat16 accumulator stalls at 256."""
    ones = jnp.ones((8192, 1), jnp.bfloat16)
    assert jc.conv(ones, ones[:, :, None], padding="VALID").item() == 8192
    wide = jc.conv(ones[:1001], ones[:1001, :, None], padding="VALID", preferred_element_type=jnp.float32)
    assert wide.dtype == jnp.float32
    assert wide.item() == 1001  # which bfloat16 cannot hold
    grads = jax.grad(lambda x, k: jc.conv(x, k, preferred_element_type=jnp.float32).sum(), (0, 1))(
        ones[:5], ones[:3, :, None]
    )
    assert [g.dtype for g in grads] == [jnp.bfloat16] * 2
    np.testing.assert_array_equal(grads[1][:, 0, 0].astype(float), [4, 5, 4])


def test_complex_gradients_are_those_of_the_definition():
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.integers(-4, 5, (2, 6, 3)), jnp.float32)
    kernel = jnp.asarray(rng.integers(-4, 5, (3, 3, 2)) + 1j * rng.integers(-4, 5, (3, 3, 2)), jnp.complex64)
    for f in (jc.conv, jc.conv_transpose):
        argument = x if f is jc.conv else x[..., :2]
        out, pull = jax.vjp(lambda x, k, f=f: f(x, k, strides=2), argument, kernel)
        _, defined = jax.vjp(lambda x, k, f=f: f(x, k, strides=2, method="einsum"), argument, kernel)
        same(pull(out), defined(out))


@pytest.mark.parametrize("method", ["xla", "einsum"])
def test_precision_and_preferred_type_reach_the_product(method):
    x, kernel = jnp.ones((8, 8, 3)), jnp.ones((3, 3, 3, 4))
    text = jax.jit(lambda x, k: jc.conv(x, k, precision="highest", method=method)).lower(x, kernel).as_text()
    assert "HIGHEST" in text
    assert "HIGHEST" not in jax.jit(lambda x, k: jc.conv(x, k, method=method)).lower(x, kernel).as_text()


def test_exact_refuses_what_floor_ignores():
    x, kernel = jnp.ones((6, 1)), jnp.ones((3, 1, 1))
    assert jc.conv(x, kernel, strides=2, padding="VALID").shape == (2, 1)
    with pytest.raises(ValueError, match="use size 5 or 7"):
        jc.conv(x, kernel, strides=2, padding="VALID", exact=True)
    assert jc.conv(x[:5], kernel, strides=2, padding="VALID", exact=True).shape == (2, 1)


def test_circular_padding_wraps_as_often_as_asked():
    x = jnp.asarray([1.0, 2.0, 4.0])[:, None]
    out = jc.conv(x, jnp.ones((1, 1, 1)), padding=((7, 5),), padding_mode="circular")
    np.testing.assert_array_equal(out[:, 0], np.pad([1, 2, 4], (7, 5), "wrap"))


def test_a_cylinder_is_circular_in_one_axis_only():
    x = jnp.arange(12.0).reshape(3, 4, 1)
    kernel = jnp.zeros((3, 3, 1, 1)).at[0, 1].set(1.0).at[1, 0].set(10.0)
    out = jc.conv(x, kernel, padding_mode=("circular", "zeros"))[..., 0]
    expected = (
        np.roll(np.arange(12).reshape(3, 4), 1, 0) + 10 * np.pad(np.arange(12).reshape(3, 4), ((0, 0), (1, 0)))[:, :4]
    )
    np.testing.assert_array_equal(out, expected)


def test_separable_conv_is_one_conv_with_the_product_kernel():
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.integers(-4, 5, (2, 9, 8, 3)), jnp.float32)
    depthwise = jnp.asarray(rng.integers(-4, 5, (3, 3, 1, 6)), jnp.float32)
    pointwise = jnp.asarray(rng.integers(-4, 5, (1, 1, 6, 5)), jnp.float32)
    bias = jnp.arange(5.0)
    got = jc.separable_conv(x, depthwise, pointwise, bias=bias, strides=2, padding_mode="circular")
    product = jnp.einsum("hwim,imo->hwio", depthwise.reshape(3, 3, 3, 2), pointwise.reshape(3, 2, 5))
    same(got, jc.conv(x, product, bias=bias, strides=2, padding_mode="circular"))


@FEW
@given(conv_problems(ranks=(1, 2), groups=(1,), input_dilations=(1,)))
def test_local_conv_with_equal_kernels_is_conv(problem):
    geometry, x, kernel = problem
    options = {name: geometry.options[name] for name in ("strides", "padding", "padding_mode", "kernel_dilation")}
    shared = jc.conv(x, kernel, **options)
    space_out = _spatial(geometry, shared.shape)
    same(jc.local_conv(x, np.broadcast_to(kernel, (*space_out, *kernel.shape)), **options), shared)


def test_local_conv_uses_the_kernel_of_its_place():
    x = jnp.asarray([1.0, 10.0, 100.0])[:, None]
    kernel = jnp.asarray([[1.0, 2.0], [3.0, 4.0]]).reshape(2, 2, 1, 1)
    np.testing.assert_array_equal(jc.local_conv(x, kernel)[:, 0], [21, 430])
    unshared_bias = jnp.asarray([[0.5], [1.5]])
    np.testing.assert_array_equal(jc.local_conv(x, kernel, bias=unshared_bias)[:, 0], [21.5, 431.5])


def test_no_kernels_at_all_give_no_outputs():
    x, none = jnp.ones((2, 6, 5, 3)), jnp.ones((0, 3, 2, 3, 4))
    assert jax.vmap(lambda k: jc.conv(x, k))(none).shape == (0, 2, 6, 5, 4)
    assert jax.vmap(jax.grad(lambda k: jc.conv(x, k).sum()))(none).shape == none.shape


@pytest.mark.parametrize("mode", ["circular", "reflect", "symmetric"])
def test_padding_far_wider_than_the_input(mode):
    """So many wraps that they are gathered, not sliced; the adjoint scatters them back."""
    x = jnp.asarray([1.0, 2.0, 4.0, 8.0])[:, None]
    padding = ((90, 101),)
    got = jc.pad(x, padding, padding_mode=mode)[:, 0]
    numpy_mode = {"circular": "wrap"}.get(mode, mode)
    np.testing.assert_array_equal(got, np.pad(x[:, 0], padding[0], numpy_mode))
    kernel = jnp.asarray([1.0, 3.0]).reshape(2, 1, 1)
    out = jc.conv(x, kernel, padding=padding, padding_mode=mode)
    y = jnp.arange(float(out.size)).reshape(out.shape) % 7
    back = jc.conv_transpose(y, kernel, padding=padding, padding_mode=mode)
    assert (out * y).sum() == (x * back).sum()


def test_strict_promotion_rules_are_kept():
    x, kernel, bias = jnp.ones((2, 8, 8, 4)), jnp.ones((3, 3, 4, 4)), jnp.ones(4)
    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        assert jc.conv(x, kernel, bias=bias).shape == x.shape
        assert jc.dense(x, kernel[0, 0], bias=bias).shape == x.shape
        assert jc.conv(x.astype(jnp.int8), kernel.astype(jnp.int8)).dtype == jnp.int32
        for pool in (jc.max_pool, jc.avg_pool, jc.lp_pool, jc.min_pool):
            assert pool(x, (2, 2)).shape == (2, 4, 4, 4)
            assert jax.grad(lambda x, p=pool: p(x, (3, 3), strides=2, padding="SAME").sum())(x).shape == x.shape
        for method in ("gemm", "taps", "fft", "split"):
            some, few = x[..., :2], kernel[:, :, :2, :2]
            gradient = jax.grad(lambda x, k, m=method: jc.conv(x, k, method=m).sum(), (0, 1))
            assert gradient(some, few)[1].shape == few.shape
        assert jc.avg_pool(x, (2, 2), strides=1, padding="SAME", count_include_pad=False).shape == x.shape
        assert jc.adaptive_avg_pool(x, (3, 3)).shape == (2, 3, 3, 4)
