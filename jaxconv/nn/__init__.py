"""Flax NNX modules that hold parameters and call `jaxconv.ops`, beside Flax's own, which mix freely with them."""

from flax.nnx import BatchNorm as BatchNorm
from flax.nnx import Dropout as Dropout
from flax.nnx import GroupNorm as GroupNorm
from flax.nnx import LayerNorm as LayerNorm
from flax.nnx import Module as Module
from flax.nnx import Rngs as Rngs
from flax.nnx import Sequential as Sequential
from flax.nnx import gelu as gelu
from flax.nnx import log_softmax as log_softmax
from flax.nnx import relu as relu
from flax.nnx import sigmoid as sigmoid
from flax.nnx import silu as silu
from flax.nnx import softmax as softmax
from flax.nnx import tanh as tanh

from jaxconv.nn.antialias import BlurPool as BlurPool
from jaxconv.nn.antialias import PolyphasePool as PolyphasePool
from jaxconv.nn.antialias import PolyphaseUnpool as PolyphaseUnpool
from jaxconv.nn.conv import Conv as Conv
from jaxconv.nn.conv import ConvTranspose as ConvTranspose
from jaxconv.nn.dense import Dense as Dense
from jaxconv.nn.dense import Flatten as Flatten
from jaxconv.nn.groups import GroupConv as GroupConv
from jaxconv.nn.groups import OrientationPool as OrientationPool
from jaxconv.nn.groups import SpinFlip as SpinFlip
from jaxconv.nn.local import LocalConv as LocalConv
from jaxconv.nn.pool import AdaptiveAvgPool as AdaptiveAvgPool
from jaxconv.nn.pool import AdaptiveMaxPool as AdaptiveMaxPool
from jaxconv.nn.pool import AvgPool as AvgPool
from jaxconv.nn.pool import GlobalAvgPool as GlobalAvgPool
from jaxconv.nn.pool import GlobalMaxPool as GlobalMaxPool
from jaxconv.nn.pool import LpPool as LpPool
from jaxconv.nn.pool import MaxPool as MaxPool
from jaxconv.nn.pool import MinPool as MinPool
from jaxconv.nn.separable import DepthwiseConv as DepthwiseConv
from jaxconv.nn.separable import SeparableConv as SeparableConv
