"""`python -m jaxconv explore`: a trained network as a page to look into."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from jaxconv.cli import config_file, learning, predict, recipes, runs
from jaxconv.cli.failure import Failure, sentences

if TYPE_CHECKING:
    import numpy as np

    from jaxconv.train import Checkpoint

_PAGE = "explore.html"
_EACH = 2  # test images of a class


def run(arguments: argparse.Namespace) -> None:
    """Write the page and say where."""
    from jaxconv import train, viz

    with sentences():
        checkpoint = train.load(arguments.checkpoint)
        images, labels = _images(arguments, checkpoint)
        page = viz.explore(
            checkpoint.model,
            images,
            labels=labels,
            class_names=checkpoint.class_names,
            title=f"{checkpoint.name}, {arguments.checkpoint}",
            depth=arguments.depth,
        )
        path = page.save(arguments.out or arguments.checkpoint / _PAGE)
    print(f"page: {path} ({path.stat().st_size / 1e6:.1f} MB), {len(images)} images; open it in a browser")


def _images(arguments: argparse.Namespace, checkpoint: "Checkpoint") -> tuple["np.ndarray", "np.ndarray | None"]:
    """The pictures given; if none, the first test images of each class of the data that the run learned from."""
    import numpy as np

    if arguments.images:
        inputs, _ = predict.read(arguments, checkpoint)
        return np.stack(inputs), None
    config = arguments.checkpoint / runs.CONFIG
    if not config.exists():
        raise Failure(
            f"{str(arguments.checkpoint)!r} does not say which data it learned from; "
            f"name pictures to show, such as python -m jaxconv explore {arguments.checkpoint} digit.png"
        )
    test = learning.load(recipes.resolve(config_file.read(config)), checkpoint.input_shape).test
    chosen = _few(np.asarray(test.labels))
    return np.asarray(test.images)[chosen], np.asarray(test.labels)[chosen]


def _few(labels: "np.ndarray") -> Sequence[int]:
    """The places of the first of each class, then those of the second."""
    import numpy as np

    places = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    return [int(found[number]) for number in range(_EACH) for found in places if number < len(found)]
