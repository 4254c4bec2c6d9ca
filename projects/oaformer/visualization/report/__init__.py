"""One HTML page of what a model gets right and wrong."""

from .build import build_report, render_report

__all__ = ['build_report', 'render_report']
