"""The log-likelihood of rows as a function of two latents: flat where a latent is not identified.

(Wang, Blei & Cunningham 2021, figure 2, top.)
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from ..metrics.encodings import encodings_of
from ..metrics.importance import decoded_log_prob
from ..metrics.sources import name_of, view_of
from ..randomness import from_random_state
from .style import COLOURS, AxesDisplay

__all__ = ["LikelihoodSurfaceDisplay"]

DEPTH = 10.0
"""Nats below the maximum at which the surface is cut off."""


@dataclass(eq=False, repr=False)
class LikelihoodSurfaceDisplay(AxesDisplay):
    """Log p(x | z) of one row over the plane of two latents, with its posterior and the prior.

    Parameters
    ----------
    grid : array of shape (n_steps,)
        Values of either latent.
    surface : array of shape (n_steps, n_steps)
        Log-likelihood in nats; the first latent varies along the first axis.
    loc, scale : arrays of shape (2,)
        Of the posterior of the two latents.
    latents : pair of int
    name : str, default=""
    """

    grid: NDArray
    surface: NDArray
    loc: NDArray
    scale: NDArray
    latents: tuple[int, int] = (0, 1)
    name: str = ""

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        row: int = 0,
        latents: tuple[int, int] = (0, 1),
        span: float = 3.0,
        n_steps: int = 61,
    ) -> Self:
        """Decode a grid of two latents, the others at the row's posterior mean.

        Parameters
        ----------
        estimator : fitted estimator, Pipeline, sklid.nn.LatentVariableModel or VariationalModel
        X : array-like of shape (n_samples, n_features)
        row : int, default=0
            Which row of X.
        latents : pair of int, default=(0, 1)
        span : float, default=3.0
            The grid reaches so many units in either direction.
        n_steps : int, default=61
            Points of the grid along each latent.
        """
        with from_random_state(0):
            view = view_of(estimator, X)
            view = view.at(slice(row, row + 1))
            loc, scale = (moment[0] for moment in encodings_of(view).moments())
            grid = torch.linspace(-span, span, n_steps, dtype=loc.dtype, device=loc.device)
            z = loc.repeat(n_steps * n_steps, 1)
            z[:, list(latents)] = torch.cartesian_prod(grid, grid)
            surface = decoded_log_prob(view, z.unsqueeze(1)).reshape(n_steps, n_steps) - float(np.mean(view.log_volume))
        pair = list(latents)
        arrays = (part.cpu().double().numpy() for part in (grid, surface, loc[pair], scale[pair]))
        return cls(*arrays, latents, name_of(estimator))

    @classmethod
    def from_predictions(cls, grid: Any, surface: Any, loc: Any, scale: Any, **parameters: Any) -> Self:
        """From log-likelihoods computed elsewhere."""
        return cls(*(np.asarray(part, dtype=float) for part in (grid, surface, loc, scale)), **parameters)

    def plot(self, ax: Any = None) -> Self:
        """Draw the surface as filled contours, cut off ten nats below its maximum."""
        from matplotlib.patches import Ellipse

        ax = self._take_axes(ax, (5.8, 4.8))
        below = np.maximum(self.surface.T - self.surface.max(), -DEPTH)
        filled = ax.contourf(self.grid, self.grid, below, np.linspace(-DEPTH, 0, 11), cmap="cividis", extend="min")
        self.figure_.colorbar(filled, ax=ax, label="log p(x | z) below its maximum (nats)")
        for place, size, colour, style, label in (
            ((0, 0), np.ones(2), COLOURS[1], "--", "prior"),
            (self.loc, self.scale, "black", "-", "posterior"),
        ):
            ax.add_patch(
                Ellipse(
                    place, *(4 * size), facecolor="none", edgecolor=colour, linestyle=style, linewidth=2, label=label
                )
            )
        ax.legend(loc="upper right", title="two standard deviations", framealpha=0.85)
        first, second = self.latents
        reach = self.grid[0], self.grid[-1]
        ax.set(
            xlabel=f"latent {first}", ylabel=f"latent {second}", title=self.name, aspect="equal", xlim=reach, ylim=reach
        )
        return self
