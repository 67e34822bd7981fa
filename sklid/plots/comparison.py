"""Several models side by side: which latents each of them uses."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator

from ..metrics import active_units, kl_divergence
from .clusters import ClusterDisplay
from .style import COLOURS, HATCHES, PanelsDisplay, hide_frame, panels, scatter

__all__ = ["ComparisonDisplay"]


@dataclass(eq=False, repr=False)
class ComparisonDisplay(PanelsDisplay):
    """Which latents several models use: the divergence of every latent, and the two most used ones over the data.

    Parameters
    ----------
    names : list of str
        One per model.
    kl : list of arrays of shape (n_components,)
        Mean divergence of each latent, in nats.
    active : list of int
        How many latents are active.
    means : list of arrays of shape (n_samples, n_components)
        Posterior means.
    labels : array of shape (n_samples,), optional
        Colours the points.
    clusterings : dict of names to ClusterDisplay, optional
        One more panel each.
    """

    names: list[str]
    kl: list[NDArray]
    active: list[int]
    means: list[NDArray]
    labels: ArrayLike | None = None
    clusterings: dict[str, ClusterDisplay] | None = None

    def __post_init__(self) -> None:
        self.clusterings = self.clusterings or {}

    @classmethod
    def from_estimators(
        cls,
        estimators: dict[str, BaseEstimator],
        X: ArrayLike,
        labels: ArrayLike | None = None,
        clusterings: dict[str, BaseEstimator] | None = None,
    ) -> Self:
        """Compute the divergences and posterior means of fitted estimators on the rows X.

        Parameters
        ----------
        estimators : dict of names to fitted estimators
        X : array-like of shape (n_samples, n_features)
        labels : array-like of shape (n_samples,), optional
        clusterings : dict of names to fitted clustering estimators, optional
            Shown with their clusters, one more panel each.
        """
        displays = {
            name: ClusterDisplay.from_estimator(estimator, X, labels) for name, estimator in (clusterings or {}).items()
        }
        means = [estimator.transform(X) for estimator in estimators.values()]
        kl = [kl_divergence(estimator, X).per_dimension for estimator in estimators.values()]
        active = [active_units(loc).count for loc in means]
        return cls(list(estimators), kl, active, means, labels, displays)

    def plot(self) -> Self:
        """Draw one panel of divergences, and one panel of latents per model and per clustering."""
        n_panels = 1 + len(self.names) + len(self.clusterings)
        n_rows = 1 if n_panels < 4 else 2
        self.figure_, self.axes_ = panels(n_panels, -(-n_panels // n_rows), (4.8, 4.5))
        self._plot_divergences(self.axes_[0])
        last = 1 + len(self.names)
        for axis, name, kl, active, means in zip(
            self.axes_[1:last], self.names, self.kl, self.active, self.means, strict=True
        ):
            self._plot_latents(axis, f"{name}: {active} of {len(kl)} latents active", kl, means)
        for axis, (name, display) in zip(self.axes_[last:], self.clusterings.items(), strict=True):
            display.plot(axis).ax_.set_title(f"{name}: {display.n_used} of {len(display.means)} clusters used")
        return self

    def _plot_divergences(self, axis: Any) -> None:
        width = 0.8 / len(self.names)
        for number, (name, kl) in enumerate(zip(self.names, self.kl, strict=True)):
            position = 1 + np.arange(len(kl)) + (number - (len(self.names) - 1) / 2) * width
            style = {
                "color": COLOURS[number % len(COLOURS)],
                "hatch": HATCHES[number % len(HATCHES)],
                "edgecolor": "white",
            }
            axis.bar(position, np.sort(kl)[::-1], width, label=f"{name}, {kl.sum():.1f} nats in all", **style)
        axis.set(title="What each latent says of the data", ylabel="KL of posterior from prior (nats)")
        axis.set_xlabel("latent, from the most to the least used")
        axis.set_ylim(0, 1.25 * max(1e-3, *(kl.max() for kl in self.kl)))  # room for the legend
        axis.legend(frameon=False)
        hide_frame(axis)

    def _plot_latents(self, axis: Any, title: str, kl: NDArray, means: NDArray) -> None:
        first, second = (*np.argsort(-kl, kind="stable"), 0)[:2]
        points = means[:, first], means[:, second]
        scatter(axis, *points, self.labels)
        limit = max(3.0, 1.05 * max(np.abs(values).max() for values in points))
        axis.set(
            title=title,
            xlabel="most used latent",
            ylabel="second most used latent",
            xlim=(-limit, limit),
            ylim=(-limit, limit),
            aspect="equal",
        )
        hide_frame(axis)
