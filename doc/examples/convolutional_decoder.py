"""
A decoder of convolutions
=========================

A decoder of transposed convolutions, made injective, on images of handwritten digits. The network is yours; `LIDVAE`
keeps what it says in the plane of the latents from undoing them. So the model has a certificate and an exact inverse,
which the same network in a `VAE` has not.
"""

from functools import partial

import numpy as np
from sklearn.datasets import load_digits
from torch import nn

from sklid import LIDVAE
from sklid.baselines import VAE


def images_of_latents(n_components: int, n_outputs: int, channels: int = 32) -> nn.Module:
    """A network from latents ``(n, K)`` to square images ``(n, 1, side, side)``."""
    quarter = round(n_outputs**0.5) // 4
    return nn.Sequential(
        nn.Linear(n_components, 4 * channels * quarter**2),
        nn.GELU(),
        nn.Unflatten(1, (4 * channels, quarter, quarter)),
        nn.ConvTranspose2d(4 * channels, channels, kernel_size=4, stride=2, padding=1),
        nn.GELU(),
        nn.ConvTranspose2d(channels, 1, kernel_size=4, stride=2, padding=1),
    )


def main(n_epochs: int = 30) -> dict[str, float]:
    images = load_digits().data
    train, test = images[:1200], images[1200:]
    shared = {"n_components": 8, "max_epochs": n_epochs, "random_state": 0}
    network = {"decoder_network": partial(images_of_latents, channels=16)}
    models = {
        "LIDVAE, convolutions": LIDVAE(**shared, **network),
        "LIDVAE, perceptron": LIDVAE(**shared),
        "VAE, convolutions": VAE(encoder="principal", **shared, **network),
    }
    found = {name: float(model.fit(train).score(test)) for name, model in models.items()}
    for name, score in found.items():
        print(f"{name}: log-likelihood of the other images {score:.1f}")
    model = models["LIDVAE, convolutions"]
    z = model.transform(test)
    error = np.abs(model.invert(model.inverse_transform(z)) - z).max()
    floor = model.mutual_information_lower_bound_
    print(f"Latents and images share at least {floor:.2f} nats; error of the inverse {error:.1e}")
    return found | {"floor": floor, "error": float(error)}


if __name__ == "__main__":
    main()
