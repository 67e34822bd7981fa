"""What is said of a fit that has not converged, that keeps noise, or whose noise is not what its rule assumes."""

import math
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from ..exceptions import CollapseWarning, NoiseWarning, warn_user
from .leftover import Leftover
from .spectrum import Judgement

__all__ = ["Verdict", "warn_of_scales", "warn_unfinished"]

WIDEST = 3e6
"""Times the range of the narrowest column that the widest may have, or the digits of its noise are lost."""

REMEDIES = {
    "global": 'If columns have noise of their own, use noise="feature"; if it depends on other columns or has heavy '
    'tails, n_components="parallel" or a number. The first two take rows without gaps.',
    "feature": 'If the noise of columns depends on each other, use n_components="parallel" or a number.',
}


class Verdict(NamedTuple):
    """A fit as far as warnings go.

    Attributes
    ----------
    n_components : int
    judgement : Judgement
    leftover : Leftover
    recounted : bool
        Whether components were counted anew because of the noise.
    noise : {"global", "feature"} or None
        What the number of components takes the noise to be, None where it does not rest on that.
    """

    n_components: int
    judgement: Judgement
    leftover: Leftover
    recounted: bool
    noise: str | None

    @classmethod
    def of(cls, estimator: Any, judgement: Judgement, leftover: Leftover, recounted: bool) -> Self:
        """Of a fitted estimator."""
        rests = estimator.noise_variance is None and estimator.n_components == "identifiable"
        return cls(estimator.n_components_, judgement, leftover, recounted, estimator.noise if rests else None)

    def warn(self) -> None:
        """Warn of components that are noise, and of noise that is not isotropic."""
        if self.judgement.count < self.n_components:
            warn_user(self._of_collapse(), CollapseWarning)
        if self.noise is not None and self.leftover.doubt:
            then = "it may be too large."
            if self.recounted:
                then = f"so those are counted that exceed columns without relation, {self.judgement.count}."
            warn_user(f"{self.leftover.doubt}: {then} {REMEDIES[self.noise]}", NoiseWarning)

    def _of_collapse(self) -> str:
        first, variance, limit = self.judgement
        found = f"component {first} has variance {variance:.4g}, and noise alone reaches {limit:.4g}"
        if not math.isfinite(limit):
            found = "so few rows or features leave nothing to compare them with"
        n_noise = self.n_components - first
        if first == 0:
            return (
                f"No component stands out from the noise: {found}. "
                f"Nothing in these rows is worth a latent; {n_noise} kept all the same."
            )
        return (
            f"{n_noise} of {self.n_components} components are noise: {found}. "
            f'Lower n_components to {first}, or use n_components="identifiable".'
        )


def warn_of_scales(X: NDArray) -> None:
    """Warn of columns with gaps, ``(N, D)``, whose scales are too different for expectation-maximisation."""
    ranges = np.fmax.reduce(X, axis=0) - np.fmin.reduce(X, axis=0)
    varying = np.flatnonzero(ranges > 0)
    if len(varying) and ranges.max() > WIDEST * ranges[varying].min():
        widest, narrowest = int(ranges.argmax()), int(varying[ranges[varying].argmin()])
        warn_user(
            f"The values of column {widest} spread {ranges[widest] / ranges[narrowest]:.0e} times as far as those of "
            f"column {narrowest}. With gaps that is more than rounding allows, and the fit may be far from the most "
            "likely one. Standardise the columns, or divide the widest by a constant.",
            NoiseWarning,
        )


def warn_unfinished(solver: str, noise: str, max_iter: int, tol: float, to_come: float) -> None:
    """Warn of steps that were too few; they promise so many nats per row."""
    name = "The gradient solver" if solver == "gradient" else "Expectation-maximisation"
    advice = 'Rows without gaps have a closed form, solver="eig".' if noise == "global" else ""
    left = f"about {to_come:.2g} nats per row" if math.isfinite(to_come) else "more nats per row than can be told"
    text = (
        f"{name} has not converged in {max_iter} steps: {left} are still to come. "
        f"To go on, raise max_iter, or tol (now {tol:g} nats per row). {advice}"
    )
    warn_user(text.rstrip(), ConvergenceWarning)
