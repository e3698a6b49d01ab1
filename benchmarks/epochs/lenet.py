"""What all libraries start from: the same weights, and the same rule."""

import numpy as np
from flax import nnx

from jaxconv import inspect, models, nn

RATE = 1e-3  # of Adam


def lenet() -> models.LeNet:
    """LeNet with the weights that every library starts from."""
    return models.LeNet(rngs=nn.Rngs(0))


def parameters(model: nnx.Module) -> int:
    """How many numbers are trained."""
    return sum(weights.size for weights in inspect.torch_state(model).values())


def in_order(model: models.LeNet) -> list[np.ndarray]:
    """Kernel and bias of each layer, the first layer's first, with axes as JAX and Keras have them."""
    layers = [*model.features.layers, *model.classifier.layers]
    return [np.asarray(array[...]) for layer in layers if isinstance(layer, nn.Conv | nn.Dense) for array in _of(layer)]


def _of(layer: nn.Conv | nn.Dense) -> list[nnx.Param]:
    return [layer.kernel, layer.bias] if layer.bias is not None else [layer.kernel]
