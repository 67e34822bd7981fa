"""The latent space of LIDVAE: digits in the plane of the two most used latents, aggregate posterior beside prior.

python doc/examples/plot_latent_space.py
"""

from matplotlib.figure import Figure
from sklearn.datasets import load_digits

from sklid import LIDVAE
from sklid.plots import LatentSpaceDisplay


def main() -> Figure:
    images, classes = load_digits(return_X_y=True)
    model = LIDVAE(
        n_components=2, likelihood="bernoulli", decoder_width=64, encoder_width=64, max_epochs=40, random_state=0
    ).fit(images / 16)
    return LatentSpaceDisplay.from_estimator(model, images / 16, classes).plot().figure_


if __name__ == "__main__":
    main().savefig("plot_latent_space.png", dpi=150)
