"""Errors of the APIs."""


class InputError(ValueError):
    """An input is not an image, a video or a folder of images."""


class ModelError(ValueError):
    """Config, weights and device do not make a model."""
