"""The sampler of probabilistic PCA has the paper's prior and posterior; chains agree once the rotation is gone."""

from functools import partial

import numpy as np
import pytest
from scipy import stats

pytest.importorskip("numpyro", reason="posterior sampling needs the extra sklid[mcmc]")

from sklid.mcmc import sample_ppca
from sklid.mcmc.chains import numpyro_key, run_nuts
from sklid.mcmc.ppca import ppca_model

from .tables import rows

SHORT = {"n_warmup": 300, "n_draws": 300, "random_state": 0}


@pytest.fixture(scope="module")
def chains():
    return sample_ppca(rows()[1], 2, 0.25, n_chains=4, **{**SHORT, "n_draws": 700})


def test_chains_agree_once_the_rotation_is_removed(chains):
    assert chains.worst_r_hat < 1.02
    assert chains.n_divergent == 0


def test_chains_in_free_coordinates_do_not_agree():
    assert (
        sample_ppca(
            rows()[1], 2, 0.25, rotation="free", n_chains=4, n_warmup=100, n_draws=100, random_state=0
        ).worst_r_hat
        > 1.1
    )


def test_latents_have_the_posterior_given_the_loadings_and_no_other(chains):
    """E[z | x] averaged over the draws of w is what the draws of z average to."""
    X = rows()[1]
    w, z = (chains.draws[name].reshape(-1, *chains.draws[name].shape[2:]) for name in ("w", "z"))
    expected = np.mean([X @ W @ np.linalg.inv(W.T @ W + 0.25 * np.eye(2)) for W in w], axis=0)
    np.testing.assert_allclose(z.mean(0), expected, atol=0.05)


def test_covariance_of_the_draws_is_near_that_of_the_data(chains):
    X, w = rows()[1], chains.draws["w"].reshape(-1, 4, 2)
    found = (w @ w.transpose(0, 2, 1)).mean(0) + 0.25 * np.eye(4)
    np.testing.assert_allclose(found, X.T @ X / len(X), atol=0.6)


def draws(X, order, s, tau, n_draws=4000, given=None):
    """Draws of the model's own random quantities; the data count only where the model conditions on them by hand."""
    with numpyro_key(0) as key:
        from numpyro.infer import Predictive

        model = partial(ppca_model, X, order, 2, s, tau)
        predictive = (
            Predictive(model, num_samples=n_draws) if given is None else Predictive(model, posterior_samples=given)
        )
        return {name: np.asarray(part) for name, part in predictive(key).items()}


@pytest.mark.parametrize("order", [None, np.array([1, 2, 0])], ids=["free", "removed"])
def test_squared_loadings_of_a_feature_are_chi_squared_in_the_prior(order):
    w = draws(np.ones((1, 3)), order, 1.0, 1.0)["w"]
    for feature in range(3):
        assert stats.kstest((w[:, feature] ** 2).sum(1), stats.chi2(2).cdf).pvalue > 1e-3


@pytest.mark.parametrize("order", [None, np.array([1, 2, 0])], ids=["free", "removed"])
def test_loadings_scale_with_their_prior(order):
    first, second = (draws(np.ones((1, 3)), order, 1.0, tau, n_draws=10)["w"] for tau in (1.0, 3.0))
    np.testing.assert_allclose(second, 3 * first, rtol=1e-10)


def test_latents_given_the_loadings_have_their_posterior():
    """z is linear in e, so its mean and covariance come from e = 0 and from unit vectors."""
    x, s = np.array([[1.0, -2.0, 0.5]]), 0.3
    e = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])[:, None]
    loadings = {"_squares": np.tile([2.0, 0.7], (3, 1)), "_rest": np.tile([0.4, -1.0, 0.6], (3, 1))}
    found = draws(x, np.array([1, 2, 0]), s, 1.0, given=loadings | {"_e": e})
    w, z = found["w"][0], found["z"][:, 0]
    covariance = np.linalg.inv(np.eye(2) + w.T @ w / s**2)
    np.testing.assert_allclose(z[0], covariance @ w.T @ x[0] / s**2, rtol=1e-10)
    np.testing.assert_allclose((z[1:] - z[0]).T @ (z[1:] - z[0]), covariance, rtol=1e-10)


def test_loadings_weigh_with_the_marginal_likelihood_of_the_rows():
    X, s = rows(5)[1][:, :3], 0.5
    given = {"_squares": np.array([2.0, 0.7]), "_rest": np.array([0.4, -1.0, 0.6]), "_e": np.zeros((5, 2))}
    with numpyro_key(0):
        from numpyro.handlers import substitute, trace

        sites = trace(substitute(ppca_model, data=given)).get_trace(X, np.array([1, 2, 0]), 2, s, 2.0)
        w, found = np.asarray(sites["w"]["value"]), float(sites["x"]["fn"].log_factor)
    assert found == pytest.approx(stats.multivariate_normal(np.zeros(3), w @ w.T + s**2 * np.eye(3)).logpdf(X).sum())


def test_more_components_than_features_are_refused():
    with pytest.raises(ValueError, match="n_components=5 exceeds the 4 features"):
        sample_ppca(rows(20)[1], 5, 0.25)


@pytest.mark.parametrize("order", [None, np.array([1, 2, 0])], ids=["free", "removed"])
def test_the_prior_sampled_without_data_is_the_documented_one(order):
    """Of w w' and of images z w', which no rotation changes: as of independent normal loadings and latents."""
    from numpyro.handlers import block

    model = block(partial(ppca_model, np.ones((2, 3)), order, 2, 1.0, 2.0), hide=["x"])
    if order is None:
        w, z = (run_nuts(model, {}, 300, 3000, 1, 0).draws[name][0, ::5] for name in ("w", "z"))
        assert stats.kstest(z[:, 0, 0], stats.norm.cdf).pvalue > 1e-3
    else:  # the latents come from data
        w = run_nuts(model, {}, 300, 3000, 1, 0).draws["w"][0, ::5]
    products = w @ w.transpose(0, 2, 1)
    for feature in range(3):
        assert stats.kstest(products[:, feature, feature] / 4, stats.chi2(2).cdf).pvalue > 1e-3
    cosines = products[:, 0, 1] / np.sqrt(products[:, 0, 0] * products[:, 1, 1])
    assert stats.kstest(np.arccos(cosines) / np.pi, stats.uniform.cdf).pvalue > 1e-3
