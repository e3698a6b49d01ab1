"""The networks have the sizes that the lectures and papers print."""

import jax
import jax.numpy as jnp
import optax
import pytest
from flax import nnx

from jaxconv import models


def abstract(name, **arguments):
    """Return the model with shapes for values, which costs no compilation."""
    return nnx.eval_shape(lambda: models.create(name, rngs=nnx.Rngs(0), **arguments))


def parameters(model):
    return sum(leaf.size for leaf in jax.tree.leaves(nnx.state(model, nnx.Param)))


def shapes(name, *shape):
    """Return the shape after each layer, of the features and then of the classifier."""

    def run():
        model = models.create(name, rngs=nnx.Rngs(0))
        outputs = [jnp.zeros(shape)]
        for layer in [*model.features.layers, *model.classifier.layers]:
            outputs.append(layer(outputs[-1]))
        return outputs[1:]

    return [output.shape for output in nnx.eval_shape(run)]


@pytest.mark.parametrize(
    ("name", "count"), [("mlp", 55_050), ("mlp-wide", 669_706), ("lenet", 44_426), ("cnn", 1_199_882)]
)
def test_parameter_counts(name, count):
    assert parameters(abstract(name)) == count


def test_lenet_convolutions_hold_2572_parameters():
    assert parameters(abstract("lenet").features) == 2_572


def test_lenet_shapes():
    convolutions = [(2, 24, 24, 6)] * 2 + [(2, 12, 12, 6)] + [(2, 8, 8, 16)] * 2 + [(2, 4, 4, 16)]
    dense = [(2, 256), (2, 120), (2, 120), (2, 84), (2, 84), (2, 10)]
    assert shapes("lenet", 2, 28, 28, 1) == convolutions + dense


def test_cnn_shapes():
    convolutions = [(2, 26, 26, 32)] * 2 + [(2, 24, 24, 64)] * 2 + [(2, 12, 12, 64)] * 2
    dense = [(2, 9216)] + [(2, 128)] * 3 + [(2, 10)]
    assert shapes("cnn", 2, 28, 28, 1) == convolutions + dense


def test_cnn_drops_a_quarter_and_then_a_half():
    layers = abstract("cnn").classifier.layers
    assert [layer.rate for layer in layers if isinstance(layer, nnx.Dropout)] == [0.25, 0.5]


@pytest.mark.parametrize("name", models.names())
def test_arguments_reach_every_layer(name):
    features = {"in_features": 28 * 28 * 3} if name.startswith("mlp") else {"in_features": 3}
    model = abstract(name, num_classes=26, param_dtype=jnp.float16, dtype=jnp.bfloat16, **features)
    assert {leaf.dtype for leaf in jax.tree.leaves(nnx.state(model, nnx.Param))} == {jnp.dtype("float16")}
    model.eval()
    logits = jax.eval_shape(lambda model, x: model(x), model, jnp.zeros((28, 28, 3)))
    assert (logits.shape, logits.dtype) == ((26,), jnp.bfloat16)


@pytest.mark.parametrize(
    ("name", "fix"),
    [("LeNet", "did you mean 'lenet'?"), ("xxxx", "the models are lenet, mlp, mlp-wide, cnn")],
)
def test_unknown_name(name, fix):
    with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared
        models.create(name, rngs=nnx.Rngs(0))
    assert str(error.value) == f"create: name={name!r} is not a model of jaxconv; {fix}"


@pytest.mark.parametrize("platform", ["cuda", "tpu"])
@pytest.mark.parametrize(("name", "convolutions"), [("lenet", 2), ("mlp", 0), ("cnn", 2)])
def test_forward_and_training_step_lower_for_accelerators(name, convolutions, platform):
    """Exported on any machine: a step holds each convolution and its gradients, less the gradient of the image."""
    graph, weights, rest = nnx.split(models.create(name, rngs=nnx.Rngs(0)), nnx.Param, ...)
    images, labels = jnp.zeros((4, 28, 28, 1)), jnp.zeros(4, jnp.int32)

    def loss(weights):
        logits = nnx.merge(graph, weights, rest, copy=True)(images)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    def count(function):
        exported = jax.export.export(jax.jit(function), platforms=[platform])(weights)
        return exported.mlir_module().count("stablehlo.convolution")

    assert count(loss) == convolutions
    assert count(jax.value_and_grad(loss)) == max(0, 3 * convolutions - 1)
