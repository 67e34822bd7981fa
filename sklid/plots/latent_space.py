"""Two latents over the data: points with labels or uncertainty, and the aggregate posterior beside the prior."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from ..metrics import kl_divergence
from ..metrics.encodings import encodings
from ..randomness import from_random_state
from .style import COLOURS, AxesDisplay, scatter

__all__ = ["LatentSpaceDisplay"]

N_DRAWS = 200_000
N_GRID = 80
SHARES = (0.5, 0.9)
"""Of the mass that the contours enclose."""
MOST_ROWS = 2_000


@dataclass(eq=False, repr=False)
class LatentSpaceDisplay(AxesDisplay):
    """Posterior means in the plane of two latents, with contours of the aggregate posterior and of the prior.

    The contours hold half and nine tenths of each.

    Parameters
    ----------
    loc, scale : arrays of shape (n_samples, 2)
        Posterior means and standard deviations.
    prior_draws : array of shape (n_draws, 2)
    latents : pair of int
        Which latents these are.
    labels : array of shape (n_samples,), optional
        Colours the points.
    show_uncertainty : bool, default=False
        Whether each point has a cross of one posterior standard deviation.
    """

    loc: NDArray
    scale: NDArray
    prior_draws: NDArray
    latents: tuple[int, int] = (0, 1)
    labels: ArrayLike | None = None
    show_uncertainty: bool = False

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        labels: ArrayLike | None = None,
        *,
        latents: tuple[int, int] | None = None,
        show_uncertainty: bool = False,
    ) -> Self:
        """Encode rows with an estimator, or another model that `sklid.metrics` can measure.

        Parameters
        ----------
        estimator : fitted estimator, Pipeline, sklid.nn.LatentVariableModel or VariationalModel
        X : array-like of shape (n_samples, n_features)
        labels : array-like of shape (n_samples,), optional
        latents : pair of int, optional
            By default the two with the largest divergence from the prior.
        show_uncertainty : bool, default=False

        Raises
        ------
        ValueError
            If the model has a single latent.
        """
        return cls.from_predictions(estimator, X, labels, latents=latents, show_uncertainty=show_uncertainty)

    @classmethod
    def from_predictions(
        cls,
        first: Any,
        second: Any = None,
        labels: ArrayLike | None = None,
        *,
        latents: tuple[int, int] | None = None,
        show_uncertainty: bool = False,
    ) -> Self:
        """From what `sklid.metrics.kl_divergence` takes.

        That is (loc, scale) arrays, or a posterior and a prior of `torch.distributions`.
        """
        with from_random_state(0):
            encoded = encodings(first, second)
            loc, scale = (moment.cpu().numpy() for moment in encoded.moments())
            draws = encoded.prior.sample(torch.Size([N_DRAWS])).cpu().numpy()
        if loc.shape[1] < 2:
            raise ValueError(
                "A picture of the latent space needs two latents; this model has one. "
                "A histogram of `transform(X)` shows it."
            )
        if latents is None:
            kl = kl_divergence(first, second).per_dimension
            kl = loc.var(axis=0) if np.isnan(kl).any() else kl
            latents = tuple(int(latent) for latent in np.argsort(-kl, kind="stable")[:2])
        pair = list(latents)
        return cls(loc[:, pair], scale[:, pair], draws[:, pair], latents, labels, show_uncertainty)

    def plot(self, ax: Any = None) -> Self:
        """Draw the points and the contours."""
        from matplotlib.lines import Line2D

        ax = self._take_axes(ax, (5.5, 5.2))
        rows = slice(None, None, max(1, len(self.loc) // MOST_ROWS))
        if self.show_uncertainty:
            x, y = self.loc[rows].T
            width, height = self.scale[rows].T
            ax.errorbar(x, y, xerr=width, yerr=height, fmt="none", ecolor="0.75", elinewidth=0.5, zorder=0)
        scatter(ax, *self.loc[rows].T, None if self.labels is None else np.asarray(self.labels)[rows])
        limit = 1.1 * max(3.0, np.abs(self.loc).max(), np.quantile(np.abs(self.prior_draws), 0.995))
        noise = np.random.default_rng(0).standard_normal((max(1, N_DRAWS // len(self.loc)), *self.loc.shape))
        aggregate = (self.loc + self.scale * noise).reshape(-1, 2)
        for points, colour, style in ((aggregate, "black", "-"), (self.prior_draws, COLOURS[1], "--")):
            self._contours(points, limit, colour, style)
        lines = [Line2D([], [], color="black"), Line2D([], [], color=COLOURS[1], linestyle="--")]
        ax.legend(lines, ["aggregate posterior", "prior"], frameon=False, loc="upper right", title="hold 50 % and 90 %")
        first, second = self.latents
        ax.set(
            xlabel=f"latent {first}",
            ylabel=f"latent {second}",
            xlim=(-limit, limit),
            ylim=(-limit, limit),
            aspect="equal",
        )
        return self

    def _contours(self, points: NDArray, limit: float, colour: str, style: str) -> None:
        """Contours that hold the shares of the points, from a smoothed histogram."""
        from scipy.ndimage import gaussian_filter

        edges = np.linspace(-limit, limit, N_GRID + 1)
        density = gaussian_filter(np.histogram2d(*points.T, bins=(edges, edges))[0], 2.0)
        ranked = np.sort(density.ravel())[::-1]
        levels = sorted({ranked[np.searchsorted(ranked.cumsum(), share * density.sum())] for share in SHARES})
        centres = (edges[1:] + edges[:-1]) / 2
        self.ax_.contour(centres, centres, density.T, levels, colors=colour, linestyles=style, linewidths=1.2)
