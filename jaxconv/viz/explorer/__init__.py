"""Pages to look into a network and to play with a kernel: one HTML file each, which needs nothing else."""

from jaxconv.viz.explorer.explore import explore as explore
from jaxconv.viz.explorer.page import Page as Page
from jaxconv.viz.explorer.playground import kernel_playground as kernel_playground
