"""What table 1 compares: the models, with their networks, posteriors and seeds.

"9 layers" are eight hidden layers and the last, as in the perceptrons and in the section; the paper's decoder has two
potentials, of one and of four hidden layers, each of which is passed forward and backward, and beta between them. "2
layers" are two hidden ones. All decoders have as many multiply-adds as the perceptron.
"""

import bisect
import sys
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from loops import multiply_adds, perceptron_multiply_adds

from sklid import LIDVAE, LIDGMVAEClustering
from sklid.baselines import (
    BNVAE,
    GMVAE,
    VAE,
    BetaVAE,
    DeltaVAE,
    FreeBitsVAE,
    LaggingVAE,
    SemiAmortizedVAE,
    SkipVAE,
)
from sklid.nn import InjectiveDecoder

__all__ = ["AUTHORS", "CLUSTERS", "METHODS", "OURS", "RATES", "SIZES", "Sizes", "parameters"]

RATES = (1e-3, 3e-3, 5e-3)


class Sizes(NamedTuple):
    """Of a run: rows, units, latents, epochs; hidden layers come with each network."""

    n_train: int
    width: int
    n_components: int
    epochs: int
    encoder_width: int


SIZES = Sizes(n_train=10_000, width=256, n_components=32, epochs=30, encoder_width=256)
AUTHORS = Sizes(n_train=0, width=512, n_components=64, epochs=100, encoder_width=512)
"""As far as the paper and its code tell; 0 rows are all there are."""


class Method(NamedTuple):
    """A model of the table.

    `rate_of` names the method whose learning rate it takes, where a grid of its own would take hours.
    """

    estimator: type
    own: dict = {}
    posterior: str = "flow"
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    rate_of: str | None = None
    seconds: int = 45


METHODS = {
    "LIDVAE section": Method(LIDVAE),
    "LIDVAE brenier": Method(LIDVAE, {"decoder": "brenier"}),
    "VAE": Method(VAE),
    "VAE principal": Method(VAE, {"encoder": "principal"}),
    "beta-VAE": Method(BetaVAE),
    "lagging VAE": Method(LaggingVAE, rate_of="VAE", seconds=200),
    "SA-VAE": Method(SemiAmortizedVAE, {"n_refinements": 10}, "gaussian", (0, 1), "VAE", 430),
    "skip VAE": Method(SkipVAE),
    "free bits": Method(FreeBitsVAE),
    "delta-VAE": Method(DeltaVAE, posterior="gaussian", seconds=25),
    "BN-VAE": Method(BNVAE, posterior="gaussian", seconds=25),
}
OURS = ("LIDVAE section", "LIDVAE brenier")
AT_ONCE = {"kl_warmup": 0.0}
"""The whole weight of the divergence from the first step of the second phase on."""
CLUSTERS = {
    "LIDGMVAE section": Method(LIDGMVAEClustering, AT_ONCE, "gaussian", (0, 1, 2), seconds=70),
    "LIDGMVAE brenier": Method(LIDGMVAEClustering, AT_ONCE | {"decoder": "brenier"}, "gaussian", (0, 1, 2), seconds=70),
    "GMVAE": Method(
        GMVAE, {"encoder": "plain", "init": "random", "pretrain_fraction": 0.0}, "gaussian", (0, 1, 2), seconds=40
    ),
    "GMVAE principal": Method(GMVAE, AT_ONCE, "gaussian", (0, 1, 2), seconds=70),
}


def parameters(method: Method, hidden_layers: int, n_features: int, sizes: Sizes) -> dict:
    """Of the estimator, without its learning rate and its seed."""
    depth, width = hidden_layers, sizes.width
    if method.own.get("decoder") == "brenier" and hidden_layers > 2:
        depth = hidden_layers // 2
    if method.own.get("decoder") == "brenier":
        width = brenier_width(hidden_layers, depth, n_features, sizes)
    shared = {
        "likelihood": "bernoulli",
        "n_components": sizes.n_components,
        "decoder_depth": depth,
        "decoder_width": width,
        "encoder_width": sizes.encoder_width,
        "max_epochs": sizes.epochs,
        "posterior": method.posterior,
    }
    return shared | method.own


def brenier_width(hidden_layers: int, depth: int, n_features: int, sizes: Sizes) -> int:
    """Units of the paper's decoder for as many multiply-adds as the perceptron has."""
    wanted = perceptron_multiply_adds(sizes.n_components, n_features, hidden_layers, sizes.width)
    cost = lambda width: multiply_adds(InjectiveDecoder(sizes.n_components, n_features, depth, width))  # noqa: E731
    return bisect.bisect_left(range(8 * sizes.width), wanted, lo=sizes.width // 8, key=cost)
