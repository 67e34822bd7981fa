r"""Probabilistic PCA by gradients: the linear latent-identifiable model, trained by L-BFGS in a skorch net.

All stationary points of the likelihood but the closed form are saddles (Tipping & Bishop 1999, appendix A). An initial
model must only avoid that a component collapses on the way, since gradients at a loading near zero are small.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from skorch.callbacks import EarlyStopping
from skorch.utils import noop
from torch import Tensor

from ..nn.draws import Draws
from ..nn.linear import LEAST_SLOPE, LinearModel
from ..randomness import seed_of
from ..surroundings import SinglePrecision
from ..training import BoundNet
from .linear_gaussian import LinearGaussian
from .solver import Fit, Problem

__all__ = ["fit_gradient", "gradient_net"]

STEPS_PER_EPOCH = 20
MOST_ATTEMPTS = 10
"""Random initial models to try while a component collapses that has more variance than the noise."""


def fit_gradient(X: NDArray, closed: LinearGaussian, noise_variance: float | None, problem: Problem) -> Fit:
    """The linear latent-identifiable model of centred rows, in its identified form, and the net that trained it.

    Parameters
    ----------
    X : array of shape (N, D)
        Centred, their mean square being their covariance.
    closed : LinearGaussian
        The closed form, which gives the number of components, the mean, and the noise that is held until the loadings
        have settled.
    noise_variance : float or None
        What the noise then is, or None to learn it.
    problem : Problem
        ``tol``, in nats per row, is the least gain of an epoch of twenty steps of L-BFGS, and ``max_iter`` the cap on
        the steps.

    Raises
    ------
    ValueError
        If the rows do not vary.
    """
    scale, noise = math.sqrt(float(np.average(np.square(X)))), closed.initial_noise
    if scale == 0:
        raise ValueError('All rows are equal, which leaves solver="gradient" nothing to learn; use solver="auto".')
    x = torch.from_numpy(X / scale)
    for _ in range(MOST_ATTEMPTS):
        initial = _random_model(x, len(closed.amplitudes), math.sqrt(noise) / scale, problem.random_state)
        net = _trained(gradient_net(initial, problem.tol, problem.max_iter), x)
        model = net.module_
        if _least_loading(model) > 10 * LEAST_SLOPE:
            break
    with torch.no_grad():
        model.log_noise.fill_(0.5 * math.log((noise_variance or noise) / scale**2))
    model.log_noise.requires_grad_(noise_variance is None)
    net.initialize_optimizer()
    _trained(net, x)
    s = scale * math.exp(model.log_noise.item())
    found = LinearGaussian.of_loadings(closed.mean, s * model.decoder.loadings().mT.detach().numpy(), s**2)
    return Fit(found, len(net.history), _gain_to_come(net, problem.tol), net)


def _trained(net: BoundNet, x: Tensor) -> BoundNet:
    """The net after more epochs; Ctrl-C, which skorch swallows, ends the fit."""
    net.partial_fit(x)
    if net.interrupted_:
        raise KeyboardInterrupt
    return net


def _random_model(x: Tensor, n_components: int, noise: float, random_state: np.random.RandomState) -> LinearModel:
    """A model with its noise held, beta spanning random combinations of the rows x and equal loadings along it."""
    with SinglePrecision(), Draws(seed_of(random_state)):
        directions = torch.linalg.qr(x.mT @ torch.randn(len(x), n_components, dtype=x.dtype)).Q.mT
        model = LinearModel(n_components, x.shape[1], noise, learn_noise=False).double()
        model.decoder.initialise(directions, float((x @ directions.mT).square().mean().sqrt()) / noise)
    return model


def _gain_to_come(net: BoundNet, tol: float) -> float:
    """Nats per row that the last epoch gained, where there were too few epochs to see it gain less than tol."""
    if len(net.history) < 2 * net.max_epochs:
        return 0.0
    losses = net.history[-2:, "train_loss"]
    return max(losses[0] - losses[1], tol)


@torch.no_grad()
def _least_loading(model: LinearModel) -> float:
    """Smallest singular value of the loadings in noise units."""
    return float(torch.linalg.svdvals(model.decoder.loadings())[-1])


def gradient_net(model: LinearModel, tol: float, max_iter: int) -> BoundNet:
    """The net that trains a model by L-BFGS."""
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
