"""Measures of posterior collapse of any model: on arrays, distributions, estimators, and models of your own."""

from .agreement import LatentAgreement, latent_agreement
from .information import (
    AggregatePosteriorKL,
    Divergence,
    MutualInformation,
    aggregate_posterior_kl,
    kl_divergence,
    mutual_information,
)
from .labels import cluster_mutual_information, clustering_accuracy, majority_vote_accuracy
from .likelihood import AmortizationGap, LogLikelihood, amortization_gap, log_likelihood
from .neighbours import neighbour_information
from .report import CollapseReport, LabelMeasurements, LatentMeasurements, TotalMeasurements, collapse_report
from .scorers import COLLAPSE_SCORERS, LABEL_SCORERS, make_collapse_scorer
from .sources import VariationalModel, View
from .units import ActiveUnits, InformativeUnits, active_units, informative_units

__all__ = [
    "COLLAPSE_SCORERS",
    "LABEL_SCORERS",
    "ActiveUnits",
    "AggregatePosteriorKL",
    "AmortizationGap",
    "CollapseReport",
    "Divergence",
    "InformativeUnits",
    "LabelMeasurements",
    "LatentAgreement",
    "LatentMeasurements",
    "LogLikelihood",
    "MutualInformation",
    "TotalMeasurements",
    "VariationalModel",
    "View",
    "active_units",
    "aggregate_posterior_kl",
    "amortization_gap",
    "cluster_mutual_information",
    "clustering_accuracy",
    "collapse_report",
    "informative_units",
    "kl_divergence",
    "latent_agreement",
    "log_likelihood",
    "majority_vote_accuracy",
    "make_collapse_scorer",
    "mutual_information",
    "neighbour_information",
]
