"""What every layer returns: seen without a change to the model, in order, and under every transformation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxconv import inspect, models, nn, symmetry


class Scale(nnx.Module):
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, x):
        return self.factor * x


class ScaleMore(Scale):
    """Has no `__call__` of its own."""


class ScaleAndAdd(Scale):
    def __call__(self, x, *, add=1.0):
        return super().__call__(x) + add


class Report(nnx.Module):
    def __call__(self, x):
        return {"mean": x.mean()}


class Broken(nnx.Module):
    def __call__(self, x):
        raise RuntimeError("broken")


class Network(nnx.Module):
    """Whatever is asked of it, with its own modules."""

    def __init__(self, f, **children):
        self.f = f
        for name, child in children.items():
            setattr(self, name, child)

    def __call__(self, x):
        return self.f(self, x)


def seen(model, x=3.0):
    return [(layer.name, layer.kind, float(layer.output)) for layer in inspect.layers(model)(jnp.asarray(x))]


def test_every_output_of_lenet_in_the_order_of_execution():
    model = models.LeNet(rngs=nnx.Rngs(0))
    x = jax.random.normal(jax.random.key(0), (2, 28, 28, 1))
    found = inspect.layers(model)(x)
    assert [(layer.name, layer.kind) for layer in found] == [
        ("features.layers.0", "Conv"),
        ("features.layers.2", "MaxPool"),
        ("features.layers.3", "Conv"),
        ("features.layers.5", "MaxPool"),
        ("features", "Sequential"),
        ("classifier.layers.0", "Flatten"),
        ("classifier.layers.1", "Dense"),
        ("classifier.layers.3", "Dense"),
        ("classifier.layers.5", "Dense"),
        ("classifier", "Sequential"),
        ("LeNet", "LeNet"),
    ]
    np.testing.assert_array_equal(found[0].output, model.features.layers[0](x))
    np.testing.assert_array_equal(found[4].output, model.features(x))
    np.testing.assert_array_equal(found[-1].output, model(x))
    modules = dict(nnx.iter_modules(model))
    assert [type(modules[layer.path]).__name__ for layer in found] == [layer.kind for layer in found]


def test_it_is_pure_and_traces():
    model = nn.Sequential(
        nn.Dense(2, 3, rngs=nnx.Rngs(0)), nn.BatchNorm(3, rngs=nnx.Rngs(0)), nn.Dropout(0.5, rngs=nnx.Rngs(0))
    )
    variables = lambda: jax.tree.leaves(nnx.state(model, (nnx.Param, nnx.BatchStat, nnx.RngCount)))
    before = [np.array(leaf) for leaf in variables()]
    run, x = inspect.layers(model), jnp.arange(8.0).reshape(4, 2)
    one, jitted, shapes = run(x), jax.jit(run)(x), jax.eval_shape(run, x)
    assert [layer.name for layer in one] == [layer.name for layer in jitted] == [layer.name for layer in shapes]
    for a, b, c in zip(one, jitted, shapes, strict=True):
        np.testing.assert_allclose(a.output, b.output, rtol=1e-6)
        assert a.output.shape == c.output.shape
    assert len(before) == 7
    for a, b in zip(before, variables(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert len(jax.make_jaxpr(run)(x).out_avals) == 4
    gradient = jax.grad(lambda x: run(x)[0].output.sum())(x)
    np.testing.assert_allclose(gradient, jnp.tile(model.layers[0].kernel[...].sum(1), (4, 1)), rtol=1e-6)
    model.eval()
    assert (run(x)[1].output == run(x)[2].output).all()  # the model as it is now: no dropout
    assert not (one[1].output == one[2].output).all()


def test_the_same_module_again_and_a_shared_one():
    scale = Scale(2)
    model = Network(lambda self, x: self.b(self.a(self.a(x))), a=scale, b=scale)
    assert seen(model) == [
        ("a", "Scale", 6.0),
        ("a (call 2)", "Scale", 12.0),
        ("a (call 3)", "Scale", 24.0),
        ("Network", "Network", 24.0),
    ]


def test_a_parent_class_and_its_child_are_each_seen_once():
    model = Network(lambda self, x: self.c(self.b(self.a(x)), add=5.0), a=Scale(2), b=ScaleMore(3), c=ScaleAndAdd(1))
    assert seen(model)[:3] == [("a", "Scale", 6.0), ("b", "ScaleMore", 18.0), ("c", "ScaleAndAdd", 23.0)]


def test_what_is_no_array_is_left_out():
    model = Network(lambda self, x: self.report(x)["mean"], report=Report())
    assert [name for name, _, _ in seen(model)] == ["Network"]
    assert inspect.layers(Report())(jnp.ones(3)) == ()


def test_another_model_of_the_same_class_is_not_seen():
    other = Scale(7)
    assert [name for name, _, _ in seen(Network(lambda self, x: self.a(other(x)), a=Scale(2)))] == ["a", "Network"]


@pytest.mark.parametrize(
    "call",
    [
        lambda self, x: jax.jit(lambda x: self.a(x))(x),
        lambda self, x: jax.checkpoint(lambda x: self.a(x))(x),
        lambda self, x: nnx.remat(lambda a, x: a(x))(self.a, x),
        lambda self, x: jax.vmap(self.a)(x[None])[0],
        lambda self, x: jax.grad(self.a)(x) * x,
        lambda self, x: jax.lax.scan(lambda x, _: (self.a(x), None), x, length=1)[0],
    ],
    ids=["jit", "checkpoint", "remat", "vmap", "grad", "scan"],
)
def test_no_array_leaves_an_inner_transformation(call):
    model = Network(lambda self, x: self.b(call(self, x)), a=Scale(2), b=Scale(1))
    assert seen(model) == [("b", "Scale", 6.0), ("Network", "Network", 6.0)]
    assert [layer.name for layer in jax.jit(inspect.layers(model))(3.0)] == ["b", "Network"]


def test_the_classes_are_left_as_they_were_even_after_an_error():
    kinds = [Network, Scale, ScaleMore, ScaleAndAdd, Broken, nn.Conv, nnx.Sequential]
    before = [vars(kind).get("__call__") for kind in kinds]
    parts = dict(a=Scale(2), b=ScaleMore(2), c=ScaleAndAdd(2))
    seen(Network(lambda self, x: self.c(self.b(self.a(x))), **parts))
    broken = inspect.layers(Network(lambda self, x: self.d(self.a(x)), d=Broken(), **parts))
    for _ in range(2):
        with pytest.raises(RuntimeError, match="broken"):
            broken(jnp.ones(()))
    nested = inspect.layers(Network(lambda self, x: inspect.layers(Scale(3))(x)[0].output, a=Scale(2)))
    assert float(nested(jnp.ones(()))[-1].output) == 3
    inspect.layers(nn.Sequential(nn.Conv(1, 1, (3,), rngs=nnx.Rngs(0))))(jnp.ones((5, 1)))
    assert [vars(kind).get("__call__") for kind in kinds] == before
    assert "__call__" not in vars(ScaleMore)


def test_derive_says_how_each_layer_moves():
    torus = dict(padding_mode="circular", rngs=nnx.Rngs(0))
    model = nn.Sequential(nn.Conv(1, 2, (3, 3), **torus), nn.MaxPool((2, 2)), nn.GlobalAvgPool())
    claim = symmetry.derive(inspect.layers(model), (1, 8, 8, 1))
    moved = [(layer.name, layer.output.lattice.generators[0], layer.output.shift((4, 2))) for layer in claim.outputs]
    assert moved == [
        ("layers.0", (1, 0), (0, 4, 2, 0)),
        ("layers.1", (2, 0), (0, 2, 1, 0)),
        ("layers.2", (2, 0), (0, 0)),
        ("Sequential", (2, 0), (0, 0)),
    ]
    symmetry.check(inspect.layers(model), claim)


def test_a_function_is_no_model():
    with pytest.raises(TypeError) as error:
        inspect.layers(len)
    assert str(error.value) == "layers: model must be a Flax NNX module; got builtin_function_or_method"
