"""Figures show what users really give: their settings, their names, and numbers of every kind."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import jaxconv as jc
from jaxconv import inspect, train, viz

matplotlib = pytest.importorskip("matplotlib", reason="draws the figures")
pytest.importorskip("matplotlib.figure", reason="what the figures are")  # importing the package alone does not load it

IMAGE = np.random.default_rng(0).random((6, 6, 3)).astype(np.float32)
SURE = np.array([[0.1, 0.9], [0.2, 0.8]])
RUN = {"epoch": (5, 6, 7), "train_loss": (3.0, 2.0, 1.0), "train_accuracy": (0.1, 0.2, 0.3)}


class Listed(nnx.Module):
    """A network with an attribute that is no key of a dictionary."""

    def __init__(self, scales):
        self.conv = jc.nn.Conv(3, 2, (3, 3), rngs=nnx.Rngs(0))
        self.scales = scales

    def __call__(self, x):
        return self.scales[0] * jnp.mean(self.conv(x), (-3, -2))


def shown(figure):
    return [image for axes in figure.findobj(matplotlib.axes.Axes) for image in axes.images]


def test_settings_of_the_user_turn_nothing_upside_down():
    with matplotlib.rc_context({"image.origin": "lower", "axes.grid": True}):
        figure = viz.grad_cam(Listed([1]), IMAGE, 0, layer="conv")
        table = viz.confusion_matrix([0, 1], [1, 1])
    assert {image.origin for image in shown(figure)} == {"upper"}
    assert not any(line.get_visible() for line in table.axes[0].get_xgridlines())


def test_a_notebook_sees_a_figure_without_pyplot():
    assert viz.images([np.eye(2)])._repr_png_().startswith(b"\x89PNG")  # pyright: ignore[reportAttributeAccessIssue], of ours


def test_attributes_that_are_no_keys():
    model = Listed([1, 2])
    for draw in (viz.saliency, viz.grad_cam, viz.feature_maps):
        draw(model, IMAGE, **({} if draw is viz.saliency else {"layer": "conv"}))
    assert inspect.effective_field(model, IMAGE, layer="conv", unit=(3, 3)).shape == (6, 6)
    assert inspect.maximize_activation(model, 1, image_shape=(6, 6, 3), steps=2).shape == (6, 6, 3)
    logits = train.predict_logits(model, IMAGE[None])
    model.scales[0] = 3  # of which nothing compiled before may know
    np.testing.assert_allclose(train.predict_logits(model, IMAGE[None]), 3 * logits, rtol=1e-5)


@pytest.mark.parametrize(
    ("image", "seen"),
    [
        (IMAGE * 4 - 2, (IMAGE - IMAGE.min()) / np.ptp(IMAGE)),
        ((IMAGE * 255).astype(np.uint8), (IMAGE * 255).astype(np.uint8) / 255),
        (IMAGE, IMAGE),
    ],
    ids=["normalised", "bytes", "parts of one"],
)
def test_colours_of_every_kind_of_number(image, seen):
    frame = viz.receptive_field(Listed([1]), image, layer="conv", unit=(2, 2))
    mistake = viz.misread((image[None], [0]), SURE[:1])
    for figure in (frame, mistake):
        np.testing.assert_allclose(shown(figure)[0].get_array(), seen, atol=1e-6)


def test_misread_bytes_and_images_without_channels():
    images = np.array([[[0, 255]], [[255, 0]]], np.uint8)
    pictures = shown(viz.misread((images, [0, 0]), SURE))
    np.testing.assert_array_equal([picture.get_array() for picture in pictures], images / 255)
    assert {picture.get_clim() for picture in pictures} == {(0, 1)}


def test_words_of_users_are_no_formulas_and_stay():
    words = r"$\frac{$"
    figures = [
        viz.images([np.eye(2)], titles=[words]),
        viz.activation_maximization(Listed([1]), np.int64(1), image_shape=(6, 6, 3), steps=2, titles=[words]),
        viz.curves({words: RUN, "_a": RUN}, column="train_loss"),
        viz.spectra({words: IMAGE, "_a": IMAGE}),
        viz.training_report(RUN, (IMAGE[None], [0]), SURE[:1], class_names=[words] * 2, title=words),
    ]
    for figure in figures:
        figure.draw_without_rendering()  # where a formula that does not parse would raise
        assert r"\$\frac{\$" in {text.get_text() for text in figure.findobj(matplotlib.text.Text)}
    for figure in figures[2:4]:
        assert [text.get_text().strip() for text in figure.axes[0].get_legend().get_texts()][1] == "_a"


def test_titles_within_given_axes_lie_below_the_row_above():
    figure = matplotlib.figure.Figure(figsize=(4, 4))
    viz.images([np.eye(4)] * 9, titles=["a"] * 9, columns=3, ax=figure.subplots())
    figure.draw_without_rendering()
    cells = [axes for axes in figure.findobj(matplotlib.axes.Axes) if axes.images]
    for above, below in zip(cells[:6], cells[3:], strict=True):
        assert below.title.get_window_extent().y1 <= above.get_window_extent().y0


def test_names_above_misread_images_do_not_meet():
    names = ["airplane", "automobile with a trailer"]
    figure = viz.misread((np.ones((2, 6, 6, 1)), [0, 0]), SURE, class_names=names, columns=2)
    figure.draw_without_rendering()
    left, right = (axes.title.get_window_extent() for axes in figure.axes)
    assert left.x1 < right.x0


def test_curves_stand_at_their_epochs():
    (axes,) = viz.curves({"later": RUN, "bare": {"train_loss": (1.0, 2.0)}}, column="train_loss").axes
    assert [line.get_xdata().tolist() for line in axes.lines] == [[5, 6, 7], [1, 2]]


def test_a_paper_has_no_headings_and_small_animations():
    drawing = viz.training_report(RUN, (IMAGE[None], [0]), SURE[:1], class_names="ab", title="run", style="paper")
    assert not {"run", "1 of 1 misread, the surest mistakes first"} & {
        text.get_text() for text in drawing.findobj(matplotlib.text.Text)
    }
    animation = viz.arithmetic_animation(2, 1, style="paper")
    assert animation._fig.get_size_inches()[0] == pytest.approx(3.4)  # pyright: ignore[reportAttributeAccessIssue], of matplotlib's
    animation._draw_was_started = True  # or matplotlib warns that it was not shown


def luminance(colour):
    """Relative luminance as WCAG 2.2 has it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


@pytest.mark.parametrize("style", ["light", "dark", "paper"])
def test_numbers_of_arithmetic_can_be_read_on_their_fills(style):
    figure = viz.arithmetic(3, 3, padding=1, style=style)
    (axes,) = figure.axes
    paper = np.array(matplotlib.colors.to_rgb(figure.get_facecolor()))
    for text in axes.texts:
        x, y = text.get_position()
        fills = [
            patch.get_facecolor()
            for patch in axes.patches
            if patch.get_extents().contains(*axes.transData.transform((x, y)))
        ]
        for *colour, alpha in fills:
            fill = alpha * np.array(colour) + (1 - alpha) * paper
            low, high = sorted((luminance(fill), luminance(matplotlib.colors.to_rgb(text.get_color()))))
            assert (high + 0.05) / (low + 0.05) >= 4.5


def test_a_model_that_is_one_convolution_has_a_frame():
    class Own(nnx.Module):
        def __init__(self):
            self.kernel = nnx.Param(jnp.ones((3, 3, 3, 1)))

        def __call__(self, x):
            return jc.conv(x, self.kernel[...])

    figure = viz.receptive_field(Own(), IMAGE, layer="", unit=(2, 3))
    assert figure.get_suptitle() == "Own at (2, 3)\nsees rows 1 to 3, columns 2 to 4"


def test_a_field_that_is_regular_on_one_axis_only_is_refused():
    up = jc.nn.ConvTranspose(3, 1, (3, 3), strides=(2, 1), rngs=nnx.Rngs(0))
    model = nnx.Sequential(up, jc.nn.Conv(1, 1, (3, 3), rngs=nnx.Rngs(0)))
    with pytest.raises(ValueError, match=r"layer='layers.1' has no regular receptive field"):
        viz.receptive_field(model, IMAGE, layer="layers.1", unit=(5, 4))


def test_names_in_an_array():
    figure = viz.confusion_matrix([0, 1], [1, 1], class_names=np.array(["cat", "dog"]))  # pyright: ignore[reportArgumentType], meant
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == ["cat", "dog"]


ONE = (np.ones((1, 2, 2, 1)), [0])
WRONG = [
    (
        lambda: viz.misread(ONE, [[3.0, -1.0]]),
        "misread: probabilities[0] = [ 3. -1.] must be numbers from 0 to 1; of logits take jax.nn.softmax",
    ),
    (
        lambda: viz.training_report(RUN, ONE, [[np.nan, 1.0]], class_names="ab"),
        "training_report: probabilities[0] = [nan  1.] must be numbers from 0 to 1; of logits take jax.nn.softmax",
    ),
    (
        lambda: viz.training_report(RUN, (ONE[0], [0, 1]), SURE, class_names="ab"),
        "training_report: labels has 2 entries but there are 1 examples; give one for each",
    ),
    (
        lambda: viz.misread((np.ones((1, 2)), [0]), SURE[:1]),
        "misread: the images have shape (1, 2) but must be n x height x width x channels, at least one",
    ),
    (
        lambda: viz.curves(RUN),
        "curves: runs must have a name each, such as {'lenet': history}, or {'lenet': [first, second]}",
    ),
    (
        lambda: viz.curves({"a": [RUN, {**RUN, "epoch": (1, 2, 3)}]}, column="train_loss"),
        "curves: the runs of 'a' differ in their column 'epoch', or it is not as long as 'train_loss'; give each such "
        "run a name of its own",
    ),
    (
        lambda: viz.arithmetic(np.full((2, 2), 2**20), np.full((2, 2), 2**12), padding="VALID"),
        "arithmetic: sums of these numbers may reach 1.72e+10 but int32 holds whole numbers only up to 2,147,483,647; "
        "use smaller ones",
    ),
    (
        lambda: viz.arithmetic(np.full((2, 2), 2.0**20), np.full((2, 2), 16.0), padding="VALID"),
        "arithmetic: sums of these numbers may reach 6.71e+07 but float32 holds whole numbers only up to 16,777,216; "
        "use smaller ones",
    ),
]


@pytest.mark.parametrize(("call", "message"), WRONG, ids=range(len(WRONG)))
def test_errors(call, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared
        call()
    assert str(error.value) == message


def test_a_column_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(KeyError, match="'a' has no column 'validation_accuracy'; its columns are epoch, train_loss"):
        viz.curves({"a": RUN})


@pytest.mark.parametrize(
    ("f", "kept"),
    [
        (lambda x: (x * jnp.arange(36).reshape(6, 6, 1)).astype(jnp.int8), 1),
        (lambda x: x * (jnp.arange(36).reshape(6, 6, 1) > 17) > 0, 6),
        (lambda x: 1j * x * jnp.arange(36).reshape(6, 6, 1), 1),
    ],
    ids=["int8", "bool", "complex"],
)
def test_shifts_of_every_kind_of_number(f, kept):
    for x in (jnp.zeros((6, 6, 1), jnp.int32), jax.ShapeDtypeStruct((6, 6, 1), jnp.float32)):
        assert viz.equivariance_error(f, x).get_suptitle() == f"{kept} of 36 shifts survive"
