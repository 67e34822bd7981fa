"""What a solver of probabilistic PCA is asked, and what it answers."""

from typing import Any, NamedTuple, Self

import numpy as np
from sklearn.utils import check_random_state

from .factor_model import FactorModel
from .linear_gaussian import LinearGaussian
from .rows import check_size

__all__ = ["Fit", "Model", "Problem"]

Model = LinearGaussian | FactorModel


class Problem(NamedTuple):
    """What is asked for, and how to find it: a number of components, the share of variance that they exceed, or None.

    None are those that stand out, from noise or, with `permute`, from permuted columns. The noise has one variance, or
    with `by_feature` one for each column; the one variance may be known.
    """

    n_components: int | float | None
    solver: str
    noise_variance: float | None
    tol: float
    max_iter: int
    random_state: np.random.RandomState
    permute: bool = False
    by_feature: bool = False

    @classmethod
    def of(cls, estimator: Any, weight: float) -> Self:
        """What the parameters of an estimator ask of rows of this total weight."""
        by_feature, n_components = estimator.noise == "feature", estimator.n_components
        most = check_size(estimator.n_features_in_, weight, n_components, by_feature)
        if by_feature and (estimator.solver in ("eig", "gradient") or estimator.noise_variance is not None):
            raise ValueError(
                'noise="feature" learns the noise of each column by expectation-maximisation; got '
                f'solver="{estimator.solver}" and noise_variance={estimator.noise_variance}. Use solver="auto" and '
                "noise_variance=None; columns of known noise are divided by its standard deviations."
            )
        return cls(
            most if n_components is None else None if isinstance(n_components, str) else n_components,
            "eig" if estimator.solver == "auto" else estimator.solver,
            estimator.noise_variance,
            estimator.tol,
            estimator.max_iter,
            check_random_state(estimator.random_state),
            n_components == "parallel",
            by_feature,
        )

    def in_units_of(self, scale: float) -> Self:
        """For rows divided by a scale."""
        return (
            self if self.noise_variance is None else self._replace(noise_variance=self.noise_variance / scale / scale)
        )


class Fit(NamedTuple):
    """The model, with the sign of each direction open; steps, nats per row still to come, and the net if any."""

    model: Model
    n_iter: int = 1
    to_come: float = 0.0
    net: Any = None
