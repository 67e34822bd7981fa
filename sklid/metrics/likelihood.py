r"""Log-likelihood by importance sampling, and what an encoder loses against refined posteriors, in nats per row.

.. math:: \log p(x) \ge E \log \frac1S \sum_s w_s, \qquad
    \text{gap} = \frac1N \sum_n \Big( \max_{\mu, \sigma} \text{ELBO}(x_n; \mu, \sigma)
        - \text{ELBO}(x_n; q(z \mid x_n)) \Big)

(Burda, Grosse & Salakhutdinov, ICLR 2016, equation 8; Cremer, Li & Duvenaud, "Inference suboptimality in variational
autoencoders", ICML 2018.)
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Distribution

from ..nn import iwae
from ..nn.draws import Draws
from ..randomness import from_random_state
from .encodings import Encodings, encodings_of
from .importance import DECISIVE, REFINEMENT_STEPS, decoded_log_prob, refined
from .information import standard_error
from .sources import View, view_of

__all__ = ["AmortizationGap", "LogLikelihood", "amortization_gap", "gaps_and_means", "log_likelihood"]

MOST_ROWS = 500
EVALUATION_DRAWS = 64
LEAST_DIFFERENCE = 1e-4
"""Nats below which a difference may be rounding."""


class LogLikelihood(NamedTuple):
    """Mean log-likelihood in nats per row.

    Attributes
    ----------
    value, standard_error : float
    per_row : array of shape (n_samples,)
    """

    value: float
    standard_error: float
    per_row: NDArray[np.float64]


class AmortizationGap(NamedTuple):
    """Mean loss of the encoder's posteriors against refined ones, in nats per row.

    Attributes
    ----------
    value, standard_error : float
    """

    value: float
    standard_error: float


def log_likelihood(
    model: Any, X: Any, *, n_importance_samples: int = 100, random_state: int | np.random.RandomState | None = 0
) -> LogLikelihood:
    """Log-likelihood of rows: the importance-weighted bound, which grows with the number of draws.

    Parameters
    ----------
    model : fitted estimator, Pipeline that ends in one, sklid.nn.LatentVariableModel or VariationalModel
        A `sklearn.decomposition.PCA` counts as probabilistic PCA.
    X : array-like or Tensor of shape (n_samples, ...)
    n_importance_samples : int, default=100
        Draws of z per row.
    random_state : int, RandomState instance or None, default=0

    Returns
    -------
    log_likelihood : LogLikelihood
        In the units of the data.

    Raises
    ------
    TypeError
        If the model shows no encoder and decoder.

    References
    ----------
    Burda, Grosse & Salakhutdinov, "Importance Weighted Autoencoders", ICLR 2016, equation 8.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> from sklid.metrics import log_likelihood
    >>> X = load_iris().data
    >>> pca = PCA(2).fit(X)
    >>> bool(abs(log_likelihood(pca, X).value - pca.score(X)) < 0.01)       # q is exact here, up to N - 1 in place of N
    True
    """
    with from_random_state(random_state):
        view = view_of(model, X)
        bounds = [_importance_bound(block, n_importance_samples) for block in view.blocks(n_importance_samples)]
    per_row = torch.cat(bounds).double().cpu() - torch.as_tensor(view.log_volume, dtype=torch.float64, device="cpu")
    return LogLikelihood(per_row.mean().item(), standard_error(per_row), per_row.numpy())


def amortization_gap(model: Any, X: Any, *, random_state: int | np.random.RandomState | None = 0) -> AmortizationGap:
    """What the encoder loses in the bound against each row's best diagonal Gaussian, found by stochastic gradients.

    Measured on at most 500 rows, drawn at random. Where refinement did not help, judged on draws of its own, the
    encoder's posterior stays and the gap is 0: that of an exact encoder, or of one that is richer than a diagonal
    Gaussian.

    Parameters
    ----------
    model, X, random_state
        As in `log_likelihood`.

    Returns
    -------
    gap : AmortizationGap

    Raises
    ------
    TypeError
        If the model shows no encoder and decoder.

    References
    ----------
    Cremer, Li & Duvenaud, "Inference suboptimality in variational autoencoders", ICML 2018, section 3.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> from sklid.metrics import amortization_gap
    >>> X = load_iris().data
    >>> bool(abs(amortization_gap(PCA(2).fit(X), X).value) < 0.01)  # the posterior of probabilistic PCA is exact
    True
    """
    with from_random_state(random_state):
        gaps, _ = gaps_and_means(view_of(model, X).drawn(MOST_ROWS))
    # numbers of NumPy: an error of 0 divides
    return AmortizationGap(np.float64(gaps.mean().item()), np.float64(standard_error(gaps)))


def gaps_and_means(view: View, n_steps: int = REFINEMENT_STEPS) -> tuple[Tensor, Tensor]:
    """The gap of each row, ``(N,)``, and means of the better posteriors, ``(N, K)``; draws by torch's generator."""
    judged, gained, starts, means = [], [], [], []
    for block in view.blocks(EVALUATION_DRAWS):
        encoded = encodings_of(block)
        better = refined(block, encoded, n_steps)
        judged.append(_differences(block, encoded, better))
        gained.append(_differences(block, encoded, better).mean(0))
        starts.append(encoded.moments()[0])
        means.append(better.mean)
    chosen = _better_rows(torch.cat(judged, dim=1))
    gaps = torch.where(chosen, torch.cat(gained), 0.0)
    return gaps, torch.where(chosen.unsqueeze(-1), torch.cat(means), torch.cat(starts))


def _differences(view: View, encoded: Encodings, better: Distribution) -> Tensor:
    """Log-weights under better posteriors less those under the encoder's, from the same noise: ``(S, N)``."""
    q, p = encoded
    seed = int(torch.randint(2**31 - 1, ()))
    log_weights = []
    for posterior in (better, q):
        with Draws(seed):
            z = posterior.sample(torch.Size([EVALUATION_DRAWS]))
        log_weights.append(decoded_log_prob(view, z) + p.log_prob(z) - posterior.log_prob(z))
    return (log_weights[0] - log_weights[1]).double()


def _better_rows(differences: Tensor) -> Tensor:
    """The rows whose refined posterior is the better one, by draws of the differences: ``(S, N) -> (N,)``.

    A row for itself where its draws decide; the others stand or fall together.
    """
    means, errors = differences.mean(0), differences.std(0) / len(differences) ** 0.5
    decided = means.abs() > (DECISIVE * errors).clamp_min(LEAST_DIFFERENCE)
    others = means[~decided]
    together = len(others) > 1 and others.mean() > max(LEAST_DIFFERENCE, 2 * standard_error(others))
    return torch.where(decided, means > 0, together)


def _importance_bound(view: View, n_draws: int) -> Tensor:
    q, p = encodings_of(view)
    z = q.sample(torch.Size([n_draws]))
    log_weights = decoded_log_prob(view, z) + p.log_prob(z) - q.log_prob(z)
    return iwae(log_weights)
