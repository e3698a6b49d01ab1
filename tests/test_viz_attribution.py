"""Saliency, Grad-CAM, effective fields and maximisation against closed forms, and their figures against them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import jaxconv as jc
from jaxconv import inspect, viz

IMAGE = np.random.default_rng(0).normal(size=(6, 7, 2)).astype(np.float32)


class Linear(nnx.Module):
    """Logits that are linear in the image, with weights `classes height width channels`."""

    def __init__(self):
        self.weights = nnx.Param(jax.random.normal(jax.random.key(1), (3, 6, 7, 2)))
        self.input_shape = (6, 7, 2)

    def __call__(self, x):
        return jnp.einsum("nhwc,khwc->nk", x, self.weights[...])


class Averaged(nnx.Module):
    """A linear layer on globally averaged maps, which has a class activation map; dropout must be off."""

    def __init__(self):
        rngs = nnx.Rngs(0)
        self.conv = jc.nn.Conv(2, 3, (3, 3), rngs=rngs)
        self.drop = nnx.Dropout(0.5, rngs=rngs)
        self.head = nnx.Linear(3, 4, rngs=rngs)

    def __call__(self, x):
        return self.head(self.drop(self.conv(x)).mean((1, 2)))


LINEAR, AVERAGED = Linear(), Averaged()


def glow(figure):
    return np.asarray(figure.axes[0].images[1].get_array())


def test_saliency_of_a_linear_model_is_its_largest_weight():
    for index in range(3):
        expected = np.abs(LINEAR.weights[index]).max(-1)
        np.testing.assert_allclose(inspect.saliency(LINEAR, IMAGE, index), expected, rtol=1e-6)
    answer = int(LINEAR(IMAGE[None]).argmax())
    np.testing.assert_array_equal(inspect.saliency(LINEAR, IMAGE), inspect.saliency(LINEAR, IMAGE, answer))
    figure = viz.saliency(LINEAR, IMAGE, 2, class_names=["cat", "dog", "eel"])
    np.testing.assert_array_equal(glow(figure), inspect.saliency(LINEAR, IMAGE, 2))
    assert figure.get_suptitle() == "what changes the logit of eel"


def test_grad_cam_is_the_class_activation_map():
    maps = np.asarray(AVERAGED.conv(IMAGE))
    for index in range(4):
        cam = np.maximum((maps * np.asarray(AVERAGED.head.kernel[:, index])).sum(-1), 0)
        found = inspect.grad_cam(AVERAGED, IMAGE, index, layer="conv")
        np.testing.assert_allclose(found, cam / maps[..., 0].size, rtol=1e-4, atol=1e-6)
    assert not AVERAGED.drop.deterministic  # the model keeps its mode


def test_grad_cam_lies_where_its_layer_looks():
    model = nnx.Sequential(
        jc.nn.Conv(2, 3, (5, 3), strides=2, padding="VALID", rngs=nnx.Rngs(0)), lambda x: x.mean((1, 2))
    )
    figure = viz.grad_cam(model, IMAGE, 0, layer="layers.0")
    # Its row sees rows 0 to 4, whose middle is 2, and column p sees 2 p to 2 p + 2, whose middle is 2 p + 1.
    assert figure.axes[0].images[1].get_extent() == [0, 6, 3, 1]
    assert figure.axes[0].get_xlim() == (-0.5, 6.5)
    np.testing.assert_array_equal(glow(figure), inspect.grad_cam(model, IMAGE, 0, layer=("layers", 0)))


def test_what_a_unit_feels_is_what_its_channels_derivatives_say():
    found = inspect.effective_field(AVERAGED, IMAGE, layer="conv", unit=(2, 3))
    expected = np.zeros((6, 7))
    expected[1:4, 2:5] = np.sqrt(np.square(AVERAGED.conv.kernel[...]).sum((2, 3)))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def changed(model, path, unit):
    """The pixels that change what a unit of a layer returns when they change."""
    read = jax.jit(lambda x: next(layer.output for layer in inspect.layers(model)(x) if layer.path == path)[:, *unit])
    pixels = np.stack([IMAGE] * 43)
    for number, place in enumerate(np.ndindex(6, 7)):
        pixels[number + 1][place] += 1
    out = np.asarray(read(pixels))
    return np.any(out[1:] != out[0], -1).reshape(6, 7)


def test_the_frame_holds_what_a_changed_pixel_changes():
    pytest.importorskip("matplotlib", reason="draws the frame")
    conv = lambda **options: jc.nn.Conv(2, 2, (3, 3), rngs=nnx.Rngs(0), **options)
    model = nnx.Sequential(conv(strides=(2, 1)), nnx.Sequential(conv(padding="VALID"), conv(kernel_dilation=(1, 2))))
    for path, unit in ((("layers", 0), (2, 0)), (("layers", 1, "layers", 0), (0, 4)), (("layers", 1), (0, 2))):
        figure = viz.receptive_field(model, IMAGE, layer=path, unit=unit, effective=True)
        (frame,) = figure.axes[0].patches
        left, top = frame.get_xy()
        inside = np.zeros((6, 7), bool)
        rows, columns = ((round(low + 0.5), round(low + 0.5 + size)) for low, size in
                         ((top, frame.get_height()), (left, frame.get_width())))  # fmt: skip
        inside[max(rows[0], 0) : rows[1], max(columns[0], 0) : columns[1]] = True
        moved = changed(model, path, unit)
        assert not (moved & ~inside).any()
        edges = [np.flatnonzero(found.any(axis)) for found in (moved, inside) for axis in (1, 0)]
        assert [(e.min(), e.max()) for e in edges[:2]] == [(e.min(), e.max()) for e in edges[2:]]
        np.testing.assert_array_equal(glow(figure) > 0, moved)
        # The frame is seen whole, also in the padding.
        assert figure.axes[0].get_xlim()[0] < left
        assert figure.axes[0].get_ylim()[1] < top


def test_a_linear_units_favourite_points_along_its_weights():
    found = inspect.maximize_activation(LINEAR, 1, total_variation=0, jitter=0)
    weights = LINEAR.weights[1]
    assert float((found * weights).sum() / jnp.linalg.norm(found) / jnp.linalg.norm(weights)) > 0.9999


def test_limits_variation_and_seed_of_maximisation():
    ascend = lambda **options: np.asarray(inspect.maximize_activation(LINEAR, 0, steps=40, step_size=0.2, **options))
    rough, smooth = ascend(limits=(-0.5, 0.25)), ascend(total_variation=0.5, limits=(-0.5, 0.25))
    assert (rough.min(), rough.max()) == (-0.5, 0.25)
    assert np.abs(np.diff(smooth, axis=1)).sum() < np.abs(np.diff(rough, axis=1)).sum() / 2
    np.testing.assert_array_equal(rough, ascend(limits=(-0.5, 0.25)))
    assert (rough != ascend(limits=(-0.5, 0.25), seed=1)).any()


def test_units_of_a_layer_are_drawn_as_they_are_found():
    pytest.importorskip("matplotlib", reason="draws the images")
    options = dict(layer="conv", image_shape=(6, 7, 2), limits=(-1, 1), steps=3)
    with pytest.raises(ValueError, match="picture 2 has shape"):
        viz.activation_maximization(AVERAGED, [2], **options)  # two channels are no colours
    model = nnx.Sequential(jc.nn.Conv(1, 3, (3, 3), rngs=nnx.Rngs(0)))
    options = dict(layer="layers.0", image_shape=(6, 7, 1), steps=3)
    figure = viz.activation_maximization(model, [2, 0], **options)
    expected = [inspect.maximize_activation(model, unit, limits=(0, 1), **options)[..., 0] for unit in (2, 0)]
    np.testing.assert_array_equal([axes.images[0].get_array() for axes in figure.axes], expected)
    assert [axes.get_title() for axes in figure.axes] == ["2", "0"]


NAMES = "those are 'conv', 'drop'"
WRONG = [
    (
        lambda: inspect.saliency(LINEAR, IMAGE[..., 0, 0]),
        "saliency: image has shape (6,) and dtype float32 but must be one image of real numbers, with its channels "
        "last",
    ),
    (
        lambda: inspect.saliency(LINEAR, IMAGE, 3),
        "saliency: class_index=3 is no class of the model, which has 0 to 2",
    ),
    (
        lambda: inspect.saliency(AVERAGED.conv, IMAGE),
        "saliency: the model must return logits of shape (1, classes) for one image but returns the shape (1, 6, 7, 3)",
    ),
    (
        lambda: inspect.grad_cam(AVERAGED, IMAGE, layer="head"),
        f"grad_cam: layer='head' is no layer with maps of the model; {NAMES}",
    ),
    (
        lambda: inspect.effective_field(AVERAGED, IMAGE, layer="conv", unit=(6, 0)),
        "effective_field: unit=(6, 0) is no position of the layer, which has 6 x 7; count from 0",
    ),
    (
        lambda: inspect.maximize_activation(AVERAGED, 0),
        "maximize_activation: Averaged has no input_shape; pass image_shape=(height, width, channels)",
    ),
    (
        lambda: inspect.maximize_activation(LINEAR, 3),
        "maximize_activation: unit=3 is no channel of layer 'Linear', which has 0 to 2",
    ),
    (
        lambda: inspect.maximize_activation(LINEAR, 0, limits=(1, 0)),
        "maximize_activation: limits=(1, 0) must be the least number of a pixel and then the largest",
    ),
    (
        lambda: inspect.maximize_activation(LINEAR, 0, l2=-1),
        "maximize_activation: l2=-1 must be a number of at least 0",
    ),
    (
        lambda: viz.activation_maximization(LINEAR, []),
        "activation_maximization: units=[] shows nothing; give at least one, such as 0",
    ),
    (
        lambda: viz.saliency(LINEAR, IMAGE, 2, class_names=["a"]),
        "saliency: class_names has 1 entries but the labels go up to 2; give 3",
    ),
]


@pytest.mark.parametrize(("call", "message"), WRONG, ids=range(len(WRONG)))
def test_errors(call, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared
        call()
    assert str(error.value) == message


def test_a_model_that_refuses_the_image_says_why():
    with pytest.raises(ValueError, match=r"saliency: the model does not take an image of shape \(6, 7, 1\) in a batch"):
        inspect.saliency(AVERAGED, IMAGE[..., :1])


def test_what_is_no_model_is_refused():
    with pytest.raises(TypeError, match="saliency: model must be a Flax NNX module; got function"):
        inspect.saliency(lambda x: x, IMAGE)  # pyright: ignore[reportArgumentType], meant
