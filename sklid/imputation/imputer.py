r"""An imputer that fills gaps by the better of two models of a table, a nonlinear and a linear one.

.. math:: \hat x_j = E[x_j \mid x_O]

Which one is better is found on values that were seen: some of them are hidden, in the way in which values are missing,
both models are fitted to the rest, and the one that fills what was hidden with the least error is fitted again to all.
The same values tell how much of a column is noise to the linear model, and how wide draws must be.
"""

import math
from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, clone
from sklearn.utils.validation import check_is_fitted, validate_data

from ..data.chosen_columns import title_of
from ..data.column_reader import index_of
from ..data.column_writer import Container, numbers_in
from ..data.plain_values import with_plain_values
from ..data.scale import fitted_scaler
from ..data.validated_rows import refuse_columns
from ..estimators.declaration import parameter, with_parameters
from ..estimators.lidvae import LIDVAE
from ..exceptions import CollapseWarning, silenced
from ..randomness import seed_of
from ..validation import POSITIVE_INTEGER, Interval, StrOptions, checked_size, fit_context, output_container
from .calibration import spread_of_draws
from .hiding import hidden_values
from .linear import best_linear

__all__ = ["LIDVAEImputer"]

BATCH_SIZE, N_STEPS = 64, 1_500
LEAST_EPOCHS, MOST_EPOCHS = 30, 300
INVERSE_LIPSCHITZ = 0.3
"""A table of few columns has little room beside the plane of the latents, so a small constant costs less."""
N_DRAWS = 200
"""Of a posterior, which the mean of a gap is taken over: twice the default, from which it errs more."""


TABLES_OF_TEXT = 'this imputer fills tables of numbers. LIDVAE(likelihood="auto") fills all kinds: use its impute'


@with_parameters
class LIDVAEImputer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Gaps of a table of numbers filled by `LIDVAE` or by probabilistic PCA, whichever fills this table better.

    It stands where `sklearn.impute.IterativeImputer` or `KNNImputer` stands. Columns are standardised inside. Values
    are taken to be missing for reasons that do not depend on them, given what was seen of their rows.

    Attributes
    ----------
    estimator_ : LIDVAE or IdentifiablePPCA
        The model that fills gaps, of standardised columns.
    errors_ : dict of str to float
        Of each model that was tried, the root mean square error at hidden values, in standard deviations of the
        columns. Empty for ``model="lidvae"``, unless `sample_posterior`.
    spread_ : float
        What the draws of the model are widened by about their mean, so that intervals of 90 % hold 90 % of the hidden
        values; 1 where `model` names one and `sample_posterior` is False.
    scaler_ : StandardScaler
        Mean and scale of the columns, of what was seen of them.
    n_features_in_ : int
    feature_names_in_ : array of str, when X has string column names

    See Also
    --------
    sklid.LIDVAE : Whose `impute` fills gaps of tables with categories and counts, too.

    References
    ----------
    Mattei & Frellsen, "MIWAE: Deep Generative Modelling and Imputation of Incomplete Data Sets", ICML 2019.
    Lei, G'Sell, Rinaldo, Tibshirani & Wasserman, "Distribution-Free Predictive Inference for Regression", JASA 2018,
    for the width of draws.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklid import LIDVAEImputer
    >>> X = load_iris().data.copy()
    >>> X[::3, 1] = np.nan
    >>> filled = LIDVAEImputer(model="linear", random_state=0).fit_transform(X)
    >>> bool(np.isnan(filled).any()), bool((filled[:, 0] == X[:, 0]).all())
    (False, True)
    """

    model: str = parameter(
        default="best",
        kind='{"best", "lidvae", "linear"}',
        text='"best" tries both models on values that are hidden for it. "lidvae" is a `LIDVAE`, "linear" an '
        "`IdentifiablePPCA`.",
        constraint=[StrOptions({"best", "lidvae", "linear"})],
        kw_only=False,
    )
    n_components: int = parameter(
        default=8,
        kind="int",
        text="Latents of the LIDVAE, at most as many as columns. The linear model has as many as exceed the noise with "
        "which it fills hidden values best.",
        constraint=POSITIVE_INTEGER,
    )
    validation_fraction: float = parameter(
        default=0.1,
        kind="float",
        text="Share of the values that were seen which are hidden to find the better model and the width of its draws.",
        constraint=[Interval(Real, 0, 1, closed="neither")],
    )
    sample_posterior: bool = parameter(
        default=False,
        kind="bool",
        text="Whether gaps are filled by draws given what was seen, in place of means, and the width of draws is found "
        "even where `model` names one.",
        constraint=["boolean"],
    )
    random_state: int | np.random.RandomState | None = parameter(
        default=None, kind="int, RandomState instance or None", text="Seed of all draws.", constraint=["random_state"]
    )

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Choose and fit the model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Numbers, with nan for gaps.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X is no table of finite numbers and gaps of two rows or more, a column has no value, or its variance is
            beyond double precision.
        """
        X = self._validated(X, reset=True)
        names = list(self.feature_names_in_) if hasattr(self, "feature_names_in_") else None
        titles = [title_of(names, column) for column in range(X.shape[1])]
        empty = np.isnan(X).all(axis=0)
        if empty.any():
            raise ValueError(
                f"All values of column {titles[int(np.argmax(empty))]} are missing (nan), so there is nothing to fill "
                "it by. Leave it out."
            )
        self._seed = seed_of(self.random_state)
        scaler, _ = fitted_scaler(X, "column", titles)
        rows = scaler.transform(X)
        with silenced(CollapseWarning):  # models are chosen by what they fill, latents in use or not
            model, errors, spread = self._chosen(rows)
            estimator = model.fit(rows)
        self.scaler_, self.errors_, self.spread_, self.estimator_ = scaler, errors, spread, estimator
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float64]:
        """The table with its gaps filled; what was seen is as it came.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        X : float64 array of shape (n_samples, n_features)
        """
        if self.sample_posterior:
            return self._drawn(X, 1)[0]
        check_is_fitted(self, "estimator_")
        X = self._validated(X, reset=False)
        filled = self.estimator_.impute(self.scaler_.transform(X))
        return np.where(np.isnan(X), self.scaler_.inverse_transform(filled), X)

    def sample_posterior_predictive(self, X: ArrayLike, n_samples: int = 1) -> Any:
        """Draws of the table with its gaps filled, for multiple imputation; what was seen is as it came in each.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
        n_samples : int, default=1
            Number of draws.

        Returns
        -------
        tables : float64 array of shape (n_samples, n_rows, n_features), or list of frames
            What `set_output` wants.
        """
        tables, container = self._drawn(X, n_samples), output_container(self)
        if container == "default":
            return tables
        names, index, came = self.get_feature_names_out(), index_of(X), Container("array")
        return [numbers_in(container, table, names, came, index, rounded=False) for table in tables]

    def _drawn(self, X: ArrayLike, n_samples: int) -> NDArray[np.float64]:
        check_is_fitted(self, "estimator_")
        X, n_samples = self._validated(X, reset=False), checked_size(n_samples, "n_samples", "draws")
        rows = self.scaler_.transform(X)
        means = self.estimator_.impute(rows)
        drawn = means + self.spread_ * (self.estimator_.sample_posterior_predictive(rows, n_samples) - means)
        return np.where(np.isnan(X), drawn * self.scaler_.scale_ + self.scaler_.mean_, X)

    def _chosen(self, rows: NDArray[np.float64]) -> tuple[Any, dict[str, float], float]:
        """The model with the least error at values hidden from it, unfitted; the errors; and its spread of draws."""
        if self.model == "lidvae" and not self.sample_posterior:
            return self._lidvae(rows), {}, 1.0
        hidden = hidden_values(~np.isnan(rows), self.validation_fraction, np.random.default_rng(self._seed))
        if not hidden.any():
            raise ValueError(
                "No column of X has more than one value, so none can be hidden to choose a model. Pass more rows, or "
                'model="lidvae".'
            )
        known = np.where(hidden, np.nan, rows)

        def error(model: Any) -> float:
            return float(np.sqrt(np.square(model.impute(known) - rows)[hidden].mean()))

        models: dict[str, Any] = {}
        errors: dict[str, float] = {}
        if self.model != "linear":
            models["lidvae"] = self._lidvae(rows).fit(known)
            errors["lidvae"] = error(models["lidvae"])
        if self.model != "lidvae":
            models["linear"], errors["linear"] = best_linear(known, error, self._seed)
        best = models[min(errors, key=errors.__getitem__)]
        is_asked = self.model == "best" or self.sample_posterior
        return clone(best), errors, spread_of_draws(best, known, rows) if is_asked else 1.0

    def _lidvae(self, rows: NDArray[np.float64]) -> LIDVAE:
        """An unfitted model of standardised rows."""
        epochs = math.ceil(N_STEPS * BATCH_SIZE / len(rows))
        return LIDVAE(
            min(self.n_components, rows.shape[1]),
            noise="feature",
            inverse_lipschitz=INVERSE_LIPSCHITZ,
            n_importance_samples=N_DRAWS,
            batch_size=BATCH_SIZE,
            max_epochs=min(max(epochs, LEAST_EPOCHS), MOST_EPOCHS),
            random_state=self._seed,
        )

    def _validated(self, X: ArrayLike, reset: bool) -> NDArray[np.float64]:
        checks = {"dtype": np.float64, "ensure_all_finite": "allow-nan", "ensure_min_samples": 2 if reset else 1}
        try:
            return validate_data(self, with_plain_values(X), reset=reset, **checks)
        except (ValueError, TypeError) as error:
            refuse_columns(X, error, TABLES_OF_TEXT)
            raise

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
