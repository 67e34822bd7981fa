"""Stretches of training: how long, at which weight of the divergence, and with which callbacks."""

from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator
from skorch.dataset import ValidSplit
from skorch.history import History
from torch import Tensor, nn

from ..data.table import ModelRows
from .callbacks import training_callbacks
from .net import BoundNet

__all__ = ["Phase", "main_phase", "train"]


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
    warms_up, stops_early : bool
        Whether the estimator's warm-up and early stopping apply.
    """

    n_epochs: int
    kl_weight: float
    anneals: bool
    name: str
    warms_up: bool = False
    stops_early: bool = False


def main_phase(estimator: BaseEstimator, incremental: bool, n_earlier: int = 0) -> Phase:
    """The training of the whole objective, after some earlier epochs; when incremental, one epoch at a constant rate."""
    name = type(estimator).__name__
    if incremental:
        return Phase(1, estimator.kl_weight, anneals=False, name=name)
    return Phase(estimator.max_epochs - n_earlier, estimator.kl_weight, True, name, warms_up=True, stops_early=estimator.early_stopping)


def train(estimator: BaseEstimator, model: nn.Module, x: Tensor | ModelRows, seed: int, phase: Phase, history: History | None = None) -> BoundNet:
    """A net of the model, trained on the rows x for a phase, after the epochs of a history."""
    net = BoundNet(
        model,
        kl_weight=phase.kl_weight,
        keep_optimizer=estimator.warm_start,
        max_epochs=phase.n_epochs,
        batch_size=estimator.batch_size,
        lr=estimator.learning_rate,
        optimizer__weight_decay=estimator.weight_decay,
        train_split=ValidSplit(estimator.validation_fraction, random_state=seed) if phase.stops_early else None,
        callbacks=[*_callbacks(estimator, len(x), phase), *(estimator.callbacks or [])],
        device=estimator._device(),
        compile=estimator.compile,
        verbose=0,
    ).initialize()
    if history is not None:
        net.history = history
    if getattr(estimator, "net_", None) is not None:
        net.resume(estimator.net_)
    return net.partial_fit(x)


def _callbacks(estimator: BaseEstimator, n_rows: int, phase: Phase) -> list:
    progress = phase.name if estimator.verbose else None
    if not phase.anneals:
        return training_callbacks(progress=progress)
    n_train = n_rows - int(np.ceil(estimator.validation_fraction * n_rows)) if phase.stops_early else n_rows
    return training_callbacks(
        n_steps=phase.n_epochs * -(-n_train // estimator.batch_size),
        kl_warmup=estimator.kl_warmup if phase.warms_up else 0.0,
        patience=estimator.n_iter_no_change if phase.stops_early else None,
        tol=estimator.tol,
        progress=progress,
    )
