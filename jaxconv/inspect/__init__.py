"""What a Flax NNX model does, seen from outside: its layers, what they cost and see, and its weights in PyTorch."""

from jaxconv.inspect.attribution import effective_field as effective_field
from jaxconv.inspect.attribution import grad_cam as grad_cam
from jaxconv.inspect.attribution import saliency as saliency
from jaxconv.inspect.from_flax import from_flax as from_flax
from jaxconv.inspect.layers import Layer as Layer
from jaxconv.inspect.layers import layers as layers
from jaxconv.inspect.maximize import maximize_activation as maximize_activation
from jaxconv.inspect.rows import Row as Row
from jaxconv.inspect.summary import Summary as Summary
from jaxconv.inspect.summary import summary as summary
from jaxconv.inspect.torch.weights import load_torch as load_torch
from jaxconv.inspect.torch.weights import save_torch as save_torch
from jaxconv.inspect.torch.weights import torch_state as torch_state
