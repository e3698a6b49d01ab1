"""PyTorch, eager or compiled: channels last, float32, gradients set to None between steps."""

import functools
from typing import Any

import numpy as np

from benchmarks.builders.built import Built
from benchmarks.networks import RATE, Conv, Dense, Flatten, MaxPool, Mean, Network, Norm, Relu, Residual, walk
from benchmarks.peers import in_fast_layout, torch_module


def build(layers: Any, shape: tuple[int, ...], rank: int) -> Any:
    """A chain of layers for inputs of `shape`, which is channels last as everywhere here."""
    nn = torch_module().nn

    class Block(nn.Module):
        def __init__(self, body: Any, shortcut: Any):
            super().__init__()
            self.body, self.shortcut = body, shortcut

        def forward(self, x: Any) -> Any:
            return nn.functional.relu(self.body(x) + self.shortcut(x))

    made = []
    for layer, size in walk(layers, shape):
        c_in = size[-1]
        match layer:
            case Conv():
                make = getattr(nn, f"Conv{rank}d")
                options = {"groups": layer.groups, "dilation": layer.dilation, "bias": layer.bias}
                made.append(make(c_in, layer.features, layer.window, layer.strides, layer.padding, **options))
            case Norm():
                made.append(getattr(nn, f"BatchNorm{rank}d")(c_in))
            case Relu():
                made.append(nn.ReLU())
            case MaxPool():
                made.append(getattr(nn, f"MaxPool{rank}d")(layer.window, layer.strides, layer.padding))
            case Mean():
                made.extend((getattr(nn, f"AdaptiveAvgPool{rank}d")(1), nn.Flatten()))
            case Flatten():
                made.append(nn.Flatten())
            case Dense():
                made.append(nn.Linear(c_in, layer.features))
            case Residual(body, shortcut):
                made.append(Block(build(body, size, rank), build(shortcut, size, rank)))
    return nn.Sequential(*made)


def prepare(network: Network, x: np.ndarray, y: np.ndarray, *, train: bool, compiled: bool = False) -> Built:
    """A step of the usual loop, or the logits in inference mode."""
    torch = torch_module()
    torch.manual_seed(0)
    model = build(network.layers, network.shape, network.rank)
    formats = {2: torch.channels_last, 3: torch.channels_last_3d}
    model = model.to(memory_format=formats[network.rank]) if network.rank in formats else model
    number = sum(weights.numel() for weights in model.parameters())
    images, labels = in_fast_layout(torch.from_numpy(x).movedim(-1, 1)), torch.from_numpy(y).long()
    if compiled:
        torch.compiler.reset()  # or after eight programs it goes on without compiling
    call = torch.compile(model, dynamic=False) if compiled else model
    if not train:
        model.eval()

        def infer() -> Any:
            with torch.inference_mode():
                return call(images)

        return Built(infer, number)
    rules = {"adam": torch.optim.Adam, "momentum": functools.partial(torch.optim.SGD, momentum=0.9)}
    optimizer = rules[network.optimizer](model.parameters(), lr=RATE)

    def step() -> Any:
        optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(call(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return Built(step, number)


prepare_compiled = functools.partial(prepare, compiled=True)
