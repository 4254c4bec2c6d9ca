"""Using a trained model: pictures, folders and videos in, amodal instances out.

The top floor: it may use everything below, and nothing below uses it.
"""

from .amodal_inferencer import AmodalInferencer, PictureResult
from .inputs import InputError, Picture, read_picture
from .loading import ModelError
from .occlusion_layers import occlusion_layers
from .predictor import Predictor
from .results import prediction_to_dict

__all__ = [
    'AmodalInferencer',
    'InputError',
    'ModelError',
    'Picture',
    'PictureResult',
    'Predictor',
    'occlusion_layers',
    'prediction_to_dict',
    'read_picture',
]
