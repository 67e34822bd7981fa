"""The net of a fitted estimator: the weights of its module, how its training ended, and what was recorded of it.

The state of the optimiser is no part of a file, so a training that goes on begins with a fresh one.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from skorch.history import History
from torch import nn

from ..exceptions import ModelFileError
from ..training import BoundNet
from .archive import damaged
from .kinds import Flag, Kind, Number, Whole
from .values import Packer, Unpacker

__all__ = ["packed_net", "restored_net", "told_of_net"]

ENDED: dict[str, Kind] = {"interrupted_": Flag(), "diverged_": Flag()}
SETTINGS: dict[str, Kind] = {"lr": Number(), "max_epochs": Whole(), "batch_size": Whole(-1), "kl_weight": Number()}
WEIGHT_DECAY = "optimizer__weight_decay"
COLUMN_TYPES = ((bool, np.bool_), (int, np.int64), (float, np.float64))


def packed_net(net: BoundNet, packer: Packer, path: str) -> dict[str, Any]:
    """The description of a net; its weights are arrays whose names begin with the place of the net.

    Raises
    ------
    ModelFileError
        If a weight is no finite number, as none is that a training leaves.
    """
    if name := _not_finite(net.module_):
        raise ModelFileError(f"{path}.weights.{name} are not all finite, so the model has no answers. Fit it again.")
    for name, tensor in net.module_.state_dict().items():
        packer.put(tensor.detach().cpu().numpy(), f"{path}.weights.{name}")
    told = {name: getattr(net, name) for name in (*ENDED, *SETTINGS)}
    told[WEIGHT_DECAY] = getattr(net, WEIGHT_DECAY, 0.0)
    return {
        "told": {name: packer.value(value, f"{path}.{name}") for name, value in told.items()},
        "history": _packed_history(net.history, packer, f"{path}.history"),
    }


def told_of_net(described: dict[str, Any], unpacker: Unpacker, path: str) -> dict[str, Any]:
    """The settings of a net, and how its training ended."""
    return unpacker.fields(described["told"], {**ENDED, **SETTINGS, WEIGHT_DECAY: Number()}, path)


def restored_net(net: BoundNet, told: dict[str, Any], history: Any, unpacker: Unpacker, path: str) -> BoundNet:
    """An initialised net of the module, as after its training.

    Raises
    ------
    ModelFileError
        If a weight is no finite number.
    """
    if name := _not_finite(net.module_):
        raise damaged(f"{path}.weights.{name} are not all finite")
    net.history = _history(history, unpacker, f"{path}.history")
    vars(net).update({name: told[name] for name in ENDED})
    _settle(net.module_)
    return net


def _not_finite(module: nn.Module) -> str | None:
    """The name of the first array of weights that are not all finite."""
    return next((name for name, tensor in module.state_dict().items() if not tensor.isfinite().all()), None)


def _settle(module: nn.Module) -> None:
    module.eval()


def _packed_history(history: History, packer: Packer, path: str) -> list[dict[str, Any]]:
    """The columns of a history, each with the epochs that have it."""
    names = dict.fromkeys(name for epoch in history for name in epoch if name != "batches")
    columns = []
    for name in names:
        having = [number for number, epoch in enumerate(history) if name in epoch]
        values = _column([history[number][name] for number in having])
        column = {"name": name, "values": packer.value(values, f"{path}.{name}")}
        if len(having) < len(history):
            column["epochs"] = packer.value(np.array(having), f"{path}.{name}.epochs")
        columns.append(column)
    return columns


def _column(values: list[Any]) -> NDArray | list[Any]:
    """As an array where all values are of one plain type."""
    for kind, dtype in COLUMN_TYPES:
        if all(type(value) is kind for value in values):
            return np.array(values, dtype=dtype)
    return values


def _history(columns: list[dict[str, Any]], unpacker: Unpacker, path: str) -> History:
    read = [_read_column(column, unpacker, path) for column in columns]
    n_epochs = max((len(values) for _, values, _ in read), default=0)
    epochs: list[dict[str, Any]] = [{"batches": []} for _ in range(n_epochs)]
    for name, values, having in read:
        having = range(n_epochs) if having is None else having
        if len(having) != len(values) or not set(having) <= set(range(n_epochs)):
            raise damaged(f"{path}.{name} has {len(values)} values, and there were {n_epochs} epochs")
        for number, value in zip(having, values, strict=True):
            epochs[number][name] = value
    return History(epochs)


def _read_column(column: dict[str, Any], unpacker: Unpacker, path: str) -> tuple[str, list[Any], list[int] | None]:
    name = str(column["name"])
    values = unpacker.value(column["values"], f"{path}.{name}")
    having = unpacker.value(column["epochs"], f"{path}.{name}.epochs").tolist() if "epochs" in column else None
    return name, values.tolist() if isinstance(values, np.ndarray) else values, having
