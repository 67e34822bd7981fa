r"""IdentifiablePPCA: principal component analysis that knows which of its components are identified.

.. math:: z \sim N(0, I_K), \qquad x \mid z \sim N(m + W z, \sigma^2 I_D), \qquad
    W = U \operatorname{diag}(s_1 \ge \dots \ge s_K)

(Tipping & Bishop, "Probabilistic Principal Component Analysis", 1999; Wang, Blei & Cunningham, NeurIPS 2021, section
4.2.) The posterior of component k is its prior exactly when its loading :math:`s_k` is zero: collapse is no fault of
neural networks or of approximate inference. Here inference is exact, and so are divergence and information,
:math:`I(z_k; x) = \tfrac12 \log(1 + s_k^2 / \sigma^2)`.
"""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from ..surroundings import ordinary_settings
from ..validation import (
    NON_NEGATIVE,
    POSITIVE_INTEGER,
    POSITIVE_REAL,
    Interval,
    RealNotInt,
    StrOptions,
    fit_context,
    restored_on_error,
)
from .answers import LinearInferenceMixin
from .attributes import LinearAttributesMixin
from .covariance import LARGEST_MATRIX, WeightedRows
from .incremental import Batches
from .maximum_likelihood import Solution, moments_of, of_moments, of_rows, third_moments_of
from .rows import check_columns, checked_rows
from .solver import Problem
from .verdict import Verdict, warn_of_scales, warn_unfinished

__all__ = ["IdentifiablePPCA"]


class IdentifiablePPCA(LinearInferenceMixin, LinearAttributesMixin, BaseEstimator):
    r"""Probabilistic PCA with identified components: which of them the data hold, and which are noise.

    .. math:: z \sim N(0, I_K), \qquad x \mid z \sim N(m + W z, \sigma^2 I_D), \qquad
        W = U \operatorname{diag}(s_1 \ge \dots \ge s_K)

    Components are ordered and orthogonal, and each has the sign that skews its scores to the right, so that a fit on
    permuted rows or in rotated coordinates gives the same scores.

    Parameters
    ----------
    n_components : int, float, None or "identifiable", default="identifiable"
        Number K of components, at most the number of features and less than the number of rows; None is the most of
        these. A number between 0 and 1 keeps as many as explain more than this share of the variance. "identifiable"
        keeps those that stand out from the noise, and one where none does; "parallel" those that stand out from columns
        each permuted by itself, whatever the noise of each (Horn 1965), of complete rows.
    noise : {"global", "feature"}, default="global"
        Whether all columns have noise of one variance, as in probabilistic PCA, or each its own, as in factor analysis,
        whose fit does not depend on the units of columns. "feature" needs complete rows and solver "auto" or "em".
    solver : {"auto", "eig", "em", "gradient"}, default="auto"
        "eig" is the closed form of Tipping & Bishop. "em" is expectation-maximisation, which takes missing values,
        given as NaN. "gradient" is the linear latent-identifiable model, trained by L-BFGS in a skorch net. "auto"
        takes "em" for rows with NaN and "eig" for others. All three find the same model. With `noise` "feature" the
        noise is found by L-BFGS.
    noise_variance : float, default=None
        Known variance of the noise, in squared units of the data; None learns it.
    tol : float, default=1e-10
        "em" stops when all steps to come promise less, "gradient" when twenty steps gain less, in nats per row; the fit
        of `noise` "feature" when a step does.
    max_iter : int, default=1000
        Cap on the steps of all three.
    random_state : int, RandomState instance or None, default=None
        Of the initial values of "em" and "gradient", a randomised decomposition, permutations, and `sample`.

    Attributes
    ----------
    components_ : array of shape (n_components_, n_features_in_)
        Orthonormal directions, the rows of U'; with `noise` "feature" loadings of unit length.
    loadings_ : array of shape (n_features_in_, n_components_)
        W, in units of the data.
    noise_variance_ : float, or array of shape (n_features_in_,) with `noise` "feature"
        With N - 1 degrees of freedom, as all variances here.
    mean_ : array of shape (n_features_in_,)
    explained_variance_ : array of shape (n_components_,)
        Variance of the data along each component; with `noise` "feature" what it adds to the variances of columns.
    total_variance_ : float
        Variance of the data, summed over the features.
    explained_variance_ratio_ : array of shape (n_components_,)
    singular_values_ : array of shape (n_components_,)
        Of the centred rows, in units of the data.
    n_components_ : int
    n_identifiable_ : int
        Components of the data that stand out from the noise, 0 on white noise; with known noise those of a variance
        above it, with unknown noise those that noise of one variance exceeds in one table of 200, or of 40 beside other
        components. Where rows and features are both more than 2000, counted among `n_components`.
    isotropy_pvalue_, noise_kurtosis_ : float
        Of what these leave over, if it is normal noise of one variance: a p-value, and the excess kurtosis, which is 0.
        Both are nan where they are not known: after gaps, with `noise` "feature", the kurtosis after `partial_fit`.
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
    converged_ : bool
        Whether the steps of "em" or "gradient" were enough.
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
    maximum of the likelihood; every solver then gives the closed form with a noise of 1e-12 of the largest variance.

    Features that others determine exactly, a constant, a copy, a sum, or the last of shares that sum to one, are left
    out before components are told from noise, since they hold no noise of their own. So are all directions that the
    rows do not span: rows of r dimensions without noise have at most r - 1 components that stand out. Where there are
    fewer rows than features only constants can be recognised; where there are gaps, those that at least two rows more
    than features tell in which all of these are observed.

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
        "n_components": [
            None,
            StrOptions({"identifiable", "parallel"}),
            *POSITIVE_INTEGER,
            Interval(RealNotInt, 0, 1, closed="neither"),
        ],
        "noise": [StrOptions({"global", "feature"})],
        "solver": [StrOptions({"auto", "eig", "em", "gradient"})],
        "noise_variance": [None, *POSITIVE_REAL],
        "tol": NON_NEGATIVE,
        "max_iter": POSITIVE_INTEGER,
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components: int | float | str | None = "identifiable",
        *,
        noise: str = "global",
        solver: str = "auto",
        noise_variance: float | None = None,
        tol: float = 1e-10,
        max_iter: int = 1000,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_components = n_components
        self.noise = noise
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
        NoiseWarning
            If columns with gaps differ so much in scale that rounding hides the noise. And if the noise is not what the
            number of components rests on. Those are then counted that exceed permuted columns, or normal ones of the
            same variances in tables of more than a million numbers.
        ConvergenceWarning
            If `max_iter` steps were not enough.
        """
        with restored_on_error(self, BaseException), ordinary_settings():
            rows = self._checked(X, sample_weight, reset=True)
            solution = of_rows(rows, Problem.of(self, rows.total))
            self._batches = None
            if solution.moments is not None:
                self._batches = Batches(solution.moments, solution.model, solution.third_moments)
            if not rows.complete:
                warn_of_scales(rows.X)
            return self._accept(solution, rows.total)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None) -> Self:
        """Fit on these rows and those of all earlier calls, of `fit` too: the model is that of `fit` on all of them.

        Mean and covariance of the rows are kept, by `fit` up to 2000 features. Memory is that of n_features^2 numbers,
        however many the rows. The sign of each component is that which skews the scores of all batches to the right,
        each along the direction of its time.

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
            As `fit`, if values are missing, and after a `fit` to rows with gaps or of more than 2000 features.
        """
        with restored_on_error(self, BaseException), ordinary_settings():
            earlier = self._earlier()
            rows = self._checked(X, sample_weight, reset=earlier is None, complete=True)
            moments = moments_of(rows) if earlier is None else earlier.moments.merged(moments_of(rows))
            solution = of_moments(moments, Problem.of(self, moments.weight))
            third_moments = third_moments_of(rows, solution.model)
            self._batches = Batches(moments, solution.model, third_moments).after(earlier)
            return self._accept(solution._replace(model=self._batches.model), moments.weight)

    def _earlier(self) -> Batches | None:
        """What is remembered of the rows so far, None before the first."""
        if not self.__sklearn_is_fitted__():
            return None
        if self._batches is None:
            raise ValueError(
                f"This model was fitted to rows with gaps or of more than {LARGEST_MATRIX} features, whose covariance "
                "is not kept, so no rows can be added to them. Fit all rows at once, or begin with partial_fit."
            )
        return self._batches

    def _checked(
        self, X: ArrayLike, sample_weight: ArrayLike | None, reset: bool, complete: bool = False
    ) -> WeightedRows:
        gaps = "fit takes it, partial_fit only complete rows." if complete else self._takers_of_gaps
        rows = checked_rows(self, X, sample_weight, reset=reset, gaps=gaps)
        self._dtype = rows.X.dtype
        if not rows.complete:
            check_columns(rows.X, getattr(self, "feature_names_in_", None))
        return rows

    def _accept(self, solution: Solution, total: float) -> Self:
        """The solution as fitted attributes, and warnings where steps were too few or components are noise."""
        fit, spectrum = solution.fit, solution.spectrum
        self.model_, self.kl_, self.net_, self.n_iter_ = solution.model, solution.kl, fit.net, fit.n_iter
        self.n_identifiable_, self.n_samples_ = solution.judgement.count, total
        self.isotropy_pvalue_, self.noise_kurtosis_ = solution.leftover.pvalue, solution.leftover.kurtosis
        self.converged_ = fit.to_come == 0
        self.explained_variance_, self.total_variance_ = spectrum.variances[: self.n_components_], spectrum.total
        if not self.converged_:
            warn_unfinished(self.solver, self.noise, self.max_iter, self.tol, fit.to_come)
        self._warn(Verdict.of(self, solution.judgement, solution.leftover, solution.recounted))
        return self

    def _warn(self, verdict: Verdict) -> None:
        """Warn of components that are noise, and of noise that is not what their number takes it to be."""
        verdict.warn()
