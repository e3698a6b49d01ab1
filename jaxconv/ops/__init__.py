"""Pure functions on arrays."""

from jaxconv.ops.adaptive import adaptive_avg_pool as adaptive_avg_pool
from jaxconv.ops.adaptive import adaptive_max_pool as adaptive_max_pool
from jaxconv.ops.adaptive import global_avg_pool as global_avg_pool
from jaxconv.ops.adaptive import global_max_pool as global_max_pool
from jaxconv.ops.antialias import blur_pool as blur_pool
from jaxconv.ops.antialias import polyphase_offsets as polyphase_offsets
from jaxconv.ops.antialias import polyphase_pool as polyphase_pool
from jaxconv.ops.antialias import polyphase_unpool as polyphase_unpool
from jaxconv.ops.boundary import pad as pad
from jaxconv.ops.conv import conv as conv
from jaxconv.ops.conv import conv_transpose as conv_transpose
from jaxconv.ops.dense import dense as dense
from jaxconv.ops.dense import flatten as flatten
from jaxconv.ops.explain import explain as explain
from jaxconv.ops.groups import group_conv as group_conv
from jaxconv.ops.groups import orientation_pool as orientation_pool
from jaxconv.ops.kernels import standardize as standardize
from jaxconv.ops.kernels import symmetrize as symmetrize
from jaxconv.ops.local import local_conv as local_conv
from jaxconv.ops.pool import avg_pool as avg_pool
from jaxconv.ops.pool import lp_pool as lp_pool
from jaxconv.ops.pool import max_pool as max_pool
from jaxconv.ops.pool import min_pool as min_pool
from jaxconv.ops.separable import separable_conv as separable_conv
