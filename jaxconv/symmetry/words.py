"""Products of generators, with the same products of their images: homomorphisms, made and refused."""

import random
from collections.abc import Iterator, Sequence
from itertools import islice

from jaxconv.symmetry.element import Element

Images = tuple[Element, ...]
Pair = tuple[Element, Images]


def walk(generators: Sequence[Element], images: Sequence[tuple[Element, ...]]) -> Iterator[Pair]:
    """All products of `generators`, shortest words first, each with the same product of the `images`.

    Raises:
      ValueError: when two words are equal but their images are not, so that no homomorphism has these images.
    """
    one = Element.identity(generators[0].rank, generators[0].sizes) if generators else Element()
    trivial = tuple(Element.identity(u.rank, u.sizes) for u in images[0]) if images else ()
    seen, layer = {one: trivial}, [(one, trivial)]
    yield one, trivial
    while layer:
        following = []
        for g, u in layer:
            for step, image in zip(generators, images, strict=True):
                longer, moved = step @ g, tuple(a @ b for a, b in zip(image, u, strict=True))
                if longer not in seen:
                    seen[longer] = moved
                    following.append((longer, moved))
                    yield longer, moved
                elif seen[longer] != moved:
                    raise ValueError(_disagreement(generators, images, step, g, longer, moved, seen[longer]))
        layer = following


def _disagreement(generators, images, step, g, product, image, other) -> str:
    show = lambda us: ", ".join(map(str, us)) or "identity"
    pairs = "; ".join(f"{a} -> {show(b)}" for a, b in zip(generators, images, strict=True))
    sizes = f"sizes {step.sizes} -> {', '.join(str(u.sizes) for u in image)}"
    return (
        f"no homomorphism sends {pairs} on {sizes}: '{step}' after '{g}' is '{product}', which would have to move the "
        f"output both as '{show(image)}' and as '{show(other)}'; a stride must divide the size at every level"
    )


def some(generators: Sequence[Element], images: Sequence[Images], most: int) -> list[Pair]:
    """All products of `generators` with their images; of more than `most` the shortest, and random ones.

    Raises:
      ValueError: as `walk` does, and where a power of a generator is the identity but that of its image is not.
    """
    pairs = list(islice(walk(generators, images), most + 1))
    if len(pairs) <= most:
        return pairs
    for g, u in zip(generators, images, strict=True):
        _check_order(g, u)
    return pairs[: most // 4] + _random_words(generators, images, most - most // 4)


def _check_order(g: Element, images: tuple[Element, ...]) -> None:
    for u in images:
        if u**g.order != Element.identity(u.rank, u.sizes):
            raise ValueError(
                f"no homomorphism sends {g} to {u}: {g.order} times the first is nothing on {g.sizes}, but as many "
                f"times the second is not on {u.sizes}; a stride must divide the size at every level"
            )


def _random_words(generators: Sequence[Element], images: Sequence[tuple[Element, ...]], number: int) -> list[Pair]:
    draw, words = random.Random(0), []
    for _ in range(number):
        word = Element.identity(generators[0].rank, generators[0].sizes)
        image = tuple(Element.identity(u.rank, u.sizes) for u in images[0])
        for g, u in zip(generators, images, strict=True):
            power = draw.randrange(g.order)
            word, image = word @ g**power, tuple(a @ b**power for a, b in zip(image, u, strict=True))
        words.append((word, image))
    return words
