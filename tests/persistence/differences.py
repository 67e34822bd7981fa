"""Where two objects differ, attribute by attribute, whatever they are made of."""

import numpy as np
import pandas as pd
import polars as pl
import torch

LEFT_TO_TRAINING = {
    *("callbacks", "callbacks_", "callbacks__print_log", "compile", "criterion_", "dataset", "keep_optimizer"),
    *("iterator_train__shuffle", "module", "optimizer_", "train_split"),
    *("_criteria", "_kwargs", "_modules", "_optimizers", "_params_to_validate", "cuda_dependent_attributes_"),
    *("init_context_", "prefixes_", "virtual_params_"),
}
"""Attributes of a net that each training makes anew, or skorch's own books."""
OF_A_STEP = {"is_ahead_", "most_"}
"""What the step of a training remembers until it ends."""
BOOKS_OF_TORCH = {name for name in vars(torch.nn.Module()) if "hook" in name} | {
    "_compiled_call_impl",
    "_flat_weight_refs",
}
OWN_CLASSES = ("sklid", "sklearn", "skorch", "torch", "zuko", "tokenizers", "functools")


def attributes(found):
    """Those of an object; a module that is None is an attribute like any other."""
    if not isinstance(found, torch.nn.Module):
        return vars(found)
    return {name: value for name, value in vars(found).items() if name != "_modules"} | found._modules


def differences(one, other, path="model", seen=None):
    """The places at which two objects are not the same, bit for bit."""
    seen = {} if seen is None else seen
    if one is other or (id(one), id(other)) in seen:
        return
    seen[id(one), id(other)] = one, other  # kept, since the number of an object that is gone may be another's
    if type(one) is not type(other):
        yield f"{path}: {type(one)} and {type(other)}"
    elif isinstance(one, torch.Tensor):
        strides_differ = one.numel() and one.stride() != other.stride()
        if one.dtype != other.dtype or one.requires_grad != other.requires_grad or strides_differ:
            yield f"{path}: {one.dtype} {one.stride()} and {other.dtype} {other.stride()}"
        yield from differences(one.detach().numpy(), other.detach().numpy(), path, seen)
    elif isinstance(one, np.ndarray):
        same = one.dtype.kind == other.dtype.kind and one.shape == other.shape and one.tolist() == other.tolist()
        same = same or (one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes())
        if not same or (one.dtype.kind != "U" and one.dtype != other.dtype):
            yield f"{path}: {one!r} and {other!r}"
    elif isinstance(one, pd.DataFrame):
        if not (one.columns.equals(other.columns) and (one.dtypes == other.dtypes).all()):
            yield f"{path}: frames of {one.dtypes} and {other.dtypes}"
    elif isinstance(one, pl.DataFrame):
        if one.schema != other.schema:
            yield f"{path}: frames of {one.schema} and {other.schema}"
    elif isinstance(one, np.random.RandomState):
        yield from differences(one.get_state(), other.get_state(), path, seen)
    elif isinstance(one, dict):
        if one.keys() != other.keys():
            yield f"{path}: the keys {sorted(map(str, one.keys() ^ other.keys()))} are in one alone"
        for key in one.keys() & other.keys():
            yield from differences(one[key], other[key], f"{path}.{key}", seen)
    elif isinstance(one, list | tuple):
        if len(one) != len(other):
            yield f"{path}: {len(one)} and {len(other)}"
        for number, pair in enumerate(zip(one, other, strict=False)):
            yield from differences(*pair, f"{path}.{number}", seen)
    elif hasattr(one, "to_str"):
        yield from differences(one.to_str(), other.to_str(), path, seen)
    elif type(one).__module__.startswith(OWN_CLASSES) and hasattr(one, "__dict__"):
        skipped = LEFT_TO_TRAINING if type(one).__name__ == "BoundNet" else BOOKS_OF_TORCH | OF_A_STEP
        parts = [
            {name: value for name, value in attributes(each).items() if name not in skipped} for each in (one, other)
        ]
        yield from differences(*parts, path, seen)
        if type(one).__name__ == "BoundNet":
            yield from differences(one.module_, other.module_, f"{path}.module_", seen)
    elif not (one == other or one != one or repr(one) == repr(other)):
        yield f"{path}: {one!r} and {other!r}"
