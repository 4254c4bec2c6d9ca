"""Shapes of each class, learned from annotated masks."""

from .autoencoder import MASK_SIZE, ShapeAutoencoder, mask_ious, reconstruction_ious
from .building import box_crops, class_codes, dihedral, train_autoencoder
from .file import read_shape_priors, shape_priors_content
from .shape_priors import ShapePriors

__all__ = [
    'MASK_SIZE',
    'ShapeAutoencoder',
    'ShapePriors',
    'box_crops',
    'class_codes',
    'dihedral',
    'mask_ious',
    'read_shape_priors',
    'reconstruction_ious',
    'shape_priors_content',
    'train_autoencoder',
]
