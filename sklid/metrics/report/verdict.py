r"""Rules from measurements to a verdict: whether a posterior has collapsed, and whose fault it is.

Theorem 1 of Wang, Blei & Cunningham (NeurIPS 2021): the exact posterior equals the prior where the likelihood does
not depend on the latent. So a latent whose encoded mean does not vary over the data has one of three causes:

- *model*: the likelihood hardly depends on it, though the data hold directions that no latent explains;
- *inference*: the exact posterior moves and the encoder's does not;
- *data*: the rows have fewer directions than the model has latents, or form fewer clusters than it has labels.

A latent that varies and yet does not help to explain the rows, as under an inverse-Lipschitz decoder on white noise,
is a matter of the data too.
"""

from typing import NamedTuple

from numpy.typing import NDArray

from ..units import ACTIVE_VARIANCE
from .measurements import LabelMeasurements

__all__ = ["REMEDIES", "LatentEvidence", "label_verdict", "labels_collapsed", "latent_verdicts", "overall_verdict"]

LEAST_VARIATION = 0.01
"""Nats of information below which a likelihood hardly depends on a latent."""
LEAST_LABEL_SHARE = 0.1
"""Share of log C under which the information of the labels counts as collapsed."""
LEAST_LABEL_GAIN = 2.0
"""Ratio of the exact posterior's information of the labels to the encoder's at which inference is at fault."""

REMEDIES = {
    "healthy": "",
    "model": "Use an injective decoder (LIDVAE) or raise its inverse_lipschitz; "
    "lower kl_weight or decoder_depth, or raise max_epochs.",
    "inference": "Lower kl_weight, raise encoder_width, encoder_depth or max_epochs, "
    "or start at principal components with encoder='principal'.",
    "data": "Lower n_components.",
    "labels: healthy": "",
    "labels: model": "Raise min_separation, lower scale_bounds or kl_weight, or raise pretrain_fraction.",
    "labels: inference": "Raise encoder_width, encoder_depth or max_epochs, or lower kl_weight.",
    "labels: data": "Lower k.",
    "labels: collapsed": "Lower k or kl_weight, or raise max_epochs.",
    "collapsed": "Pass the model itself rather than its posteriors to learn the cause.",
}
"""What to change, by verdict."""


class LatentEvidence(NamedTuple):
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


def latent_verdicts(evidence: LatentEvidence) -> list[str]:
    """For each latent "healthy", "model", "inference" or "data"."""
    return [_latent_verdict(evidence, latent) for latent in range(len(evidence.variances))]


def overall_verdict(latents: list[str]) -> str:
    """The most frequent cause among the latents that are not healthy; "healthy" when all are."""
    causes = [verdict for verdict in latents if verdict != "healthy"]
    return max(("model", "inference", "data", "collapsed"), key=causes.count) if causes else "healthy"


def labels_collapsed(labels: LabelMeasurements) -> bool:
    """Whether the labels say next to nothing about the rows, or some are never the most probable."""
    return labels.information < LEAST_LABEL_SHARE * labels.most or labels.n_used < labels.n_labels


def label_verdict(labels: LabelMeasurements) -> str:
    """Of the labels: "healthy", "model", "inference", "data", or "collapsed" where the cause cannot be told."""
    least = LEAST_LABEL_SHARE * labels.most
    if labels.one_cluster:
        return "data"
    if not labels_collapsed(labels):
        return "healthy"
    if labels.one_cluster is None:
        return "collapsed"
    if labels.separation < least or labels.variation < LEAST_VARIATION:
        return "model"
    if labels.exact > max(least, LEAST_LABEL_GAIN * labels.information):
        return "inference"
    return "data" if labels.information >= least else "model"


def _latent_verdict(evidence: LatentEvidence, latent: int) -> str:
    ignored = evidence.variation[latent] < LEAST_VARIATION
    if evidence.variances[latent] >= ACTIVE_VARIANCE and not ignored:
        return "healthy" if evidence.informative[latent] else "data"
    if evidence.refined_variances[latent] >= ACTIVE_VARIANCE and not ignored:
        return "inference"
    return "data" if evidence.unexplained <= 1 else "model"
