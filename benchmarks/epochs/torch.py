"""PyTorch: the usual loop, over a `DataLoader` or over rows of the tensors themselves."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from benchmarks.epochs.lenet import RATE, lenet
from benchmarks.peers import torch_module
from jaxconv import inspect


def loader(x: np.ndarray, y: np.ndarray, batch: int) -> Callable[[], float]:
    """A `DataLoader` of a `TensorDataset`."""
    data = torch_module().utils.data
    batches = data.DataLoader(data.TensorDataset(*_tensors(x, y)), batch_size=batch, shuffle=True, drop_last=True)
    return _epoch(lambda: batches)


def rows(x: np.ndarray, y: np.ndarray, batch: int) -> Callable[[], float]:
    """Tensors indexed by a permutation, which saves the loader's collecting of single examples."""
    images, labels = _tensors(x, y)
    steps = len(x) // batch

    def batches() -> Iterable[Any]:
        order = torch_module().randperm(len(images))[: steps * batch]
        return ((images[part], labels[part]) for part in order.split(batch))

    return _epoch(batches)


def model() -> Any:
    """The same LeNet."""
    torch = torch_module()
    nn = torch.nn
    network = nn.Sequential()
    network.features = nn.Sequential(
        *(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)),
    )
    network.classifier = nn.Sequential(
        *(nn.Flatten(), nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))
    )
    start = {name: torch.tensor(array) for name, array in inspect.torch_state(lenet()).items()}
    network.load_state_dict(start)
    return network


def logits(x: np.ndarray) -> np.ndarray:
    """Before training."""
    images, _ = _tensors(x, np.zeros(len(x)))
    with torch_module().inference_mode():
        return model()(images).numpy()


def _tensors(x: np.ndarray, y: np.ndarray) -> tuple[Any, Any]:
    torch = torch_module()
    return torch.from_numpy(x).movedim(-1, 1).contiguous(), torch.from_numpy(y).long()


def _epoch(batches: Callable[[], Iterable[Any]]) -> Callable[[], float]:
    torch = torch_module()
    network = model()
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)

    def epoch() -> float:
        losses = []
        for images, labels in batches():
            optimizer.zero_grad(set_to_none=True)
            loss = torch.nn.functional.cross_entropy(network(images), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return float(np.mean(losses))

    return epoch
