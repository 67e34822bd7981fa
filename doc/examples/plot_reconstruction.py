"""Digits and what two models make of them: ten latents of LIDVAE, and ten principal components.

python doc/examples/plot_reconstruction.py
"""

from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from sklid import LIDVAE
from sklid.plots import ReconstructionDisplay


def main() -> Figure:
    images = load_digits().data / 16
    model = LIDVAE(likelihood="bernoulli", decoder_width=64, encoder_width=64, max_epochs=40, random_state=0).fit(
        images[100:]
    )
    models = {"LIDVAE": model, "PCA": PCA(10).fit(images[100:])}
    return ReconstructionDisplay.from_estimators(models, images, n_rows=10).plot().figure_


if __name__ == "__main__":
    main().savefig("plot_reconstruction.png", dpi=150)
