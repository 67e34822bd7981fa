"""What a report holds: measurements of each latent, of all latents together, and of the labels."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["LabelMeasurements", "LatentMeasurements", "TotalMeasurements"]


class LatentMeasurements(NamedTuple):
    """Measurements of each latent; nan where one is not known.

    Attributes
    ----------
    kl : array of shape (n_components,)
        Mean divergence of the posterior's marginal from the prior's, in nats.
    variance : array of shape (n_components,)
        Variance over the rows of the encoder's posterior mean.
    mutual_information : array of shape (n_components,)
        Of the rows and this latent alone under q, in nats.
    floor : array of shape (n_components,)
        Least information that the model certifies, in nats, shared out equally.
    gain : array of shape (n_components,)
        Log-likelihood per row that the model loses without the latent, in nats.
    variation : array of shape (n_components,)
        Bound on the information about this latent that the likelihood can carry, in nats.
    refined_variance : array of shape (n_components,)
        Variance over the rows of the means of posteriors refined row by row.
    verdict : array of str of shape (n_components,)
    """

    kl: NDArray[np.float64]
    variance: NDArray[np.float64]
    mutual_information: NDArray[np.float64]
    floor: NDArray[np.float64]
    gain: NDArray[np.float64]
    variation: NDArray[np.float64]
    refined_variance: NDArray[np.float64]
    verdict: NDArray[np.str_]


class TotalMeasurements(NamedTuple):
    """Measurements of all latents together; nan where one is not known.

    Attributes
    ----------
    kl : float
        Mean divergence of the posterior from the prior, in nats.
    mutual_information, mutual_information_lower, mutual_information_upper : float
        Of the rows and the latents under q, and its bracket, in nats.
    active_units : int
        Latents whose posterior mean varies over the rows.
    floor : float
        Least information that the model certifies, in nats.
    informative_units : int
        Latents without which the model explains the rows worse.
    variation : float
        Bound on the information about all latents that the likelihood can carry, in nats.
    posterior_kl : float
        Mean divergence of the exact posterior from the prior, or less where it is large, in nats.
    amortization_gap : float
        Bound per row under posteriors refined row by row less that under the encoder's, in nats.
    unexplained : float
        Largest eigenvalue of the residuals' correlations over what it must exceed to be a direction in the data.
    unexplained_shape : float
        Log-likelihood per row of the residuals that a mixture gains over one Gaussian on rows it has not seen, at the
        lower end of its interval, in nats.
    hidden : float
        Information of the strongest direction that could go unnoticed among so many rows and columns, in nats.
    n_residuals : float
        Rows whose residuals these three come from, exact repeats counted once.

    The last four are measured where the cause of an unused latent depends on them.
    """

    kl: float = np.nan
    mutual_information: float = np.nan
    mutual_information_lower: float = np.nan
    mutual_information_upper: float = np.nan
    active_units: float = np.nan
    floor: float = np.nan
    informative_units: float = np.nan
    variation: float = np.nan
    posterior_kl: float = np.nan
    amortization_gap: float = np.nan
    unexplained: float = np.nan
    unexplained_shape: float = np.nan
    hidden: float = np.nan
    n_residuals: float = np.nan


class LabelMeasurements(NamedTuple):
    """Measurements of a discrete latent; nan, or None, where one is not known.

    Attributes
    ----------
    information, most : float
        Of the rows and the labels under q(y | x), and the entropy of the average label, which it cannot exceed, in
        nats.
    n_used, n_labels : int
        Labels that are the most probable of some row, and all.
    separation : float
        Information of labels and latents under the model with equal weights, in nats.
    exact : float
        Information of rows and labels under the exact posterior, in nats.
    variation : float
        Bound on the information that the likelihood can carry, in nats.
    n_clusters : float
        Clusters that the rows form, at most the number of labels.
    cluster_evidence : float
        What the rows tell for as many clusters as labels against any smaller number, in nats; negative where fewer do.
    """

    information: float
    most: float
    n_used: int
    n_labels: int
    separation: float = np.nan
    exact: float = np.nan
    variation: float = np.nan
    n_clusters: float = np.nan
    cluster_evidence: float = np.nan
