"""Pictures of fitted models, as data plus a method `plot` that alone draws."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._base import LatentVariableEstimator
from .metrics import active_units, kl_divergence

__all__ = ["ClusterDisplay", "ComparisonDisplay"]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")  # Okabe & Ito, told apart by the colour-blind
HATCHES = ("", "//", "..", "xx")
LARGEST_LEGEND = 12


class ClusterDisplay:
    """Rows and mixture components in the plane of latent space that best separates the components' means.

    Parameters
    ----------
    points : array of shape (n_samples, 2)
        Posterior means.
    means, covariances : arrays of shape (k, 2) and (k, 2, 2)
        Of the components.
    n_used : int
        Clusters that are the most probable of some row.
    labels : array of shape (n_samples,), optional
        Colours the points.

    Attributes
    ----------
    figure_, ax_
        Set by `plot`.
    """

    def __init__(self, points: NDArray, means: NDArray, covariances: NDArray, n_used: int, labels: ArrayLike | None = None) -> None:
        self.points = points
        self.means = means
        self.covariances = covariances
        self.n_used = n_used
        self.labels = labels

    @classmethod
    def from_estimator(cls, estimator: LatentVariableEstimator, X: ArrayLike, labels: ArrayLike | None = None) -> Self:
        """Project the rows X and the components of a fitted clustering estimator; without labels its own colour the points."""
        clusters = estimator.predict(X)
        _, means, covariances = estimator.mixture()
        centre = estimator.weights_ @ means
        plane = np.linalg.svd(np.sqrt(estimator.weights_)[:, None] * (means - centre), full_matrices=False)[2][:2].T
        if plane.shape[1] == 1:
            plane = np.hstack([plane, np.zeros_like(plane)])
        used = clusters if labels is None else labels
        points, places = (estimator.transform(X) - centre) @ plane, (means - centre) @ plane
        return cls(points, places, plane.T @ covariances @ plane, len(np.unique(clusters)), used)

    def plot(self, ax: Any = None) -> Self:
        """Draw the points, and each component as an ellipse of two standard deviations."""
        from matplotlib.figure import Figure
        from matplotlib.patches import Ellipse

        if ax is None:
            ax = Figure(figsize=(5, 5), layout="constrained").subplots()
        self.ax_, self.figure_ = ax, ax.figure
        for mean, covariance in zip(self.means, self.covariances, strict=True):
            variances, axes = np.linalg.eigh(covariance)
            angle = np.degrees(np.arctan2(axes[1, 1], axes[0, 1]))
            width, height = 4 * np.sqrt(variances[::-1].clip(min=0))
            ax.add_patch(Ellipse(mean, width, height, angle=angle, facecolor="none", edgecolor="0.45", linewidth=1))
        _scatter(ax, *self.points.T, self.labels)
        ax.set(
            xlabel="plane of the means, first axis", ylabel="second axis", aspect="equal", title=f"{self.n_used} of {len(self.means)} clusters used"
        )
        ax.spines[["top", "right"]].set_visible(False)
        return self


class ComparisonDisplay:
    """Which latents each of several models uses: the divergence of every latent, and the two most used ones over the data.

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

    Attributes
    ----------
    figure_, axes_
        Set by `plot`.
    """

    def __init__(
        self,
        names: list[str],
        kl: list[NDArray],
        active: list[int],
        means: list[NDArray],
        labels: ArrayLike | None = None,
        clusterings: dict[str, ClusterDisplay] | None = None,
    ) -> None:
        self.names = names
        self.kl = kl
        self.active = active
        self.means = means
        self.labels = labels
        self.clusterings = clusterings or {}

    @classmethod
    def from_estimators(
        cls,
        estimators: dict[str, LatentVariableEstimator],
        X: ArrayLike,
        labels: ArrayLike | None = None,
        clusterings: dict[str, LatentVariableEstimator] | None = None,
    ) -> Self:
        """Compute the divergences and posterior means of fitted estimators on the rows X.

        Parameters
        ----------
        estimators : dict of names to fitted estimators with a Gaussian posterior
        X : array-like of shape (n_samples, n_features)
        labels : array-like of shape (n_samples,), optional
        clusterings : dict of names to fitted clustering estimators, optional
            Shown with their components, one more panel each.
        """
        displays = {name: ClusterDisplay.from_estimator(estimator, X, labels) for name, estimator in (clusterings or {}).items()}
        posteriors = [estimator.encode(X) for estimator in estimators.values()]
        means = [q.mean.cpu().numpy() for q in posteriors]
        kl = [kl_divergence(loc, q.stddev.cpu().numpy()) for loc, q in zip(means, posteriors, strict=True)]
        active = [active_units(loc).count for loc in means]
        return cls(list(estimators), kl, active, means, labels, displays)

    def plot(self) -> Self:
        """Draw one panel of divergences, and one panel of latents per model and per clustering."""
        from matplotlib.figure import Figure

        n_panels = 1 + len(self.names) + len(self.clusterings)
        n_rows = 1 if n_panels < 4 else 2
        n_columns = -(-n_panels // n_rows)
        self.figure_ = Figure(figsize=(4.8 * n_columns, 4.5 * n_rows), layout="constrained")
        panels = self.figure_.subplots(n_rows, n_columns).ravel()
        self.axes_ = panels[:n_panels]
        for spare in panels[len(self.axes_) :]:
            spare.set_axis_off()
        self._plot_divergences(self.axes_[0])
        last = 1 + len(self.names)
        for axis, name, kl, active, means in zip(self.axes_[1:last], self.names, self.kl, self.active, self.means, strict=True):
            self._plot_latents(axis, f"{name}: {active} of {len(kl)} latents active", kl, means)
        for axis, (name, display) in zip(self.axes_[last:], self.clusterings.items(), strict=True):
            display.plot(axis).ax_.set_title(f"{name}: {display.n_used} of {len(display.means)} clusters used")
        return self

    def _plot_divergences(self, axis: Any) -> None:
        width = 0.8 / len(self.names)
        for number, (name, kl) in enumerate(zip(self.names, self.kl, strict=True)):
            position = 1 + np.arange(len(kl)) + (number - (len(self.names) - 1) / 2) * width
            style = {"color": COLOURS[number % 4], "hatch": HATCHES[number % 4], "edgecolor": "white"}
            axis.bar(position, np.sort(kl)[::-1], width, label=f"{name}, {kl.sum():.1f} nats in all", **style)
        axis.set(title="What each latent says of the data", ylabel="KL of posterior from prior (nats)")
        axis.set_xlabel("latent, from the most to the least used")
        axis.set_ylim(0, 1.25 * max(1e-3, *(kl.max() for kl in self.kl)))  # room for the legend
        axis.legend(frameon=False)
        axis.spines[["top", "right"]].set_visible(False)

    def _plot_latents(self, axis: Any, title: str, kl: NDArray, means: NDArray) -> None:
        first, second = (*np.argsort(-kl, kind="stable"), 0)[:2]
        points = means[:, first], means[:, second]
        _scatter(axis, *points, self.labels)
        limit = max(3.0, 1.05 * max(np.abs(values).max() for values in points))
        axis.set(title=title, xlabel="most used latent", ylabel="second most used latent", xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
        axis.spines[["top", "right"]].set_visible(False)


def _scatter(axis: Any, x: NDArray, y: NDArray, labels: ArrayLike | None) -> None:
    """Points; with labels each class in its colour, and its label at its median: colour is never alone."""
    from matplotlib import colormaps

    if labels is None:
        axis.scatter(x, y, s=8, color=COLOURS[0], alpha=0.6, linewidths=0)
        return
    values, codes = np.unique(np.asarray(labels), return_inverse=True)
    colours = colormaps["tab10" if len(values) <= 10 else "viridis"](np.linspace(0, 1, len(values)))
    axis.scatter(x, y, s=8, c=colours[codes], alpha=0.6, linewidths=0)
    if len(values) <= LARGEST_LEGEND:
        for code, value in enumerate(values):
            place = np.median(x[codes == code]), np.median(y[codes == code])
            axis.text(*place, str(value), ha="center", va="center", weight="bold", bbox={"facecolor": "white", "alpha": 0.7, "lw": 0, "pad": 1})
