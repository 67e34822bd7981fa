"""Settings of torch, NumPy and scikit-learn that a caller may have in force, put at their defaults for one block.

They belong to a thread. Only torch's default type of floating-point numbers belongs to the process, so it stays as it
is, and `SinglePrecision` stands in for it where modules are made.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import sklearn
import torch
from torch.overrides import TorchFunctionMode

from .nn.draws import drawing

__all__ = ["SinglePrecision", "making_modules", "ordinary_settings", "without_gradients"]

OF_DEFAULT_TYPE = {torch.empty, torch.eye, torch.linspace, torch.ones, torch.rand, torch.randn, torch.zeros}
"""What makes floating-point numbers of the default type unless it is told another."""
OF_TYPE_OF_DATA = {torch.full, torch.tensor}
"""What does so from Python's floats."""


@contextmanager
def ordinary_settings() -> Iterator[None]:
    """Inside the block, what the package does is what it does by default, whatever its caller has set.

    Inference mode, gradients that are switched off, autocasting, a default device, errors for floating-point
    exceptions, and scikit-learn's output containers and dispatch to other array libraries are left. Also a decorator.
    """
    with ExitStack() as settings:
        settings.enter_context(torch.inference_mode(False))
        settings.enter_context(torch.enable_grad())
        settings.enter_context(np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"))
        settings.enter_context(sklearn.config_context(array_api_dispatch=False, transform_output="default"))
        for device in ("cpu", "cuda"):
            if torch.is_autocast_enabled(device):
                settings.enter_context(torch.autocast(device, enabled=False))
        if torch.empty(0).device.type != "cpu":  # not all versions of `torch.get_default_device` tell
            settings.enter_context(torch.device("cpu"))
        yield


@contextmanager
def without_gradients() -> Iterator[None]:
    """The same without gradients, for what a model answers. Also a decorator."""
    with ordinary_settings(), torch.no_grad():
        yield


@contextmanager
def making_modules() -> Iterator[None]:
    """Around what makes modules and initialises them: draws of this thread's own, in single precision."""
    with SinglePrecision(), drawing():
        yield


class SinglePrecision(TorchFunctionMode):
    """Inside the block, in this thread, tensors that are told no type are of single precision; also a decorator."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if kwargs.get("dtype") is not None or not (func in OF_DEFAULT_TYPE or _is_of_floats(func, args)):
            return func(*args, **kwargs)
        return func(*args, **{**kwargs, "dtype": torch.float32})


def _is_of_floats(func: Any, args: Any) -> bool:
    """Whether a tensor is about to be made of Python's floats."""
    if func not in OF_TYPE_OF_DATA or isinstance(args[0], np.ndarray | np.generic | torch.Tensor):
        return False
    return bool(func(*args).is_floating_point())
