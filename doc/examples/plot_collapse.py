"""
Which latent variables matter
=============================

A classical VAE and `LIDVAE` on handwritten digits, latent by latent.
"""

import warnings

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklid import LIDVAE, CollapseWarning
from sklid.baselines import VAE
from sklid.plots import CollapseDisplay

train, test = train_test_split(load_digits().data / 16, train_size=1200, random_state=0)
settings = {
    "likelihood": "bernoulli",
    "decoder_width": 64,
    "encoder_width": 64,
    "max_epochs": 25,
    "batch_size": 64,
    "random_state": 0,
}
models = (VAE(**settings), LIDVAE(**settings))
for model in models:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollapseWarning)  # the picture shows it
        model.fit(train)

# %%
# After a short training the latents of the VAE say little, and some have collapsed: their posterior is the prior.
# `LIDVAE` keeps all of them active, which alone proves little; the colours tell which of them help to explain digits
# that were not fitted.

figure, axes = plt.subplots(1, 2, figsize=(11, 4), sharey=True, layout="constrained")
for ax, model in zip(axes, models, strict=True):
    CollapseDisplay.from_estimator(model, test[:200], n_importance_samples=30).plot(ax)
plt.show()
