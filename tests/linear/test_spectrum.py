"""Components are told from noise."""

import numpy as np
import pytest

from sklid import CollapseWarning, IdentifiablePPCA
from sklid.linear.spectrum import Spectrum, bulk_noise, judged

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


@pytest.mark.parametrize(("n_rows", "n_features"), [(500, 10), (100, 4), (50, 3), (50, 2), (40, 60)])
def test_white_noise_has_a_component_in_one_table_of_two_hundred(n_rows, n_features):
    spectra = spectra_of_noise(4000, n_rows, np.ones(n_features))
    found = np.mean([judged(spectrum).count > 0 for spectrum in spectra])
    assert found == pytest.approx(0.005, abs=0.0035)


@pytest.mark.parametrize(("n_rows", "n_features"), [(500, 10), (100, 50), (60, 8), (40, 60)])
def test_a_component_too_many_is_found_in_one_table_of_forty(n_rows, n_features):
    deviations = np.append(np.full(3, 12.0), np.ones(n_features - 3))
    found = np.array([judged(spectrum).count for spectrum in spectra_of_noise(3000, n_rows, deviations)])
    assert (found >= 3).all()
    assert np.mean(found > 3) == pytest.approx(0.025, abs=0.01)


def test_weak_components_are_found_as_often_as_if_the_noise_were_known():
    """Johnstone's limits of known noise at 97.5 %; the least component is just beyond what can be detected at all."""
    deviations, quantile = np.sqrt(np.append([3, 2.5, 2], np.ones(47))), 1.4538
    root, others = np.sqrt(98.5), np.sqrt(np.arange(50, 1, -1) - 0.5)
    limits = ((root + others) ** 2 + quantile * (root + others) * (1 / root + 1 / others) ** (1 / 3)) / 99
    spectra = spectra_of_noise(300, 100, deviations)
    known = np.array([np.argmin(spectrum.variances[:49] > limits) for spectrum in spectra])
    found = np.array([judged(spectrum).count for spectrum in spectra])
    assert np.mean(found > 3) <= 0.025
    assert np.mean(found == 3) > np.mean(known == 3) - 0.05


@pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
@pytest.mark.parametrize(
    "added",
    [lambda X: np.full(len(X), 7.3), lambda X: X[:, 0], lambda X: X.sum(1), lambda X: 1e-6 * X[:, 2] - 3 * X[:, 1]],
    ids=["constant", "copy", "sum", "sum in other units"],
)
@pytest.mark.parametrize(("rows", "right"), [(planted(), 3), (np.random.default_rng(0).standard_normal((300, 8)), 0)])
def test_a_feature_that_others_determine_makes_no_component_identifiable(rows, right, added):
    for X in (rows, rows * 1e-3, rows + 1e4):
        assert IdentifiablePPCA().fit(np.column_stack([X, added(X)])).n_identifiable_ == right


@pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
def test_constant_columns_of_few_rows_say_nothing_of_the_noise():
    X = planted(30, 60, (30.0, 20.0))
    assert IdentifiablePPCA().fit(np.hstack([X, np.zeros((30, 400))])).n_identifiable_ == 2
    noise = np.random.default_rng(0).standard_normal((30, 60))
    assert IdentifiablePPCA().fit(np.hstack([noise, np.ones((30, 400))])).n_identifiable_ == 0
    gaps = np.column_stack([with_gaps(planted()), np.full((300, 30), 7.3)])
    assert IdentifiablePPCA().fit(gaps).n_identifiable_ == 3


@pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
def test_shares_that_sum_to_one_and_are_else_independent_have_no_component():
    assert IdentifiablePPCA().fit(np.random.default_rng(0).dirichlet(np.ones(6), 300)).n_identifiable_ == 0
