"""Exact inference for two small models: where a posterior collapses here, no approximation is to blame."""

from .chains import Chains
from .mixture import fit_mixture, sample_mixture
from .ppca import sample_ppca

__all__ = ["Chains", "fit_mixture", "sample_mixture", "sample_ppca"]
