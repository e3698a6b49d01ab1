"""What a run leaves in its folder, and what it says of it at the end."""

import io
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from jaxconv.cli import runs

if TYPE_CHECKING:
    from jaxconv.data import Dataset
    from jaxconv.train import Checkpoint, History

# scikit-learn's logistic regression takes 0.4 s on the digits, which are 0.8 million numbers, and minutes on MNIST.
_QUICK = 2_000_000
_SAMPLES = (3, 8)


def write(folder: Path, checkpoint: "Checkpoint", history: "History", dataset: "Dataset", *, best: bool) -> None:
    """Write the network, its curves and its mistakes; `best` says that its weights are those of the best epoch."""
    import jax

    from jaxconv import train, viz
    from jaxconv.train.disk.checkpoint import write_atomically

    train.save(folder, checkpoint)
    for name, write_history in zip(runs.HISTORY, (history.to_json, history.to_csv), strict=True):
        write_history(folder / name)
    logits = train.predict_logits(checkpoint.model, dataset.test.images)
    accuracy = float((logits.argmax(-1) == dataset.test.labels).mean())
    said = f"test accuracy {accuracy:.4f}"
    if best:
        losses = history["validation_loss"]
        said += f" of epoch {history['epoch'][losses.index(min(losses))]}, whose validation loss is the smallest"
    if dataset.train.images.size <= _QUICK:
        said += f"; logistic regression on the same pixels {train.logistic_regression(dataset.train, dataset.test):.4f}"
    figure = viz.training_report(
        history,
        dataset.test,
        jax.nn.softmax(logits),
        class_names=dataset.class_names,
        title=f"{checkpoint.name}: {said.replace('; logistic regression on the same pixels', ', logistic regression')}",
    )
    image = io.BytesIO()
    figure.savefig(image, dpi=150)
    write_atomically(folder / "training.png", image.getvalue())
    samples = _write_samples(folder, dataset)
    runs.finish(folder)
    print(said)
    print(f"checkpoint: {folder}")
    print(f"figure: {folder / 'training.png'}")
    if samples:
        print("next: " + shlex.join(["python", "-m", "jaxconv", "predict", str(folder), *map(str, samples)]))


def _write_samples(folder: Path, dataset: "Dataset") -> list[Path]:
    """Write the first test image of a three and of an eight, so that there is something to predict at once."""
    from PIL import Image

    from jaxconv.train.disk.checkpoint import write_atomically

    if dataset.class_names != tuple("0123456789") or dataset.test.images.shape[-1] != 1:
        return []  # no digits
    paths = []
    for digit in _SAMPLES:
        pixels = dataset.test.images[(dataset.test.labels == digit).argmax(), ..., 0]
        image = io.BytesIO()
        Image.fromarray((255 * pixels).round().clip(0, 255).astype("uint8")).save(image, "png")
        paths.append(folder / f"digit-{digit}.png")
        write_atomically(paths[-1], image.getvalue())
    return paths
