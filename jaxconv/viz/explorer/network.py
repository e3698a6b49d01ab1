"""A model as a page shows it: its layers as nodes, what each is computed from, and what is claimed of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from jaxconv.inspect.moves import moves
from jaxconv.inspect.program.steps import entered
from jaxconv.inspect.program.trace import traced
from jaxconv.inspect.replay import replay
from jaxconv.inspect.rows import Row, rows
from jaxconv.inspect.shifts import induced
from jaxconv.viz.explorer.lowering import Lowered, lower
from jaxconv.viz.explorer.program import IMAGE, Given

_MAPS, _UNITS = 16, 128  # shown at most


@dataclass(frozen=True)
class Node:
    """A layer, or a function between layers.

    Attributes:
      number: of the equation whose result it is.
      place: of that result in the program.
      row: what `summary` says of it.
      inputs: the nodes that it is computed from; -1 is the image.
      shown: which channels, or units, are shown.
    """

    number: int
    place: int
    row: Row
    inputs: tuple[int, ...]
    shown: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the result for one image."""
        return self.row.output[0].shape[1:]

    @property
    def name(self) -> str:
        """The path of the layer, or of the one that calls the function, as `summary` writes it; else its kind."""
        return self.row.name or self.row.kind


@dataclass(frozen=True)
class Network:
    """A traced model, its program for a page and its nodes, in the order in which they are computed.

    Attributes:
      scores: the node that is the model's answer, one number for each class; None if it returns no such thing.
      parameters: how many it has.
    """

    closed: Any
    weights: list[jax.Array]
    lowered: Lowered
    nodes: tuple[Node, ...]
    scores: int | None
    claims: tuple[dict[str, Any], ...]
    parameters: int

    @cached_property
    def order(self) -> list[int]:
        """The places of the arrays that the page needs."""
        return self.lowered.program.needed(node.place for node in self.nodes)

    @property
    def unfit(self) -> tuple[Node, str] | None:
        """The first thing that the page cannot compute, and the node in or before which it is."""
        for place in self.order:
            array = self.lowered.program.arrays[place]
            if isinstance(array, Given) and array.why:
                return next((node for node in self.nodes if node.number >= array.number), self.nodes[-1]), array.why
        return None

    @cached_property
    def values(self) -> Callable[[jax.Array], list[jax.Array]]:
        """What JAX computes for an image `1 height width channels`: the results of all nodes."""
        numbers = [node.number for node in self.nodes]

        def run(image: jax.Array) -> list[jax.Array]:
            found = replay(self.closed, [*self.weights, image], set(numbers))
            return [found[number] for number in numbers]

        return jax.jit(run)


def network(model: nnx.Module, shape: Sequence[int], depth: int | None) -> Network:
    """Trace `model` on one image of this shape, `height width channels`, and take it apart.

    Raises:
      ValueError: if the model does not accept it, or nothing of it can be shown.
    """
    program = traced("explore", model, (jax.ShapeDtypeStruct((1, *shape), jnp.float32),), {})
    told = [(step.number, row) for step, row in rows(program, entered(program), depth) if step.number is not None]
    weights = jax.tree.leaves(nnx.split(model)[1])
    lowered = lower(program.closed, weights, {number for number, _ in told})
    used = set(lowered.program.needed(lowered.outputs))
    found = {n: row for n, row in told if lowered.places.get(n) in used and _is_shown(row.output[0])}
    if not found:
        raise ValueError(
            "explore: the model computes no array of one image that could be shown; it must return real numbers, "
            "with the batch axis first"
        )
    nodes = _nodes(found, lowered)
    size = sum(variable.size for variable in program.variables if variable.role == "parameter")
    claims = _claims(model, program, nodes)
    return Network(program.closed, weights, lowered, nodes, _scores(nodes, lowered), claims, size)


def _is_shown(result: jax.ShapeDtypeStruct) -> bool:
    """Whether a page can draw it: real numbers, for one image."""
    return result.shape[:1] == (1,) and result.size > 0 and not jnp.issubdtype(result.dtype, jnp.complexfloating)


def _nodes(found: dict[int, Row], lowered: Lowered) -> tuple[Node, ...]:
    numbers = {IMAGE: -1} | {lowered.places[number]: node for node, number in enumerate(found)}
    nodes = []
    for number, row in found.items():
        place, shape = lowered.places[number], row.output[0].shape
        before = lowered.program.sources(place, stop=numbers)
        most = shape[-1] if place in lowered.outputs else _MAPS if len(shape) > 2 else _UNITS
        nodes.append(Node(number, place, row, tuple(numbers[p] for p in before), tuple(range(shape[-1])[:most])))
    return tuple(nodes)


def _scores(nodes: Sequence[Node], lowered: Lowered) -> int | None:
    """The node that the model returns, first if it returns several arrays, if it has one axis."""
    for number, node in enumerate(nodes):
        if node.place == lowered.outputs[0] and len(node.shape) == 1:
            return number
    return None


def _claims(model: nnx.Module, program: Any, nodes: Sequence[Node]) -> tuple[dict[str, Any], ...]:
    """What is derived of each node: in words, and how it moves for the shifts that generate all that survive."""
    torus, plane = induced(model, program, {node.number for node in nodes}, (1, 2))
    claims = []
    for node in nodes:
        output = torus.outputs[node.number]
        kept = [t for t in output.lattice.generators if any(a % n for a, n in zip(t, torus.sizes, strict=True))]
        moved = [(t, output.shift(t)) for t in kept]
        still = len(node.shape) != 3  # units do not stand anywhere
        claims.append({
            "words": moves(output, torus.sizes),
            "plane": moves(plane.outputs[node.number]),
            "moves": [{"input": t, "output": (0, 0) if still else u[1:3]} for t, u in moved
                      if u is not None and not any(u if still else (*u[:1], *u[3:]))],
        })  # fmt: skip
    return tuple(claims)
