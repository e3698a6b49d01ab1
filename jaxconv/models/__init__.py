"""Networks by name and by class, one file a family."""

import re
from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from typing import Any

from flax import nnx

from jaxconv.models.alexnet import AlexNet as AlexNet
from jaxconv.models.alexnet import AlexNet2012 as AlexNet2012
from jaxconv.models.cifar_resnet import CifarResNet as CifarResNet
from jaxconv.models.cnn import CNN as CNN
from jaxconv.models.googlenet import GoogLeNet as GoogLeNet
from jaxconv.models.googlenet import WithAux as WithAux
from jaxconv.models.hep_resnet import HEPResNet as HEPResNet
from jaxconv.models.ising import IsingCNN as IsingCNN
from jaxconv.models.lattice import LatticeCNN as LatticeCNN
from jaxconv.models.lenet import LeNet as LeNet
from jaxconv.models.lenet_1998 import LeNet1998 as LeNet1998
from jaxconv.models.mlp import MLP as MLP
from jaxconv.models.resnet import ResNet as ResNet
from jaxconv.models.sector import SectorCNN as SectorCNN
from jaxconv.models.tiny_vgg import TinyVGG as TinyVGG
from jaxconv.models.vgg import VGG as VGG

_CONSTRUCTORS: dict[str, Callable[..., nnx.Module]] = {
    "lenet": LeNet,
    "lenet-32": partial(LeNet, image_shape=(32, 32)),
    "lenet-1998": LeNet1998,
    "mlp": partial(MLP, (64, 64)),
    "mlp-wide": partial(MLP, (512, 512)),
    "cnn": CNN,
    "tiny-vgg": TinyVGG,
    "alexnet": AlexNet,
    "alexnet-2012": AlexNet2012,
    "vgg11": partial(VGG, (1, 1, 2, 2, 2)),
    "vgg13": partial(VGG, (2, 2, 2, 2, 2)),
    "vgg16": partial(VGG, (2, 2, 3, 3, 3)),
    "vgg19": partial(VGG, (2, 2, 4, 4, 4)),
    "googlenet": GoogLeNet,
    "googlenet-aux": partial(GoogLeNet, aux=True),
    "googlenet-paper": partial(GoogLeNet, form="paper"),
    "resnet18": partial(ResNet, (2, 2, 2, 2)),
    "resnet34": partial(ResNet, (3, 4, 6, 3)),
    "resnet50": partial(ResNet, (3, 4, 6, 3), bottleneck=True),
    "resnet101": partial(ResNet, (3, 4, 23, 3), bottleneck=True),
    "resnet152": partial(ResNet, (3, 8, 36, 3), bottleneck=True),
    "resnet20": partial(CifarResNet, 3),
    "resnet32": partial(CifarResNet, 5),
    "resnet44": partial(CifarResNet, 7),
    "resnet56": partial(CifarResNet, 9),
    "resnet110": partial(CifarResNet, 18),
    "hep-resnet15": partial(HEPResNet, 3),
    "hep-resnet23": partial(HEPResNet, 5),
    "ising-cnn": IsingCNN,
    "lattice-cnn": LatticeCNN,
}


def names() -> tuple[str, ...]:
    """Return the names that `create` knows."""
    return tuple(_CONSTRUCTORS)


def create(name: str, *, rngs: nnx.Rngs, **arguments: Any) -> nnx.Module:
    """Build the network called `name`.

    Args:
      name: one of `names()`.
      rngs: source of the initial weights, and of the dropout masks where there are any.
      arguments: what the class takes besides. Most take

        num_classes: how many logits there are.
        in_features: channels of the images.
        dtype: of the computation; by default what input and parameters promote to.
        param_dtype: of the parameters.
        padding_mode: what lies beyond the border: "zeros" as published, "circular" for images on a torus, ("circular",
          "zeros") for a cylinder, or another of `ops.conv`. Along an axis that is not "zeros" every window is padded,
          also where the paper does not pad, so that strides of s leave ceil(n / s) of n pixels.
        pool: what halves the image.
          "max": strides and max pooling, as published.
          "average": the mean of those pixels of each pooling window that lie in the image.
          "blur": max pooling at stride 1, then a blur that is subsampled (Zhang 2019).
          "polyphase": max pooling at stride 1, then the phase with the largest norm (Chaman & Dokmanic 2021); with
            circular borders and global pooling no shift changes the result. Strides must divide the size everywhere.
          With all but "max" a convolution of strides s runs at stride 1, and after its ReLU comes the mean of s x s
          pixels, the blur or the choice; the shortcut beside it follows. "blur" and "polyphase" leave ceil(n / s) of n
          pixels, also where the paper leaves fewer.

    Returns:
      A Flax NNX module. A call gives logits, `features(x)` what goes into the head, and `input_shape` the height, width
      and channels that it was made for; `jaxconv.inspect.layers` gives the output of every layer.
    Raises:
      ValueError: if no network has that name.
      TypeError: if the network does not take an argument; the error says which it takes.
    Example:
      >>> create("lenet", num_classes=26, rngs=nnx.Rngs(0))(jnp.zeros((28, 28, 1))).shape
      (26,)
      >>> create("lenet", padding_mode="circular", rngs=nnx.Rngs(0)).features(jnp.zeros((28, 28, 1))).shape
      (7, 7, 16)
    """
    if name not in _CONSTRUCTORS:
        plain = lambda text: re.sub(r"[\W_]", "", str(text).lower())
        near = [known for known in names() if plain(known) == plain(name)]
        near = near or get_close_matches(str(name).lower(), names())
        fix = f"did you mean {' or '.join(map(repr, near))}?" if near else f"the models are {', '.join(names())}"
        raise ValueError(f"create: name={name!r} is not a model of jaxconv; {fix}")
    return _CONSTRUCTORS[name](rngs=rngs, **arguments)
