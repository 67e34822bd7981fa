"""Theorem 1 in a picture: where the likelihood of a row is flat along a latent, the posterior is the prior.

The same two latents under probabilistic PCA with two directions, where both are identified, and with one, where the
second is not.

    python doc/examples/plot_likelihood_surface.py
"""

import numpy as np
from matplotlib.figure import Figure
from sklearn.decomposition import PCA

from sklid.plots import LikelihoodSurfaceDisplay


def main() -> Figure:
    rng = np.random.default_rng(0)
    loadings = rng.standard_normal((2, 6)) * [[1.2], [0.8]]
    latents, noise = rng.standard_normal((2000, 2)), rng.standard_normal((2000, 6))
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    for ax, n_directions in zip(figure.subplots(1, 2), (2, 1), strict=True):
        X = latents[:, :n_directions] @ loadings[:n_directions] + noise
        display = LikelihoodSurfaceDisplay.from_estimator(PCA(2).fit(X), X, row=1).plot(ax)
        display.ax_.set_title(f"data with {n_directions} direction{'s' * (n_directions > 1)}")
    return figure


if __name__ == "__main__":
    main().savefig("plot_likelihood_surface.png", dpi=150)
