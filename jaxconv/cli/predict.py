"""`python -m jaxconv predict`: what a trained network sees in a picture."""

import argparse

from jaxconv.cli.failure import Failure, sentences

_CLASSES_SHOWN = 3


def run(arguments: argparse.Namespace) -> None:
    """Print one line a picture: the likeliest classes with their probabilities."""
    import jax
    import numpy as np

    from jaxconv import data, train

    with sentences():
        pictures = data.read_images(*arguments.images)
        checkpoint = train.load(arguments.checkpoint)
    height, width, channels = checkpoint.input_shape
    if channels != 1:
        raise Failure(f"predict reads grey pictures, but {arguments.checkpoint} expects {channels} channels")
    inputs, inverted = zip(
        *(data.fit_picture(picture, (height, width), invert=arguments.invert) for picture in pictures), strict=True
    )
    probabilities = jax.nn.softmax(train.predict_logits(checkpoint.model, np.stack(inputs)))
    for picture, was_inverted, row in zip(pictures, inverted, np.asarray(probabilities), strict=True):
        likeliest = np.argsort(-row, kind="stable")[:_CLASSES_SHOWN]
        classes = ", ".join(f"{checkpoint.class_names[index]} {row[index]:.1%}" for index in likeliest)
        # Nobody asked for this inversion, so it is said.
        note = (
            "  (dark on light, so inverted; --no-invert keeps it)" if was_inverted and arguments.invert is None else ""
        )
        print(f"{picture.name}: {classes}{note}")
