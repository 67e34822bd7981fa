"""How an estimator's parameters become a model and a training; functions of an estimator, called by the base class."""

import warnings
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from skorch.dataset import ValidSplit
from skorch.history import History
from torch import Tensor, nn

from .callbacks import training_callbacks
from .data.blocks import row_blocks
from .data.table import ModelRows
from .exceptions import CollapseWarning
from .metrics.collapse import collapse_summary
from .nn import LIKELIHOODS, GaussianLikelihood, GaussianPosterior, LatentVariableModel, Likelihood, StandardNormal
from .training import BoundNet

__all__ = ["Phase", "architecture", "assemble", "check_same_architecture", "main_phase", "train", "warn_if_collapsed"]

ARCHITECTURE = (
    "n_components", "likelihood", "noise", "decoder_depth", "decoder_width", "encoder", "encoder_depth", "encoder_width", "posterior",
    "inverse_lipschitz", "potential", "skip_connections", "activation", "embedding", "maps",
    "k", "weights", "components", "covariance_type", "inference", "min_separation", "scale_bounds",
)  # fmt: skip
N_STARTING_ROWS = 10_000


def assemble(estimator: BaseEstimator, x: Tensor | ModelRows) -> LatentVariableModel:
    """An untrained model of the estimator's architecture, started at the rows x ``(N, P)``."""
    likelihood = _likelihood(estimator, x)
    n_parameters = likelihood.n_parameters
    if n_parameters == 0:
        raise ValueError("Every column holds a single category, so there is nothing to model; pass columns that vary.")
    estimator.n_components_ = estimator.n_components or min(10, n_parameters)
    decoder = estimator._decoder(estimator.n_components_, n_parameters)
    posterior = _posterior(estimator, n_parameters)
    model = LatentVariableModel(StandardNormal(estimator.n_components_), decoder, likelihood, posterior)
    model.start(x[torch.randperm(len(x))[:N_STARTING_ROWS]])
    return model


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


def check_same_architecture(estimator: BaseEstimator) -> None:
    """ValueError when a parameter of the architecture changed since the model was started."""
    for name, value in estimator._architecture.items():
        if getattr(estimator, name) != value:
            raise ValueError(
                f"{name} changed from {value!r} to {getattr(estimator, name)!r} since the model was started, and training goes on with the same "
                "network. Set it back, or fit with warm_start=False."
            )


def architecture(estimator: BaseEstimator) -> dict[str, Any]:
    """The parameters that a network once started cannot change."""
    return {name: getattr(estimator, name) for name in ARCHITECTURE if hasattr(estimator, name)}


def warn_if_collapsed(estimator: BaseEstimator, X: NDArray) -> None:
    """CollapseWarning with the numbers, the cause and the parameter to change when latents or labels hardly depend on the data."""
    text = collapse_summary(estimator, X)
    if text is not None:
        warnings.warn(text, CollapseWarning, stacklevel=3)


def _likelihood(estimator: BaseEstimator, x: Tensor | ModelRows) -> Likelihood:
    if estimator.likelihood == "gaussian":
        return GaussianLikelihood(x.shape[1], estimator.noise)
    if estimator.noise != "global":
        raise ValueError(f'noise="{estimator.noise}" belongs to likelihood="gaussian"; likelihood="{estimator.likelihood}" has no noise to learn.')
    largest = torch.stack([block.amax(0) for block in row_blocks(x)])
    return LIKELIHOODS[estimator.likelihood].from_data(largest)


def _posterior(estimator: BaseEstimator, n_inputs: int) -> nn.Module:
    if estimator.encoder == "principal" and estimator.n_components_ > n_inputs:
        raise ValueError(
            f'encoder="principal" starts at one principal component per latent, and there are {n_inputs} for n_components={estimator.n_components_}. '
            f'Lower n_components to at most {n_inputs}, or use encoder="plain".'
        )
    sizes = (n_inputs, estimator.n_components_, estimator.encoder_depth, estimator.encoder_width, estimator.encoder == "principal")
    if estimator.posterior == "gaussian":
        return GaussianPosterior(*sizes)
    try:
        from .nn.flow import FlowPosterior
    except ImportError as error:
        raise ImportError('posterior="flow" needs zuko: pip install "sklid[flow]".') from error
    return FlowPosterior(*sizes)
