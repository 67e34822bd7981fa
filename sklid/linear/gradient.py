r"""Probabilistic PCA by gradients: the linear latent-identifiable model, trained to the maximum of its likelihood by L-BFGS in a skorch net.

All stationary points of the likelihood but the closed form are saddles (Tipping & Bishop 1999, appendix A). What a start must avoid is a component
that collapses on the way: positive maps leave zero slowly.
"""

import math
import warnings
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import EarlyStopping
from skorch.utils import noop
from torch import Tensor

from ..nn.linear import LEAST_SLOPE, LinearModel
from ..randomness import seeded
from ..training import BoundNet
from .linear_gaussian import LinearGaussian

__all__ = ["Noise", "train_linear"]

STEPS_PER_EPOCH = 20
MOST_STARTS = 10
"""Starts to try while a component collapses that has more variance than the noise."""


class Noise(NamedTuple):
    """Noise variance at the start, smaller than that of every component wanted, and the known one, or None where it is learned."""

    first: float
    known: float | None


def train_linear(
    rows: NDArray, n_components: int, noise: Noise, tol: float, max_iter: int, random: np.random.RandomState
) -> tuple[LinearGaussian, BoundNet]:
    """The linear model of centred rows ``(N, D)``, in its identified form, and the net that trained it.

    Parameters
    ----------
    rows : array of shape (N, D)
        Centred, their mean square being their covariance.
    n_components : int
        K.
    noise : Noise
        The first is held until the loadings have settled; then the noise is learned, or takes its known value.
    tol : float
        Stop when an epoch of twenty L-BFGS steps gains less, in nats per row.
    max_iter : int
        Cap on the steps.
    random : RandomState
        Of the start.
    """
    scale = math.sqrt(float(np.mean(rows**2)))
    x = torch.from_numpy(rows / scale)
    for _ in range(MOST_STARTS):
        net = _net(_started(x, n_components, math.sqrt(noise.first) / scale, random), tol, max_iter).partial_fit(x)
        model = net.module_
        if _least_loading(model) > 10 * LEAST_SLOPE:
            break
    with torch.no_grad():
        model.log_noise.fill_(0.5 * math.log((noise.known or noise.first) / scale**2))
    model.log_noise.requires_grad_(noise.known is None)
    net.initialize_optimizer()
    net.partial_fit(x)
    if len(net.history) >= 2 * net.max_epochs:
        message = f'The gradient solver has not converged in {max_iter} steps; raise max_iter or tol, or use solver="eig".'
        warnings.warn(message, ConvergenceWarning, stacklevel=6)
    s = scale * math.exp(model.log_noise.item())
    return LinearGaussian.of_loadings(np.zeros(rows.shape[1]), s * model.decoder.loadings().mT.detach().numpy(), s**2), net


def _started(x: Tensor, n_components: int, noise: float, random: np.random.RandomState) -> LinearModel:
    """A model with its noise held, beta spanning random combinations of the rows and equal loadings along it."""
    with seeded(random.randint(2**31 - 1)):
        directions = torch.linalg.qr(x.mT @ torch.randn(len(x), n_components, dtype=x.dtype)).Q.mT
        model = LinearModel(n_components, x.shape[1], noise, learn_noise=False).double()
        model.decoder.initialise(directions, float((x @ directions.mT).square().mean().sqrt()) / noise)
    return model


@torch.no_grad()
def _least_loading(model: LinearModel) -> float:
    """Smallest singular value of the loadings in noise units."""
    return float(torch.linalg.svdvals(model.decoder.loadings())[-1])


def _net(model: LinearModel, tol: float, max_iter: int) -> BoundNet:
    stop = EarlyStopping(monitor="train_loss", patience=2, threshold=tol, threshold_mode="abs", sink=noop)
    return BoundNet(
        model,
        max_epochs=max(3, -(-max_iter // STEPS_PER_EPOCH)),
        batch_size=-1,
        optimizer=torch.optim.LBFGS,
        optimizer__max_iter=STEPS_PER_EPOCH,
        optimizer__history_size=20,
        optimizer__tolerance_grad=1e-10,
        optimizer__tolerance_change=1e-14,
        optimizer__line_search_fn="strong_wolfe",
        iterator_train__shuffle=False,
        callbacks=[("stop", stop)],
        verbose=0,
    ).initialize()
