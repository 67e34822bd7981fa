"""What is said of a fit that has not converged, that keeps noise, or whose noise is not what its rule assumes."""

from typing import Any, NamedTuple, Self

from sklearn.exceptions import ConvergenceWarning

from ..exceptions import CollapseWarning, NoiseWarning, warn_user
from .spectrum import Judgement

__all__ = ["Verdict", "warn_unfinished"]

ISOTROPY_LEVEL = 0.01
HEAVY = 3.0
"""Excess kurtosis, that of Laplace noise, from which a component too many is found in more than one table of ten."""
FEW_FEATURES = 8
"""Fewer features leave too few variances to tell from noise, whatever it is."""
REMEDIES = {
    "global": 'If columns have noise of their own, use noise="feature"; if it depends on other columns or has heavy '
    'tails, n_components="parallel" or a number.',
    "feature": 'If the noise of columns depends on each other, use n_components="parallel" or a number.',
}


class Verdict(NamedTuple):
    """A fit as far as warnings go.

    Attributes
    ----------
    n_components, n_features : int
    n_rows : float
    judgement : Judgement
    isotropy_pvalue, kurtosis : float
        nan where they are unknown.
    noise : {"global", "feature"} or None
        What the number of components takes the noise to be, None where it does not rest on that.
    """

    n_components: int
    n_features: int
    n_rows: float
    judgement: Judgement
    isotropy_pvalue: float
    kurtosis: float
    noise: str | None

    @classmethod
    def of(cls, estimator: Any, judgement: Judgement, n_features: int) -> Self:
        """Of a fitted estimator, whose rows have so many features that others do not determine."""
        rests = estimator.noise_variance is None and estimator.n_components == "identifiable"
        return cls(
            estimator.n_components_,
            n_features,
            estimator.n_samples_,
            judgement,
            estimator.isotropy_pvalue_,
            estimator.noise_kurtosis_,
            estimator.noise if rests else None,
        )

    def warn(self) -> None:
        """Warn of components that are noise, and of noise that is not isotropic."""
        if self.judgement.count < self.n_components:
            warn_user(self._of_collapse(), CollapseWarning)
        if self.noise is not None and self._of_noise():
            warn_user(f"{self._of_noise()} {REMEDIES[self.noise]}", NoiseWarning)

    def _of_collapse(self) -> str:
        first, variance, limit = self.judgement
        found = f"component {first} has variance {variance:.4g}, and noise alone reaches {limit:.4g}"
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

    def _of_noise(self) -> str:
        """Why the number of components may be wrong, or "" where nothing speaks against it."""
        count = self.judgement.count
        if self.isotropy_pvalue < ISOTROPY_LEVEL:
            return (
                f"What {count} components leave over is not noise of one variance in all directions "
                f"(p = {self.isotropy_pvalue:.1g}), which their number rests on: it may be too large."
            )
        if self.kurtosis > self._most_kurtosis:
            return (
                f"What {count} components leave over has heavier tails than normal noise, an excess kurtosis of "
                f"{self.kurtosis:.2g}, which their number rests on: it may be too large."
            )
        if self.n_features >= FEW_FEATURES and self.n_features < 2 * count and 2 * self.n_features <= self.n_rows:
            return (
                f"{count} components stand out, more than half of {self.n_features} features, so that too little is "
                "left over to tell whether the noise is what their number rests on: of one variance in all directions, "
                'or with noise="feature" independent between columns.'
            )
        return ""

    @property
    def _most_kurtosis(self) -> float:
        """What is heavy, and beyond three standard errors of it."""
        n_rest = max(self.n_features - self.n_components, 1)
        return HEAVY + 3 * (8 * (n_rest + 2) / (n_rest * self.n_rows)) ** 0.5


def warn_unfinished(solver: str, noise: str, max_iter: int, tol: float, to_come: float) -> None:
    """Warn of steps that were too few; they promise so many nats per row."""
    name = "The gradient solver" if solver == "gradient" else "Expectation-maximisation"
    advice = 'Rows without gaps have a closed form, solver="eig".' if noise == "global" else ""
    text = (
        f"{name} has not converged in {max_iter} steps: about {to_come:.2g} nats per row are still to come. "
        f"To go on, raise max_iter, or tol (now {tol:g} nats per row). {advice}"
    )
    warn_user(text.rstrip(), ConvergenceWarning)
