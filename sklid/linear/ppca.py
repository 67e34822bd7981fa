r"""IdentifiablePPCA: principal component analysis that knows which of its components are identified.

.. math:: z \sim N(0, I_K), \qquad x \mid z \sim N(m + W z, \sigma^2 I_D), \qquad
    W = U \operatorname{diag}(s_1 \ge \dots \ge s_K)

(Tipping & Bishop, "Probabilistic Principal Component Analysis", 1999; Wang, Blei & Cunningham, NeurIPS 2021, section
4.2.) The posterior of component k is its prior exactly when its loading :math:`s_k` is zero: collapse is no fault of
neural networks or of approximate inference. Here inference is exact, and so are divergence and information,
:math:`I(z_k; x) = \tfrac12 \log(1 + s_k^2 / \sigma^2)`.
"""

import math
import warnings
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import assert_all_finite, check_random_state
from sklearn.utils.validation import validate_data

from ..exceptions import CollapseWarning
from ..surroundings import ordinary_settings
from ..validation import NON_NEGATIVE, POSITIVE_INTEGER, POSITIVE_REAL, StrOptions, check_sample_weight, fit_context
from .answers import LinearInferenceMixin
from .attributes import LinearAttributesMixin
from .covariance import WeightedRows
from .incremental import Batches
from .maximum_likelihood import Solution, of_moments, of_rows
from .solver import Problem
from .spectrum import noise_limit

__all__ = ["IdentifiablePPCA"]


class IdentifiablePPCA(LinearInferenceMixin, LinearAttributesMixin, BaseEstimator):
    r"""Probabilistic PCA with identified components: which of them the data hold, and which are noise.

    .. math:: z \sim N(0, I_K), \qquad x \mid z \sim N(m + W z, \sigma^2 I_D), \qquad
        W = U \operatorname{diag}(s_1 \ge \dots \ge s_K)

    Components are ordered and orthogonal, and each has the sign that skews its scores to the right, so that a fit on
    permuted rows or in rotated coordinates gives the same scores.

    Parameters
    ----------
    n_components : int or "identifiable", default="identifiable"
        Number K of components, at most the number of features and less than the number of rows. "identifiable" keeps
        those that stand out from the noise, and one where none does.
    solver : {"auto", "eig", "em", "gradient"}, default="auto"
        "eig" is the closed form of Tipping & Bishop. "em" is expectation-maximisation, which takes missing values,
        given as NaN. "gradient" is the linear latent-identifiable model, trained by L-BFGS in a skorch net. "auto"
        takes "em" for rows with NaN and "eig" for others. All three find the same model.
    noise_variance : float, default=None
        Known variance of the noise, in squared units of the data; None learns it.
    tol : float, default=1e-10
        "em" stops when all steps to come promise less, "gradient" when twenty steps gain less, in nats per row.
    max_iter : int, default=1000
        Cap on the steps of "em" and "gradient".
    random_state : int, RandomState instance or None, default=None
        Of the initial values of "em" and "gradient", of a randomised decomposition, and of `sample`.

    Attributes
    ----------
    components_ : array of shape (n_components_, n_features_in_)
        Orthonormal directions, the rows of U'.
    loadings_ : array of shape (n_features_in_, n_components_)
        W, in units of the data.
    noise_variance_ : float
        With N - 1 degrees of freedom, as all variances here.
    mean_ : array of shape (n_features_in_,)
    explained_variance_ : array of shape (n_components_,)
        Variance of the data along each component.
    total_variance_ : float
        Variance of the data, summed over the features.
    explained_variance_ratio_ : array of shape (n_components_,)
    n_components_ : int
    n_identifiable_ : int
        Components of the data that stand out from the noise, 0 on white noise; with known noise those of a variance
        above it, with unknown noise those above the Marchenko-Pastur edge of the others. Where rows and features are
        both more than 2000, counted among `n_components`.
    collapsed_components_ : array of int
        Those of the components kept that do not.
    mutual_information_ : array of shape (n_components_,)
        Exact I(z_k; x) in nats.
    kl_ : array of shape (n_components_,)
        Exact KL(p(z_k | x) || p(z_k)) in nats, mean over the rows of `fit`.
    inverse_lipschitz_, mutual_information_lower_bound_ : float
        Least singular value r of W in noise standard deviations, and the floor (K/2) log(1 + r^2) nats that it gives.
    model_ : LinearGaussian
    n_samples_ : float
        Total weight of the rows.
    n_iter_ : int
        Steps of "em", training epochs of "gradient", else 1.
    net_ : BoundNet
        The skorch net of "gradient".
    n_features_in_ : int
    feature_names_in_ : array of str, when X has string column names

    Notes
    -----
    The noise is the mean of the D - K variances left over. `sklearn.decomposition.PCA` divides by min(N, D) - K
    instead, which is no maximum of the likelihood where N < D; otherwise both give the same score. As many components
    as features leave the noise to the last of them, which then has loading zero. Rows without any noise left have no
    maximum of the likelihood; the noise is then 1e-12 of the largest variance.

    References
    ----------
    Tipping & Bishop, "Probabilistic Principal Component Analysis", JRSS B 1999, equations 7, 8 and 12. Wang, Blei &
    Cunningham, NeurIPS 2021, theorem 1 and section 4.2. Kritchman & Nadler, "Determining the number of components in a
    factor model from limited noisy data", 2008.

    Examples
    --------
    >>> import numpy as np
    >>> from sklid import IdentifiablePPCA
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((500, 2)) @ [[3, 1, 0, 0, 2], [0, 2, 1, -1, 0]] + rng.standard_normal((500, 5))
    >>> model = IdentifiablePPCA().fit(X)
    >>> model.n_identifiable_, model.transform(X).shape
    (2, (500, 2))
    >>> model.mutual_information_.round(1).tolist()
    [1.4, 0.9]
    >>> X[0, 1] = np.nan
    >>> bool(np.isfinite(model.fit(X).predict(X)).all())
    True
    """

    _parameter_constraints: dict = {
        "n_components": [StrOptions({"identifiable"}), *POSITIVE_INTEGER],
        "solver": [StrOptions({"auto", "eig", "em", "gradient"})],
        "noise_variance": [None, *POSITIVE_REAL],
        "tol": NON_NEGATIVE,
        "max_iter": POSITIVE_INTEGER,
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components: int | str = "identifiable",
        *,
        solver: str = "auto",
        noise_variance: float | None = None,
        tol: float = 1e-10,
        max_iter: int = 1000,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_components = n_components
        self.solver = solver
        self.noise_variance = noise_variance
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the model at the maximum of its likelihood.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            At least two rows; with solver "auto" or "em" NaN stands for a missing value, taken to be missing at random.
        y : ignored
        sample_weight : array-like of shape (n_samples,), optional
            Repetitions of each row: a weight of 2 is that row twice, a weight of 0 no such row.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If rows and features allow fewer components, a column holds no value, or weights sum to 1 or less.

        Warns
        -----
        CollapseWarning
            If a component kept is noise.
        ConvergenceWarning
            If `max_iter` steps were not enough.
        """
        with ordinary_settings():
            rows = self._checked(X, sample_weight, reset=True)
            self._check_size(rows.total)
            self._batches = None
            return self._accept(of_rows(rows, self._problem()))

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None) -> Self:
        """Fit on these rows and those of all earlier calls: the model is that of `fit` on all of them.

        Mean and covariance of the rows are kept. Memory is that of n_features^2 numbers, however many the rows. The
        sign of each component is that which skews the scores of all batches to the right, each along the direction of
        its time.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Complete rows, at least two in the first call.
        y : ignored
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self

        Raises
        ------
        ValueError
            As `fit`, and if values are missing.
        """
        with ordinary_settings():
            earlier = getattr(self, "_batches", None)
            rows = self._checked(X, sample_weight, reset=earlier is None, complete=True)
            moments = rows.moments()
            moments = moments if earlier is None else earlier.moments.merged(moments)
            self._check_size(moments.weight)
            solution = of_moments(moments, self._problem())
            third_moments = rows.third_moments(solution.model.standardising, solution.model.mean)
            self._batches = Batches(moments, solution.model, third_moments).after(earlier)
            return self._accept(solution._replace(model=self._batches.model))

    def _checked(
        self, X: ArrayLike, sample_weight: ArrayLike | None, reset: bool, complete: bool = False
    ) -> WeightedRows:
        """Rows that count: those of weight zero, or without any value, are left out."""
        dtypes = [np.float64, np.float32]
        X = validate_data(
            self, X, reset=reset, dtype=dtypes, ensure_all_finite=False, ensure_min_samples=2 if reset else 1
        )
        weights = None
        if sample_weight is not None:
            weights = check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        rows = WeightedRows.of(X, weights)
        if rows.complete and (weights is None or weights.all()):
            return rows  # where the mean is finite all values are: one pass less
        assert_all_finite(
            X, allow_nan=self._takes_gaps() and not complete, estimator_name=type(self).__name__, input_name="X"
        )
        counts = ~np.isnan(X).all(axis=1) if weights is None else ~np.isnan(X).all(axis=1) & (weights > 0)
        if not counts.any():
            raise ValueError(
                "No row holds a value and has a positive weight, so there is nothing to fit; pass rows that do."
            )
        rows = WeightedRows.of(X[counts], None if weights is None else weights[counts])
        self._check_columns(rows.X)
        return rows

    def _check_size(self, weight: float) -> None:
        """Rows of this total weight allow the fit."""
        if not weight > 1:
            raise ValueError(
                f"The rows that hold a value have a total weight of {weight:g}; "
                "sample_weight counts repetitions, and they must be more than one row."
            )
        n_features, most = self.n_features_in_, min(self.n_features_in_, math.ceil(weight) - 1)
        if self.n_components != "identifiable" and self.n_components > most:
            raise ValueError(
                f"n_components={self.n_components} is more than {n_features} features and {weight:g} rows allow: "
                f"centred, they span at most {most} directions. Lower n_components, or pass more rows."
            )

    def _problem(self) -> Problem:
        """What is to be fitted."""
        n_components = None if self.n_components == "identifiable" else self.n_components
        solver = "eig" if self.solver == "auto" else self.solver
        return Problem(
            n_components, solver, self.noise_variance, self.tol, self.max_iter, check_random_state(self.random_state)
        )

    def _check_columns(self, X: NDArray) -> None:
        empty = np.flatnonzero(np.isnan(X).all(axis=0))
        if len(empty):
            names = getattr(self, "feature_names_in_", None)
            title = f"Column {empty[0]}" if names is None else f"Column {empty[0]} ({names[empty[0]]!r})"
            raise ValueError(
                f"{title} holds no value in any row that counts, so nothing can be learned of it; leave it out."
            )

    def _accept(self, solution: Solution) -> Self:
        """The solution as fitted attributes, and warnings where steps were too few or components are noise."""
        fit, spectrum = solution.fit, solution.spectrum
        self.model_, self.kl_, self.net_, self.n_iter_ = solution.model, solution.kl, fit.net, fit.n_iter
        self.n_identifiable_, self.n_samples_ = solution.n_identifiable, spectrum.weight
        self.explained_variance_, self.total_variance_ = spectrum.variances[: self.n_components_], spectrum.total
        if not fit.converged:
            warnings.warn(self._unfinished(), ConvergenceWarning, stacklevel=4)
        if len(self.collapsed_components_):
            limit = noise_limit(spectrum, self.n_identifiable_, self.noise_variance)
            warnings.warn(self._collapsed(limit), CollapseWarning, stacklevel=4)
        return self

    def _unfinished(self) -> str:
        name = "The gradient solver" if self.solver == "gradient" else "Expectation-maximisation"
        return (
            f"{name} has not converged in {self.max_iter} steps; raise max_iter, "
            f'or tol (now {self.tol:g} nats per row). Rows without gaps have a closed form, solver="eig".'
        )
