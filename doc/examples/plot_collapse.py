"""Which latents matter: a classical VAE and LIDVAE on digits, latent by latent.

After a short training the latents of the VAE say little, and some have collapsed. LIDVAE keeps all of them active,
which alone proves little; the colours tell which of them help to explain digits that were not fitted.

    python doc/examples/plot_collapse.py
"""

import warnings

from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklid import LIDVAE, CollapseWarning
from sklid.baselines import VAE
from sklid.plots import CollapseDisplay


def main() -> Figure:
    train, test = train_test_split(load_digits().data / 16, train_size=1200, random_state=0)
    settings = {
        "likelihood": "bernoulli",
        "decoder_width": 64,
        "encoder_width": 64,
        "max_epochs": 25,
        "batch_size": 64,
        "random_state": 0,
    }
    figure = Figure(figsize=(11, 4), layout="constrained")
    for ax, model in zip(figure.subplots(1, 2, sharey=True), (VAE(**settings), LIDVAE(**settings)), strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CollapseWarning)  # the picture shows it
            model.fit(train)
        CollapseDisplay.from_estimator(model, test[:200], n_importance_samples=30).plot(ax)
    return figure


if __name__ == "__main__":
    main().savefig("plot_collapse.png", dpi=150)
