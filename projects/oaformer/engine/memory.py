"""Counting of the memory that tensors hold while a piece of code runs."""

import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map


class TensorLedger(TorchDispatchMode):
    """Counts every storage that is made while it is entered, until it is freed.

    The hooks on saved tensors see less: what ``torch.utils.checkpoint`` or a function
    of one's own keeps for the backward pass need not be a saved tensor. Views share a
    storage, which counts once. Scratch memory inside a kernel is not seen.

    Args:
        known: Tensors that were there before and don't count, such as parameters.

    Attributes:
        held: Bytes held now.
        peak: Most bytes held so far.
        part: Name under which new storages are entered.
    """

    def __init__(self, known: Iterable[Tensor] = ()) -> None:
        super().__init__()
        # the storages themselves, so that no new one takes the place of one of them
        self._known = {
            storage._cdata: storage
            for storage in (tensor.untyped_storage() for tensor in known)
        }
        self._entries: dict[int, tuple[weakref.ref, int, str]] = {}
        self.held = 0
        self.peak = 0
        self.part = 'other'

    def __torch_dispatch__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        """Run an operator and enter what it made."""
        result = func(*args, **(kwargs or {}))
        for value in tree_leaves(result):
            if isinstance(value, Tensor):
                self.enter(value)
        return result

    def enter(self, tensor: Tensor) -> None:
        """Count a tensor that no operator made, such as an image.

        Args:
            tensor: Any shape.
        """
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._known or key in self._entries:
            return
        size = storage.nbytes()
        reference = weakref.ref(storage, lambda _: self._leave(key))
        self._entries[key] = reference, size, self.part
        self.held += size
        self.peak = max(self.peak, self.held)

    def by_part(self) -> dict[str, int]:
        """Bytes held now, by the part that was named when they were made."""
        sizes: dict[str, int] = {}
        for _, size, part in list(self._entries.values()):
            sizes[part] = sizes.get(part, 0) + size
        return sizes

    @contextmanager
    def naming(self, part: str) -> Iterator[None]:
        """Enter new storages under another name for a while.

        Args:
            part: The name.
        """
        outer, self.part = self.part, part
        try:
            yield
        finally:
            self.part = outer

    def _leave(self, key: int) -> None:
        self.held -= self._entries.pop(key)[1]


_ARITHMETIC_IN_PLACE = {
    torch.ops.aten.add_.Tensor,
    torch.ops.aten.mul_.Tensor,
    torch.ops.aten.relu_.default,
}


class ZeroKernels(TorchDispatchMode):
    """Lets operators on large tensors give zeros of the right shape.

    What a training step holds depends on shapes alone, so that it can be counted in a
    fraction of the time. Booleans are all true: numbers are finite and points inside.
    Operators on small tensors are run, for the sake of sizes and matchings that are
    read back, and so are those whose result's shape depends on values.

    Args:
        threshold: Elements that make a tensor large.
    """

    def __init__(self, threshold: int = 2**16) -> None:
        super().__init__()
        self.threshold = threshold

    def __torch_dispatch__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        """Run an operator, or make zeros."""
        kwargs = kwargs or {}
        tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
        if max((x.numel() for x in tensors), default=0) < self.threshold:
            return func(*args, **kwargs)
        if func in _ARITHMETIC_IN_PLACE:
            return args[0]
        if not _makes_new_tensors(func):
            return func(*args, **kwargs)
        try:
            shapes = func(*tree_map(_to_meta, args), **tree_map(_to_meta, kwargs))
        except (NotImplementedError, RuntimeError):
            return func(*args, **kwargs)
        return tree_map(_zeros, shapes)


def _makes_new_tensors(func: Any) -> bool:
    return not func._schema.is_mutable and all(
        result.alias_info is None for result in func._schema.returns
    )


def _to_meta(value: Any) -> Any:
    if isinstance(value, Tensor):
        return torch.empty_strided(
            value.size(), value.stride(), dtype=value.dtype, device='meta'
        )
    return torch.device('meta') if isinstance(value, torch.device) else value


def _zeros(value: Any) -> Any:
    if not isinstance(value, Tensor):
        return value
    if value.numel() == 0:
        return torch.empty_strided(value.size(), value.stride(), dtype=value.dtype)
    # calloc's zeros take no time until somebody reads them
    memory = torch.from_numpy(np.zeros(value.untyped_storage().nbytes(), np.uint8))
    if value.dtype == torch.bool:
        memory.fill_(1)
    return memory.view(value.dtype).as_strided(value.size(), value.stride())
