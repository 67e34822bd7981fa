"""The divergence of each latent's posterior from its prior, beside the floor that the model certifies."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..metrics import active_units, informative_units, kl_divergence
from ..metrics.sources import floor_of, name_of
from .style import COLOURS, AxesDisplay

__all__ = ["CollapseDisplay"]


@dataclass(eq=False, repr=False)
class CollapseDisplay(AxesDisplay):
    """The divergence of each latent's posterior from its prior, which latents are active, and the floor if any.

    Parameters
    ----------
    kl : array of shape (n_components,)
        Mean divergence of each latent in nats.
    active : bool array of shape (n_components,)
        Whether the posterior mean varies over the data.
    floor : float, default=nan
        Least information per latent in nats.
    informative : bool array of shape (n_components,), optional
        Whether the latent helps to explain the data.
    name : str, default=""
        Title of the picture.

    Examples
    --------
    >>> import numpy as np
    >>> from sklid.plots import CollapseDisplay
    >>> rng = np.random.default_rng(0)
    >>> loc = rng.standard_normal((100, 3)) * [0.9, 0.5, 0.0]
    >>> display = CollapseDisplay.from_predictions(loc, np.full((100, 3), [0.3, 0.8, 1.0]))
    >>> int(display.active.sum())
    2
    """

    kl: NDArray
    active: NDArray
    floor: float = np.nan
    informative: NDArray | None = None
    name: str = ""

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, *, n_importance_samples: int = 50) -> Self:
        """Measure an estimator, or another model that `sklid.metrics` can measure, on rows.

        Parameters
        ----------
        estimator : fitted estimator, Pipeline, sklid.nn.LatentVariableModel or VariationalModel
        X : array-like of shape (n_samples, n_features)
        n_importance_samples : int, default=50
            For the informative latents.
        """
        kl, units = kl_divergence(estimator, X).per_dimension, active_units(estimator, X)
        informative = informative_units(estimator, X, n_importance_samples=n_importance_samples).informative
        return cls(kl, units.active, floor_of(estimator) / len(kl), informative, name_of(estimator))

    @classmethod
    def from_predictions(cls, posterior: Any, prior_or_scale: ArrayLike | Any = None, *, name: str = "") -> Self:
        """From posterior means and standard deviations of shape (n_samples, n_components).

        Or from a posterior and a prior of `torch.distributions`.
        """
        units = active_units(posterior, prior_or_scale)
        return cls(kl_divergence(posterior, prior_or_scale).per_dimension, units.active, name=name)

    def plot(self, ax: Any = None) -> Self:
        """Draw a bar per latent, from the most to the least used."""
        ax = self._take_axes(ax, (6.0, 4.0))
        order = np.argsort(-self.kl, kind="stable")
        for label, colour, hatch, chosen in self._kinds():
            shown = chosen[order]
            if shown.any():
                style = {"color": colour, "hatch": hatch, "edgecolor": "white", "label": f"{label}: {shown.sum()}"}
                ax.bar(np.flatnonzero(shown), self.kl[order][shown], **style)
        if np.isfinite(self.floor):
            label = f"floor of the model: {self.floor:.2f} nats"
            ax.axhline(self.floor, color="0.2", linestyle="--", linewidth=1.2, label=label)
        ax.set_xticks(range(len(order)), [str(latent) for latent in order])
        ax.set(xlabel="latent", ylabel="KL of posterior from prior (nats)", title=self.name)
        ax.set_ylim(0, 1.3 * max(self.kl.max(), 1e-3))
        ax.legend(frameon=False)
        return self

    def _kinds(self) -> list[tuple[str, str, str, NDArray]]:
        """Label, colour, hatch and members of each kind of latent."""
        collapsed = ("collapsed", "0.6", "xx", ~self.active)
        if self.informative is None:
            return [("active", COLOURS[0], "", self.active), collapsed]
        helps = self.active & self.informative
        return [
            ("informative", COLOURS[0], "", helps),
            ("active, adds nothing", COLOURS[1], "//", self.active & ~helps),
            collapsed,
        ]
