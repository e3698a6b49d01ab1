"""Figures."""

from jaxconv.viz.report import training_report as training_report
