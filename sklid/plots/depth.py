"""A metric against the depth of the decoder, or another parameter, for several models.

(Wang, Blei & Cunningham 2021, figures 1c and 1d.)
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .style import COLOURS, MARKERS, AxesDisplay

__all__ = ["DepthCurveDisplay"]


@dataclass(eq=False, repr=False)
class DepthCurveDisplay(AxesDisplay):
    """Mean and standard deviation of a metric over repetitions, against a parameter.

    Parameters
    ----------
    values : dict of names to dicts of floats to arrays
        For each model, the parameter's values and the metric's at each, over seeds or folds.
    metric, parameter : str
        What the axes are called.

    Examples
    --------
    >>> from sklid.plots import DepthCurveDisplay
    >>> display = DepthCurveDisplay.from_predictions({"VAE": {1: [0.8, 0.9], 4: [0.4, 0.5]}}, metric="active units")
    >>> display.values["VAE"][4].tolist()
    [0.4, 0.5]
    """

    values: dict[str, dict[float, NDArray]]
    metric: str
    parameter: str = "hidden layers of the decoder"

    @classmethod
    def from_estimator(
        cls, search: Any, metric: str = "score", parameter: str = "decoder_depth", name: str | None = None
    ) -> Self:
        """The results of a fitted `GridSearchCV` over the parameter.

        Parameters
        ----------
        search : fitted GridSearchCV
        metric : str, default="score"
            Name of one of its scorers.
        parameter : str, default="decoder_depth"
            Of the grid; in a pipeline with or without its prefix. With other parameters in the grid, the best mean at
            each value counts.
        name : str, optional
            Of the model.
        """
        return cls.from_estimators({name or type(search.estimator).__name__: search}, metric, parameter)

    @classmethod
    def from_estimators(cls, searches: dict[str, Any], metric: str = "score", parameter: str = "decoder_depth") -> Self:
        """The results of several fitted `GridSearchCV`, by name.

        Raises
        ------
        ValueError
            If a search has no such metric or parameter.
        """
        return cls(
            {name: _of_search(search.cv_results_, metric, parameter) for name, search in searches.items()},
            metric,
            parameter,
        )

    @classmethod
    def from_predictions(
        cls, values: dict[str, dict[float, Any]], metric: str, parameter: str = "hidden layers of the decoder"
    ) -> Self:
        """From values measured elsewhere: names to parameter values to lists over seeds."""
        return cls(
            {name: {at: np.asarray(found, dtype=float) for at, found in own.items()} for name, own in values.items()},
            metric,
            parameter,
        )

    def plot(self, ax: Any = None) -> Self:
        """Draw a line with error bars per model, side by side so that the bars do not hide each other."""
        ax = self._take_axes(ax, (5.5, 4.5))
        places = sorted({at for own in self.values.values() for at in own})
        for number, (name, own) in enumerate(self.values.items()):
            shift = 0.06 * (number - (len(self.values) - 1) / 2)
            x = [places.index(at) + shift for at in sorted(own)]
            means, deviations = ([float(measure(own[at])) for at in sorted(own)] for measure in (np.mean, np.std))
            style = {"color": COLOURS[number % len(COLOURS)], "marker": MARKERS[number % len(MARKERS)], "capsize": 3}
            ax.errorbar(x, means, yerr=deviations, label=name, **style)
        ax.set_xticks(range(len(places)), [f"{place:g}" for place in places])
        ax.set(xlabel=self.parameter, ylabel=self.metric)
        ax.legend(frameon=False)
        return self


def _of_search(results: dict[str, Any], metric: str, parameter: str) -> dict[float, NDArray]:
    names = [
        name
        for name in results
        if name.startswith("param_") and name.removeprefix("param_").split("__")[-1] == parameter.split("__")[-1]
    ]
    if not names or f"mean_test_{metric}" not in results:
        metrics = sorted(name.removeprefix("mean_test_") for name in results if name.startswith("mean_test_"))
        raise ValueError(
            f"The search has no metric {metric!r} (it has {metrics}) or no parameter {parameter!r} in its grid."
        )
    splits = np.array(
        [results[name] for name in results if name.startswith("split") and name.endswith(f"_test_{metric}")]
    )
    found: dict[float, NDArray] = {}
    for number in np.argsort(results[f"mean_test_{metric}"], kind="stable"):
        found[float(results[names[0]][number])] = splits[:, number]
    return found
