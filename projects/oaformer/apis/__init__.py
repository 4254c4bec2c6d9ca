"""Using a trained model: images, folders and videos in, amodal instances out.

Imports the other packages; none of them imports it.
"""

from .amodal_inferencer import AmodalInferencer, ImageResult
from .inputs import Image, InputError, read_image
from .occlusion_layers import occlusion_layers
from .predictor import ModelError, Predictor
from .results import prediction_to_dict, to_supervision

__all__ = [
    'AmodalInferencer',
    'InputError',
    'ModelError',
    'Image',
    'ImageResult',
    'Predictor',
    'occlusion_layers',
    'prediction_to_dict',
    'read_image',
    'to_supervision',
]
