"""What a solver of probabilistic PCA is asked, and what it answers."""

from typing import Any, NamedTuple

import numpy as np

from .linear_gaussian import LinearGaussian

__all__ = ["Fit", "Problem"]


class Problem(NamedTuple):
    """What is asked for: the number of components or None for the identifiable ones, and how to find them."""

    n_components: int | None
    solver: str
    noise_variance: float | None
    tol: float
    max_iter: int
    random_state: np.random.RandomState


class Fit(NamedTuple):
    """The model, with the sign of each direction open; steps, whether they were enough, and the net if any."""

    model: LinearGaussian
    n_iter: int = 1
    converged: bool = True
    net: Any = None
