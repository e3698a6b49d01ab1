"""In plain PyTorch, as torchvision writes it."""

import time
from typing import Any

import numpy as np

from benchmarks.builders.built import Built
from benchmarks.peers import torch_module
from benchmarks.resnets import jax as ours
from benchmarks.resnets.size import Size
from jaxconv import inspect


def resnet(size: Size) -> Any:
    """A module for images with channels first."""
    torch = torch_module()
    nn = torch.nn

    class Bottleneck(nn.Module):
        def __init__(self, c_in: int, width: int, stride: int):
            super().__init__()
            self.conv1 = nn.Conv2d(c_in, width, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
            self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(width)
            self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
            self.bn3 = nn.BatchNorm2d(4 * width)
            projection = (nn.Conv2d(c_in, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width))
            self.downsample = nn.Sequential(*projection) if stride != 1 or c_in != 4 * width else None

        def forward(self, x: Any) -> Any:
            y = torch.relu(self.bn1(self.conv1(x)))
            y = torch.relu(self.bn2(self.conv2(y)))
            y = self.bn3(self.conv3(y))
            return torch.relu(y + (x if self.downsample is None else self.downsample(x)))

    class ResNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(3, size.width, 7, 2, 3, bias=False)
            self.bn1 = nn.BatchNorm2d(size.width)
            self.maxpool = nn.MaxPool2d(3, 2, 1)
            c_in = size.width
            for stage, blocks in enumerate(size.depths):
                made = []
                for block in range(blocks):
                    made.append(Bottleneck(c_in, size.width << stage, 2 if stage and not block else 1))
                    c_in = 4 * size.width << stage
                setattr(self, f"layer{stage + 1}", nn.Sequential(*made))
            self.fc = nn.Linear(c_in, size.classes)

        def forward(self, x: Any) -> Any:
            x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
            for stage in (1, 2, 3, 4):
                x = getattr(self, f"layer{stage}")(x)
            return self.fc(x.mean((2, 3)))

    return ResNet()


def prepare(library: str, task: str, size: Size, number: int, steps: int, device: str) -> Built:
    """Some steps in a row, of which the last is waited for: autocast to bfloat16, channels last."""
    torch = torch_module()
    place = {"gpu": "cuda", "cpu": "cpu"}[device]
    torch.backends.cudnn.benchmark = True  # tries algorithms once, as XLA does
    model = resnet(size)
    start = inspect.torch_state(ours.make("jaxconv", size))
    model.load_state_dict({name: torch.tensor(np.asarray(array)) for name, array in start.items()})
    model = model.to(place, memory_format=torch.channels_last)
    images, labels = (torch.from_numpy(part).to(place) for part in ours.batch(size, number))
    images = images.movedim(-1, 1)  # channels last in memory, as it came
    few = torch.from_numpy(ours.batch(size, 2)[0]).to(place).movedim(-1, 1)

    def half() -> Any:
        return torch.autocast(place, torch.bfloat16)

    with torch.inference_mode(), half():
        results = [model.eval()(few).float().cpu().numpy()]
    call = torch.compile(model, dynamic=False) if library == "torch.compile" else model
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    def infer() -> None:
        with torch.inference_mode(), half():
            for _ in range(steps):
                call(images)
        _wait(place)

    def train() -> None:
        for _ in range(steps):
            optimizer.zero_grad(set_to_none=True)
            with half():
                loss = torch.nn.functional.cross_entropy(call(images), labels.long())
            loss.backward()
            optimizer.step()
        _wait(place)

    model.train(task == "train")
    run = train if task == "train" else infer
    begin = time.perf_counter()
    run()
    took = (time.perf_counter() - begin,) if library == "torch.compile" else ()
    return Built(run, sum(weights.numel() for weights in model.parameters()), took, results)


def _wait(place: str) -> None:
    if place == "cuda":
        torch_module().cuda.synchronize()
