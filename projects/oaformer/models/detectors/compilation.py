"""``torch.compile`` for the parts of a detector that are tensor work only."""

from collections.abc import Sequence

from torch import nn

# The transformer decoders, the ODM's and the amodal one, are left out: compiling them
# saved no time of a whole forward pass.
PARTS = {
    'backbone': 'backbone',
    'pixel_decoder': 'panoptic_head.pixel_decoder',
}


def compile_parts(
    detector: nn.Module, parts: Sequence[str] | str, **options: object
) -> None:
    """Have parts of a detector compiled when they first run.

    Modules are compiled in place: they stay the same objects with the same parameters
    and names, so that weights, initialisation, optimiser settings and checkpoints know
    nothing of it. Copies, such as the EMA hook's, and pickles are not compiled.

    Args:
        detector: The detector.
        parts: Names from :data:`PARTS`, or one of them.
        **options: Arguments of ``torch.compile``, such as ``dynamic`` or ``mode``.

    Raises:
        ValueError: If a part is unknown, or none is given.
        TypeError: If ``torch.compile`` has no such option.
    """
    parts = [parts] if isinstance(parts, str) else list(parts)
    unknown = [part for part in parts if part not in PARTS]
    if unknown or not parts:
        raise ValueError(
            f'compile_cfg.parts must be some of {sorted(PARTS)}, not {unknown or parts}'
        )
    for part in parts:
        detector.get_submodule(PARTS[part]).compile(**options)
