"""What holds for every figure: axes of one's own, three styles, text that can be read, and nothing else changed."""

import sys

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import jaxconv as jc
from jaxconv import viz

matplotlib = pytest.importorskip("matplotlib", reason="draws the figures")
pytest.importorskip("matplotlib.figure", reason="what the figures are")  # importing the package alone does not load it

PICTURES = np.arange(24.0).reshape(2, 3, 4)
HISTORY = {"epoch": (1, 2), "train_loss": (2.0, 1.0), "train_accuracy": (0.2, 0.9)}
EXAMPLES = np.ones((2, 2, 2, 1)), [0, 1]
SURE = [[0.9, 0.1], [0.8, 0.2]]
IMAGE = np.arange(36.0).reshape(6, 6, 1) / 36


class Tiny(nnx.Module):
    """One convolution, and the means of its maps as logits."""

    def __init__(self):
        self.conv = jc.nn.Conv(1, 2, (3, 3), rngs=nnx.Rngs(0))

    def __call__(self, x):
        return jnp.mean(self.conv(x), (-3, -2))


MODEL = Tiny()
CALLS = {
    "images": lambda **options: viz.images(PICTURES, titles=["a", "b"], **options),
    "confusion_matrix": lambda **options: viz.confusion_matrix([0, 0, 1], [0, 1, 1], **options),
    "misread": lambda **options: viz.misread(EXAMPLES, SURE, **options),
    "embedding": lambda **options: viz.embedding(PICTURES[0][:, :2], [0, 1, 0], method=None, **options),
    "curves": lambda **options: viz.curves({"run": HISTORY}, column="train_loss", **options),
    "arithmetic": lambda **options: viz.arithmetic(3, 2, **options),
    "kernels": lambda **options: viz.kernels(MODEL.conv, **options),
    "feature_maps": lambda **options: viz.feature_maps(MODEL, IMAGE, layer="conv", **options),
    "saliency": lambda **options: viz.saliency(MODEL, IMAGE, **options),
    "grad_cam": lambda **options: viz.grad_cam(MODEL, IMAGE, layer="conv", **options),
    "activation_maximization": lambda **options: viz.activation_maximization(
        MODEL, [0, 1], image_shape=(6, 6, 1), steps=2, **options
    ),
    "receptive_field": lambda **options: viz.receptive_field(MODEL, IMAGE, layer="conv", unit=(0, 3), **options),
    "equivariance_error": lambda **options: viz.equivariance_error(lambda x: x[::2, ::2], (4, 4, 1), **options),
    "spectra": lambda **options: viz.spectra({"noise": IMAGE}, strides=2, **options),
    "architecture": lambda **options: viz.architecture(MODEL, (6, 6, 1), **options),
}
WITH_REPORT = CALLS | {
    "training_report": lambda **options: viz.training_report(
        HISTORY, EXAMPLES, SURE, class_names="ab", title="run", **options
    )
}
STYLES = ("light", "dark", "paper")


def luminance(colour):
    """Relative luminance as WCAG 2.2 has it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in matplotlib.colors.to_rgb(colour)]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def texts(figure):
    return [text for text in figure.findobj(matplotlib.text.Text) if text.get_text() and text.get_visible()]


def test_every_figure_has_its_case():
    assert set(WITH_REPORT) == figures() - {"arithmetic_animation"}  # which test_viz_arithmetic.py plays


def figures():
    """The names of the public functions that return a figure or an animation."""
    returned = {name: getattr(value, "__annotations__", {}).get("return") for name, value in vars(viz).items()}
    return {name for name, kind in returned.items() if kind in ("Figure", "FuncAnimation")}


@pytest.mark.parametrize("name", WITH_REPORT)
def test_no_global_state_is_changed(name, tmp_path):
    import matplotlib.pyplot as plt

    before = dict(matplotlib.rcParams), matplotlib.get_backend(), plt.get_fignums()
    WITH_REPORT[name](style="dark").savefig(tmp_path / "figure.png", dpi=30)
    assert before == (dict(matplotlib.rcParams), matplotlib.get_backend(), plt.get_fignums())


def test_an_error_leaves_the_settings_as_they_were():
    before = dict(matplotlib.rcParams)
    with pytest.raises(ValueError, match="there are 0 pictures"):
        viz.images([], style="dark")
    assert before == dict(matplotlib.rcParams)


@pytest.mark.parametrize("name", WITH_REPORT)
def test_text_can_be_read_in_every_style(name):
    for style in STYLES:
        figure = WITH_REPORT[name](style=style)
        # Ticks are made when a figure is drawn, whatever the settings are then.
        with matplotlib.rc_context({"xtick.color": "red", "ytick.color": "red", "font.size": 30}):
            figure.draw_without_rendering()
        paper = figure.get_facecolor()
        assert luminance(paper) < 0.02 if style == "dark" else luminance(paper) == 1
        assert {contrast(text.get_color(), paper) >= 3 for text in texts(figure)} <= {True}
        assert max((text.get_fontsize() for text in texts(figure)), default=0) <= (8 if style == "paper" else 10)
        assert {axes.get_facecolor() for axes in figure.axes} == {paper}


@pytest.mark.parametrize("name", WITH_REPORT)
def test_a_paper_has_columns(name):
    usual, narrow = (WITH_REPORT[name](style=style).get_size_inches() for style in ("light", "paper"))
    assert narrow[0] == pytest.approx(min(usual[0], 3.4 if usual[0] <= 7 else 7))
    assert narrow[1] / narrow[0] == pytest.approx(usual[1] / usual[0])


def test_a_paper_has_no_headings():
    said = {style: {text.get_text() for text in texts(CALLS["confusion_matrix"](style=style))} for style in STYLES}
    assert said["light"] - said["paper"] == {"2 of 3 right"}


def test_names_of_classes_are_no_formulas(tmp_path):
    names = [r"$\frac{$", "<script>"]
    figure = viz.confusion_matrix([0, 1], [1, 1], class_names=names)
    figure.savefig(tmp_path / "figure.svg")  # where a formula that does not parse would raise
    assert r"\$\frac{\$" in {text.get_text() for text in texts(figure)}
    report = viz.training_report(HISTORY, EXAMPLES, SURE, class_names=names)
    report.draw_without_rendering()


def test_signed_numbers_have_the_colour_of_the_page_at_zero():
    for style in STYLES:
        figure = viz.images([PICTURES[0] - 3], style=style)
        image = figure.axes[0].images[0]
        assert contrast(image.get_cmap()(0.5), figure.get_facecolor()) < 1.1


@pytest.mark.parametrize("name", CALLS)
def test_given_axes_are_drawn_in(name):
    figure = matplotlib.figure.Figure()
    left, right = figure.subplots(1, 2)
    untouched = len(left.get_children())
    assert CALLS[name](ax=right) is figure
    assert len(left.get_children()) == untouched
    assert right.has_data() or right.child_axes or right.patches


def test_given_axes_take_the_style_with_what_they_had():
    figure = matplotlib.figure.Figure(facecolor="#16181D")
    left, right = figure.subplots(1, 2)
    figure.draw_without_rendering()  # ticks are there, and black
    CALLS["curves"](ax=right, style="dark")
    figure.draw_without_rendering()
    assert min(contrast(text.get_color(), "#16181D") for text in texts(right)) > 10
    assert matplotlib.colors.to_hex(right.spines["left"].get_edgecolor()) == "#e6e6e6"
    assert matplotlib.colors.to_hex(left.spines["left"].get_edgecolor()) == "#000000"


@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_axes_is_refused(name):
    with pytest.raises(TypeError) as error:
        CALLS[name](ax=3)
    assert str(error.value) == f"{name}: ax=3 must be a matplotlib Axes, such as plt.subplots()[1]"


@pytest.mark.parametrize("name", WITH_REPORT)
def test_an_unknown_style_is_refused(name):
    with pytest.raises(ValueError, match="style") as error:
        WITH_REPORT[name](style="neon")
    assert str(error.value) == f"{name}: unknown style 'neon'; use 'light', 'dark' or 'paper'"


@pytest.mark.parametrize("name", WITH_REPORT)
def test_without_matplotlib(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ModuleNotFoundError) as error:
        WITH_REPORT[name]()
    assert str(error.value) == f"{name}: matplotlib is not installed; run pip install 'jaxconv[viz]'"
