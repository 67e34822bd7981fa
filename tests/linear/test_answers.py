"""Answers about rows are exact, with gaps too."""

import numpy as np
import pytest
import torch
from scipy import stats

from sklid import CollapseWarning, IdentifiablePPCA
from sklid.metrics import collapse_report, kl_divergence, log_likelihood

from .tables import planted, with_gaps

quiet = pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")


@quiet
def test_answers_about_rows_with_gaps_are_those_of_the_multivariate_normal():
    X = with_gaps(planted())
    X[0] = np.nan
    model = IdentifiablePPCA(3).fit(X)
    C, m, W = model.get_covariance(), model.mean_, model.loadings_
    found, scores, filled = model.posterior(X[:9]), model.score_samples(X[:9]), model.predict(X[:9])
    assert scores[0] == pytest.approx(0, abs=1e-12)
    for n in range(1, 9):
        there = ~np.isnan(X[n])
        gain = W[there].T @ np.linalg.inv(C[np.ix_(there, there)])
        mean = gain @ (X[n, there] - m[there])
        np.testing.assert_allclose(found.mean[n], mean, rtol=1e-8)
        np.testing.assert_allclose(found.covariance_matrix[n], np.eye(3) - gain @ W[there], atol=1e-10)
        np.testing.assert_allclose(
            scores[n], stats.multivariate_normal(m[there], C[np.ix_(there, there)]).logpdf(X[n, there])
        )
        np.testing.assert_allclose(
            filled[n, ~there],
            (m + C[:, there] @ np.linalg.solve(C[np.ix_(there, there)], X[n, there] - m[there]))[~there],
            rtol=1e-8,
        )


def test_kl_is_the_mean_divergence_of_the_posteriors():
    X = planted()
    model = IdentifiablePPCA(3).fit(X)
    p = model.posterior(X).base_dist
    expected = torch.distributions.kl_divergence(p, torch.distributions.Normal(torch.zeros(3).double(), 1.0)).mean(0)
    np.testing.assert_allclose(model.kl_, expected, rtol=1e-10)


def test_inverse_undoes_the_decoder_and_a_zero_loading_has_none():
    model = IdentifiablePPCA(3).fit(planted())
    Z = np.random.default_rng(0).standard_normal((5, 3))
    np.testing.assert_allclose(model.invert(model.inverse_transform(Z)), Z, atol=1e-10)
    with pytest.warns(CollapseWarning):
        dead = IdentifiablePPCA(3, noise_variance=1e6).fit(planted())
    with pytest.raises(ValueError, match="Component 0 has loading zero"):
        dead.invert(planted())


def test_metrics_of_the_package_see_the_exact_posterior():
    X = planted()
    model = IdentifiablePPCA(3).fit(X)
    np.testing.assert_allclose(kl_divergence(model, X).per_dimension, model.kl_, rtol=1e-6)
    assert log_likelihood(model, X).value == pytest.approx(model.score(X), abs=1e-6)
    assert collapse_report(model, X).verdict == "healthy"
