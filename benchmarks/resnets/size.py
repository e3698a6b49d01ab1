"""How large a ResNet-50 is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """A ResNet of bottlenecks, and what it is given."""

    depths: tuple[int, int, int, int] = (3, 4, 6, 3)
    width: int = 64
    classes: int = 1000
    image: int = 224


FULL = Size()
SMALL = Size(depths=(1, 1, 1, 1), width=8, classes=10, image=32)  # to see that a script works
