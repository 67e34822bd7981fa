"""Tables of two latents."""

import numpy as np


def rows(n_rows=100, noise=0.5, seed=0):
    rng = np.random.default_rng(seed)
    W = np.array([[3.0, 0.0], [1.0, 2.0], [0.0, -1.0], [-1.0, 1.0]])
    return W, rng.standard_normal((n_rows, 2)) @ W.T + noise * rng.standard_normal((n_rows, 4))
