"""Noise that is not isotropic is seen, and noise that is raises no alarm."""

import warnings

import numpy as np
import pytest

from sklid import IdentifiablePPCA
from sklid.exceptions import NoiseWarning
from sklid.linear.isotropy import isotropy_pvalue

from .tables import planted, with_gaps
from .test_spectrum import of_variances, spectra_of_noise


def strong_components(noise, seed=0):
    """Three of variance 8 to 12 beside noise ``(N, D)``."""
    rng = np.random.default_rng([seed, 1])
    directions = np.linalg.qr(rng.standard_normal((noise.shape[1], 3)))[0]
    return rng.standard_normal((len(noise), 3)) * np.sqrt((12, 10, 8)) @ directions.T + noise


def unequal(rng):
    return rng.standard_normal((500, 20)) * np.exp(rng.standard_normal(20) / 2)


def autocorrelated(rng):
    noise = rng.standard_normal((500, 20))
    for k in range(1, 20):
        noise[:, k] = 0.5 * noise[:, k - 1] + 0.75**0.5 * noise[:, k]
    return noise


def heavy_tailed(rng):
    return rng.standard_t(3, (500, 20)) / 3**0.5


@pytest.mark.parametrize(("n_rows", "n_features"), [(100, 3), (400, 8), (60, 20), (30, 40)])
@pytest.mark.parametrize("n_signals", [0, 2])
def test_p_values_of_white_noise_are_uniform(n_rows, n_features, n_signals):
    deviations = np.append(np.full(n_signals, 30.0), np.ones(n_features))
    found = [isotropy_pvalue(spectrum, n_signals) for spectrum in spectra_of_noise(3000, n_rows, deviations)]
    for level in (0.01, 0.1, 0.5):
        assert np.mean(np.array(found) < level) == pytest.approx(level, abs=4 * np.sqrt(level / 3000) + 0.2 * level)


def test_p_value_of_four_equal_variances_is_that_of_a_spread_of_zero():
    assert isotropy_pvalue(of_variances(np.array([9.0, 1, 1, 1, 1]), 101), 1) < 1e-6
    assert np.isnan(isotropy_pvalue(of_variances(np.array([9.0, 1]), 101), 1))


def test_many_autocorrelated_columns_are_warned_of():
    """The components found cut the spread of such noise down to that of white noise."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((300, 60))
    for k in range(1, 60):
        noise[:, k] = 0.5 * noise[:, k - 1] + 0.75**0.5 * noise[:, k]
    with pytest.warns(NoiseWarning):
        IdentifiablePPCA().fit(strong_components(noise))


@pytest.mark.parametrize("noise", [unequal, autocorrelated, heavy_tailed])
@pytest.mark.parametrize("seed", range(3))
def test_noise_that_is_not_isotropic_is_warned_of_with_the_remedy(noise, seed):
    X = strong_components(noise(np.random.default_rng(seed)), seed)
    with pytest.warns(NoiseWarning, match='noise="feature".*n_components="parallel"'):
        model = IdentifiablePPCA().fit(X)
    assert 3 <= model.n_identifiable_ <= 5
    assert model.isotropy_pvalue_ < 0.01 or model.noise_kurtosis_ > 3 or noise is not heavy_tailed


@pytest.mark.parametrize("noise", [autocorrelated, heavy_tailed])
@pytest.mark.parametrize("fit", ["fit", "partial_fit"])
def test_components_in_such_noise_are_counted_beside_permuted_or_normal_columns(noise, fit):
    X = strong_components(noise(np.random.default_rng(1)), 1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = getattr(IdentifiablePPCA(), fit)(X)
    if noise is autocorrelated:
        assert "so those are counted that exceed columns without relation, 3." in str(caught[0].message)
    assert model.n_identifiable_ == model.n_components_ == 3 or (noise, fit) == (heavy_tailed, "partial_fit")


def test_isotropic_noise_and_a_number_of_components_raise_no_alarm():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        assert IdentifiablePPCA().fit(strong_components(rng.standard_normal((500, 20)), seed)).n_identifiable_ == 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        IdentifiablePPCA(3).fit(strong_components(unequal(np.random.default_rng(0))))


def test_isotropy_of_rows_with_gaps_is_not_judged():
    assert np.isnan(IdentifiablePPCA(3).fit(with_gaps(planted())).isotropy_pvalue_)
    assert IdentifiablePPCA(3).fit(planted()).isotropy_pvalue_ > 0.01


@pytest.mark.parametrize("shape", [(4, 200), (10, 1000), (5, 100)])
def test_normal_noise_of_few_rows_is_not_called_heavy_tailed(shape):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for seed in range(5):
            IdentifiablePPCA().fit(np.random.default_rng(seed).standard_normal(shape))
    assert not [warning for warning in caught if "heavier tails" in str(warning.message)]
