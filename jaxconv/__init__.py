"""Convolutional networks in JAX whose shapes, symmetries and speed can be checked."""

from importlib import import_module
from typing import TYPE_CHECKING

from jaxconv import geometry as geometry
from jaxconv import ops as ops
from jaxconv.ops import adaptive_avg_pool as adaptive_avg_pool
from jaxconv.ops import adaptive_max_pool as adaptive_max_pool
from jaxconv.ops import avg_pool as avg_pool
from jaxconv.ops import block_average as block_average
from jaxconv.ops import blur_pool as blur_pool
from jaxconv.ops import conv as conv
from jaxconv.ops import conv_transpose as conv_transpose
from jaxconv.ops import decimate as decimate
from jaxconv.ops import dense as dense
from jaxconv.ops import explain as explain
from jaxconv.ops import flatten as flatten
from jaxconv.ops import global_avg_pool as global_avg_pool
from jaxconv.ops import global_max_pool as global_max_pool
from jaxconv.ops import group_conv as group_conv
from jaxconv.ops import local_conv as local_conv
from jaxconv.ops import lp_pool as lp_pool
from jaxconv.ops import majority_pool as majority_pool
from jaxconv.ops import max_pool as max_pool
from jaxconv.ops import min_pool as min_pool
from jaxconv.ops import orientation_pool as orientation_pool
from jaxconv.ops import pad as pad
from jaxconv.ops import polyphase_offsets as polyphase_offsets
from jaxconv.ops import polyphase_pool as polyphase_pool
from jaxconv.ops import polyphase_unpool as polyphase_unpool
from jaxconv.ops import separable_conv as separable_conv
from jaxconv.ops import standardize as standardize
from jaxconv.ops import symmetrize as symmetrize

if TYPE_CHECKING:
    from jaxconv import data as data
    from jaxconv import inspect as inspect
    from jaxconv import models as models
    from jaxconv import nn as nn
    from jaxconv import physics as physics
    from jaxconv import symmetry as symmetry
    from jaxconv import train as train
    from jaxconv import viz as viz
    from jaxconv.inspect import summary as summary

__version__ = "0.1.0"
_ROOMS = ("data", "inspect", "models", "nn", "physics", "symmetry", "train", "viz")


def __getattr__(name: str):
    """Open the rooms that need Flax NNX or Hypothesis when first entered: Flax costs 0.3 s, the functions 0.05 s."""
    if name in _ROOMS:
        return import_module(f"jaxconv.{name}")
    if name == "summary":
        return import_module("jaxconv.inspect").summary
    raise AttributeError(f"module 'jaxconv' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the rooms not yet entered too."""
    return sorted({*globals(), *_ROOMS, "summary"})
