"""What components leave over, and whether it is the noise that their number rests on."""

import math
from typing import NamedTuple

__all__ = ["ISOTROPY_LEVEL", "Leftover"]

ISOTROPY_LEVEL = 0.01
HEAVY = 3.0
"""Excess kurtosis, that of Laplace noise, from which a component too many is found in more than one table of ten."""
FEW_FEATURES = 8
"""Fewer features leave too few variances to tell noise by, whatever it is."""


class Leftover(NamedTuple):
    """What so many components leave over.

    Attributes
    ----------
    n_components, n_features : int
        Features that others determine do not count.
    n_rows : float
    pvalue, kurtosis : float
        `isotropy_pvalue` and `residual_kurtosis`, nan where they are unknown.
    """

    n_components: int
    n_features: int
    n_rows: float
    pvalue: float = math.nan
    kurtosis: float = math.nan

    @property
    def doubt(self) -> str:
        """Why the number of components may be too large, or "" where nothing speaks against it."""
        if self.pvalue < ISOTROPY_LEVEL:
            return (
                f"What {self.n_components} components leave over is not noise of one variance in all directions "
                f"(p = {self.pvalue:.1g}), which their number rests on"
            )
        if self.kurtosis > self._most_kurtosis:
            return (
                f"What {self.n_components} components leave over has heavier tails than normal noise, an excess "
                f"kurtosis of {self.kurtosis:.2g}, which their number rests on"
            )
        most = max(self.n_features / 3, min(self.n_features / 2, 5))
        if self.n_features >= FEW_FEATURES and self.n_components > most and 2 * self.n_features <= self.n_rows:
            return (
                f"{self.n_components} components stand out among {self.n_features} features, and what they leave over "
                "is too little to tell noise by"
            )
        return ""

    @property
    def _most_kurtosis(self) -> float:
        """What is heavy, and beyond three standard errors of it."""
        n_rest = max(self.n_features - self.n_components, 1)
        return HEAVY + 3 * math.sqrt(8 * (n_rest + 2) / (n_rest * self.n_rows))
