"""Collapse as it happens: bound, divergence, information and active units by epoch, for LIDVAE and a classical VAE.

python doc/examples/plot_training_curve.py
"""

import warnings

from matplotlib.figure import Figure
from sklearn.datasets import load_digits

from sklid import LIDVAE, CollapseWarning
from sklid.baselines import VAE
from sklid.callbacks import CollapseMonitor
from sklid.plots import TrainingCurveDisplay


def main() -> Figure:
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
    return TrainingCurveDisplay.from_estimators(models).plot().figure_


if __name__ == "__main__":
    main().savefig("plot_training_curve.png", dpi=150)
