"""
What each latent variable does
==============================

One latent of `LIDVAE` moves, the others stay: what becomes of a digit, and of the measurements of an iris flower.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits, load_iris

from sklid import LIDVAE
from sklid.plots import LatentTraversalDisplay

SMALL = {"decoder_width": 64, "encoder_width": 64, "random_state": 0}

images = load_digits().data / 16
digits = LIDVAE(n_components=5, likelihood="bernoulli", max_epochs=30, **SMALL).fit(images)
LatentTraversalDisplay.from_estimator(digits, images).plot()
plt.show()

# %%
# Rows that are no images are drawn as curves over their features.

flowers = load_iris(as_frame=True).data
iris = LIDVAE(n_components=2, max_epochs=50, **SMALL).fit(flowers)
LatentTraversalDisplay.from_estimator(iris, flowers).plot()
plt.show()
