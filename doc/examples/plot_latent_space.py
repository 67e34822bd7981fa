"""
The latent space
================

Digits in the plane of the two most used latents of `LIDVAE`.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from sklid import LIDVAE
from sklid.plots import LatentSpaceDisplay

images, classes = load_digits(return_X_y=True)
model = LIDVAE(
    n_components=2, likelihood="bernoulli", decoder_width=64, encoder_width=64, max_epochs=40, random_state=0
).fit(images / 16)

# %%
# The contours hold half and nine tenths of the aggregate posterior, the latents of all digits together, and of the
# prior.

LatentSpaceDisplay.from_estimator(model, images / 16, classes).plot()
plt.show()
