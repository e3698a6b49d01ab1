"""The suite `scaling`: how the cost of a 3x3 convolution grows with the batch, the image and the channels."""

from benchmarks.cases import Case, conv

AXES = {
    "batch": [2**power for power in range(10)],
    "image": [2**power for power in range(4, 10)],
    "channels": [2**power for power in range(11)],
}


def case(axis: str, value: int) -> Case:
    """A point of one of the three curves."""
    batch, size, channels = {"batch": (value, 32, 16), "image": (1, value, 16), "channels": (1, 16, value)}[axis]
    return conv(f"{axis}-{value}", (batch, size, size, channels), (3, 3), channels, padding=1)


CASES = tuple(case(axis, value) for axis, values in AXES.items() for value in values)
