"""NUTS agrees with closed forms where there are some, and with itself once the symmetries are gone."""

import sys

import numpy as np
import pytest
import torch
from scipy import stats

pytest.importorskip("numpyro", reason="posterior sampling needs the extra sklid[mcmc]")

from sklid.mcmc import fit_mixture, sample_mixture, sample_ppca

SHORT = {"n_warmup": 300, "n_draws": 300, "random_state": 0}


def rows(n_rows=100, noise=0.5, seed=0):
    rng = np.random.default_rng(seed)
    W = np.array([[3.0, 0.0], [1.0, 2.0], [0.0, -1.0], [-1.0, 1.0]])
    return W, rng.standard_normal((n_rows, 2)) @ W.T + noise * rng.standard_normal((n_rows, 4))


@pytest.fixture(scope="module")
def chains():
    return sample_ppca(rows()[1], 2, 0.25, n_chains=4, **{**SHORT, "n_draws": 700})


def test_chains_agree_once_the_rotation_is_removed(chains):
    assert chains.worst_r_hat < 1.02
    assert chains.n_divergent == 0


def test_chains_in_free_coordinates_do_not_agree():
    assert sample_ppca(rows()[1], 2, 0.25, rotation="free", n_chains=4, n_warmup=100, n_draws=100, random_state=0).worst_r_hat > 1.1


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


def test_weight_of_separate_components_is_conjugate():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(-10, 1, 170), rng.normal(10, 1, 30)])
    weight = sample_mixture(x, location_scale=10.0, ordered=True, n_chains=1, **SHORT).draws["weight"]
    exact = stats.beta(5 + 30, 5 + 170)
    assert weight.mean() == pytest.approx(exact.mean(), abs=0.01)
    assert weight.std() == pytest.approx(exact.std(), rel=0.25)


@pytest.mark.parametrize("guide", ["mean_field", "full_rank"])
def test_variational_fit_finds_separate_components(guide):
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(-10, 1, 170), rng.normal(10, 1, 30)])
    weight = fit_mixture(x, guide, location_scale=10.0, n_steps=2000, random_state=0).draws["weight"].mean()
    assert min(weight, 1 - weight) == pytest.approx(35 / 210, abs=0.02)


def test_sampling_leaves_global_state_as_it_was():
    import jax

    before, torch_state, numpy_state = jax.config.jax_enable_x64, torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    sample_ppca(rows(20)[1], 1, 0.25, n_warmup=20, n_draws=20, n_chains=1, random_state=0)
    assert jax.config.jax_enable_x64 == before
    assert torch.equal(torch.get_rng_state(), torch_state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002


def test_missing_numpyro_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "numpyro", None)
    with pytest.raises(ImportError, match=r'pip install "sklid\[mcmc\]"'):
        sample_ppca(rows(20)[1], 1, 0.25)


def test_bad_input_is_refused_in_one_line():
    with pytest.raises(ValueError, match="n_components=5 exceeds the 4 features"):
        sample_ppca(rows(20)[1], 5, 0.25)
    with pytest.raises(ValueError, match="no sample of one varying number"):
        sample_mixture(np.ones(10))
    with pytest.raises(ValueError, match="no Beta distribution"):
        sample_mixture([0.0, 1.0], weight_prior=(1.0, -1.0))
