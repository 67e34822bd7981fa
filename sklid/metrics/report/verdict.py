r"""Rules from measurements to a verdict: whether a posterior has collapsed, and whose fault it is.

Theorem 1 of Wang, Blei & Cunningham (NeurIPS 2021): the exact posterior equals the prior where the likelihood does not depend on the latent. So
a latent whose encoded mean does not vary over the data has one of three causes:

- *model*: the likelihood hardly depends on it, though the data hold directions that no latent explains;
- *inference*: the exact posterior moves and the encoder's does not;
- *data*: the rows have fewer directions than the model has latents, or form fewer clusters than it has labels.

A latent that varies and yet does not help to explain the rows, as under an inverse-Lipschitz decoder on white noise, is a matter of the data too.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..units import ACTIVE_VARIANCE

__all__ = ["REMEDIES", "Findings", "LabelFindings", "label_verdict", "latent_verdicts", "overall_verdict"]

LEAST_VARIATION = 0.01
"""Nats of information below which a likelihood hardly depends on a latent."""
LEAST_LABEL_SHARE = 0.1
"""Share of log C under which the information of the labels counts as collapsed."""
LEAST_LABEL_GAIN = 2.0
"""Ratio of the exact posterior's information of the labels to the encoder's at which inference is at fault."""

REMEDIES = {
    "healthy": "",
    "model": "Use an injective decoder (LIDVAE) or raise its inverse_lipschitz; lower kl_weight or decoder_depth, or raise max_epochs.",
    "inference": "Lower kl_weight, raise encoder_width, encoder_depth or max_epochs, or start at principal components with encoder='principal'.",
    "data": "Lower n_components.",
    "labels: healthy": "",
    "labels: model": "Raise min_separation, lower scale_bounds or kl_weight, or raise pretrain_fraction.",
    "labels: inference": "Raise encoder_width, encoder_depth or max_epochs, or lower kl_weight.",
    "labels: data": "Lower k.",
    "labels: collapsed": "Lower k or kl_weight, or raise max_epochs.",
    "collapsed": "Pass the model itself rather than its posteriors to learn the cause.",
}
"""What to change, by verdict."""


class Findings(NamedTuple):
    """Measurements of the latents of a model, on which `latent_verdicts` decides.

    Attributes
    ----------
    variances : array of shape (n_components,)
        Of the encoder's posterior means over the rows.
    variation : array of shape (n_components,)
        Bound on the information that the likelihood can carry of each latent, in nats.
    refined_variances : array of shape (n_components,)
        Of the means of refined or exact posteriors.
    informative : bool array of shape (n_components,)
        Whether each latent helps to explain the rows.
    unexplained : float
        Largest eigenvalue of the standardised residuals over what it must exceed; nan where it is not known.
    """

    variances: NDArray
    variation: NDArray
    refined_variances: NDArray
    informative: NDArray
    unexplained: float


class LabelFindings(NamedTuple):
    """Measurements of a discrete latent, on which `label_verdict` decides.

    Attributes
    ----------
    information, most : float
        Of the rows and the labels under q(y | x), and log C, in nats.
    n_used, n_labels : int
        Labels that are the most probable of some row, and all.
    separation : float
        Information of labels and latents under the model with equal weights; nan where it is not known.
    exact : float
        Information of rows and labels under the exact posterior; nan where it is not known.
    variation : float
        Bound on the information that the likelihood can carry, in nats; nan where it is not known.
    one_cluster : bool or None
        Whether the rows form one cluster; None where there are no rows.
    """

    information: float
    most: float
    n_used: int
    n_labels: int
    separation: float = np.nan
    exact: float = np.nan
    variation: float = np.nan
    one_cluster: bool | None = None

    @property
    def collapsed(self) -> bool:
        """Whether the labels say next to nothing, or some stay unused."""
        return self.information < LEAST_LABEL_SHARE * self.most or self.n_used < self.n_labels


def latent_verdicts(found: Findings) -> list[str]:
    """For each latent "healthy", "model", "inference" or "data"."""
    return [_latent_verdict(found, latent) for latent in range(len(found.variances))]


def overall_verdict(latents: list[str]) -> str:
    """The most frequent cause among the latents that are not healthy; "healthy" when all are."""
    causes = [verdict for verdict in latents if verdict != "healthy"]
    return max(("model", "inference", "data", "collapsed"), key=causes.count) if causes else "healthy"


def label_verdict(found: LabelFindings) -> str:
    """Of the labels: "healthy", "model", "inference", "data", or "collapsed" where the cause cannot be told."""
    least = LEAST_LABEL_SHARE * found.most
    if found.one_cluster:
        return "data"
    if not found.collapsed:
        return "healthy"
    if found.one_cluster is None:
        return "collapsed"
    if found.separation < least or found.variation < LEAST_VARIATION:
        return "model"
    if found.exact > max(least, LEAST_LABEL_GAIN * found.information):
        return "inference"
    return "data" if found.information >= least else "model"


def _latent_verdict(found: Findings, latent: int) -> str:
    ignored = found.variation[latent] < LEAST_VARIATION
    if found.variances[latent] >= ACTIVE_VARIANCE and not ignored:
        return "healthy" if found.informative[latent] else "data"
    if found.refined_variances[latent] >= ACTIVE_VARIANCE and not ignored:
        return "inference"
    return "data" if found.unexplained <= 1 else "model"
