"""Drawing of amodal instances."""

from .amodal_local_visualizer import AmodalLocalVisualizer

__all__ = ['AmodalLocalVisualizer']
