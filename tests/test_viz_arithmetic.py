"""The drawings of convolution arithmetic show the numbers that the functions compute, and nothing else."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jaxconv as jc
from jaxconv import viz
from jaxconv.viz.sliding import slide

matplotlib = pytest.importorskip("matplotlib", reason="draws the figures")

# Figure 1.1 of Dumoulin & Visin (2016).
PICTURE = np.array([[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]])
KERNEL = np.array([[0, 1, 2], [2, 2, 0], [0, 1, 2]])
BOOK = [[12, 12, 17], [10, 17, 19], [9, 6, 14]]

options = st.fixed_dictionaries(
    {
        "strides": st.sampled_from([1, 2, (1, 3)]),
        "padding": st.sampled_from(["SAME", "VALID", "FULL", 1, 3, (2, (0, 1))]),
        "kernel_dilation": st.sampled_from([1, (2, 1)]),
    }
)


def sliding(input, kernel, *, output_padding=None, transposed=False, exact=False, **given):
    given = {"padding": "VALID", "padding_mode": "zeros", **given}
    return slide("test", input, kernel, output_padding=output_padding, transposed=transposed, exact=exact, **given)


def sums(found):
    each = [sum(int(x) * int(w) for x, w in found.products(step)) for step in range(found.out.size)]
    return np.reshape(each, found.out.shape)


def texts(figure):
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def squares(figure, **wanted):
    from matplotlib.patches import Rectangle

    found = [patch for axes in figure.axes for patch in axes.patches if isinstance(patch, Rectangle)]
    return [p for p in found if all(getattr(p, f"get_{name}")() == value for name, value in wanted.items())]


@settings(max_examples=10)
@given(options, st.sampled_from(["zeros", "circular", "reflect", "edge"]))
def test_the_products_shown_add_up_to_what_conv_computes(given, mode):
    found = sliding((5, 6), (3, 2), padding_mode=mode, **given)
    x, kernel = sliding((5, 6), (1, 1)).cells, found.kernel
    out = jc.conv(jnp.asarray(x)[..., None], jnp.asarray(kernel)[..., None, None], padding_mode=mode, **given)
    np.testing.assert_array_equal(found.out, out[..., 0])
    np.testing.assert_array_equal(sums(found), found.out)
    assert found.pixels.sum() == 30


@settings(max_examples=10)
@given(options)
def test_a_transposed_convolution_slides_a_turned_kernel_over_spread_pixels(given):
    found = sliding((7, 7), (3, 2), transposed=True, **given)
    kernel = sliding((9, 9), (3, 2)).kernel
    np.testing.assert_array_equal(found.kernel, kernel[::-1, ::-1])
    x = sliding((7, 7), (1, 1)).cells
    out = jc.conv_transpose(jnp.asarray(x)[..., None], jnp.asarray(kernel)[..., None, None], **given)
    np.testing.assert_array_equal(found.out, out[..., 0])
    np.testing.assert_array_equal(sums(found), found.out)
    assert found.pixels.sum() == 49


def test_every_reachable_output_padding_is_drawn():
    for extra in jc.geometry.output_paddings(3, 3, strides=2, padding=1):
        found = sliding(3, 3, transposed=True, strides=2, padding=1, output_padding=extra)
        assert found.out.shape == (5 + extra, 5 + extra)
        np.testing.assert_array_equal(sums(found), found.out)


def test_the_figure_of_the_book():
    figure = viz.arithmetic(PICTURE, KERNEL, padding="VALID", steps=8)
    outputs = [text for text in texts(figure) if text.isdigit()][25:]
    assert [int(text) for text in outputs] == np.ravel(BOOK).tolist()
    assert "5 × 5 → 3 × 3   (kernel 3 × 3, padding 0)" in texts(figure)
    assert "2·0 + 2·1 + 3·2 +\n0·2 + 2·2 + 2·0 +\n0·0 + 0·1 + 1·2 = 14" in texts(figure)


def test_outputs_not_yet_reached_are_blank():
    figure = viz.arithmetic(PICTURE, KERNEL, padding="VALID", steps=(0, 4))
    first, second = ([text.get_text() for text in axes.texts if text.get_text().isdigit()] for axes in figure.axes)
    assert first[25:] == ["12"]
    assert second[25:] == ["12", "12", "17", "10", "17"]


def test_what_no_window_reads_is_hatched_and_the_window_that_does_not_fit_is_dashed():
    misfit = viz.arithmetic(6, 3, strides=2, padding=1)
    assert len(squares(misfit, hatch="////")) == 8 + 8 - 1  # the last row and column of 8 x 8
    (frame,) = squares(misfit, linestyle="--")
    assert (frame.get_xy(), frame.get_width(), frame.get_height()) == ((6, -3), 3, 3)
    fits = viz.arithmetic(5, 3, strides=2, padding=1)
    assert not squares(fits, hatch="////")
    assert not squares(fits, linestyle="--")


def test_a_window_that_fits_across_but_not_down():
    (frame,) = squares(viz.arithmetic((6, 5), 3, strides=2, padding="VALID"), linestyle="--")
    assert (frame.get_xy(), frame.get_height()) == ((0, -7), 3)


def test_steps_wider_than_the_window_leave_pixels_unread():
    assert sliding((1, 5), (1, 1), strides=(1, 3)).unread.tolist() == [[False, True, True, False, True]]


def test_a_large_kernel_is_summed_up_in_words():
    ones = np.ones((6, 6), int)
    assert "a sum of 36 products = 36" in texts(viz.arithmetic(ones, ones, padding="VALID"))


def test_real_numbers_are_rounded_for_the_eye_only():
    figure = viz.arithmetic([[0.5, -1.25]], [[2.0]], padding="VALID", steps=1)
    assert {"0.5", "-1.25", "-2.5", "(-1.25)·2 = -2.5"} <= set(texts(figure))


def test_one_step_in_axes_of_ones_own():
    from matplotlib.figure import Figure

    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert viz.arithmetic(4, 3, ax=right) is figure
    assert right.get_title() == "4 × 4 → 4 × 4   (kernel 3 × 3, padding 1)"
    assert len(right.patches) == 6 * 6 + 4 * 4
    assert not left.patches


def test_an_animation_shows_every_step(tmp_path):
    image = pytest.importorskip("PIL.Image", reason="reads the animation")
    film = viz.arithmetic_animation(4, 3, padding="VALID", seconds=0.5)
    film.save(tmp_path / "film.gif", writer="pillow", dpi=50)
    with image.open(tmp_path / "film.gif") as picture:
        assert (picture.n_frames, picture.info["duration"]) == (4, 500)


WRONG = [
    (
        dict(steps=9, padding="VALID"),
        "arithmetic: steps=9 does not exist, the output has 9 pixels; use 0 to 8",
    ),
    (dict(steps=()), "arithmetic: steps=() shows nothing; give one, such as 0"),
    (
        dict(kernel=7, padding="VALID"),
        "arithmetic: the window spans 7 pixels but spatial axis 0 has only 5 (size 5, padding 0 + 0), so the output "
        "would be empty; use a larger input, a smaller window or more padding",
    ),
    (
        dict(input=6, strides=2, padding=1, exact=True),
        "arithmetic: exact=True but windows of 3 at stride 2 do not tile the 8 padded pixels of spatial axis 0: 5 / 2 "
        "is not whole; use size 5 or 7, or drop exact to ignore the last 1",
    ),
    (
        dict(input=28),
        "arithmetic: 30 x 30 cells are too many to read, at most 24 along an axis; use a smaller input, or "
        "less padding",
    ),
    (
        dict(output_padding=1),
        "arithmetic: output_padding=1 is of transposed=True; drop one or add the other",
    ),
    (
        dict(transposed=True, exact=True),
        "arithmetic: exact=True is of convolutions, whose input may not be tiled; drop it",
    ),
    (
        dict(transposed=True, padding_mode="circular"),
        "arithmetic: transposed=True folds what padding_mode='circular' adds back into the picture, which no sliding "
        "window shows; use padding_mode='zeros'",
    ),
    (
        dict(kernel=np.ones((3, 3, 1, 1))),
        "arithmetic: kernel has shape (3, 3, 1, 1) and dtype float64 but must be a size, such as 5 or (5, 6), or real "
        "numbers in rows and columns; draw one channel at a time",
    ),
]


@pytest.mark.parametrize(("given", "message"), WRONG, ids=range(len(WRONG)))
def test_errors(given, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011, the whole text is compared
        viz.arithmetic(**given)
    assert str(error.value) == message


def test_other_libraries_names_are_answered():
    with pytest.raises(TypeError, match="arithmetic: unknown argument 'stride'; use 'strides'"):
        viz.arithmetic(stride=2)  # pyright: ignore[reportCallIssue]
