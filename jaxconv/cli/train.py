"""`python -m jaxconv train`: from nothing to a network that reads digits."""

import argparse
import io
import math
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from jaxconv.cli import info
from jaxconv.cli.failure import Failure, require, sentences, unknown
from jaxconv.cli.recipes import RECIPES, Recipe

if TYPE_CHECKING:
    from flax import nnx

    from jaxconv.data import Dataset, Examples
    from jaxconv.train import History


def run(arguments: argparse.Namespace) -> None:
    """Train, score, save, and say what to do next."""
    name, recipe = _choose(arguments)
    require(sklearn="scikit-learn", matplotlib="matplotlib", PIL="pillow")

    # Slow imports wait until the command is known to make sense.
    import jax
    from flax import nnx

    from jaxconv import data, models, train, viz
    from jaxconv.train.checkpoint import write_atomically

    with sentences():
        folder = train.check_folder(arguments.out or Path("runs") / name)
    digits = data.digits()
    model = models.create(name, rngs=nnx.Rngs(arguments.seed))
    parameters = sum(leaf.size for leaf in jax.tree.leaves(nnx.state(model, nnx.Param)))
    print(
        f"{name}: {parameters:,} parameters; {len(digits.train.labels)} digits to train on, "
        f"{len(digits.validation.labels)} to validate, {len(digits.test.labels)} to test",
        flush=True,
    )
    if jax.default_backend() == "cpu":
        print(f"convolutions: {info.backend()}", flush=True)
    history = _fit(model, digits, recipe, arguments.seed)
    with sentences():
        train.save(folder, train.Checkpoint(model, name, digits.train.images.shape[1:], digits.class_names))

    probabilities = jax.nn.softmax(train.predict_logits(model, digits.test.images))
    accuracy = train.evaluate(model, digits.test).accuracy
    baseline = train.logistic_regression(digits.train, digits.test)
    title = f"{name}: test accuracy {accuracy:.4f}, logistic regression {baseline:.4f}"
    figure = viz.training_report(history, digits.test, probabilities, class_names=digits.class_names, title=title)
    image = io.BytesIO()
    figure.savefig(image, dpi=150)
    with sentences():
        write_atomically(folder / "training.png", image.getvalue())
        samples = _write_samples(folder, digits.test)

    print(f"test accuracy {accuracy:.4f}; logistic regression on the same pixels {baseline:.4f}")
    print(f"checkpoint: {folder}")
    print(f"figure: {folder / 'training.png'}")
    print("next: " + shlex.join(["python", "-m", "jaxconv", "predict", str(folder), *map(str, samples)]))


def _choose(arguments: argparse.Namespace) -> tuple[str, Recipe]:
    """Return the model's name, given as a word or as an option, and its recipe as the options change it."""
    names = {name for name in (arguments.name, arguments.model) if name is not None}
    if len(names) != 1:
        said = "name a model" if not names else f"name one model, not both {arguments.name!r} and {arguments.model!r}"
        raise Failure(f"{said}, such as python -m jaxconv train lenet; the models are {', '.join(RECIPES)}", code=2)
    (name,) = names
    if name not in RECIPES:
        raise unknown(name, "a model", tuple(RECIPES))
    options = ("epochs", "batch_size", "learning_rate")
    given = {option: getattr(arguments, option) for option in options if getattr(arguments, option) is not None}
    return name, replace(RECIPES[name], **given)


def _fit(model: "nnx.Module", digits: "Dataset", recipe: Recipe, seed: int) -> "History":
    import optax

    from jaxconv import data, train

    steps = recipe.epochs * max(1, len(digits.train.labels) // recipe.batch_size)
    schedule = optax.warmup_cosine_decay_schedule(0.0, recipe.learning_rate, max(1, steps // 10), max(2, steps))
    with _reporting(recipe.epochs) as report:
        return train.fit(
            model,
            digits.train,
            optimizer=optax.adamw(schedule),
            epochs=recipe.epochs,
            batch_size=recipe.batch_size,
            validation=digits.validation,
            augment=data.random_shift,
            seed=seed,
            on_epoch=report,
        )


@contextmanager
def _reporting(epochs: int) -> Iterator[Callable[["History"], None]]:
    """Print one line an epoch; in a terminal, above a progress bar."""
    if not sys.stdout.isatty():
        yield lambda history: print(_line(history, epochs), flush=True)
        return

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task("compiling", total=epochs)

        def report(history: "History") -> None:
            progress.console.print(_line(history, epochs), highlight=False, soft_wrap=True)
            progress.update(task, advance=1, description="training")

        yield report


def _line(history: "History", epochs: int) -> str:
    row = history.rows[-1]
    if not math.isfinite(row["train_loss"]):
        raise Failure(f"the loss is no number any more after epoch {row['epoch']}; try a smaller --learning-rate")
    return (
        f"epoch {row['epoch']:{len(str(epochs))}}/{epochs}: "
        f"loss {row['train_loss']:.4f}, validation {row['validation_loss']:.4f}; "
        f"accuracy {row['train_accuracy']:.4f}, validation {row['validation_accuracy']:.4f}"
    )


def _write_samples(folder: Path, test: "Examples") -> list[Path]:
    """Write the first test image of a three and of an eight, so that there is something to predict at once."""
    from PIL import Image

    from jaxconv.train.checkpoint import write_atomically

    paths = []
    for digit in (3, 8):
        pixels = test.images[(test.labels == digit).argmax(), ..., 0]
        image = io.BytesIO()
        Image.fromarray((255 * pixels).round().astype("uint8")).save(image, "png")
        paths.append(folder / f"digit-{digit}.png")
        write_atomically(paths[-1], image.getvalue())
    return paths
