r"""A training that goes on where it was killed: after each epoch all that the next one depends on is in a file.

That is the weights, the state of the optimiser and of its schedule, the random number generators, the history, and what
early stopping and the guard against divergence remember. The same training finds its file by a fingerprint of the rows,
the weights it begins with, and its settings, so one folder serves many trainings, at the same time as well. A file is
written whole before it takes its name, and what an epoch has cost is lost only if that epoch was not over.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, EarlyStopping, LRScheduler
from skorch.history import History
from torch import Tensor, nn

from ..nn.draws import generator_states, set_generator_states
from .callbacks import KLWarmup
from .guard import DivergenceGuard

__all__ = ["CheckpointError", "Checkpoints", "EpochCheckpoint", "fingerprint"]

N_ROWS = 1000
"""Rows that stand for all of them in a fingerprint, where they are not a tensor in memory."""
NUMBERS_AND_TEXTS = (bool, int, float, str, np.generic, type(None))
REMEMBERED = {
    KLWarmup: ("step_",),
    EarlyStopping: ("misses_", "dynamic_threshold_", "best_epoch_", "best_model_weights_"),
    DivergenceGuard: ("best_loss_", "best_weights_"),
}
"""What callbacks remember from one epoch to the next."""


class CheckpointError(ValueError):
    """A file in the place of a checkpoint, or of the folder of these, that is none."""


class Checkpoints:
    """The checkpoints of the trainings of one fit, in a folder.

    Parameters
    ----------
    folder : str or path
        Made where it is missing.
    writes : bool, default=True
        Of several processes that train together one does; all begin where its file is.

    Raises
    ------
    CheckpointError
        If there is a file of that name.
    OSError
        If the folder cannot be made.
    """

    def __init__(self, folder: str | os.PathLike, writes: bool = True) -> None:
        self.folder = Path(folder)
        self.writes = writes
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise CheckpointError(
                f"checkpoint={str(folder)!r} is a file, and checkpoints of a fit are several, in a folder. Name a "
                "folder; it is made where it is missing."
            ) from None
        self.used: list[EpochCheckpoint] = []

    def of_training(self, model: nn.Module, x: Any, settings: object) -> "EpochCheckpoint":
        """That of a training of a model on rows x, which `settings` describe by a text that is always the same."""
        name = fingerprint(x, f"{type(model).__name__} {settings}", model.state_dict().values())
        self.used.append(EpochCheckpoint(self.folder / f"{name}.pt", self.writes))
        return self.used[-1]

    def clear(self) -> None:
        """Remove the files of trainings that are over."""
        for checkpoint in self.used if self.writes else []:
            for path in self.folder.glob(f"{checkpoint.path.stem}*"):  # with what was being written at a kill
                path.unlink(missing_ok=True)


class EpochCheckpoint(Callback):
    """Writes a file after each epoch, and begins a training where that file left it.

    It is to be the last of the callbacks. A training that diverges begins again at a lower learning rate and writes no
    more; killed in there, it goes on before it diverged.

    Parameters
    ----------
    path : Path
    writes : bool, default=True

    Attributes
    ----------
    n_epochs : int
        Of the training, that are in the file.

    Raises
    ------
    CheckpointError
        If there is a file that no training wrote.
    """

    def __init__(self, path: Path, writes: bool = True) -> None:
        self.path = path
        self.writes = writes
        self.saved = _read(path) if path.exists() else None
        self.n_epochs = self.saved["n_epochs"] if self.saved else 0
        self.has_begun = False
        self.is_writing = writes

    def resume_history(self, net: NeuralNet) -> None:
        """Put the epochs that are over into the history of a net, before its training begins."""
        if self.saved:
            net.history = History(self.saved["history"])

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        self.is_writing = self.writes and not self.has_begun
        if self.saved and not self.has_begun:
            _set_state(net, self.saved)
        self.has_begun, self.saved = True, None

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        if self.is_writing:
            self.n_epochs += 1
            _write(self.path, _state(net) | {"n_epochs": self.n_epochs})


def _state(net: NeuralNet) -> dict[str, Any]:
    """All that the next epoch depends on."""
    return {
        "module": net.module_.state_dict(),
        "optimizer": net.optimizer_.state_dict(),
        "history": [_epoch(epoch) for epoch in net.history],
        "generators": generator_states(),
        "default_generator": torch.get_rng_state() if net.compile else None,
        "callbacks": {
            name: {what: getattr(callback, what) for what in _remembered(callback)} | _schedule(callback)
            for name, callback in net.callbacks_
        },
    }


def _epoch(epoch: dict[str, Any]) -> dict[str, Any]:
    """The numbers and texts of an epoch; what else a callback has recorded is not kept, nor are its batches."""
    kept = {name: value for name, value in epoch.items() if isinstance(value, NUMBERS_AND_TEXTS)}
    return kept | {"batches": []}


def _set_state(net: NeuralNet, saved: dict[str, Any]) -> None:
    net.module_.load_state_dict(saved["module"])
    net.optimizer_.load_state_dict(saved["optimizer"])
    set_generator_states({_device_here(name, net): state for name, state in saved["generators"].items()})
    if saved["default_generator"] is not None:
        torch.set_rng_state(saved["default_generator"])
    for name, callback in net.callbacks_:
        for what, value in saved["callbacks"].get(name, {}).items():
            if what == "schedule":
                callback.lr_scheduler_.load_state_dict(value)
            else:
                setattr(callback, what, value)


def _device_here(name: str, net: NeuralNet) -> str:
    """The device that draws here what a device of that name drew: of several GPUs that of the net."""
    here = next(net.module_.parameters()).device
    return str(here) if torch.device(name).type == here.type else name


def _remembered(callback: Callback) -> tuple[str, ...]:
    return next((names for kind, names in REMEMBERED.items() if isinstance(callback, kind)), ())


def _schedule(callback: Callback) -> dict[str, Any]:
    return {"schedule": callback.lr_scheduler_.state_dict()} if isinstance(callback, LRScheduler) else {}


def _write(path: Path, state: dict[str, Any]) -> None:
    """Write a file that is either there as a whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            torch.save(_plain(state), file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _plain(value: Any) -> Any:
    """The same in numbers, texts, tensors, lists and dicts, which are read without running code."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.item() if isinstance(value, np.generic) else value


def _read(path: Path) -> dict[str, Any]:
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        return {name: saved[name] for name in ("module", "optimizer", "history", "generators", "default_generator",
                                                "callbacks", "n_epochs")}  # fmt: skip
    except Exception as error:
        raise CheckpointError(
            f"{path} is no checkpoint of a training, torch cannot read it as one. Remove it, or name another folder as "
            "checkpoint."
        ) from error


def fingerprint(x: Any, settings: str, weights: Iterable[Tensor] = ()) -> str:
    """A name that two trainings share if they are the same: by rows, settings, and weights at the start."""
    found = hashlib.sha256(f"{settings} {tuple(x.shape)}".encode())
    rows = x if isinstance(x, Tensor) else x[np.linspace(0, len(x) - 1, min(N_ROWS, len(x))).astype(int)]
    for tensor in (rows, *weights):
        found.update(np.ascontiguousarray(tensor.detach().cpu().numpy()).view(np.uint8).data)
    return found.hexdigest()[:32]
