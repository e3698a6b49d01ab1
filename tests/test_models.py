"""The networks have the sizes that the lectures and papers print."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import optax
import pytest
from flax import nnx

from jaxconv import inspect, models

# Of the lectures and papers; VGG, AlexNet, GoogLeNet and ResNet as torchvision publishes them, the ResNets of CIFAR-10
# as Idelbayev's implementation of the paper, AlexNet of 2012 as Caffe's.
COUNTS = {
    "lenet": 44_426,
    "lenet-32": 61_706,
    "lenet-1998": 60_000,
    "mlp": 55_050,
    "mlp-wide": 669_706,
    "cnn": 1_199_882,
    "tiny-vgg": 19_920,
    "alexnet": 61_100_840,
    "alexnet-2012": 60_965_224,
    "vgg11": 132_863_336,
    "vgg13": 133_047_848,
    "vgg16": 138_357_544,
    "vgg19": 143_667_240,
    "googlenet": 6_624_904,
    "googlenet-aux": 13_004_888,
    "googlenet-paper": 6_998_552,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "resnet20": 269_722,
    "resnet32": 464_154,
    "resnet44": 658_586,
    "resnet56": 853_018,
    "resnet110": 1_727_962,
    "hep-resnet15": 84_673,
    "hep-resnet23": 130_945,
    "ising-cnn": 8_072,
    "lattice-cnn": 188,
}
# One name of each class, and of each form that a class has.
FORMS = ["lenet", "lenet-1998", "mlp", "cnn", "tiny-vgg", "alexnet", "alexnet-2012", "vgg11", "googlenet-aux"]
FORMS += ["googlenet-paper", "resnet18", "resnet50", "resnet20", "hep-resnet15", "ising-cnn", "lattice-cnn"]


@cache
def published(name):
    """Return the model with shapes for values, which costs no compilation; not to be changed."""
    return abstract(name)


def abstract(name, **arguments):
    return nnx.eval_shape(lambda: models.create(name, rngs=nnx.Rngs(0), **arguments))


def size(module, kind=nnx.Param):
    return sum(leaf.size for leaf in jax.tree.leaves(nnx.state(module, kind)))


def outputs(name):
    """Return the shape of what every module returns for one image, by its path, without `layers` of Sequential."""
    model = published(name)
    image = jax.ShapeDtypeStruct((1, *model.input_shape), jnp.float32)
    found = jax.eval_shape(lambda model, x: inspect.layers(model)(x), model, image)
    return {layer.name.replace("layers.", ""): layer.output.shape[1:] for layer in found}


@pytest.mark.parametrize("name", models.names())
def test_parameter_counts(name):
    assert size(published(name)) == COUNTS[name]


@pytest.mark.parametrize(
    ("name", "part", "count"),
    [
        ("lenet", "features", 2_572),
        ("lenet-1998", "c1", 156),
        ("lenet-1998", "s2", 12),
        ("lenet-1998", "c3", 1_516),
        ("lenet-1998", "s4", 32),
        ("lenet-1998", "c5", 48_120),
        ("lenet-1998", "f6", 10_164),
        ("lenet-1998", "output", 0),
        ("tiny-vgg", "features", 280 + 3 * 910),
        ("tiny-vgg", "classifier", 16_910),
        ("ising-cnn", "features", 50 + 20),
        ("resnet50", "fc", 2_049_000),
    ],
)
def test_parameter_counts_of_parts(name, part, count):
    assert size(getattr(published(name), part)) == count


def test_statistics_are_state_and_not_parameters():
    assert size(published("resnet50"), nnx.BatchStat) == 53_120
    assert size(published("vgg16"), nnx.BatchStat) == 0


def test_cnn_drops_a_quarter_and_then_a_half():
    layers = published("cnn").classifier.layers
    assert [layer.rate for layer in layers if isinstance(layer, nnx.Dropout)] == [0.25, 0.5]


def square(pixels, channels):
    return pixels, pixels, channels


# What the lectures and papers print, in the order of execution.
SHAPES = {
    "lenet": {
        **{"features.0": square(24, 6), "features.2": square(12, 6)},
        **{"features.3": square(8, 16), "features.5": square(4, 16)},
        **{"classifier.0": (256,), "classifier.1": (120,), "classifier.3": (84,), "classifier.5": (10,)},
    },
    "lenet-32": {"features.0": square(28, 6), "features.2": square(14, 6), "features.3": square(10, 16)}
    | {"features.5": square(5, 16), "classifier.0": (400,)},
    "lenet-1998": {"c1": square(28, 6), "s2": square(14, 6), "c3": square(10, 16), "s4": square(5, 16)}
    | {"c5": square(1, 120), "f6": (84,), "output": (10,)},
    "mlp": {"features.0": (784,), "features.1": (64,), "features.3": (64,), "classifier": (10,)},
    "cnn": {"features.0": square(26, 32), "features.2": square(24, 64), "features.4": square(12, 64)}
    | {"classifier.1": (9216,), "classifier.2": (128,), "classifier.5": (10,)},
    "tiny-vgg": {"features.0": square(62, 10), "features.2": square(60, 10), "features.4": square(30, 10)}
    | {"features.5": square(28, 10), "features.7": square(26, 10), "features.9": square(13, 10)}
    | {"classifier.0": (1690,), "classifier.1": (10,)},
    "alexnet": {"features.0": square(55, 64), "features.2": square(27, 64), "features.3": square(27, 192)}
    | {"features.5": square(13, 192), "features.6": square(13, 384), "features.8": square(13, 256)}
    | {"features.10": square(13, 256), "features.12": square(6, 256)}
    | {"classifier.1": (4096,), "classifier.4": (4096,), "classifier.6": (1000,)},
    "alexnet-2012": {"features.0": square(55, 96), "features.3": square(27, 96), "features.4": square(27, 256)}
    | {"features.7": square(13, 256), "features.8": square(13, 384), "features.10": square(13, 384)}
    | {"features.12": square(13, 256), "features.14": square(6, 256)},
    "vgg16": {"features.0": square(224, 64), "features.4": square(112, 64), "features.9": square(56, 128)}
    | {"features.16": square(28, 256), "features.23": square(14, 512), "features.30": square(7, 512)}
    | {"classifier.0": (4096,), "classifier.3": (4096,), "classifier.6": (1000,)},
    "googlenet": {"conv1": square(112, 64), "maxpool1": square(56, 64), "conv2": square(56, 64)}
    | {"conv3": square(56, 192), "maxpool2": square(28, 192), "inception3a": square(28, 256)}
    | {"inception3b": square(28, 480), "maxpool3": square(14, 480), "inception4a": square(14, 512)}
    | {"inception4b": square(14, 512), "inception4c": square(14, 512), "inception4d": square(14, 528)}
    | {"inception4e": square(14, 832), "maxpool4": square(7, 832), "inception5a": square(7, 832)}
    | {"inception5b": square(7, 1024), "fc": (1000,)},
    "resnet34": {"conv1": square(112, 64), "maxpool": square(56, 64), "layer1": square(56, 64)}
    | {"layer2": square(28, 128), "layer3": square(14, 256), "layer4": square(7, 512), "fc": (1000,)},
    "resnet50": {"conv1": square(112, 64), "maxpool": square(56, 64), "layer1": square(56, 256)}
    # The stride is that of the 3x3 convolution.
    | {"layer2.0.conv1": square(56, 128), "layer2.0.conv2": square(28, 128), "layer2": square(28, 512)}
    | {"layer3": square(14, 1024), "layer4": square(7, 2048), "fc": (1000,)},
    "resnet20": {"conv1": square(32, 16), "layer1": square(32, 16), "layer2": square(16, 32)}
    | {"layer3": square(8, 64), "fc": (10,)},
    "hep-resnet15": {"features.0": square(16, 16), "features.2": square(16, 16), "features.5": square(8, 32)}
    | {"features": square(8, 32), "fc": (1,)},
    "ising-cnn": {"features.0": square(41, 10), "features.2": square(20, 10), "classifier.0": (4000,)},
    "lattice-cnn": {"features.0": square(4, 4), "features.2": square(4, 4), "LatticeCNN": ()},
}
SHAPES["googlenet-paper"] = SHAPES["googlenet"]
SHAPES["googlenet-aux"] = {"aux1.pool": square(4, 512), "aux1": (1000,), "aux2.pool": square(4, 528), "aux2": (1000,)}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name):
    found = outputs(name)
    assert {path: shape for path, shape in found.items() if path in SHAPES[name]} == SHAPES[name]
    order = [path for path in found if path in SHAPES[name]]
    assert order == list(SHAPES[name])


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("alexnet", ["features.0.kernel", "features.10.bias", "classifier.1.kernel", "classifier.6.bias"]),
        ("vgg11", ["features.0.kernel", "features.18.bias", "classifier.0.kernel", "classifier.6.bias"]),
        ("resnet18", ["conv1.kernel", "bn1.scale", "layer2.0.downsample.0.kernel", "layer4.1.bn2.bias", "fc.kernel"]),
        ("resnet50", ["layer1.0.downsample.1.scale", "layer3.5.conv3.kernel", "layer4.2.bn3.scale"]),
        ("googlenet-aux", ["conv1.conv.kernel", "inception3a.branch1.bn.bias", "inception5b.branch2.1.conv.kernel"]),
        ("googlenet-aux", ["inception4c.branch4.1.conv.kernel", "aux1.conv.bn.scale", "aux2.fc2.kernel", "fc.bias"]),
    ],
)
def test_names_are_torchvision_s(name, keys):
    paths = {
        ".".join(map(str, path)).replace("layers.", "") for path, _ in nnx.to_flat_state(nnx.state(published(name)))
    }
    assert paths >= set(keys)


@pytest.mark.parametrize("name", FORMS)
def test_arguments_reach_every_layer(name):
    logits = {} if name == "lattice-cnn" else {"num_classes": 26}
    model = abstract(name, in_features=2, param_dtype=jnp.float16, dtype=jnp.bfloat16, **logits)
    assert {leaf.dtype for leaf in jax.tree.leaves(nnx.state(model, nnx.Param))} == {jnp.dtype("float16")}
    assert model.input_shape == (*published(name).input_shape[:-1], 2)
    model.eval()
    images = jax.ShapeDtypeStruct((3, 5, *model.input_shape), jnp.float32)
    found = jax.eval_shape(lambda model, x: model(x), model, images)
    assert (found.shape, found.dtype) == ((3, 5, 26) if logits else (3, 5), jnp.bfloat16)


@pytest.mark.parametrize("name", FORMS)
def test_features_come_before_the_head(name):
    model = published(name)
    image = jax.ShapeDtypeStruct(model.input_shape, jnp.float32)
    features = jax.eval_shape(lambda model, x: model.features(x), model, image).shape
    expected = {
        **{"lenet": square(4, 16), "lenet-1998": square(5, 16), "mlp": (64,), "cnn": square(12, 64)},
        **{"tiny-vgg": square(13, 10), "alexnet": square(6, 256), "alexnet-2012": square(6, 256)},
        **{"vgg11": square(7, 512), "googlenet-aux": square(7, 1024), "googlenet-paper": square(7, 1024)},
        **{"resnet18": square(7, 512), "resnet50": square(7, 2048), "resnet20": square(8, 64)},
        **{"hep-resnet15": square(8, 32), "ising-cnn": square(20, 10), "lattice-cnn": square(4, 4)},
    }
    assert features == expected[name]


def test_auxiliary_heads_speak_in_train_mode_alone():
    model = nnx.merge(*nnx.split(published("googlenet-aux")))
    images = jax.ShapeDtypeStruct((2, *model.input_shape), jnp.float32)
    run = lambda: jax.eval_shape(lambda model, x: model(x), model, images)
    assert jax.tree.map(lambda leaf: leaf.shape, run()) == models.WithAux((2, 1000), (2, 1000), (2, 1000))
    model.eval()
    assert run().shape == (2, 1000)
    model.train()
    assert not model.deterministic


def test_small_images_have_a_stem_of_their_own():
    model = abstract("resnet18", stem="cifar")
    assert model.input_shape == (32, 32, 3)
    images = jax.ShapeDtypeStruct((2, *model.input_shape), jnp.float32)
    assert jax.eval_shape(lambda model, x: model.features(x), model, images).shape == (2, 4, 4, 512)


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("LeNet", "did you mean 'lenet'?"),
        ("TinyVGG", "did you mean 'tiny-vgg'?"),
        ("resnet_50", "did you mean 'resnet50'?"),
        ("resnet51", "did you mean 'resnet56' or 'resnet50' or 'resnet18'?"),
        ("xxxx", f"the models are lenet, {', '.join(COUNTS)[7:]}"),
        (3, f"the models are {', '.join(COUNTS)}"),
    ],
)
def test_unknown_name(name, fix):
    with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared
        models.create(name, rngs=nnx.Rngs(0))
    assert str(error.value) == f"create: name={name!r} is not a model of jaxconv; {fix}"


@pytest.mark.parametrize("platform", ["cuda", "tpu"])
@pytest.mark.parametrize(
    ("make", "convolutions"),
    [
        (models.LeNet, 2),
        (partial(models.MLP, (64, 64)), 0),
        (models.CNN, 2),
        (partial(models.ResNet, (1, 1, 1, 1), width=2, stem="cifar", in_features=1), 12),
    ],
    ids=["lenet", "mlp", "cnn", "resnet"],
)
def test_forward_and_training_step_lower_for_accelerators(make, convolutions, platform):
    """Exported on any machine: a step holds each convolution and its gradients, less the gradient of the image."""
    graph, weights, rest = nnx.split(make(rngs=nnx.Rngs(0)), nnx.Param, ...)
    images, labels = jnp.zeros((4, 28, 28, 1)), jnp.zeros(4, jnp.int32)

    def loss(weights):
        logits = nnx.merge(graph, weights, rest, copy=True)(images)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    def count(function):
        exported = jax.export.export(jax.jit(function), platforms=[platform])(weights)
        return exported.mlir_module().count("stablehlo.convolution")

    assert count(loss) == convolutions
    assert count(jax.value_and_grad(loss)) == max(0, 3 * convolutions - 1)
