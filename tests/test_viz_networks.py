"""Kernels, maps, diagrams, spectra and errors of shifts are drawn with the numbers that they claim."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import jaxconv as jc
from jaxconv import models, viz

matplotlib = pytest.importorskip("matplotlib", reason="draws the figures")
pytest.importorskip("matplotlib.figure", reason="what the figures are")  # importing the package alone does not load it

KERNEL = np.random.default_rng(0).normal(size=(3, 2, 3, 4))
IMAGE = np.random.default_rng(1).normal(size=(8, 6, 1)).astype(np.float32)


def shown(figure):
    return [axes.images[0] for axes in figure.axes if axes.images]


def texts(axes):
    return [text.get_text() for text in axes.texts if text.get_text()]


def test_a_kernel_has_a_row_for_each_input_and_a_column_for_each_output():
    pictures = shown(viz.kernels(KERNEL))
    np.testing.assert_array_equal(
        [p.get_array() for p in pictures], np.moveaxis(KERNEL, (2, 3), (0, 1)).reshape(12, 3, 2)
    )
    assert {p.get_clim() for p in pictures} == {(-np.abs(KERNEL).max(), np.abs(KERNEL).max())}
    alone = shown(viz.kernels(KERNEL, shared=False))[5].get_clim()[1]
    assert alone == np.abs(KERNEL[:, :, 1, 1]).max()


def test_three_channels_are_colours_with_grey_at_zero():
    (first, *others) = shown(viz.kernels(KERNEL, colours=True))
    np.testing.assert_allclose(first.get_array(), 0.5 + KERNEL[..., 0] / np.abs(KERNEL).max() / 2)
    assert len(others) == 3


def test_more_channels_than_fit_are_counted():
    figure = viz.kernels(KERNEL, most=2)
    assert len(shown(figure)) == 4
    assert figure.get_suptitle() == "across 2 of 4 output channels, down 2 of 3 input channels"


def test_a_window_of_one_axis_is_one_pixel_high():
    (picture,) = shown(viz.kernels(nnx.Conv(1, 1, (5,), rngs=nnx.Rngs(0))))
    assert picture.get_array().shape == (1, 5)


def test_maps_are_what_the_layer_returns():
    conv = jc.nn.Conv(1, 3, (3, 3), rngs=nnx.Rngs(0))
    model = nnx.Sequential(conv, nnx.BatchNorm(3, rngs=nnx.Rngs(0)), nnx.relu)
    figure = viz.feature_maps(model, IMAGE, layer="layers.0", most=2)
    maps = np.asarray(conv(IMAGE))
    np.testing.assert_array_equal([p.get_array() for p in shown(figure)], np.moveaxis(maps, -1, 0)[:2])
    assert [p.get_clim()[1] for p in shown(figure)] == [np.abs(maps[..., c]).max() for c in range(2)]
    assert figure.get_suptitle() == "layers.0 Conv: 8 × 6, the first 2 of 3 channels"


def test_blocks_stand_in_order_with_their_shapes_and_parts():
    (axes,) = viz.architecture(models.LeNet(rngs=nnx.Rngs(0))).axes
    said = texts(axes)
    assert said[:4] == ["Conv", "24×24\n×6", "relu", "24×24\n×6"]
    assert [said.count(word) for word in ("Conv", "MaxPool", "Dense", "Flatten")] == [2, 2, 3, 1]
    assert said[-2:] == ["features", "classifier"]
    blue, grey, green = (axes.patches[number].get_edgecolor() for number in range(3))
    assert [matplotlib.colors.to_hex(c, keep_alpha=False) for c in (blue, grey, green)] == [
        "#0072b2",
        "#808080",
        "#009e73",
    ]
    heights = [patch.get_height() for patch in axes.patches[:12]]
    assert heights == sorted(heights, reverse=True)


def test_deep_models_are_folded_and_lines_broken():
    model = nnx.eval_shape(lambda: models.create("resnet18", rngs=nnx.Rngs(0)))
    figure = viz.architecture(model, (1, 64, 64, 3), depth=1, columns=4)
    (axes,) = figure.axes
    assert sum(word in ("Conv", "BatchNorm", "relu", "MaxPool", "Sequential", "global_avg_pool", "Dense") for word in
               texts(axes)) == 10  # fmt: skip
    assert {round(patch.get_y() + patch.get_height() / 2) for patch in axes.patches[:1]} == {0}
    assert figure.get_suptitle().startswith("ResNet of 64×64×3: 11,689,512 parameters, ")


def test_words_of_a_diagram_can_stay_text(tmp_path):
    figure = viz.architecture(models.LeNet(rngs=nnx.Rngs(0)))
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        figure.savefig(tmp_path / "lenet.svg")
    assert ">MaxPool</text>" in (tmp_path / "lenet.svg").read_text()


def test_shifts_that_survive_let_the_page_show_through():
    figure = viz.equivariance_error(lambda x: x[:, ::2, ::3], (1, 4, 6, 1))
    errors = shown(figure)[0].get_array()
    expected = (np.arange(4)[:, None] % 2 == 0) & (np.arange(6) % 3 == 0)
    np.testing.assert_array_equal(errors.mask, expected)
    assert figure.get_suptitle() == "4 of 24 shifts survive"
    line = viz.equivariance_error(lambda x: x[::2].sum(-1, keepdims=True), (4, 1), rank=1)
    assert [bar.get_height() > 0 for bar in line.axes[0].patches] == [False, True, False, True]


def test_outputs_without_space_are_compared_as_they_are():
    figure = viz.equivariance_error(lambda x: x.mean((1, 2)), (1, 4, 4, 2))
    assert figure.get_suptitle() == "16 of 16 shifts survive"


def test_a_wave_has_its_power_at_its_frequency():
    x = np.cos(2 * np.pi * 3 / 16 * np.arange(16))
    wave = np.broadcast_to(x[:, None, None], (16, 16, 1))
    (axes,) = viz.spectra({"wave": wave}).axes
    frequencies, power = axes.lines[0].get_data()
    np.testing.assert_allclose(frequencies, np.arange(1, 9) / 16)
    ring = np.rint(np.hypot(*np.meshgrid(*[np.fft.fftfreq(16) * 16] * 2))) == 3
    np.testing.assert_allclose(power, np.where(np.arange(1, 9) == 3, 0.5 / ring.sum(), 0), atol=1e-15)


def test_what_strides_fold_back_appears_below_their_nyquist_frequency():
    x = np.cos(2 * np.pi * 6 / 16 * np.arange(16))  # beyond 4 / 16, half of what strides of 2 keep
    wave = np.broadcast_to(x[:, None, None], (16, 16, 1))
    (axes,) = viz.spectra({"all": wave, "strided": wave[::2, ::2]}, strides=2).axes
    peaks = [line.get_xdata()[line.get_ydata().argmax()] for line in axes.lines[:2]]
    assert peaks == [6 / 16, 2 / 16]
    assert list(axes.lines[2].get_xdata()) == [0.25, 0.25]
    assert axes.lines[1].get_xdata().max() == 0.25


def test_pictures_without_any_waves_are_drawn():
    (axes,) = viz.spectra({"flat": np.ones((4, 4, 1), jnp.bfloat16)}).axes
    assert axes.lines[0].get_ydata().tolist() == [0, 0]


WRONG = [
    (
        lambda: viz.kernels(np.ones((3, 3))),
        "kernels: kernel has shape (3, 3) and dtype float64 but must be real numbers, window x c_in/groups x c_out "
        "with a window of one or two axes; of a longer one pass slices",
    ),
    (
        lambda: viz.kernels(np.ones((3, 3, 1, 2)), colours=True),
        "kernels: colours=True needs 3 input channels but the kernel has 1; leave it out",
    ),
    (
        lambda: viz.feature_maps(models.LeNet(rngs=nnx.Rngs(0)), np.ones((28, 28, 1)), layer="conv1"),
        "feature_maps: layer='conv1' is no layer with maps of the model; those are 'features.layers.0', "
        "'features.layers.2', 'features.layers.3', 'features.layers.5', 'features'",
    ),
    (
        lambda: viz.equivariance_error(lambda x: x, (4,)),
        "equivariance_error: x has shape (4,) but must have 2 spatial axes and then channels",
    ),
    (
        lambda: viz.equivariance_error(lambda x: x, (4, 4, 4, 1), rank=3),
        "equivariance_error: rank=3 is more than a picture has; use 1 or 2",
    ),
    (
        lambda: viz.equivariance_error(jnp.log, (4, 4, 1)),
        "equivariance_error: f returns numbers that are not finite for whole numbers from -99 to 99; scale its input",
    ),
    (
        lambda: viz.spectra({}),
        "spectra: pictures must have a name each, such as {'before': images, 'after': blurred}",
    ),
    (
        lambda: viz.spectra({"a": np.ones((9, 9))}),
        "spectra: 'a' has shape (9, 9) and dtype float64 but must be real numbers, batch x height x width x channels, "
        "at least 4 pixels high and wide",
    ),
    (
        lambda: viz.spectra({"a": np.full((4, 4, 1), np.nan)}),
        "spectra: 'a' has entries that are not finite, which have no frequencies; leave them out",
    ),
]


@pytest.mark.parametrize(("call", "message"), WRONG, ids=range(len(WRONG)))
def test_errors(call, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared
        call()
    assert str(error.value) == message


def test_a_field_that_is_not_regular_is_refused():
    model = nnx.Sequential(jc.nn.ConvTranspose(1, 1, (3, 3), strides=2, rngs=nnx.Rngs(0)))
    with pytest.raises(
        ValueError, match="has no regular receptive field; draw what its units feel with effective=True"
    ):
        viz.receptive_field(model, IMAGE, layer="layers.0", unit=(3, 3))
    figure = viz.receptive_field(model, IMAGE, layer="layers.0", unit=(3, 3), effective=True)
    assert not figure.axes[0].patches
