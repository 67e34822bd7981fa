"""Gaussian mixtures of scikit-learn that stop where they are told, without a warning."""

from functools import cache
from typing import Any

import sklearn

__all__ = ["stopping_mixture"]


def stopping_mixture(n_clusters: int, **parameters: Any) -> Any:
    """A `sklearn.mixture.GaussianMixture` that gives no warning when it stops before it converges.

    Filters of warnings belong to all threads, so they are not for a part of a fit to change.
    """
    return _stopping_mixture()(n_clusters, **parameters)


@cache
def _stopping_mixture() -> type:
    """Made when it is first used, as scikit-learn loads its mixtures then."""

    class StoppingMixture(sklearn.mixture.GaussianMixture):
        converged_ = property(lambda self: True, lambda self, converged: None)

    return StoppingMixture
