"""Convolutional networks in JAX whose shapes, symmetries and speed can be checked."""

from jaxconv import geometry as geometry
from jaxconv import nn as nn
from jaxconv import ops as ops
from jaxconv.ops import adaptive_avg_pool as adaptive_avg_pool
from jaxconv.ops import adaptive_max_pool as adaptive_max_pool
from jaxconv.ops import avg_pool as avg_pool
from jaxconv.ops import conv as conv
from jaxconv.ops import conv_transpose as conv_transpose
from jaxconv.ops import dense as dense
from jaxconv.ops import flatten as flatten
from jaxconv.ops import global_avg_pool as global_avg_pool
from jaxconv.ops import global_max_pool as global_max_pool
from jaxconv.ops import local_conv as local_conv
from jaxconv.ops import lp_pool as lp_pool
from jaxconv.ops import max_pool as max_pool
from jaxconv.ops import min_pool as min_pool
from jaxconv.ops import pad as pad
from jaxconv.ops import separable_conv as separable_conv
from jaxconv.ops import standardize as standardize

__version__ = "0.1.0"
