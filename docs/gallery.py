"""Draw every figure of `jaxconv.viz` on handwritten digits, and write the page of the gallery.

    python docs/gallery.py OUT_FOLDER

Each function below is one figure: its docstring is the text beside it, and its body is the code that the page shows and
that draws it, with what its arguments are named after, from `prepare`.
"""

import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax
from flax import nnx

import jaxconv as jc
from jaxconv import data, models, train, viz

ENDINGS = {"arithmetic_animation": "gif", "architecture": "svg"}  # of the others "png"
IN_A_PAPER = ("curves", "kernels", "confusion_matrix")
HEAD = """# Gallery

Every figure is a `matplotlib` `Figure`; `figure.savefig("name.png")` or `.svg` or `.pdf` writes it, and `ax=` draws it
into axes of yours, which should have the style of their figure. `style=` is `"light"`, `"dark"` (here as this page is)
or `"paper"`: 8-point text, thin lines, no headings, 3.4 inches wide or, if wide, 7. The figures are drawn on digits, by
a network that was trained for a few seconds:

"""
IMPORTS = """import jax, jaxconv as jc, numpy as np, optax
from flax import nnx
from jaxconv import data, models, train, viz
"""


def prepare() -> dict[str, Any]:
    """What the figures are of."""
    digits = data.digits()
    runs = []
    for seed in range(2):
        model = models.LeNet(rngs=nnx.Rngs(seed))
        options = dict(optimizer=optax.adam(3e-3), epochs=3, batch_size=32, validation=digits.test, progress=False)
        runs.append(train.fit(model, digits.train, **options))
    image = digits.test.images[3]
    probabilities = jax.nn.softmax(train.predict_logits(model, digits.test.images))
    return locals()


def arithmetic():
    """What a convolution does with its numbers, step by step."""
    return viz.arithmetic(input=5, kernel=3, strides=2, padding=1, steps=(0, 4, 8))


def arithmetic_animation():
    """The same, moving; here the transposed convolution."""
    return viz.arithmetic_animation(input=2, kernel=3, strides=2, padding=1, transposed=True)


def architecture(model):
    """A network as blocks with their shapes; `depth=` folds large ones."""
    return viz.architecture(model)


def images(digits):
    """Pictures in a grid."""
    titles = [str(label) for label in digits.test.labels[:16]]
    return viz.images(digits.test.images[:16], titles=titles, cmap="gray_r")


def kernels(model):
    """The kernels of a layer: a row for each input channel, a column for each of the first output channels."""
    return viz.kernels(model.features.layers[3], most=8)


def feature_maps(model, image):
    """What a layer makes of an image."""
    return viz.feature_maps(model, image, layer="features.layers.0", columns=6)


def receptive_field(model, image):
    """What one unit sees of an image: the frame is what strides and windows allow, the glow what it depends on."""
    return viz.receptive_field(model, image, layer="features.layers.5", unit=(1, 2), effective=True)


def saliency(model, image):
    """Which pixels change a class's logit."""
    return viz.saliency(model, image)


def grad_cam(model, image):
    """Which parts of an image a layer counts for a class."""
    return viz.grad_cam(model, image, layer="features.layers.3")


def activation_maximization(model):
    """The images that excite each class most, found from noise."""
    return viz.activation_maximization(model, range(10), columns=5)


def equivariance_error():
    """Which shifts a pool by blocks of two keeps: those by even numbers."""
    return viz.equivariance_error(lambda x: jc.max_pool(x, (2, 2)), (1, 12, 12, 1))


def spectra(digits):
    """What strides fold back, before and after a blur that keeps it out."""
    pictures = digits.test.images[:200]
    blurred = jc.blur_pool(pictures, (5, 5), strides=2)
    return viz.spectra(
        {"all pixels": pictures, "every second": pictures[:, ::2, ::2], "every second, blurred": blurred},
        strides=2,
    )


def curves(runs):
    """Training curves of several runs: their mean, and the band from the least to the largest."""
    return viz.curves({"LeNet": runs}, column="validation_accuracy")


def confusion_matrix(digits, probabilities):
    """What a classifier confuses."""
    return viz.confusion_matrix(digits.test.labels, np.argmax(probabilities, -1))


def misread(digits, probabilities):
    """Its surest mistakes."""
    return viz.misread(digits.test, probabilities, columns=6)


def embedding(digits):
    """Images as points: `method="pca"`, or `"tsne"`."""
    return viz.embedding(digits.test.images, digits.test.labels, method="tsne")


def training_report(runs, digits, probabilities):
    """Curves and mistakes in one figure, as `python -m jaxconv train` leaves it."""
    return viz.training_report(
        runs[-1], digits.test, probabilities, class_names=digits.class_names, title="LeNet on digits"
    )


FIGURES: tuple[Callable[..., Any], ...] = (
    arithmetic, arithmetic_animation, architecture, images, kernels, feature_maps, receptive_field, saliency, grad_cam,
    activation_maximization, equivariance_error, spectra, curves, confusion_matrix, misread, embedding, training_report,
)  # fmt: skip


def code(function: Callable[..., Any]) -> str:
    """The body of a function as it stands in this file, without its docstring."""
    body = textwrap.dedent("".join(inspect.getsourcelines(function)[0][1:]))
    if function.__doc__:
        body = body.split('"""')[2].lstrip("\n")
    return body.replace("return ", "figure = ").rstrip()


class InStyle:
    """`viz`, with a style for every figure."""

    def __init__(self, style: str):
        self.style = style

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(getattr(viz, name), style=self.style)


def draw(folder: Path, function: Callable[..., Any], style: str, given: dict[str, Any]) -> str:
    """Draw one figure in one style, by the code that is shown, and return the name of its file."""
    name = function.__name__
    file = f"{name}-{style}.{ENDINGS.get(name, 'png')}"
    names = {"jc": jc, "np": np, **given, "viz": InStyle(style)}
    exec(code(function), names)
    figure = names["figure"]
    if name == "arithmetic_animation":
        figure.save(folder / file, writer="pillow", dpi=70)
    else:
        figure.savefig(folder / file, dpi=220 if style == "paper" else 120)
    return file


def page(folder: Path, given: dict[str, Any]) -> Iterator[str]:
    """The page, part by part; draws each figure on the way."""
    yield HEAD + f"```python\n{IMPORTS}\n{code(prepare).removesuffix('figure = locals()').rstrip()}\n```\n"
    for function in FIGURES:
        name = function.__name__
        text = inspect.getdoc(function)
        pictures = [f"![{text}]({draw(folder, function, style, given)}#only-{style})" for style in ("light", "dark")]
        yield f"## {name}\n\n{text}\n\n{chr(10).join(pictures)}\n\n```python\n{code(function)}\n```\n"
    yield '## In a paper\n\n`style="paper"`, at twice its size:\n'
    for function in (f for f in FIGURES if f.__name__ in IN_A_PAPER):
        yield f"![{inspect.getdoc(function)}]({draw(folder, function, 'paper', given)})\n"


def main(folder: Path) -> None:
    """Write `gallery.md` and its pictures into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "gallery.md").write_text("\n".join(page(folder, prepare())))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
