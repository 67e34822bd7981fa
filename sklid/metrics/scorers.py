"""Metrics of collapse as scorers for model selection; bigger is better for each.

They are callables ``(estimator, X, y=None)`` that look through a `Pipeline`, and not `sklearn.metrics.make_scorer`,
which compares predictions with known targets: here the model itself is measured.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..exceptions import CappedEstimateWarning, silenced
from .information import aggregate_posterior_kl, mutual_information
from .labels import cluster_mutual_information, clustering_accuracy
from .likelihood import amortization_gap, log_likelihood
from .units import active_units, informative_units

__all__ = ["COLLAPSE_SCORERS", "LABEL_SCORERS", "make_collapse_scorer"]


class CollapseScorer:
    """A metric ``(estimator, X, **parameters)`` as a scorer; made by `make_collapse_scorer`."""

    def __init__(self, metric: Callable, sign: int, parameters: dict[str, Any]) -> None:
        self.metric = metric
        self.sign = sign
        self.parameters = parameters
        self.__name__ = f"{'neg_' if sign < 0 else ''}{metric.__name__}"

    def __call__(self, estimator: Any, X: Any, y: Any = None) -> float:
        """The headline number of the metric: its first field, or the number itself."""
        with silenced(CappedEstimateWarning):
            measured = self.metric(estimator, X, **self.parameters)
        return self.sign * float(measured[0] if isinstance(measured, tuple) else measured)

    def __repr__(self) -> str:
        given = "".join(f", {name}={value!r}" for name, value in self.parameters.items())
        return f"make_collapse_scorer({self.metric.__name__}, greater_is_better={self.sign > 0}{given})"


def make_collapse_scorer(metric: Callable, *, greater_is_better: bool = True, **parameters: Any) -> CollapseScorer:
    """A scorer from a metric of a model on rows.

    Parameters
    ----------
    metric : callable
        ``metric(estimator, X, **parameters)`` that gives a number, or a tuple whose first field is one, as the metrics
        of `sklid.metrics` do.
    greater_is_better : bool, default=True
        False for a cost or a gap: the scorer then gives its negative, and its name begins with ``neg_``.
    **parameters
        Given to the metric at each call.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y=None)``, for ``scoring=`` in `GridSearchCV` and `cross_val_score`.

    Raises
    ------
    TypeError
        If the metric cannot be called.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> from sklid.metrics import active_units, make_collapse_scorer
    >>> scorer = make_collapse_scorer(active_units, threshold=0.5)
    >>> X = load_iris().data
    >>> scorer(PCA(2).fit(X), X)
    1.0
    """
    if not callable(metric):
        raise TypeError(
            f"A metric is a function of an estimator and rows, such as sklid.metrics.active_units; got {metric!r}."
        )
    return CollapseScorer(metric, 1 if greater_is_better else -1, parameters)


def _accuracy(estimator: Any, X: Any, y: Any = None) -> float:
    """`clustering_accuracy` of the labels that an estimator predicts; nan without classes."""
    return np.nan if y is None else clustering_accuracy(y, estimator.predict(X))


COLLAPSE_SCORERS = {
    "log_likelihood": make_collapse_scorer(log_likelihood),
    "mutual_information": make_collapse_scorer(mutual_information),
    "active_units": make_collapse_scorer(active_units),
    "informative_units": make_collapse_scorer(informative_units),
    "neg_aggregate_posterior_kl": make_collapse_scorer(aggregate_posterior_kl, greater_is_better=False),
    "neg_amortization_gap": make_collapse_scorer(amortization_gap, greater_is_better=False),
}
"""Scorers of any model with a continuous latent.

For ``GridSearchCV(scoring=COLLAPSE_SCORERS, refit="log_likelihood")``. Active and informative units are shares of the
latents.
"""

LABEL_SCORERS = {
    "cluster_mutual_information": make_collapse_scorer(cluster_mutual_information),
    "clustering_accuracy": _accuracy,
}
"""Scorers of clustering estimators, to add to these; the accuracy needs the classes as y."""
