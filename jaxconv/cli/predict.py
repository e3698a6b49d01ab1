"""`python -m jaxconv predict`: what a trained network sees in a picture."""

import argparse
from typing import TYPE_CHECKING

from jaxconv.cli.failure import Failure, sentences

if TYPE_CHECKING:
    import numpy as np

    from jaxconv.data import Picture
    from jaxconv.train import Checkpoint

_CLASSES_SHOWN = 3


def run(arguments: argparse.Namespace) -> None:
    """Print one line a picture: the likeliest classes with their probabilities."""
    import jax
    import numpy as np

    from jaxconv import train

    with sentences():
        checkpoint = train.load(arguments.checkpoint)
        inputs, pictures = read(arguments, checkpoint)
    probabilities = jax.nn.softmax(train.predict_logits(checkpoint.model, np.stack(inputs)))
    for (picture, was_inverted), row in zip(pictures, np.asarray(probabilities), strict=True):
        likeliest = np.argsort(-row, kind="stable")[:_CLASSES_SHOWN]
        classes = ", ".join(f"{checkpoint.class_names[index]} {row[index]:.1%}" for index in likeliest)
        # Nobody asked for this inversion, so it is said.
        note = (
            "  (dark on light, so inverted; --no-invert keeps it)" if was_inverted and arguments.invert is None else ""
        )
        print(f"{picture.name}: {classes}{note}")


def read(
    arguments: argparse.Namespace, checkpoint: "Checkpoint"
) -> tuple[list["np.ndarray"], list[tuple["Picture", bool]]]:
    """Return the pictures as the network takes them, and which they are; and whether each was inverted."""
    from jaxconv import data

    pictures = data.read_images(*arguments.images)
    height, width, channels = checkpoint.input_shape
    if channels != 1:
        raise Failure(f"pictures are read as grey, but {arguments.checkpoint} expects {channels} channels")
    fitted = [data.fit_picture(picture, (height, width), invert=arguments.invert) for picture in pictures]
    inputs, inverted = zip(*fitted, strict=True)
    return list(inputs), list(zip(pictures, inverted, strict=True))
