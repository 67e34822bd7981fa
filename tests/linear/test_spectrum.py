"""Components are told from noise."""

import numpy as np
import pytest

from sklid import CollapseWarning, IdentifiablePPCA
from sklid.linear.spectrum import Spectrum, bulk_noise, largest_noise, noise_limit

from .tables import planted, with_gaps


def test_planted_components_are_found_and_white_noise_has_none():
    assert IdentifiablePPCA().fit(planted()).n_components_ == 3
    assert IdentifiablePPCA().fit(with_gaps(planted())).n_components_ == 3
    with pytest.warns(CollapseWarning, match="No component stands out"):
        noise = IdentifiablePPCA().fit(np.random.default_rng(0).standard_normal((300, 20)))
    assert (noise.n_identifiable_, noise.n_components_) == (0, 1)


def spectra_of_noise(n_tables, n_rows, standard_deviations, seed=0):
    """Spectra of tables of independent normal columns."""
    X = np.random.default_rng(seed).standard_normal((n_tables, n_rows, len(standard_deviations))) * standard_deviations
    X -= X.mean(axis=1, keepdims=True)
    variances = np.linalg.eigvalsh(X.mT @ X / (n_rows - 1))[:, ::-1]
    return [of_variances(part, n_rows) for part in variances]


def of_variances(variances, weight):
    return Spectrum(
        variances, lambda k: np.eye(len(variances))[:k], np.zeros(len(variances)), float(np.sum(variances)), weight
    )


def test_noise_estimated_beside_strong_components_is_unbiased():
    deviations = np.append(np.full(5, 7.0), np.ones(45))
    assert np.mean([bulk_noise(spectrum, 5) for spectrum in spectra_of_noise(200, 100, deviations)]) == pytest.approx(
        1, abs=0.01
    )


def test_few_features_of_white_noise_seldom_exceed_its_limit_though_the_noise_is_an_estimate():
    found = [spectrum.variances[0] > noise_limit(spectrum, 0) for spectrum in spectra_of_noise(4000, 400, np.ones(4))]
    assert np.mean(found) < 0.005


def test_the_limit_of_a_component_comes_from_the_noise_of_those_after_it():
    limit = noise_limit(of_variances(np.array([100.0, 1, 1, 1, 1]), 1e6), 0)
    assert limit == pytest.approx(largest_noise(5, 1e6), rel=1e-4)
