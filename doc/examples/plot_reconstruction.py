"""
Digits and their reconstructions
================================

What two models make of digits that they have not seen: ten latents of `LIDVAE`, and ten principal components.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from sklid import LIDVAE
from sklid.plots import ReconstructionDisplay

images = load_digits().data / 16
model = LIDVAE(likelihood="bernoulli", decoder_width=64, encoder_width=64, max_epochs=40, random_state=0)
models = {"LIDVAE": model.fit(images[100:]), "PCA": PCA(10).fit(images[100:])}
ReconstructionDisplay.from_estimators(models, images, n_rows=10).plot()
plt.show()
