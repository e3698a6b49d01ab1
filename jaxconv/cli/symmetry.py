"""`python -m jaxconv symmetry`: which shifts every layer of a network keeps, and what loses the others."""

import argparse
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jaxconv.cli.claims import Row, print_facts, print_rows, rows
from jaxconv.cli.failure import Failure, unknown
from jaxconv.cli.networks import drawn, generic
from jaxconv.cli.recipes import RECIPES

if TYPE_CHECKING:
    from flax import nnx

    from jaxconv.symmetry import Derived

_SIZE, _CHANNELS = 28, 1  # the digits, which the recipes are for

_LEGEND = [
    ("cyclic shifts", "of an image on a torus: what leaves it on one side enters on the other"),
    ("away from border", "of an endless plane that the image is a window on: outputs that see no border are compared"),
    ("2 -> 1", "a shift of the image by 2 pixels along an axis shifts this output by 1 along its own"),
]


def run(arguments: argparse.Namespace) -> None:
    """Print what each layer keeps, what the whole network keeps, and what it would keep on a torus."""
    name = _choose(arguments)

    # Slow imports wait until the command is known to make sense.
    model = drawn(name)
    size = arguments.size or _SIZE
    shape = (1, size, size, _CHANNELS)
    network, part, remark = _fitting(name, model, shape)
    print(f"{name} with generic weights, for images of {size} x {size} pixels{remark}\n")
    print_facts(_LEGEND)
    print()
    table = rows(network, shape, prefix=part, interior=True)
    print_rows(table)
    print(f"\n{'the features' if part else name} as a whole")
    print_facts(_facts(network, shape, table))
    _print_variant(model, shape)


def _choose(arguments: argparse.Namespace) -> str:
    if arguments.name is None:
        models = ", ".join(RECIPES)
        raise Failure(f"name a model, such as python -m jaxconv symmetry lenet; the models are {models}", code=2)
    if arguments.name not in RECIPES:
        raise unknown(arguments.name, "a model", tuple(RECIPES))
    return arguments.name


def _fitting(name: str, model: Any, shape: tuple[int, ...]) -> tuple["nnx.Module", tuple[str, ...], str]:
    """The network, or its features alone where its classifier is made for another size; its path; a remark."""
    misfit = _misfit(model, shape)
    if misfit is None:
        return model, (), ""
    pixels = f"{shape[1]} x {shape[2]}"
    reason = _misfit(model.features, shape)
    if reason is not None:
        raise Failure(f"{name} takes no images of {pixels} pixels: {reason}; try another --size", code=2)
    return model.features, ("features",), "\nIts classifier is made for another size: these are its features alone"


def _misfit(network: Any, shape: tuple[int, ...]) -> str | None:
    """Why the network does not accept an input of this shape; None if it does."""
    import jax
    import jax.numpy as jnp

    try:
        jax.eval_shape(lambda x: network(x), jax.ShapeDtypeStruct(shape, jnp.float32))
    except (TypeError, ValueError) as error:
        return str(error).splitlines()[0]
    return None


def _facts(network: "nnx.Module", shape: tuple[int, ...], table: list[Row]) -> list[tuple[str, str]]:
    """The claim of the whole network, one fact a line."""
    from jaxconv import symmetry

    claim = symmetry.derive(network, shape)
    settled = [str(turn) for turn in claim.turns if turn.settled]
    rest = len(claim.turns) - len(settled)
    turned = [", ".join(settled)] * bool(settled) + [f"{rest} of {len(claim.turns)} unknown"] * bool(rest)
    return [
        ("cyclic shifts", _fate(table, "torus") + (f" ({claim.kind})" if claim.kind != "none" else "")),
        ("away from border", _fate(table, "plane")),
        ("mirrors, turns", "; ".join(turned)),
        ("x -> -x", str(claim.spin)),
        ("taken for granted", ", ".join(claim.assumptions)),
    ]


def _fate(table: list[Row], where: str) -> str:
    """What is left at the end; if nothing, which layer lost the last of it."""
    kept = [getattr(row, where) for row in table]
    if kept[-1] != "none":
        return kept[-1]
    first = max((index for index, text in enumerate(kept) if text != "none"), default=-1) + 1
    before = f"; before it {kept[first - 1]}" if first else ""
    return f"none from {table[first].name} on{before}"


def _kept(claim: "Derived") -> str:
    from jaxconv.inspect.moves import moves

    return "none" if claim.kind == "none" else f"{moves(claim.outputs, claim.sizes)} ({claim.kind})"


def _print_variant(model: Any, shape: tuple[int, ...]) -> None:
    """What the features keep with circular boundaries, and what a classifier makes of it."""
    from flax import nnx

    from jaxconv import nn, symmetry

    variant, changed = _circular(model.features)
    if not changed:
        print("\nA circular variant: there is no convolution whose boundary could be changed.")
        return
    print("\nA circular variant of the features: the same weights, every window reads on at the opposite edge")
    table = rows(variant, shape, prefix=("features",))
    print_rows(table)
    if table[-1].torus == "none":
        print("\nNothing is left for a classifier to keep; choose a --size that every stride divides.")
        return
    *space, channels = table[-1].shape
    reader = nn.Dense(math.prod(space) * channels, 1, use_bias=False, kernel_init=generic(1), rngs=nnx.Rngs(0))
    dense = nn.Sequential(variant, nn.Flatten(rank=2), reader)
    pooled = nn.Sequential(variant, nn.GlobalAvgPool())
    print("\nand then, as a classifier")
    print_facts(
        [
            ("flatten, dense", _kept(symmetry.derive(dense, shape)) + "; it has a weight of its own for every pixel"),
            ("global average pooling", _kept(symmetry.derive(pooled, shape))),
        ]
    )


def _circular(features: "nnx.Module") -> tuple["nnx.Module", int]:
    """A copy in which every window that overlaps another lies on a torus, and how many there are."""
    from flax import nnx

    from jaxconv import nn
    from jaxconv.geometry import Window

    variant = nnx.clone(features)
    changed = 0
    module: Any
    for _, module in nnx.iter_modules(variant):
        window = getattr(module, "window", None)
        if isinstance(module, nn.Conv | nn.ConvTranspose):
            rank = len(module.kernel_size)
            module.padding, module.padding_mode = ("SAME",) * rank, ("circular",) * rank
            changed += 1
        elif isinstance(window, Window) and window.strides != window.shape:
            rank = len(window.shape)
            module.window = replace(window, padding=("SAME",) * rank, modes=("circular",) * rank)
            changed += 1
    return variant, changed
