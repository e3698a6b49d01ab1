"""What a Flax NNX model does, seen from outside: the outputs of its layers."""

from jaxconv.inspect.layers import Layer as Layer
from jaxconv.inspect.layers import layers as layers
