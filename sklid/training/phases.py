"""Stretches of training: how long, at which weight of the divergence, and with which callbacks."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple

import torch
from skorch import NeuralNet
from skorch.dataset import ValidSplit
from skorch.history import History
from torch import Tensor, nn

from ..data.table import ModelRows
from ..nn import Bound
from .callbacks import training_callbacks
from .checkpoint import Checkpoints, EpochCheckpoint, fingerprint
from .loss import Objective
from .net import BoundNet, Step
from .processes import Processes

__all__ = ["Phase", "Settings", "train"]


class Phase(NamedTuple):
    """A stretch of training.

    Attributes
    ----------
    n_epochs : int
    kl_weight : float
        Of the divergence.
    anneals : bool
        Whether the learning rate falls to zero along a cosine, or stays.
    name : str
        What the progress bar calls it.
    kl_warmup : float
        Fraction of the steps over which the weight of the divergence rises.
    kl_start : float
        Share of the weight from which it rises.
    stops_early : bool
        Whether it stops when a validation set no longer improves.
    holds_out : bool
        Whether it keeps a validation set apart even so.
    """

    n_epochs: int
    kl_weight: float
    anneals: bool
    name: str
    kl_warmup: float = 0.0
    kl_start: float = 0.0
    stops_early: bool = False
    holds_out: bool = False

    @property
    def validates(self) -> bool:
        return self.stops_early or self.holds_out


class Settings(NamedTuple):
    """How a training is carried out, whatever its phase; the parameters of the estimators have the same names.

    Attributes
    ----------
    batch_size, learning_rate, weight_decay, validation_fraction, n_iter_no_change, tol, callbacks, compile
        As in `sklid.LIDVAE`.
    device : str
        Of torch, and there.
    seed : int
        Of the validation split.
    keep_optimizer : bool
        Whether a pickle carries the state of the optimiser.
    shows_progress : bool
    objective : callable
        What is maximised.
    step : callable
        How the gradients of a batch come about.
    validation : callable
        How the loss of a batch that is held out does.
    n_draws : int
        Of each row in a step.
    augmentation : nn.Module or None
        What the model's encoder sees in place of a row while it is trained, and not in validation.
    checkpoints : Checkpoints or None
        Where a training that is killed goes on.
    processes : Processes or None
        Those that train the model together.
    """

    batch_size: int
    learning_rate: float
    weight_decay: float
    validation_fraction: float
    n_iter_no_change: int
    tol: float
    callbacks: Sequence[Any]
    compile: bool
    device: str
    seed: int
    keep_optimizer: bool = False
    shows_progress: bool = False
    objective: Objective = Bound.elbo
    step: Step = NeuralNet.train_step_single
    validation: Step = NeuralNet.validation_step
    n_draws: int = 1
    augmentation: nn.Module | None = None
    checkpoints: Checkpoints | None = None
    processes: Processes | None = None

    def text(self) -> str:
        """The same for the same settings, in every process and on every GPU."""
        told = self._replace(callbacks=(), shows_progress=False, checkpoints=None, processes=None)._asdict()
        told["device"] = torch.device(self.device).type
        return f"{ {name: _name(value) if callable(value) else value for name, value in told.items()} }"


def _name(value: Any) -> str:
    return getattr(value, "__qualname__", type(value).__name__)


def train(
    model: nn.Module,
    x: Tensor | ModelRows,
    phase: Phase,
    settings: Settings,
    history: History | None = None,
    resumed: BoundNet | None = None,
) -> BoundNet:
    """A net of the model, trained on the rows x ``(N, P)`` for a phase.

    Parameters
    ----------
    model : nn.Module
        Trained in place.
    x : Tensor or ModelRows
    phase : Phase
    settings : Settings
    history : History, optional
        Of the epochs before.
    resumed : BoundNet, optional
        A net of the same module, of which the history and the state of the optimiser go on.
    """
    _begin_together(model, x, phase, settings)
    checkpoint = _checkpoint(model, x, phase, settings)
    net = _net(model, x, phase, settings, checkpoint)
    net.processes = settings.processes
    if history is not None:
        net.history = history
    if resumed is not None:
        net.resume(resumed)
    if checkpoint is not None:
        checkpoint.resume_history(net)
    with _augmented(net, settings), _default_generator_seeded(settings) if settings.compile else nullcontext():
        net.partial_fit(x)
    del net.processes
    return net


def _net(model: nn.Module, x: Any, phase: Phase, settings: Settings, checkpoint: EpochCheckpoint | None) -> BoundNet:
    """The net of a phase, before its training."""
    return BoundNet(
        model,
        kl_weight=phase.kl_weight,
        objective=settings.objective,
        step=settings.step,
        validation=settings.validation,
        n_draws=settings.n_draws,
        keep_optimizer=settings.keep_optimizer,
        max_epochs=phase.n_epochs - (checkpoint.n_epochs if checkpoint else 0),
        batch_size=settings.batch_size,
        lr=settings.learning_rate,
        optimizer__weight_decay=settings.weight_decay,
        train_split=ValidSplit(settings.validation_fraction, random_state=settings.seed) if phase.validates else None,
        callbacks=[*_callbacks(len(x), phase, settings), *settings.callbacks, *([checkpoint] if checkpoint else [])],
        device=settings.device,
        compile=settings.compile,
        verbose=0,
    ).initialize()


def _begin_together(model: nn.Module, x: Any, phase: Phase, settings: Settings) -> None:
    """See that all processes begin the same training, and with the same weights."""
    if settings.processes is not None:
        shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
        settings.processes.agree(fingerprint(x, f"{phase} {settings.text()} {shapes}"))
        settings.processes.spread(model)


def _checkpoint(model: nn.Module, x: Any, phase: Phase, settings: Settings) -> EpochCheckpoint | None:
    """That of a training which is to have one."""
    if settings.checkpoints is None or not phase.n_epochs:
        return None
    checkpoint = settings.checkpoints.of_training(model, x, f"{phase} {settings.text()}")
    if settings.processes is not None:
        settings.processes.agree(f"{checkpoint.path.name} {checkpoint.n_epochs}")
    return checkpoint


@contextmanager
def _augmented(net: BoundNet, settings: Settings) -> Iterator[None]:
    """Inside the block the encoder sees the augmentation of rows, and a model that is trained carries none."""
    if settings.augmentation is None:
        yield
        return
    net.module_.augmentation = settings.augmentation.to(settings.device)
    try:
        yield
    finally:
        net.module_.augmentation = None


@contextmanager
def _default_generator_seeded(settings: Settings) -> Iterator[None]:
    """Compiled code, such as a dropout of the decoder's network, draws from torch's own generator: it is put back."""
    with torch.random.fork_rng(devices=[settings.device] if settings.device.startswith("cuda") else []):
        torch.manual_seed(settings.seed)
        yield


def _callbacks(n_rows: int, phase: Phase, settings: Settings) -> list:
    progress = phase.name if settings.shows_progress else None
    if not phase.anneals:
        return training_callbacks(progress=progress)
    n_held_out = math.ceil(settings.validation_fraction * n_rows) if phase.validates else 0
    return training_callbacks(
        n_steps=phase.n_epochs * math.ceil((n_rows - n_held_out) / settings.batch_size),
        kl_warmup=phase.kl_warmup,
        kl_start=phase.kl_start,
        patience=settings.n_iter_no_change if phase.stops_early else None,
        tol=settings.tol,
        progress=progress,
    )
