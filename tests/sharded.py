"""Run by test_primitive.py in a process of its own, which pretends to have four devices."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import jaxconv as jc

OPTIONS = dict(strides=2, padding_mode=("circular", "zeros"), feature_group_count=2)
rng = np.random.default_rng(0)
x = jnp.asarray(rng.integers(-4, 5, (8, 7, 6, 4)), jnp.float32)
kernel = jnp.asarray(rng.integers(-4, 5, (3, 2, 2, 6)), jnp.float32)
conv = partial(jc.conv, **OPTIONS)
defined = partial(jc.conv, **OPTIONS, method="einsum")


def gradients(f):
    return jax.grad(lambda x, kernel: (f(x, kernel) ** 2).sum(), (0, 1))


def check(got, expected):
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(jax.device_get(a), b), got, expected)


def automatic():
    """jit over a batch that lies on four devices keeps it there."""
    mesh = jax.make_mesh((4,), ("data",), axis_types=(AxisType.Auto,))
    on_mesh = jax.device_put(x, NamedSharding(mesh, P("data")))
    out = jax.jit(conv)(on_mesh, kernel)
    assert out.sharding.spec[0] == "data"
    check(out, defined(x, kernel))
    check(jax.jit(gradients(conv))(on_mesh, kernel), gradients(defined)(x, kernel))


def explicit():
    """Meshes whose shardings are part of the type, the default of jax.make_mesh."""
    mesh = jax.make_mesh((4,), ("data",), axis_types=(AxisType.Explicit,))
    with jax.set_mesh(mesh):
        on_mesh = jax.device_put(x, NamedSharding(mesh, P("data")))
        everywhere = jax.device_put(kernel, NamedSharding(mesh, P()))
        out = jax.jit(conv)(on_mesh, everywhere)
        assert jax.typeof(out).sharding.spec[0] == "data"
        found = jax.jit(gradients(conv))(on_mesh, everywhere)
        assert jax.typeof(found[0]).sharding.spec[0] == "data"
    check(out, defined(x, kernel))
    check(found, gradients(defined)(x, kernel))


def manual():
    """shard_map, with and without the check of varying axes; the kernel's gradient is summed over devices."""
    mesh = jax.make_mesh((4,), ("data",), axis_types=(AxisType.Auto,))
    for check_vma in (True, False):
        shard = partial(jax.shard_map, mesh=mesh, in_specs=(P("data"), P()), check_vma=check_vma)
        f = jax.jit(shard(conv, out_specs=P("data")))
        check(f(x, kernel), defined(x, kernel))
        check(gradients(f)(x, kernel), gradients(defined)(x, kernel))


automatic()
explicit()
manual()
print("sharded: ok")
