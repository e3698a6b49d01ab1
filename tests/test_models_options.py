"""What the options of the networks do: borders, ways to halve an image, what is particular to one network; errors."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxconv import models, nn, symmetry
from jaxconv.models import lattice, lenet_1998, parts

SMALL = partial(models.ResNet, (1, 1, 1, 1), width=4)
# Each network, the product of its strides, and a size that they divide and that all windows fit.
STRIDES = {
    "lenet": (models.LeNet, 4, 16),
    "lenet-1998": (models.LeNet1998, 4, 16),
    "cnn": (models.CNN, 2, 8),
    "tiny-vgg": (models.TinyVGG, 4, 16),
    "alexnet": (partial(models.AlexNet, hidden_features=1), 32, 64),
    "alexnet-2012": (partial(models.AlexNet2012, hidden_features=1), 32, 64),
    "vgg": (partial(models.VGG, (1, 1, 1, 1, 1), hidden_features=1), 32, 64),
    "googlenet": (models.GoogLeNet, 32, 64),
    "resnet": (SMALL, 32, 64),
    "resnet-cifar-stem": (partial(SMALL, bottleneck=True, stem="cifar"), 8, 16),
    "cifar-resnet": (partial(models.CifarResNet, 1), 4, 8),
    "hep-resnet": (partial(models.HEPResNet, 1), 4, 8),
    "ising-cnn": (models.IsingCNN, 2, 8),
    "lattice-cnn": (models.LatticeCNN, 1, 4),
}


def abstract(make, **arguments):
    """Return the model with shapes for values, which costs no compilation."""
    return nnx.eval_shape(lambda: make(rngs=nnx.Rngs(0), **arguments))


def filled(make, **arguments):
    """Return a model in eval mode with generic numbers, which NumPy draws: no initialiser is compiled."""
    draw = np.random.default_rng(0)

    def generic(leaf):
        numbers = draw.normal(size=leaf.shape)
        return jnp.asarray(
            numbers + 1j * draw.normal(size=leaf.shape) if leaf.dtype.kind == "c" else numbers, leaf.dtype
        )

    def nought(leaf):
        is_key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        return jax.random.key(0) if is_key else jnp.zeros(leaf.shape, leaf.dtype)

    graph, weights, statistics, rest = nnx.split(abstract(make, **arguments), nnx.Param, nnx.BatchStat, ...)
    statistics = jax.tree.map(lambda leaf: abs(generic(leaf)), statistics)  # variances are positive
    model = nnx.merge(graph, jax.tree.map(generic, weights), statistics, jax.tree.map(nought, rest))
    model.eval()
    return model


def kept(name, padding_mode):
    """Return the shifts of the image that survive the features, and how the features move along."""
    make, _, size = STRIDES[name]
    model = filled(make, padding_mode=padding_mode)
    claim = symmetry.derive(model.features, (1, size, size, model.input_shape[-1]))
    return {t: claim.moved(t) for t in claim.generators}


@pytest.mark.parametrize("name", STRIDES)
def test_shifts_by_all_strides_together_survive_along_circular_axes_and_no_others(name):
    stride = STRIDES[name][1]
    down, right = {(stride, 0): [(0, 1, 0, 0)]}, {(0, stride): [(0, 0, 1, 0)]}
    assert kept(name, "circular") == down | right
    assert kept(name, ("circular", "zeros")) == down


@pytest.mark.parametrize("name", [name for name, (_, _, size) in STRIDES.items() if size < 64])
def test_no_shift_survives_as_published(name):
    assert kept(name, "zeros") == {}


ALL = symmetry.Invariant(symmetry.Shifts(1, 1))


@pytest.mark.parametrize(
    ("make", "size"),
    [(partial(models.CifarResNet, 1, width=4), 8), (partial(SMALL, stem="imagenet", bottleneck=True), 32)],
    ids=["cifar-resnet", "resnet"],
)
def test_with_polyphase_no_shift_changes_what_a_circular_resnet_says(make, size):
    model = filled(make, padding_mode="circular", pool="polyphase", num_classes=2)
    assert symmetry.check(model, ALL, (1, size, size, 3), examples=20).tried > 20


@pytest.mark.parametrize("pool", ["max", "blur"])
def test_without_polyphase_some_shift_does(pool):
    model = filled(partial(models.CifarResNet, 1, width=4), num_classes=2, padding_mode="circular", pool=pool)
    assert symmetry.refute(model, ALL, (1, 8, 8, 3), examples=20)


def test_blurs_and_averages_keep_the_shifts_that_strides_keep():
    for pool in ("max", "blur", "average"):
        model = filled(SMALL, padding_mode="circular", pool=pool, stem="cifar", num_classes=2)
        claim = symmetry.derive(model, (1, 16, 16, 3))
        assert (claim.kind, claim.generators) == ("invariant", ((8, 0), (0, 8)))


@pytest.mark.parametrize("pool", ["max", "average", "blur", "polyphase"])
@pytest.mark.parametrize(
    "name", ["lenet", "lenet-1998", "cnn", "tiny-vgg", "vgg", "resnet", "cifar-resnet", "hep-resnet", "ising-cnn"]
)
def test_ways_to_halve_leave_the_sizes_and_the_names_of_parameters(name, pool):
    make = STRIDES[name][0]
    published, other = abstract(make), abstract(make, pool=pool)
    image = jax.ShapeDtypeStruct(published.input_shape, jnp.float32)
    shapes = [jax.eval_shape(lambda model, x: model.features(x), model, image).shape for model in (published, other)]
    assert shapes[0] == shapes[1]
    sizes = [
        {path: leaf.shape for path, leaf in nnx.to_flat_state(nnx.state(model, nnx.Param))}
        for model in (published, other)
    ]
    assert sizes[0] == sizes[1]


def test_windows_on_a_torus_keep_the_size():
    model = abstract(models.LeNet, padding_mode=("circular", "zeros"))
    image = jax.ShapeDtypeStruct((28, 28, 1), jnp.float32)
    assert jax.eval_shape(lambda m, x: m.features(x), model, image).shape == (7, 4, 16)
    assert model.classifier.layers[1].in_features == 7 * 4 * 16


def test_a_list_of_modes_is_as_good_as_a_tuple():
    """As JSON has it: the graph of a model must be hashable, or `nnx.jit` refuses it."""
    model = abstract(models.CifarResNet, n=1, padding_mode=["circular", "zeros"], pool="blur")
    hash(nnx.graphdef(model))


@pytest.mark.parametrize("pool", ["average", "blur", "polyphase"])
def test_subsampled_branches_stay_together(pool):
    x = np.random.default_rng(0).integers(-4, 5, (3, 6, 6, 2)).astype(np.float32)
    subsample = parts.Subsample(2, pool=pool, padding_mode="circular")
    first, second = subsample(x, -x)
    assert first.shape == (3, 3, 3, 2)
    np.testing.assert_array_equal(first, -second)
    np.testing.assert_array_equal(subsample(x), first)
    if pool == "average":
        np.testing.assert_array_equal(first, x.reshape(3, 3, 2, 3, 2, 2).mean((2, 4)))


@pytest.mark.parametrize(("name", "size"), [("maxpool1", 3), ("maxpool4", 2)])
def test_googlenet_pools_as_pytorch_does_in_ceil_mode(name, size):
    torch = pytest.importorskip("torch", reason="PyTorch is the yardstick")
    pool = getattr(abstract(models.GoogLeNet), name)
    for pixels in (5, 6):
        x = np.random.default_rng(0).normal(size=(1, pixels, pixels, 2)).astype(np.float32)
        theirs = torch.nn.functional.max_pool2d(torch.tensor(x).permute(0, 3, 1, 2), size, 2, ceil_mode=True)
        np.testing.assert_array_equal(pool(x), theirs.permute(0, 2, 3, 1))


def test_local_response_norm_is_its_formula():
    x = np.random.default_rng(0).normal(size=(2, 3, 7))
    with jax.enable_x64(True):
        found = parts.local_response_norm(jnp.asarray(x), size=5, k=2.0, alpha=0.1, beta=0.75)
    for channel in range(7):
        near = (x[..., max(0, channel - 2) : channel + 3] ** 2).sum(-1)
        np.testing.assert_allclose(found[..., channel], x[..., channel] / (2 + 0.1 * near) ** 0.75, rtol=1e-12)


def test_initial_kernels_have_the_variance_of_he_et_al():
    kernel = parts.he_normal(jax.random.key(0), (3, 3, 32, 64), jnp.float32)
    np.testing.assert_allclose([kernel.mean(), kernel.var() * 9 * 64], [0, 2], atol=0.05)


def test_the_shortcut_without_weights_keeps_every_second_pixel_between_zeros():
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 4)).astype(np.float32)
    block = filled(partial(models.CifarResNet, 1, width=4)).layer2.layers[0]
    out = np.asarray(block.downsample(x))
    np.testing.assert_array_equal(out[..., 2:6], x[:, ::2, ::2])
    assert out.shape == (2, 2, 2, 8)
    assert not out[..., :2].any()
    assert not out[..., 6:].any()


def test_c3_of_1998_is_a_convolution_with_connections_cut():
    model = filled(models.LeNet1998)
    x = np.random.default_rng(1).normal(size=(2, 14, 14, 6)).astype(np.float32)
    connected = np.zeros((6, 16), bool)
    for target, sources in enumerate(lenet_1998.TABLE):
        connected[list(sources), target] = True
    assert connected.sum() == 60
    assert connected.sum(1).tolist() == [10] * 6  # each map of S2 is read ten times
    slope = jax.jacobian(lambda x: model.c3(x).sum((0, 1, 2)))(x[:, :5, :5])
    np.testing.assert_array_equal(abs(np.asarray(slope)).sum((1, 2, 3)).T > 0, connected)
    cut = np.zeros((5, 5, 6, 16), np.float32)
    cut[:, :, lenet_1998.SOURCES, lenet_1998.TARGETS] = model.c3.kernel[...]
    conv = nn.Conv(6, 16, (5, 5), padding="VALID", kernel_init=lambda *_: jnp.asarray(cut), rngs=nnx.Rngs(0))
    conv.bias[...] = model.c3.bias[...]
    np.testing.assert_allclose(model.c3(x), conv(x), rtol=1e-5, atol=1e-5)


def test_the_output_of_1998_is_largest_at_the_code_itself():
    output = lenet_1998.Codes(4, param_dtype=jnp.float32, rngs=nnx.Rngs(0))
    codes = output.codes[...]
    assert set(np.unique(codes)) == {-1, 1}
    distances = ((codes[:, :, None] - codes[:, None]) ** 2).sum(0)
    np.testing.assert_array_equal(output(codes.T), -distances)
    np.testing.assert_allclose(lenet_1998.squash(jnp.asarray([-1.0, 1.0])), [-1, 1], rtol=1e-4)


def spins(*shape):
    return np.random.default_rng(0).choice(np.array([-1, 1], np.int8), shape)


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_lattice_cnn_is_its_formula_of_spins(dtype):
    model = filled(models.LatticeCNN, param_dtype=dtype)
    for layer in (model.features.layers[0], model.features.layers[2]):
        layer.kernel[...] *= 0.1  # log cosh between the layers must not change its branch
    x = spins(3, 4, 6)
    found = model(x)
    assert found.dtype == dtype
    y = x[..., None].astype("complex128")
    for layer in (model.features.layers[0], model.features.layers[2]):
        kernel, bias = np.asarray(layer.kernel[...]), np.asarray(layer.bias[...])
        taps = [(i, j) for i in range(3) for j in range(3)]
        y = bias + sum(np.roll(y, (1 - i, 1 - j), (1, 2)) @ kernel[i, j] for i, j in taps)
        y = np.log(np.cosh(y))
    np.testing.assert_allclose(np.exp(found - y.sum((1, 2, 3))), np.ones(3), rtol=1e-3)  # phases are modulo 2 pi
    np.testing.assert_array_equal(model(x[..., None]), found)
    np.testing.assert_allclose(model(x[0]), found[0], rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "generators"),
    [
        ({}, ((1, 0), (0, 1))),
        ({"param_dtype": jnp.complex64}, ((1, 0), (0, 1))),
        ({"padding_mode": ("zeros", "circular")}, ((0, 1),)),
        ({"padding_mode": "zeros"}, ()),
    ],
)
def test_lattice_cnn_forgets_every_translation_along_periodic_axes(arguments, generators):
    model = filled(models.LatticeCNN, **arguments)
    claim = symmetry.derive(model, (2, 4, 6), axes=(1, 2))
    assert (claim.kind, claim.generators) == ("invariant" if generators else "none", generators)


def test_lattices_have_any_number_of_axes():
    chain = filled(models.LatticeCNN, widths=(3,), kernel_size=(5,))
    assert chain(spins(2, 12)).shape == (2,)
    cube = filled(models.LatticeCNN, kernel_size=(3, 3, 3), in_features=2)
    assert cube(spins(2, 4, 4, 4, 2)).shape == (2,)


def test_log_cosh_neither_overflows_nor_loses_its_slope():
    x = jnp.asarray([-300.0, -1.0, 0.0, 1.0, 300.0])
    expected = [300 - np.log(2), np.log(np.cosh(1)), 0, np.log(np.cosh(1)), 300 - np.log(2)]
    np.testing.assert_allclose(lattice.log_cosh(x), expected, rtol=1e-6, atol=1e-7)
    _, slope = jax.jvp(lattice.log_cosh, [x], [jnp.ones_like(x)])
    np.testing.assert_allclose(slope, np.tanh(x), rtol=1e-6, atol=1e-7)
    z = jnp.asarray([1 + 1j, -1 + 2j], jnp.complex64)
    _, slope = jax.jvp(lattice.log_cosh, [z], [jnp.ones_like(z)])
    np.testing.assert_allclose(slope, np.tanh(z), rtol=1e-5)


@pytest.mark.parametrize(("name", "epsilon"), [("resnet", 1e-5), ("cifar-resnet", 1e-5), ("googlenet", 1e-3)])
def test_batch_normalisation_is_pytorch_s(name, epsilon):
    norms = [m for _, m in nnx.iter_modules(abstract(STRIDES[name][0])) if isinstance(m, nn.BatchNorm)]
    assert {(norm.momentum, norm.epsilon) for norm in norms} == {(0.9, epsilon)}


ERRORS = [
    (
        lambda rngs: models.LeNet(pool="mean", rngs=rngs),
        "LeNet: unknown pool 'mean'; use one of 'max', 'average', 'blur', 'polyphase'",
    ),
    (
        lambda rngs: models.CifarResNet(1, padding_mode="wrap", rngs=rngs),
        "CifarResNet: unknown padding_mode 'wrap'; use 'circular'",
    ),
    (
        lambda rngs: models.LeNet(image_shape=(8, 8), rngs=rngs),
        "LeNet: image_shape=(8, 8) does not fit; conv: the window spans 5 pixels but spatial axis 0 has only 2 "
        "(size 2, padding 0 + 0), so the output would be empty; use a larger input, a smaller window or more padding",
    ),
    (
        lambda rngs: models.LeNet(image_shape=28, rngs=rngs),
        "LeNet: image_shape=28 must be a tuple of 2 whole numbers",
    ),
    (
        lambda rngs: models.ResNet((2, 2, 2, 2), stem="tiny", rngs=rngs),
        "ResNet: unknown stem 'tiny'; use 'imagenet' or 'cifar'",
    ),
    (
        lambda rngs: models.ResNet((2, 2, 2), rngs=rngs),
        "ResNet: depths=(2, 2, 2) must be a tuple of 4 whole numbers",
    ),
    (
        lambda rngs: models.VGG((1, 1, 0, 1, 1), rngs=rngs),
        "VGG: depths=(1, 1, 0, 1, 1) must be at least 1, got 0",
    ),
    (lambda rngs: models.CifarResNet(0, rngs=rngs), "CifarResNet: n=0 must be at least 1"),
    (
        lambda rngs: models.LatticeCNN(widths=(), rngs=rngs),
        "LatticeCNN: widths=() must be a tuple of whole numbers, 1 or more",
    ),
    (
        lambda rngs: models.GoogLeNet(form="keras", rngs=rngs),
        "GoogLeNet: unknown form 'keras'; use 'torchvision' or 'paper'",
    ),
    (
        lambda rngs: models.MLP(64, rngs=rngs),
        "MLP: hidden_sizes=64 must be a tuple of whole numbers",
    ),
    (
        lambda rngs: models.create("mlp", padding_mode="circular", rngs=rngs),
        "MLP: unknown argument 'padding_mode'; the arguments are hidden_sizes, image_shape, num_classes, in_features, "
        "dtype, param_dtype, rngs",
    ),
    (
        lambda rngs: models.create("resnet18", num_clases=3, rngs=rngs),
        "ResNet: unknown argument 'num_clases'; use 'num_classes'",
    ),
]


@pytest.mark.parametrize(("make", "text"), ERRORS, ids=[text.split(";")[0] for _, text in ERRORS])
def test_error_texts(make, text):
    with pytest.raises((ValueError, TypeError)) as error:
        nnx.eval_shape(lambda: make(nnx.Rngs(0)))
    assert str(error.value) == text
