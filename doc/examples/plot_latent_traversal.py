"""What each latent of LIDVAE does to a digit, and to the measurements of an iris flower.

python doc/examples/plot_latent_traversal.py
"""

from matplotlib.figure import Figure
from sklearn.datasets import load_digits, load_iris

from sklid import LIDVAE
from sklid.plots import LatentTraversalDisplay

SMALL = {"decoder_width": 64, "encoder_width": 64, "random_state": 0}


def main() -> tuple[Figure, Figure]:
    images = load_digits().data / 16
    digits = LIDVAE(n_components=5, likelihood="bernoulli", max_epochs=30, **SMALL).fit(images)
    flowers = load_iris(as_frame=True).data
    iris = LIDVAE(n_components=2, max_epochs=50, **SMALL).fit(flowers)
    shown = (
        LatentTraversalDisplay.from_estimator(model, rows).plot().figure_
        for model, rows in ((digits, images), (iris, flowers))
    )
    return tuple(shown)


if __name__ == "__main__":
    for name, figure in zip(("digits", "iris"), main(), strict=True):
        figure.savefig(f"plot_latent_traversal_{name}.png", dpi=150)
