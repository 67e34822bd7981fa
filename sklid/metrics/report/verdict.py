r"""Rules from measurements to a verdict: whether a posterior has collapsed, and whose fault it is.

Theorem 1 of Wang, Blei & Cunningham (NeurIPS 2021): the exact posterior equals the prior where the likelihood does
not depend on the latent. So a latent that is of no use has one of three causes:

- *inference*: the likelihood depends on it and the exact posterior moves, and the encoder's does not;
- *model*: a better model of the same family would explain what the other latents leave;
- *data*: what they leave is noise, so there is nothing for the latent to do.

An inverse-Lipschitz decoder keeps every latent active, on white noise too; one that is active and does not help to
explain the rows is as unused as one that does not move. Where the rows are too few to tell, the verdict is
*undecided*.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..units import ACTIVE_VARIANCE
from .measurements import LabelMeasurements, LatentMeasurements
from .structure import Structure

__all__ = [
    "UNUSED",
    "LatentEvidence",
    "cause_of_unused",
    "label_verdict",
    "labels_collapsed",
    "latent_states",
    "latents_collapsed",
    "overall_verdict",
]

UNUSED = "unused"
LEAST_VARIATION = 0.01
"""Nats of information below which a likelihood hardly depends on a latent."""
LARGEST_HIDDEN_GAIN = 0.5 * (1 - math.log(2))
"""Nats per row that a direction as strong as the noise is worth: a latent that could be must not count as useless."""
LEAST_LABEL_SHARE = 0.1
"""Share of the entropy of the average label under which the information of the labels counts as collapsed."""
LEAST_LABEL_GAIN = 2.0
"""Ratio of the exact posterior's information of the labels to the encoder's at which inference is at fault."""
LEAST_CLUSTER_EVIDENCE = 3.0
"""Difference of two Bayesian information criteria, in nats, from which one counts (Kass & Raftery 1995, "strong")."""


class LatentEvidence(NamedTuple):
    """Measurements of the latents of a model, on which `latent_states` decides; each of shape ``(n_components,)``.

    Attributes
    ----------
    variances
        Of the encoder's posterior means over the rows.
    variation
        Bound on the information that the likelihood can carry of each latent, in nats.
    refined_variances
        Of the means of refined posteriors.
    informative
        Whether each latent helps to explain the rows.
    gains, errors
        By how much, in nats per row, and the standard error of that; nan where it is not known.
    """

    variances: NDArray
    variation: NDArray
    refined_variances: NDArray
    informative: NDArray
    gains: NDArray
    errors: NDArray


def latent_states(evidence: LatentEvidence) -> list[str]:
    """For each latent "healthy", "inference", "undecided", or "unused", whose cause the residuals tell."""
    return [_state(*latent) for latent in zip(*evidence, strict=True)]


def cause_of_unused(structure: Structure) -> str:
    """Of latents that are not used: "model", "data" or "undecided"."""
    if structure.found:
        return "model"
    return "data" if structure.excluded else "undecided"


def overall_verdict(latents: list[str]) -> str:
    """The most frequent cause among the latents that are not healthy; "healthy" when all are."""
    causes = [verdict for verdict in latents if verdict not in {"healthy", "undecided"}]
    if not causes:
        return "undecided" if "undecided" in latents else "healthy"
    return max(("model", "inference", "data", "collapsed"), key=causes.count)


def latents_collapsed(latents: LatentMeasurements) -> bool:
    """Whether some latent does not depend on the rows, in the encoder or in the likelihood."""
    return bool(((latents.variance < ACTIVE_VARIANCE) | (latents.variation < LEAST_VARIATION)).any())


def labels_collapsed(labels: LabelMeasurements) -> bool:
    """Whether the labels say next to nothing about the rows, or some are never the most probable."""
    return labels.information < LEAST_LABEL_SHARE * labels.most or labels.n_used < labels.n_labels


def label_verdict(labels: LabelMeasurements) -> str:
    """Of the labels: "healthy", or a cause; "collapsed" where nothing but probabilities is known."""
    collapsed, known = labels_collapsed(labels), not math.isnan(labels.cluster_evidence)
    if labels.cluster_evidence < -LEAST_CLUSTER_EVIDENCE:
        return "data"
    if not collapsed:
        return "undecided" if known and labels.cluster_evidence < LEAST_CLUSTER_EVIDENCE else "healthy"
    if not known:
        return "collapsed"
    least = LEAST_LABEL_SHARE * math.log(labels.n_labels)
    if labels.separation < least or labels.variation < LEAST_VARIATION:
        return "model"
    if labels.exact > max(LEAST_LABEL_SHARE * labels.most, LEAST_LABEL_GAIN * labels.information):
        return "inference"
    return "undecided" if labels.cluster_evidence < LEAST_CLUSTER_EVIDENCE else "model"


def _state(
    variance: float, variation: float, refined_variance: float, informative: bool, gain: float, error: float
) -> str:
    if not np.isfinite([variance, variation]).all():
        return "undecided"
    if variation < LEAST_VARIATION:
        return UNUSED
    if variance >= ACTIVE_VARIANCE:
        could_help = gain > error or gain + 2 * error > LARGEST_HIDDEN_GAIN
        return "healthy" if informative else "undecided" if could_help else UNUSED
    return "inference" if refined_variance >= ACTIVE_VARIANCE else UNUSED
