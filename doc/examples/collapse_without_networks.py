"""
Collapse without networks
=========================

Collapse is no matter of neural networks: PCA and a Gaussian mixture collapse under exact inference, and the same
functions measure it.

Wang, Blei & Cunningham (NeurIPS 2021), section 4.2 and appendix A. A principal component along which the data hold
nothing but noise, and a mixture whose clusters coincide, leave the likelihood flat in the latent; so the exact
posterior is the prior.
"""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

from sklid.metrics import (
    CollapseReport,
    cluster_mutual_information,
    collapse_report,
    informative_units,
    kl_divergence,
    mutual_information,
)


def principal_components() -> dict[str, float]:
    """Two directions and three components: the third is noise, and its posterior hardly leaves the prior."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((4000, 2)) @ (rng.standard_normal((2, 8)) * [[2.0], [1.0]]) + rng.standard_normal((4000, 8))
    pca, held_out = PCA(3).fit(X[:2000]), X[2000:]
    kl = kl_divergence(pca, held_out).per_dimension
    found = {f"KL of component {number}": value for number, value in enumerate(kl)}
    return found | {
        "information": mutual_information(pca, held_out).value,
        "informative components": informative_units(pca, held_out).count,
    }


def mixtures() -> dict[str, CollapseReport]:
    """Two clusters for two groups, and two for a single one."""
    rng = np.random.default_rng(0)
    apart = np.concatenate([rng.normal(-5, 1, (500, 1)), rng.normal(5, 1, (500, 1))])
    single = rng.normal(0, 1, (1000, 1))
    models = {
        name: (GaussianMixture(2, random_state=0).fit(X), X)
        for name, X in (("two groups", apart), ("one group", single))
    }
    return {name: collapse_report(mixture, X) for name, (mixture, X) in models.items()} | {
        "information of labels": {name: cluster_mutual_information(mixture, X) for name, (mixture, X) in models.items()}
    }


def main() -> dict:
    return {"PCA": principal_components(), "mixtures": mixtures()}


if __name__ == "__main__":
    for name, found in main().items():
        print(name)
        for what, value in found.items():
            print(f"  {what}: {value}")
