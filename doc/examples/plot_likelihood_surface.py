"""
Theorem 1 in a picture
======================

Where the likelihood of a row is flat along a latent variable, the posterior is the prior. The same two latents under
probabilistic PCA with two directions, where both are identified, and with one, where the second is not.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA

from sklid.plots import LikelihoodSurfaceDisplay

rng = np.random.default_rng(0)
loadings = rng.standard_normal((2, 6)) * [[1.2], [0.8]]
latents, noise = rng.standard_normal((2000, 2)), rng.standard_normal((2000, 6))

# %%
# No network and no approximation takes part: the posteriors are exact.

figure, axes = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
for ax, n_directions in zip(axes, (2, 1), strict=True):
    X = latents[:, :n_directions] @ loadings[:n_directions] + noise
    display = LikelihoodSurfaceDisplay.from_estimator(PCA(2).fit(X), X, row=1).plot(ax)
    display.ax_.set_title(f"data with {n_directions} direction{'s' * (n_directions > 1)}")
plt.show()
