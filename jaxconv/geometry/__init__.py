"""The integers of convolution: sizes, padding, receptive fields and costs. Standard library only.

Everything here is one relation between three integers on each spatial axis: input pixel `q`, output pixel `p` and
kernel tap `t` meet when

    q * input_dilation = p * stride + t * kernel_dilation - lo

and the rest is counting. Functions, modules, summaries and error messages all ask this room.

Source: Dumoulin & Visin 2016, "A guide to convolution arithmetic for deep learning".
"""

from jaxconv.geometry.axis import Axis as Axis
from jaxconv.geometry.axis import dilated as dilated
from jaxconv.geometry.axis import pad_amounts as pad_amounts
from jaxconv.geometry.counting import ReceptiveField as ReceptiveField
from jaxconv.geometry.counting import multiply_accumulates as multiply_accumulates
from jaxconv.geometry.counting import parameter_count as parameter_count
from jaxconv.geometry.options import MODES as MODES
from jaxconv.geometry.options import Padding as Padding
from jaxconv.geometry.options import Sizes as Sizes
from jaxconv.geometry.options import as_window as as_window
from jaxconv.geometry.options import per_axis as per_axis
from jaxconv.geometry.options import whole as whole
from jaxconv.geometry.sizes import conv_input_sizes as conv_input_sizes
from jaxconv.geometry.sizes import conv_size as conv_size
from jaxconv.geometry.sizes import conv_transpose_size as conv_transpose_size
from jaxconv.geometry.sizes import output_paddings as output_paddings
from jaxconv.geometry.window import Window as Window
