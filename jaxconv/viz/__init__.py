"""Figures."""

from jaxconv.viz.arithmetic import arithmetic as arithmetic
from jaxconv.viz.arithmetic import arithmetic_animation as arithmetic_animation
from jaxconv.viz.curves import curves as curves
from jaxconv.viz.embedding import embedding as embedding
from jaxconv.viz.images import images as images
from jaxconv.viz.mistakes import confusion_matrix as confusion_matrix
from jaxconv.viz.mistakes import misread as misread
from jaxconv.viz.report import training_report as training_report
