"""`python -m jaxconv summary`: what a network is made of, what it costs and what it sees, layer by layer."""

import argparse

from jaxconv.cli.failure import Failure, unknown
from jaxconv.cli.networks import abstract, drawn


def run(arguments: argparse.Namespace) -> None:
    """Print the table of a network for images of a size."""
    if arguments.name is None:
        raise Failure("name a model, such as python -m jaxconv summary resnet50", code=2)

    from jaxconv import inspect, models

    name = arguments.name
    if name not in models.names():
        raise unknown(name, "a model", models.names())
    model = drawn(name) if arguments.symmetry else abstract(name)
    *space, channels = model.input_shape  # type: ignore[attr-defined]  # every network of the library has one
    if arguments.size is not None:
        space = [arguments.size] * len(space)
    shape = (arguments.batch, *space, channels)
    try:
        print(inspect.summary(model, shape, symmetry=arguments.symmetry, depth=arguments.depth))
    except ValueError as error:
        raise Failure(f"{name}: {str(error).removeprefix('summary: ')}; try another --size", code=2) from error
