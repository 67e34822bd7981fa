r"""What a metric sees of a model: prior, decoder and posterior, and the rows as the model takes them.

.. math:: p(z), \qquad p(x \mid z), \qquad q(z \mid x)

Estimators of the package give a view of themselves, a `sklearn.decomposition.PCA` or `IncrementalPCA` counts as
probabilistic PCA, `FactorAnalysis` is a linear model with noise by column, any other model is three callables. The
posterior of probabilistic PCA is known, see `linear_posterior` (Tipping & Bishop 1999, equation 12), and so is that of
factor analysis,

.. math:: q(z \mid x) = N\big( M^{-1} W \Psi^{-1} (x - m), M^{-1} \big), \qquad M = I + W \Psi^{-1} W^\top.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA, FactorAnalysis, IncrementalPCA
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal

from ..data.blocks import tensor_of
from ..data.table import ModelRows

__all__ = [
    "BLOCK_NUMBERS",
    "VariationalModel",
    "View",
    "as_rows",
    "floor_of",
    "is_model",
    "last_step",
    "linear_gaussian",
    "linear_posterior",
    "name_of",
    "standard_normal",
    "view_of",
]


BLOCK_NUMBERS = 1 << 24
"""Numbers held at once for a block of rows with their draws."""


class VariationalModel(NamedTuple):
    """Any model with a continuous latent, as three callables.

    Attributes
    ----------
    encode : callable
        Rows x to q(z | x): a distribution over latents for each row, of batch shape ``(N,)`` and event shape ``(K,)``,
        or of batch shape ``(N, K)``.
    decode : callable
        Latents ``(N, K)`` to p(x | z) over rows; its log-densities are summed over all that is not the row.
    prior : callable or Distribution, optional
        p(z), or what gives it without arguments; standard normal when left out.

    Examples
    --------
    >>> import torch
    >>> from torch.distributions import Normal
    >>> from sklid.metrics import VariationalModel, log_likelihood
    >>> model = VariationalModel(encode=lambda x: Normal(x / 2, 0.5**0.5), decode=lambda z: Normal(z, 1.0))
    >>> x = torch.tensor([[0.0]])                       # here q is exact, and x ~ N(0, 2)
    >>> round(log_likelihood(model, x).value - Normal(0.0, 2**0.5).log_prob(x).item(), 4)
    0.0
    """

    encode: Callable[[Any], Distribution]
    decode: Callable[[Tensor], Distribution]
    prior: Callable[[], Distribution] | Distribution | None = None


@dataclass(frozen=True, eq=False)
class View:
    """A model, and rows of data as it sees them.

    Attributes
    ----------
    model : VariationalModel or sklid.nn.LatentVariableModel
    rows : Tensor of shape (N, *), or ModelRows
        The latter are read as they are needed.
    log_volume : float, or array of shape (N,)
        Log of the volume of a unit of the rows in units of the data, or of each row, where rows have gaps:
        log-densities of the model less this are those of the data.
    given : Tensor of shape (N, *) or None
        What the model conditions each row on beside the latent, such as an offset.
    """

    model: Any
    rows: Tensor | ModelRows
    log_volume: float | NDArray = 0.0

    @cached_property
    def given(self) -> Tensor | None:
        given = getattr(self.model, "given", None)
        return None if given is None else given(self.rows)

    @property
    def features(self) -> Tensor:
        """The part of the rows that p(x | z) is a distribution of, without what the model conditions on."""
        features = getattr(self.model, "features", None)
        return self.rows if features is None else features(self.rows)

    def at(self, chosen: Tensor | slice) -> "View":
        """The same model, and those of the rows that are chosen by their numbers."""
        volume = self.log_volume if np.ndim(self.log_volume) == 0 else self.log_volume[chosen]  # type: ignore[index]
        part = replace(self, rows=self.rows[chosen], log_volume=volume)
        if isinstance(self.rows, Tensor):
            part.__dict__["given"] = None if self.given is None else self.given[chosen]
        return part

    def blocks(self, n_draws: int) -> Iterator["View"]:
        """The rows in blocks that fit into memory with so many draws each."""
        n_features = self.rows[:1].numel()
        of_model = getattr(self.model, "numbers_per_row", None)
        numbers = max(4 * max(512, n_features), 0 if of_model is None else of_model(n_features))
        step = max(1, BLOCK_NUMBERS // (n_draws * numbers))
        return (self.at(slice(start, start + step)) for start in range(0, len(self.rows), step))

    def drawn(self, n_rows: int) -> "View":
        """The same with at most so many of the rows, drawn with torch's generator; in random order."""
        return self.at(torch.randperm(len(self.rows))[:n_rows])


def view_of(model: Any, X: Any) -> View:
    """The model behind an estimator, and the rows as it sees them.

    Parameters
    ----------
    model : fitted estimator, Pipeline or search over one, sklid.nn.LatentVariableModel or VariationalModel
        An estimator has a method ``view(X)``, or is a `PCA`, `IncrementalPCA` or `FactorAnalysis` of scikit-learn.
    X : array-like or Tensor of shape (n_samples, ...)

    Raises
    ------
    TypeError
        If the model is none of these, or X is missing.
    """
    model, X = last_step(model, X)
    if X is None:
        raise TypeError(f"A {type(model).__name__} is measured on rows: pass X after it.")
    if hasattr(model, "view"):
        return model.view(X)
    if isinstance(model, PCA | IncrementalPCA):
        return _of_pca(model, X)
    if isinstance(model, FactorAnalysis):
        return _of_factor_analysis(model, X)
    if hasattr(model, "encode") and hasattr(model, "decode") and not isinstance(model, BaseEstimator):
        return View(model, as_rows(X, model))
    raise TypeError(
        f"{type(model).__name__} shows no encoder and decoder that are known here. Pass an estimator of sklid, a "
        "fitted PCA, IncrementalPCA or FactorAnalysis, or sklid.metrics.VariationalModel(encode, decode, prior) with "
        "three callables of your model."
    )


def is_model(first: Any) -> bool:
    """Whether a metric's first argument is a model, measured on rows, and neither a posterior nor an array."""
    return isinstance(first, BaseEstimator) or hasattr(first, "encode")


def last_step(model: Any, X: Any) -> tuple[Any, Any]:
    """The estimator that a pipeline ends in or a search found best, and the rows as it sees them.

    Anything else, and its rows, come back unchanged.
    """
    if isinstance(model, BaseEstimator) and hasattr(model, "best_estimator_"):
        return last_step(model.best_estimator_, X)
    if not isinstance(model, Pipeline):
        return model, X
    return last_step(model[-1], X if X is None or len(model) == 1 else model[:-1].transform(X))


def name_of(model: Any) -> str:
    """The class of a model; of a pipeline or a search that of the estimator in it."""
    return type(last_step(model, None)[0]).__name__


def floor_of(model: Any) -> float:
    """The floor that a model, or the estimator in it, certifies on its information in nats; nan without one."""
    return float(getattr(last_step(model, None)[0], "mutual_information_lower_bound_", np.nan))


def as_rows(X: Any, model: Any = None) -> Tensor:
    """Rows as a tensor, floating-point numbers in the type of the model's weights where it has some."""
    rows = X if isinstance(X, Tensor) else tensor_of(np.asarray(X))
    weight = next(model.parameters(), None) if isinstance(model, nn.Module) else None
    if weight is not None:
        return rows.to(weight.device, weight.dtype if rows.is_floating_point() else rows.dtype)
    return rows if isinstance(X, Tensor) or not rows.is_floating_point() else rows.to(torch.get_default_dtype())


def standard_normal(n_components: int, like: Tensor | None = None) -> Distribution:
    """N(0, I) on R^K, in the type and on the device of a tensor."""
    origin = (
        torch.zeros(n_components) if like is None else torch.zeros(n_components, dtype=like.dtype, device=like.device)
    )
    return Independent(Normal(origin, torch.ones_like(origin)), 1)


def linear_posterior(amplitudes: NDArray, noise_variance: float) -> tuple[NDArray, NDArray]:
    r"""Gains and standard deviations of the exact posterior of probabilistic PCA, each of shape ``(K,)``.

    .. math:: x = m + \sum_k s_k u_k z_k + \sigma \varepsilon, \qquad
        q(z_k \mid x) = N(g_k \, u_k \cdot (x - m), t_k^2), \qquad
        g_k = s_k / \lambda_k, \quad t_k^2 = \sigma^2 / \lambda_k, \quad \lambda_k = s_k^2 + \sigma^2

    with amplitudes :math:`s_k` of the loadings along orthonormal directions :math:`u_k`.
    """
    variances = amplitudes**2 + noise_variance
    return amplitudes / variances, np.sqrt(noise_variance / variances)


def linear_gaussian(mean: NDArray, directions: NDArray, amplitudes: NDArray, noise_variance: float, X: NDArray) -> View:
    """Probabilistic PCA with orthonormal directions ``(K, D)`` and amplitudes ``(K,)``, and its exact posterior."""
    mean, directions, amplitudes = (np.asarray(part, dtype=np.float64) for part in (mean, directions, amplitudes))
    gains, deviations = linear_posterior(amplitudes, noise_variance)
    projections, loadings = (
        torch.from_numpy(gains[:, None] * directions),
        torch.from_numpy(amplitudes[:, None] * directions),
    )
    centre, scales = torch.from_numpy(mean), torch.from_numpy(deviations)
    model = VariationalModel(
        encode=lambda x: Independent(Normal((x - centre) @ projections.T, scales.expand(len(x), -1)), 1),
        decode=lambda z: Independent(Normal(centre + z @ loadings, noise_variance**0.5), 1),
        prior=lambda: standard_normal(len(gains), centre),
    )
    return View(model, _rows_of(X, len(mean)))


def _rows_of(X: ArrayLike, n_features: int) -> Tensor:
    rows = check_array(X, dtype=np.float64)
    if rows.shape[1] != n_features:
        raise ValueError(f"X has {rows.shape[1]} features, but the model was fitted to {n_features} features.")
    return tensor_of(rows)


def _of_pca(pca: BaseEstimator, X: ArrayLike) -> View:
    check_is_fitted(pca)
    noise = _noise_variance(pca)
    if noise <= 0:
        raise ValueError(
            f"This {type(pca).__name__} keeps all variance and has no noise, so its posteriors are points; "
            "fit it with a smaller n_components."
        )
    amplitudes = np.sqrt(np.maximum(pca.explained_variance_ - noise, 0))
    return linear_gaussian(pca.mean_, pca.components_, amplitudes, noise, X)


def _noise_variance(pca: BaseEstimator) -> float:
    """Mean variance of the directions left out; `noise_variance_` of an incremental fit is that of its last batch."""
    if isinstance(pca, PCA):
        return float(pca.noise_variance_)
    left_out, n_rows = len(pca.mean_) - pca.n_components_, pca.n_samples_seen_
    rest = pca.var_.sum() * n_rows / (n_rows - 1) - pca.explained_variance_.sum()
    return max(0.0, float(rest)) / left_out if left_out else 0.0


def _of_factor_analysis(model: BaseEstimator, X: ArrayLike) -> View:
    check_is_fitted(model)
    centre, loadings, noise = map(torch.from_numpy, (model.mean_, model.components_, model.noise_variance_))
    precision = torch.eye(len(loadings), dtype=loadings.dtype) + loadings / noise @ loadings.T
    covariance = torch.linalg.inv(precision)
    projection = (loadings / noise).T @ covariance
    return View(
        VariationalModel(
            encode=lambda x: MultivariateNormal((x - centre) @ projection, covariance),
            decode=lambda z: Independent(Normal(centre + z @ loadings, noise.sqrt()), 1),
            prior=lambda: MultivariateNormal(torch.zeros_like(precision[0]), torch.eye(len(loadings)).to(precision)),
        ),
        _rows_of(X, len(centre)),
    )
