"""What a solver of probabilistic PCA is asked, and what it answers."""

from typing import Any, NamedTuple, Self

import numpy as np

from .linear_gaussian import LinearGaussian

__all__ = ["Fit", "Problem"]


class Problem(NamedTuple):
    """What is asked for, and how to find it: a number of components, the share of variance that they exceed, or None.

    None are those that are identifiable.
    """

    n_components: int | float | None
    solver: str
    noise_variance: float | None
    tol: float
    max_iter: int
    random_state: np.random.RandomState

    def in_units_of(self, scale: float) -> Self:
        """For rows divided by a scale."""
        return (
            self if self.noise_variance is None else self._replace(noise_variance=self.noise_variance / scale / scale)
        )


class Fit(NamedTuple):
    """The model, with the sign of each direction open; steps, nats per row still to come, and the net if any."""

    model: LinearGaussian
    n_iter: int = 1
    to_come: float = 0.0
    net: Any = None
