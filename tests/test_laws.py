"""Laws that every public function obeys, found by reflection: a new function without a case here fails."""

import inspect
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxconv as jc


def numbers(*shape):
    """Distinct-looking whole numbers, so that sums are exact and maxima are rarely tied."""
    return (np.arange(np.prod(shape), dtype=np.float32) * 37 % 23 - 11).reshape(shape)


X = numbers(2, 6, 5, 4)
# For each function its array arguments, the options of a call that uses most of what it has, and the convolutions that
# its lowered module must hold.
CASES = {
    "conv": (
        (X, numbers(3, 2, 2, 6)),
        dict(strides=(2, 1), padding_mode=("circular", "zeros"), feature_group_count=2, bias=numbers(6)),
        1,
    ),
    "conv_transpose": (
        (X, numbers(3, 2, 3, 4)),
        dict(strides=(2, 1), padding_mode=("zeros", "circular"), feature_group_count=2, bias=numbers(6)),
        1,
    ),
    "separable_conv": ((X, numbers(3, 3, 1, 8), numbers(1, 1, 8, 3)), dict(strides=2, bias=numbers(3)), 2),
    "local_conv": ((X, numbers(3, 2, 2, 3, 4, 2)), dict(strides=2, padding=((0, 0), (0, 1)), padding_mode="edge"), 0),
    "dense": ((X, numbers(4, 3)), dict(bias=numbers(3)), 0),
    "pad": ((X,), dict(padding=((1, 2), 3), padding_mode=("reflect", "circular")), 0),
    "flatten": ((X,), {}, 0),
    "standardize": ((numbers(3, 3, 2, 4),), {}, 0),
    "symmetrize": ((numbers(3, 3, 2, 4),), dict(symmetry="p4"), 0),
    "group_conv": (
        (numbers(2, 5, 6, 4, 2), numbers(3, 3, 4, 2, 3)),
        dict(group="p4", strides=2, padding_mode="circular", bias=numbers(3)),
        1,
    ),
    "orientation_pool": ((numbers(2, 3, 3, 4, 2),), {}, 0),
    "blur_pool": ((X,), dict(window_shape=(3, 4), strides=(2, 1), padding_mode="edge"), 0),
    "polyphase_offsets": ((X,), dict(strides=(2, 5), p=3), 0),
    "polyphase_pool": ((X,), dict(strides=(2, 5)), 0),
    "polyphase_unpool": ((X,), dict(offsets=np.array([1, 2]), strides=(2, 3)), 0),
    "max_pool": ((X,), dict(window_shape=(3, 2), strides=2, padding="SAME"), 0),
    "min_pool": ((X,), dict(window_shape=(3, 2), strides=1, padding="CIRCULAR"), 0),
    "avg_pool": ((X,), dict(window_shape=(2, 4), padding="SAME", count_include_pad=False), 0),
    "lp_pool": ((X,), dict(window_shape=(2, 2), p=2), 0),
    "decimate": ((X,), dict(window_shape=(2, 5), offset=(1, 3)), 0),
    "majority_pool": ((X,), dict(window_shape=(3, 5), offset=(1, 0), ties="first"), 0),
    "block_average": ((X,), dict(window_shape=(2, 5), offset=1), 0),
    "global_max_pool": ((X,), {}, 0),
    "global_avg_pool": ((X,), {}, 0),
    "adaptive_max_pool": ((X,), dict(output_shape=(4, 2)), 0),
    "adaptive_avg_pool": ((X,), dict(output_shape=(4, 2)), 0),
}
FUNCTIONS = {name: f for name, f in vars(jc).items() if inspect.isfunction(f) and f.__module__.startswith("jaxconv.")}
del FUNCTIONS["explain"]  # it computes nothing
every = pytest.mark.parametrize("name", CASES)
ON_KERNELS = ("standardize", "symmetrize")
every_on_images = pytest.mark.parametrize("name", [name for name in CASES if name not in ON_KERNELS])
every_of_reals = pytest.mark.parametrize("name", [name for name in CASES if name != "polyphase_offsets"])  # integers


def call(name):
    arrays, options, _ = CASES[name]
    return arrays, partial(FUNCTIONS[name], **options)


def close(got, expected):
    jax.tree.map(partial(np.testing.assert_allclose, rtol=2e-6, atol=2e-6), got, expected)


def test_every_public_function_has_its_case():
    assert set(CASES) == set(FUNCTIONS)


@every
def test_jit_is_eager(name):
    arrays, f = call(name)
    close(jax.jit(f)(*arrays), f(*arrays))


@every
def test_eval_shape_knows_shape_and_dtype(name):
    arrays, f = call(name)
    known, out = jax.eval_shape(f, *arrays), f(*arrays)
    assert (known.shape, known.dtype) == (out.shape, out.dtype)


@every
def test_vmap_is_the_loop(name):
    arrays, f = call(name)
    for i, batched in enumerate(arrays):
        many = np.stack([batched, -batched, batched + 1])
        over = [0 if j == i else None for j in range(len(arrays))]
        loop = jnp.stack([f(*arrays[:i], one, *arrays[i + 1 :]) for one in many])
        close(jax.vmap(f, over)(*arrays[:i], many, *arrays[i + 1 :]), loop)
    stacked = [np.stack([a, 2 * a]) for a in arrays]
    close(jax.vmap(f)(*stacked), jnp.stack([f(*arrays), f(*(2 * a for a in arrays))]))


@every_on_images
def test_leading_axes_are_the_loop(name):
    (x, *rest), f = call(name)
    close(f(x[None, None], *rest)[0, 0], f(x, *rest))
    close(f(x, *rest), jnp.stack([f(one, *rest) for one in x]))


@every_of_reals
def test_derivatives_are_each_others_transposes_and_finite_differences(name):
    """<v, J u> = <u, J^T v>, and J u is the slope along u, in float64."""
    with jax.enable_x64(True):
        arrays, f = call(name)
        rng = np.random.default_rng(0)
        arrays = [np.asarray(a, np.float64) + rng.uniform(0, 0.1, a.shape) for a in arrays]  # no ties
        along = [rng.normal(size=a.shape) for a in arrays]
        f = jax.jit(f)
        out, slope = jax.jvp(f, arrays, along)
        v = rng.normal(size=out.shape)
        pulled = jax.vjp(f, *arrays)[1](v)
        np.testing.assert_allclose((v * slope).sum(), sum((u * g).sum() for u, g in zip(along, pulled, strict=True)))
        step = 1e-6
        ahead, behind = (f(*(a + s * u for a, u in zip(arrays, along, strict=True))) for s in (step, -step))
        np.testing.assert_allclose((ahead - behind) / (2 * step), slope, rtol=1e-6, atol=1e-6 * float(abs(slope).max()))


@every_of_reals
def test_forward_and_reverse_jacobians_agree(name):
    arrays, f = call(name)
    x = arrays[0] + np.linspace(0, 0.1, arrays[0].size, dtype=np.float32).reshape(arrays[0].shape)
    g = lambda x: f(x, *arrays[1:]).ravel()[:7]
    forward, reverse = jax.jit(lambda x: (jax.jacfwd(g)(x), jax.jacrev(g)(x)))(x)
    np.testing.assert_allclose(forward, reverse, rtol=1e-5, atol=1e-5)


@every_of_reals
def test_float64_goes_in_and_comes_out(name):
    with jax.enable_x64(True):
        arrays, f = call(name)
        out = f(*(np.asarray(a, np.float64) for a in arrays))
        assert out.dtype == jnp.float64
        close(out, f(*arrays))


@every_on_images
def test_empty_batches_stay_empty(name):
    (x, *rest), f = call(name)
    assert f(x[:0], *rest).shape == (0, *f(x, *rest).shape[1:])


@every
@pytest.mark.parametrize("platform", ["cpu", "cuda", "tpu"])
def test_forward_and_gradient_lower_for_every_platform(name, platform):
    """Exported without the hardware. Where no algorithm was measured, a convolution is one `stablehlo.convolution`."""
    arrays, f = call(name)
    convolutions = CASES[name][2]
    module = jax.export.export(jax.jit(f), platforms=[platform])(*arrays).mlir_module()
    assert platform == "cpu" or module.count("stablehlo.convolution") == convolutions
    assert "custom_call" not in module
    if jnp.issubdtype(jax.eval_shape(f, *arrays).dtype, jnp.integer):
        return
    gradient = jax.jit(jax.grad(lambda *a: (f(*a) ** 2).sum(), tuple(range(len(arrays)))))
    module = jax.export.export(gradient, platforms=[platform])(*arrays).mlir_module()
    assert platform == "cpu" or module.count("stablehlo.convolution") == 3 * convolutions
    assert "custom_call" not in module


def test_export_takes_a_symbolic_batch():
    arrays, f = call("conv")
    batch = jax.export.symbolic_shape("b, 6, 5, 4")
    exported = jax.export.export(jax.jit(f))(jax.ShapeDtypeStruct(batch, jnp.float32), arrays[1])
    assert str(exported.out_avals[0].shape[0]) == "b"
