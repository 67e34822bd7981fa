"""How an estimator's parameters become a model and a training; functions of an estimator, called by the base class."""

import warnings
from typing import Any

import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from torch import Tensor, nn

from ..data.blocks import row_blocks
from ..data.table import ModelRows
from ..exceptions import CollapseWarning
from ..metrics.report import collapse_summary, rows_to_screen
from ..nn import LIKELIHOODS, GaussianLikelihood, GaussianPosterior, LatentVariableModel, Likelihood, StandardNormal

__all__ = ["architecture", "assemble", "check_same_architecture", "warn_if_collapsed"]

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
    X = rows_to_screen(X)
    probabilities = estimator.predict_proba(X) if hasattr(estimator, "predict_proba") else None
    text = collapse_summary(estimator.view(X), probabilities)
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
        from ..nn.flow import FlowPosterior
    except ImportError as error:
        raise ImportError('posterior="flow" needs zuko: pip install "sklid[flow]".') from error
    return FlowPosterior(*sizes)
