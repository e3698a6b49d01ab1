"""What the explorer's page is given: pictures, nodes, and the program or, where there is none, what JAX computed."""

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxconv.viz.explorer.arrays import encode
from jaxconv.viz.explorer.network import Network, Node

MOST_IMAGES = 32  # to choose from
MOST_BYTES = 6_000_000  # of weights and tables, or of pictures: 8 MB in base64


def contents(
    network: Network,
    images: np.ndarray,
    *,
    labels: np.ndarray | None,
    class_names: Sequence[str],
    title: str,
) -> dict[str, Any]:
    """Return what `explorer.js` reads, for images `n height width channels`."""
    notes = []
    if len(images) > MOST_IMAGES:
        notes.append(f"The first {MOST_IMAGES} of {len(images)} images are offered.")
        images = images[:MOST_IMAGES]
    program, places = network.lowered.program.as_dict(node.place for node in network.nodes)
    live, reason = _verdict(network, _bytes(network) + images.nbytes)
    notes += [reason] * (not live)
    shown = [node.shown for node in network.nodes]
    if not live:
        images, shown, fewer = _fitting(network.nodes, images)
        notes += [fewer] * bool(fewer)
    results = [network.values(jnp.asarray(image)[None]) for image in images]
    scores = _scores(network.nodes)
    entries = [
        {
            "name": f"image {number + 1}",
            "label": None if labels is None else int(labels[number]),
            "pixels": encode(image),
            "scores": None if scores is None else encode(result[scores][0]),
            "values": None if live else [encode(r[0][..., list(c)]) for r, c in zip(result, shown, strict=True)],
        }
        for number, (image, result) in enumerate(zip(images, results, strict=True))
    ]
    return {
        "title": title,
        "classNames": [str(name) for name in class_names],
        "logits": scores,
        "image": dict(zip(("low", "high"), _span(images), strict=True)) | {"shape": images.shape[1:]},
        "images": entries,
        "nodes": [
            _node(node, claim, places, channels)
            for node, claim, channels in zip(network.nodes, network.claims, shown, strict=True)
        ],
        "live": live,
        "notes": notes,
        "program": program if _bytes(network) <= MOST_BYTES else None,
    }


def _node(node: Node, claim: dict[str, Any], places: dict[int, int], shown: Sequence[int]) -> dict[str, Any]:
    return {
        "name": node.row.name or node.row.kind,
        "kind": node.row.kind,
        "shape": node.shape,
        "inputs": node.inputs,
        "shown": shown,
        "parameters": node.row.parameters,
        "claim": claim,
        "place": places[node.place],
    }


def _verdict(network: Network, size: int) -> tuple[bool, str]:
    """Whether the page can compute the model itself; if not, a sentence that says why, and what is shown instead."""
    instead = "It shows what JAX computed for the given images, and takes no others."
    if size > MOST_BYTES:
        weights = sum(weight.size for weight in network.weights)
        return False, (
            f"The page does not hold the model: its {weights:,} weights, with all that a page needs besides, are "
            f"{size / 1e6:.1f} MB and a page holds {MOST_BYTES / 1e6:.1f}. {instead} No sums are written out."
        )
    if network.unfit:
        node, why = network.unfit
        return False, f"The page does not compute {node.row.name or 'the model'} ({node.row.kind}): {why}. {instead}"
    return True, ""


def _bytes(network: Network) -> int:
    return 4 * network.lowered.program.weight(node.place for node in network.nodes)


def _fitting(nodes: Sequence[Node], images: np.ndarray) -> tuple[np.ndarray, list[tuple[int, ...]], str]:
    """As many images, and then as many maps of each layer, as fit; at least one of each."""
    per_map = [math.prod(node.shape[:-1]) for node in nodes]
    whole = images[0].size + sum(size * len(node.shown) for size, node in zip(per_map, nodes, strict=True))
    count = max(1, min(len(images), MOST_BYTES // (4 * whole)))
    most = max(len(node.shown) for node in nodes)
    while (
        4 * count * sum(size * min(most, len(node.shown)) for size, node in zip(per_map, nodes, strict=True))
        > MOST_BYTES
    ):
        if most == 1:
            break
        most -= 1
    shown = [node.shown[:most] if len(node.shape) > 1 else node.shown for node in nodes]
    fewer = f"Of {len(images)} images it shows the first {count}." if count < len(images) else ""
    return images[:count], shown, fewer


def _scores(nodes: Sequence[Node]) -> int | None:
    """The node whose entries are class scores: the last, if it has no pixels."""
    return len(nodes) - 1 if nodes and len(nodes[-1].shape) == 1 else None


def _span(images: np.ndarray) -> tuple[float, float]:
    """What is black and what is white: 0 and 1 for images in between, else the least and the largest number."""
    low, high = float(images.min()), float(images.max())
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    return low, high if high > low else low + 1.0
