"""What the one primitive looks like from outside: in jaxprs, under batching, on meshes."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxconv as jc
from jaxconv.geometry import Axis

x, kernel = jnp.ones((2, 8, 8, 4)), jnp.ones((3, 3, 4, 6))


def convolutions(f, *arguments):
    """The parameters of every `conv` in the jaxpr of f."""
    return [e.params for e in jax.make_jaxpr(f)(*arguments).eqns if e.primitive.name == "conv"]


def test_a_conv_is_one_equation_with_its_geometry():
    (parameters,) = convolutions(partial(jc.conv, strides=2, feature_group_count=2), x, kernel[:, :, :2])
    assert parameters["solve"] == "out"
    assert parameters["groups"] == 2
    assert parameters["axes"] == (Axis(size=8, window=3, stride=2, lo=0, hi=1),) * 2


def test_the_definition_shares_nothing_with_it():
    assert not convolutions(partial(jc.conv, method="einsum"), x, kernel)
    source = Path(jc.ops.algorithms.einsum.__file__).read_text()
    imports = [line for line in source.splitlines() if "import" in line and "jaxconv" in line]
    assert imports == ["from jaxconv.geometry import Axis"]


def test_its_gradients_solve_for_the_other_arrays():
    gradient = jax.grad(lambda x, k: jc.conv(x, k).sum(), (0, 1))
    assert sorted(p["solve"] for p in convolutions(gradient, x, kernel)) == ["kernel", "out", "x"]
    (transposed,) = convolutions(partial(jc.conv_transpose, strides=2), jnp.ones((2, 4, 4, 6)), kernel)
    assert transposed["solve"] == "x"


@pytest.mark.parametrize(
    ("over", "ensemble", "channels"),
    [((0, None), 0, 6), ((None, 0), 0, 30), ((0, 0), 1, 6)],
    ids=["input: batch", "kernel: channels", "both: ensemble"],
)
def test_a_vmapped_conv_is_still_one_equation(over, ensemble, channels):
    """A vmapped input hides in the batch, a vmapped kernel in the channels; both together are an ensemble."""
    many_x, many_kernels = jnp.stack([x] * 5), jnp.stack([kernel] * 5)
    arguments = (many_x if over[0] == 0 else x, many_kernels if over[1] == 0 else kernel)
    mapped = jax.vmap(jc.conv, over)
    (parameters,) = convolutions(mapped, *arguments)
    assert parameters["ensemble"] == ensemble
    out = next(e.outvars[0].aval for e in jax.make_jaxpr(mapped)(*arguments).eqns if e.primitive.name == "conv")
    assert out.shape[-1] == channels


def test_per_sample_gradients_are_an_ensemble():
    per_sample = jax.vmap(jax.grad(lambda k, x: (jc.conv(x, k) ** 2).sum()), (None, 0))
    samples = jnp.asarray(np.random.default_rng(0).integers(-3, 4, (5, 8, 8, 4)), jnp.float32)
    loop = jnp.stack([jax.grad(lambda k, x: (jc.conv(x, k) ** 2).sum())(kernel, one) for one in samples])
    np.testing.assert_array_equal(per_sample(kernel, samples), loop)
    (weight,) = [p for p in convolutions(per_sample, kernel, samples) if p["solve"] == "kernel"]
    assert weight["ensemble"] == 1


def test_hessian_of_a_small_network_is_symmetric_and_exact():
    small = jnp.asarray(np.random.default_rng(0).integers(-3, 4, (2, 2, 1, 2)), jnp.float32)
    image = jnp.asarray(np.random.default_rng(1).integers(-3, 4, (5, 4, 1)), jnp.float32)

    def energy(kernel, method):
        conv = partial(jc.conv, method=method)
        return (conv(conv(image, kernel), kernel.swapaxes(2, 3)) ** 2).sum()

    hessian = jax.jit(jax.hessian(energy), static_argnums=1)
    got = hessian(small, None)
    np.testing.assert_array_equal(got, hessian(small, "einsum"))
    flat = got.reshape(small.size, small.size)
    np.testing.assert_array_equal(flat, flat.T)


def test_meshes_automatic_explicit_and_manual():
    environment = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=4", "JAX_PLATFORMS": "cpu"}
    script = Path(__file__).parent / "sharded.py"
    done = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "sharded: ok", done.stderr


def test_threads_may_call_at_once():
    from concurrent.futures import ThreadPoolExecutor

    inputs = [jnp.full((4 + i, 5, 1), float(i)) for i in range(8)]
    ones = jnp.ones((2, 2, 1, 1))
    expected = [jc.conv(a, ones, method="einsum") for a in inputs]
    with ThreadPoolExecutor(8) as pool:
        for got, right in zip(pool.map(lambda a: jc.conv(a, ones), inputs), expected, strict=True):
            np.testing.assert_array_equal(got, right)
