"""What the explorer's page is given: pictures, nodes, and the program or, where there is none, what JAX computed."""

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxconv.viz.explorer.arrays import encode
from jaxconv.viz.explorer.network import Network, Node

MOST_IMAGES = 32  # to choose from
MOST_BYTES = 6_000_000  # of weights and tables, and as many of pictures: each 8 MB in base64


def contents(
    network: Network,
    images: np.ndarray,
    *,
    labels: np.ndarray | None,
    class_names: Sequence[str],
    value_range: tuple[float, float] | None,
    title: str,
) -> dict[str, Any]:
    """Return what `explorer.js` reads, for images `n height width channels`."""
    size = 4 * network.lowered.program.weight(network.order)
    why = _why_not(network, size)
    low, high = value_range or (float(images.min()), float(images.max()))
    high = high if high > low else low + 1  # all images are one constant
    shown = [node.shown for node in network.nodes] if not why else _fewer(network.nodes)
    results = [
        network.values(jnp.asarray(image)[None]) for image in _fitting(network.nodes, images, shown, live=not why)
    ]
    notes = [why] if why else []
    if len(results) < len(images):
        notes.append(f"The first {len(results)} of {len(images)} images are offered.")
    if value_range is None and not why:
        notes.append(
            f"What is drawn or opened here gets numbers from {low:g} to {high:g}, the span of the given images."
        )
    if not why and any(node.row.output[0].dtype == jnp.float64 for node in network.nodes):
        notes.append("JAX computes this model in float64, and the page in float32.")
    return {
        "title": title,
        "classNames": [str(name) for name in class_names],
        "logits": network.scores,
        "probabilities": network.scores is not None and network.nodes[network.scores].row.kind == "softmax",
        "image": {"shape": images.shape[1:], "low": low, "high": high},
        "images": [
            {
                "name": f"image {number + 1}",
                "label": None if labels is None else int(labels[number]),
                "pixels": encode(images[number]),
                "scores": None if network.scores is None else encode(result[network.scores][0]),
                "values": [encode(_channels(r[0], c)) for r, c in zip(result, shown, strict=True)] if why else None,
            }
            for number, result in enumerate(results)
        ],
        "nodes": [
            _node(network, node, claim, channels)
            for node, claim, channels in zip(network.nodes, network.claims, shown, strict=True)
        ],
        "live": not why,
        "notes": notes,
        "program": network.lowered.program.as_dict(network.order) if size <= MOST_BYTES else None,
    }


def _node(network: Network, node: Node, claim: dict[str, Any], shown: Sequence[int]) -> dict[str, Any]:
    return {
        "name": node.name,
        "kind": node.row.kind,
        "shape": node.shape,
        "inputs": node.inputs,
        "shown": shown,
        "parameters": node.row.parameters,
        "claim": claim,
        "place": network.order.index(node.place),
    }


def _why_not(network: Network, size: int) -> str:
    """Why the page cannot compute the model, and what it shows instead; nothing if it can."""
    instead = "It shows what JAX computed for the given images, and takes no others."
    if size > MOST_BYTES:
        return (
            f"The page does not hold the model: its {network.parameters:,} parameters, with all that a page needs "
            f"besides, are {size / 1e6:.1f} MB and a page holds {MOST_BYTES / 1e6:.1f}. {instead} "
            f"No sums are written out."
        )
    if network.unfit:
        node, why = network.unfit
        return f"The page does not compute {why}, in or before {node.name} ({node.row.kind}). {instead}"
    return ""


def _fitting(nodes: Sequence[Node], images: np.ndarray, shown: Sequence[Sequence[int]], *, live: bool) -> np.ndarray:
    """As many images as a page holds, with all that it does not compute itself; at least one."""
    maps = 0 if live else _entries(nodes, shown)
    return images[: max(1, min(MOST_IMAGES, MOST_BYTES // (4 * (images[0].size + maps))))]


def _fewer(nodes: Sequence[Node]) -> list[tuple[int, ...]]:
    """As many maps of each layer as fit for one image; at least one of each."""
    most = max(len(node.shown) for node in nodes)
    while most > 1 and 4 * _entries(nodes, [node.shown[:most] for node in nodes]) > MOST_BYTES:
        most -= 1
    return [node.shown[:most] if len(node.shape) > 1 else node.shown for node in nodes]


def _entries(nodes: Sequence[Node], shown: Sequence[Sequence[int]]) -> int:
    return sum(math.prod(node.shape[:-1]) * len(channels) for node, channels in zip(nodes, shown, strict=True))


def _channels(result: jax.Array, shown: Sequence[int]) -> jax.Array:
    return result[..., jnp.asarray(shown)] if result.ndim else result
