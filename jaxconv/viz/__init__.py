"""Figures, and pages to look into a network."""

from jaxconv.viz.architecture import architecture as architecture
from jaxconv.viz.arithmetic import arithmetic as arithmetic
from jaxconv.viz.arithmetic import arithmetic_animation as arithmetic_animation
from jaxconv.viz.attribution import grad_cam as grad_cam
from jaxconv.viz.attribution import saliency as saliency
from jaxconv.viz.curves import curves as curves
from jaxconv.viz.embedding import embedding as embedding
from jaxconv.viz.explorer import Page as Page
from jaxconv.viz.explorer import explore as explore
from jaxconv.viz.explorer import kernel_playground as kernel_playground
from jaxconv.viz.field import receptive_field as receptive_field
from jaxconv.viz.images import images as images
from jaxconv.viz.kernels import kernels as kernels
from jaxconv.viz.maps import feature_maps as feature_maps
from jaxconv.viz.maximization import activation_maximization as activation_maximization
from jaxconv.viz.mistakes import confusion_matrix as confusion_matrix
from jaxconv.viz.mistakes import misread as misread
from jaxconv.viz.report import training_report as training_report
from jaxconv.viz.shifts import equivariance_error as equivariance_error
from jaxconv.viz.spectra import spectra as spectra
