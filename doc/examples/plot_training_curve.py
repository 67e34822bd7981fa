"""
Collapse as it happens
======================

Bound, divergence, information and active units by epoch, for `LIDVAE` and a classical VAE.
"""

import warnings

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from sklid import LIDVAE, CollapseWarning
from sklid.baselines import VAE
from sklid.callbacks import CollapseMonitor
from sklid.plots import TrainingCurveDisplay

images = load_digits().data[:1200] / 16
settings = {
    "likelihood": "bernoulli",
    "decoder_width": 64,
    "encoder_width": 64,
    "max_epochs": 25,
    "batch_size": 64,
    "random_state": 0,
}
models = {
    "LIDVAE": LIDVAE(**settings, callbacks=[CollapseMonitor()]),
    "VAE": VAE(**settings, callbacks=[CollapseMonitor()]),
}
for model in models.values():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollapseWarning)  # the picture shows it
        model.fit(images)

# %%
# Information and active units are what `CollapseMonitor` measured; the divergence is in the history of every training.

TrainingCurveDisplay.from_estimators(models).plot()
plt.show()
