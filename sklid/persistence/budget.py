"""A limit on the numbers that modules take while they are made, from sizes that a file claims."""

from math import prod
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from .archive import damaged

__all__ = ["NumbersLimit"]

FACTORIES = {torch.empty, torch.ones, torch.zeros, torch.rand, torch.randn, torch.full, torch.arange, torch.linspace}


class NumbersLimit(TorchFunctionMode):
    """Inside the block, tensors with more numbers than a limit, all together, are an error before they are made.

    Parameters
    ----------
    limit : int
    """

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.left = limit

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.eye:
            self._take(args[0] * args[-1])
        elif func in FACTORIES:
            sizes = kwargs.get("size", args)
            sizes = sizes[0] if sizes and isinstance(sizes[0], tuple | list) else sizes
            self._take(prod(size for size in sizes if isinstance(size, int)))
        return func(*args, **kwargs)

    def _take(self, n_numbers: int) -> None:
        self.left -= n_numbers
        if self.left < 0:
            raise damaged("the sizes of its model are larger than its arrays")
