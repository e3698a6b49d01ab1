"""The same small models here and in PyTorch, for tests of weights that go from one to the other."""

import jax
import numpy as np
import torch
from flax import nnx

from jaxconv import nn

torch.set_num_threads(1)  # the arrays are small, and the tests run in parallel already

R = nnx.Rngs(0)


class Ours(nnx.Module):
    """Whatever is asked of it, with its own modules."""

    def __init__(self, call, children, input_shape=None):
        self.call, self.input_shape, self.training = call, input_shape, True
        for name, child in children.items():
            setattr(self, name, nnx.data(child))

    def __call__(self, *x):
        return self.call(self, *x)

    def train(self, **options):
        super().train(**options)
        self.training = True

    def eval(self, **options):
        super().eval(**options)
        self.training = False


class Theirs(torch.nn.Module):
    """The same in PyTorch."""

    def __init__(self, call, children):
        super().__init__()
        self.call = call
        for name, child in children.items():
            setattr(self, name, child)

    def forward(self, x):
        return self.call(self, x)


def to_torch(x):
    """Channels last to channels second."""
    return torch.tensor(np.ascontiguousarray(np.moveaxis(np.asarray(x), -1, 1)))


def numbers(*shape):
    """Whole numbers, so that a wrong order shows and rounding does not."""
    return np.random.default_rng(sum(shape)).integers(-4, 5, shape).astype(np.float32)


def of_whole_numbers(module):
    """The same module of PyTorch with small whole numbers for weights; positive ones where a root is taken."""
    torch.manual_seed(0)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if tensor.is_floating_point():
                tensor.copy_(torch.randint(1, 4, tensor.shape) if "var" in name else torch.randint(-3, 4, tensor.shape))
    return module.eval()


conv = lambda c=2, o=3, **k: nn.Conv(c, o, (3, 3), padding=1, rngs=R, **k)
tconv = lambda c=2, o=3, **k: torch.nn.Conv2d(c, o, 3, padding=1, **k)
dense = lambda i, o: nn.Dense(i, o, rngs=R)
linear = torch.nn.Linear


def small(**options):
    return nn.Sequential(conv(**options), nn.relu, conv(3, 2, **options))


def weights_of(model):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(nnx.state(model))]


def assert_unchanged(model, before):
    for a, b in zip(weights_of(model), before, strict=True):
        np.testing.assert_array_equal(a, b)
