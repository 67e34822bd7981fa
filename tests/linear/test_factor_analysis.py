"""Noise of its own for each column: factor analysis, whose answers are those of the multivariate normal."""

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.decomposition import FactorAnalysis

from sklid import CollapseWarning, IdentifiablePPCA
from sklid.exceptions import NoiseWarning
from sklid.metrics import kl_divergence, log_likelihood

from .tables import planted, with_gaps
from .test_isotropy import autocorrelated, strong_components, unequal


def rows(n_rows=400, seed=0):
    """Two skewed components and noise of standard deviations .8 to 3 in seven columns of different units."""
    rng = np.random.default_rng(seed)
    signal = rng.gamma(2.0, 1.0, (n_rows, 2)) @ rng.standard_normal((2, 7))
    return (signal + rng.standard_normal((n_rows, 7)) * np.geomspace(0.8, 3, 7)) * np.geomspace(1, 50, 7) + 5


def fitted(X, **parameters):
    return IdentifiablePPCA(2, noise="feature", **parameters).fit(X)


def test_the_fit_is_that_of_scikit_learn():
    """Variances here have N - 1 degrees of freedom, there N; its steps are short, so that it takes many."""
    X = rows()
    other = FactorAnalysis(2, tol=0, max_iter=100_000, svd_method="lapack").fit(X / X.std(axis=0))
    expected = other.get_covariance() * np.outer(X.std(axis=0), X.std(axis=0))
    model = fitted(X, tol=1e-14)
    np.testing.assert_allclose(model.get_covariance() * 399 / 400, expected, rtol=1e-6)
    assert fitted(X).score(X) == pytest.approx(model.score(X), abs=1e-8)
    likelihood = stats.multivariate_normal(X.mean(axis=0), model.get_covariance()).logpdf(X)
    np.testing.assert_allclose(model.score_samples(X), likelihood, rtol=1e-10)
    np.testing.assert_allclose(model.noise_variance_[0], 0.64, rtol=0.5)


def test_answers_about_rows_are_those_of_the_multivariate_normal():
    X = rows()
    model = fitted(X)
    W, noise = model.loadings_, model.noise_variance_
    precision = np.eye(2) + W.T @ (W / noise[:, None])
    np.testing.assert_allclose(precision, np.diag(np.diag(precision)), atol=1e-8)
    means = np.linalg.solve(precision, (W / noise[:, None]).T @ (X - X.mean(axis=0)).T).T
    np.testing.assert_allclose(model.transform(X), means, rtol=1e-8, atol=1e-10)
    found = model.posterior(X)
    np.testing.assert_allclose(found.stddev[0], 1 / np.sqrt(np.diag(precision)), rtol=1e-8)
    np.testing.assert_allclose(model.mutual_information_, 0.5 * np.log(np.diag(precision)), rtol=1e-8)
    np.testing.assert_allclose(model.predict(X), X.mean(axis=0) + means @ W.T, rtol=1e-8)
    np.testing.assert_allclose(model.get_precision() @ model.get_covariance(), np.eye(7), atol=1e-8)
    np.testing.assert_allclose(model.invert(model.inverse_transform(means)), means, atol=1e-8)
    expected = torch.distributions.kl_divergence(
        found.base_dist, torch.distributions.Normal(torch.zeros(2).double(), 1)
    )
    np.testing.assert_allclose(model.kl_, expected.mean(0), rtol=1e-6)
    assert (stats.skew(model.transform(X)) > 0).all()


def test_metrics_of_the_package_see_it_and_draws_have_its_covariance():
    X = rows()
    model = fitted(X, random_state=0)
    np.testing.assert_allclose(kl_divergence(model, X).per_dimension, model.kl_, rtol=1e-6)
    assert log_likelihood(model, X).value == pytest.approx(model.score(X), abs=1e-6)
    scales = np.sqrt(np.diag(model.get_covariance()))
    drawn = np.cov((model.sample(200_000) / scales).T)
    np.testing.assert_allclose(drawn, model.get_covariance() / np.outer(scales, scales), atol=0.02)


def test_units_of_columns_change_units_alone():
    X, units = rows(), np.geomspace(1e-6, 1e6, 7)
    one, other = fitted(X), fitted(X * units)
    np.testing.assert_allclose(other.transform(X * units), one.transform(X), atol=1e-6)
    np.testing.assert_allclose(other.noise_variance_, one.noise_variance_ * units**2, rtol=1e-5)


def test_weights_are_repetitions_and_batches_are_all_rows():
    X, weights = rows(), np.random.default_rng(0).integers(0, 4, 400)
    weighted, repeated = (
        IdentifiablePPCA(2, noise="feature").fit(X, sample_weight=weights),
        fitted(np.repeat(X, weights, axis=0)),
    )
    np.testing.assert_allclose(weighted.loadings_, repeated.loadings_, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(weighted.kl_, repeated.kl_, rtol=1e-5)
    parts = IdentifiablePPCA(2, noise="feature").partial_fit(X[:150]).partial_fit(X[150:])
    np.testing.assert_allclose(parts.transform(X), fitted(X).transform(X), atol=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_components_in_unequal_noise_are_counted(seed):
    X = strong_components(unequal(np.random.default_rng(seed)), seed)
    for table in (X, X / X.std(axis=0), X * 10 ** np.random.default_rng(seed).uniform(-3, 3, 20)):
        model = IdentifiablePPCA(noise="feature").fit(table)
        assert (model.n_identifiable_, model.n_components_) == (3, 3)
    noise = np.random.default_rng(seed).standard_normal((300, 12)) * np.geomspace(0.1, 10, 12)
    with pytest.warns(CollapseWarning, match="No component stands out"):
        assert IdentifiablePPCA(noise="feature").fit(noise).n_identifiable_ == 0


@pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
def test_a_share_of_the_variance_is_that_of_the_loadings():
    X = rows()
    model = IdentifiablePPCA(0.3, noise="feature").fit(X)
    shares = np.square(model.loadings_).sum(axis=0) / X.var(axis=0, ddof=1).sum()
    np.testing.assert_allclose(model.explained_variance_ratio_, shares, rtol=1e-6)
    assert shares.sum() > 0.3


def test_criteria_count_a_noise_for_each_column():
    X = rows()
    model = fitted(X)
    assert model.aic(X) == pytest.approx(2 * (7 + 14 - 1 + 7) - 2 * model.score_samples(X).sum())


def test_what_it_does_not_take_is_refused_with_what_does():
    with pytest.raises(ValueError, match='noise="feature" needs complete rows; noise="global" takes gaps'):
        fitted(with_gaps(planted()))
    with pytest.raises(ValueError, match='got solver="eig".*Use solver="auto"'):
        fitted(planted(), solver="eig")
    with pytest.raises(ValueError, match="noise_variance=2.0. Use"):
        fitted(planted(), noise_variance=2.0)
    with pytest.raises(ValueError, match="n_components=4 is more than the 3 that a covariance of 7 features"):
        IdentifiablePPCA(4, noise="feature").fit(rows())


def test_few_steps_are_warned_of_without_a_closed_form_as_the_remedy():
    with pytest.warns(match="has not converged in 3 steps") as caught:
        fitted(rows(), max_iter=3)
    assert "closed form" not in str(caught[0].message)


def test_noise_that_depends_on_other_columns_is_warned_of():
    with pytest.warns(NoiseWarning, match='use n_components="parallel"'):
        IdentifiablePPCA(noise="feature").fit(strong_components(autocorrelated(np.random.default_rng(0))))
