"""Active units count variances; informative units pass the white-noise control that active units fail."""

import numpy as np
import pytest
import torch
from torch.distributions import AffineTransform, Independent, Normal, Poisson, TransformedDistribution, Uniform

from sklid import LIDVAE, LIDGMVAEClustering, metrics
from sklid.exceptions import CollapseWarning

from .models import exact_log_likelihood, frozen_at_the_prior, linear_data, linear_model


def test_active_units_count_by_variance_not_by_standard_deviation():
    loc = np.random.default_rng(0).standard_normal((100_000, 2)) * [0.09, 0.11]
    units = metrics.active_units(loc)
    assert (units.count, units.fraction) == (1, 0.5)
    np.testing.assert_allclose(units.variances, [0.0081, 0.0121], rtol=0.05)


def test_the_gain_of_a_latent_is_the_difference_of_exact_log_likelihoods():
    rows, W = linear_data(400, [3.0, 1.0, 0.3])
    found = metrics.informative_units(linear_model(W), rows, n_importance_samples=200)
    whole = exact_log_likelihood(W, 1.0, rows)
    for latent in range(3):
        others = [number for number in range(3) if number != latent]
        exact = (whole - exact_log_likelihood(W[others], 1.0, rows)).mean().item()
        assert found.gains[latent] == pytest.approx(exact, abs=0.02)


@pytest.mark.parametrize(("n_components", "noise"), [(2, 1.0), (4, 0.3), (8, 0.1), (16, 0.3)])
@pytest.mark.parametrize("is_mean_field", [True, False])
def test_gains_are_exact_where_latents_are_correlated_in_the_posterior(n_components, noise, is_mean_field):
    """Loadings with a large common part, under each row's best diagonal Gaussian, or under the prior."""
    W = torch.randn(n_components, 30, generator=torch.Generator().manual_seed(0)).double() / 3
    W = W + 2 * W[:1]
    precision = torch.eye(n_components).double() + W @ W.T / noise**2
    scale, projection = precision.diagonal().rsqrt(), W.T @ torch.linalg.inv(precision) / noise**2
    rows = torch.randn(60, n_components).double() @ W + noise * torch.randn(60, 30).double()
    mean_field = lambda x: Normal(x @ projection, scale.expand(len(x), -1))  # noqa: E731
    model = linear_model(W, noise, mean_field if is_mean_field else frozen_at_the_prior(n_components))
    found = metrics.informative_units(model, rows, n_importance_samples=20)
    whole = exact_log_likelihood(W, noise, rows)
    for latent in range(n_components):
        others = [number for number in range(n_components) if number != latent]
        exact = (whole - exact_log_likelihood(W[others], noise, rows)).mean().item()
        assert found.gains[latent] == pytest.approx(exact, abs=0.05)


def test_two_latents_along_one_direction_do_without_each_other():
    """Each fits the rows as well as both, and better by what two directions cost."""
    rows, W = linear_data(300, [2.0], noise=0.3)
    both = torch.cat([W, W])
    precision = torch.eye(2).double() + both @ both.T / 0.09
    mean = lambda x: x @ both.T @ torch.linalg.inv(precision) / 0.09  # noqa: E731
    model = linear_model(both, 0.3, lambda x: Normal(mean(x), precision.diagonal().rsqrt().expand(len(x), -1)))
    found = metrics.informative_units(model, rows)
    exact = (exact_log_likelihood(both, 0.3, rows) - exact_log_likelihood(W, 0.3, rows)).mean().item()
    assert found.gains == pytest.approx([exact, exact], abs=0.01)
    assert found.count == 0


def test_gains_under_a_bent_decoder_are_those_of_quadrature():
    """From an encoder that has collapsed: the posteriors are to be found."""
    decode = lambda z: torch.stack([2 * z[:, 0] + z[:, 1] ** 2, 2 * z[:, 1], z.sum(1), z.prod(1)], -1)  # noqa: E731
    rows = decode(torch.randn(60, 2, generator=torch.Generator().manual_seed(0)).double())
    rows = rows + torch.randn(60, 4, generator=torch.Generator().manual_seed(1)).double()
    model = metrics.VariationalModel(frozen_at_the_prior(2), lambda z: Independent(Normal(decode(z), 1.0), 1))
    axis = torch.linspace(-6, 6, 601).double()
    log_prior, zeros = Normal(0.0, 1.0).log_prob(axis) + np.log(0.02), torch.zeros_like(axis)

    def exact(z, log_prior):
        return torch.stack([(model.decode(z).log_prob(row) + log_prior).logsumexp(0) for row in rows])

    whole = exact(torch.cartesian_prod(axis, axis), (log_prior[:, None] + log_prior).flatten())
    found = metrics.informative_units(model, rows, n_importance_samples=200)
    for latent, held in enumerate((torch.stack([zeros, axis], 1), torch.stack([axis, zeros], 1))):
        assert found.gains[latent] == pytest.approx((whole - exact(held, log_prior)).mean().item(), abs=0.1)


def test_a_latent_that_the_likelihood_ignores_is_not_informative():
    rows, W = linear_data(400, [3.0, 1.0])
    unused = torch.cat([W, torch.zeros(1, 8, dtype=W.dtype)])
    assert metrics.informative_units(linear_model(unused), rows).informative.tolist() == [True, True, False]


def test_what_the_other_latents_leave_open_is_no_error_of_the_gain():
    """Counts of few events bend the posterior of the first latent; the others change nothing, draw by draw."""
    decode = lambda z: Independent(Poisson((z[:, :1] - 1).exp().expand(-1, 5)), 1)  # noqa: E731
    encode = lambda x: Independent(Normal(torch.zeros(len(x), 3), 1.0), 1)  # noqa: E731
    x = decode(torch.randn(300, 3)).sample()
    found = metrics.informative_units(metrics.VariationalModel(encode, decode), x, n_importance_samples=20)
    assert found.informative.tolist() == [True, False, False]
    assert abs(found.gains[1:]).max() < 1e-3


def test_on_white_noise_all_latents_of_a_model_with_a_floor_are_active_and_none_is_informative():
    X = np.random.default_rng(0).standard_normal((1200, 24))
    model = LIDVAE(n_components=5, max_epochs=25, random_state=0).fit(X[:800])
    assert metrics.active_units(model, X[800:]).fraction == 1.0
    assert metrics.informative_units(model, X[800:]).count == 0
    report = metrics.collapse_report(model, X[800:])
    assert (report.verdict, report.collapsed) == ("data", False)
    assert "5 of 5 latents active, 0 informative" in str(report)
    assert "fewer directions" in str(report)


def test_latents_of_a_mixture_prior_and_of_a_flow_have_gains_too():
    X = np.random.default_rng(0).standard_normal((150, 6)) + 4 * np.random.default_rng(1).integers(2, size=(150, 1))
    for model in (
        LIDGMVAEClustering(k=2, n_components=2, max_epochs=10, random_state=0),
        LIDGMVAEClustering(
            k=2, n_components=2, covariance_type="diag", inference="joint", max_epochs=10, random_state=0
        ),
        LIDVAE(n_components=2, posterior="flow", max_epochs=10, random_state=0),
    ):
        gains = metrics.informative_units(model.fit(X), X).gains
        assert gains.shape == (2,)
        assert gains.max() > 0.3


def test_a_prior_without_known_marginals_is_refused():
    model = metrics.VariationalModel(
        frozen_at_the_prior(2), lambda z: Normal(z, 1.0), lambda: Independent(Uniform(-torch.ones(2), torch.ones(2)), 1)
    )
    with pytest.raises(ValueError, match="no known marginals"):
        metrics.informative_units(model, torch.zeros(5, 2))


def test_a_gain_within_two_standard_errors_is_not_yet_informative():
    """One latent along a unit loading: rows a distance u along it gain u^2 / 4 - log(2) / 2.

    Here that is .22 with an error of .56 on average.
    """
    W = torch.eye(8).double()[:1]
    rows = torch.tensor([0.0, 0.0, 0.0, 3.0]).double()[:, None] * W
    few, many = (metrics.informative_units(linear_model(W), table) for table in (rows, rows.repeat(100, 1)))
    assert few.gains == pytest.approx([9 / 16 - np.log(2) / 2])
    assert few.standard_errors == pytest.approx([9 / 8 / 2])
    assert (few.count, many.count) == (0, 1)


def disguised(loc, scale):
    """A Gaussian that does not show its moments, as a flow."""
    base = Independent(Normal(torch.zeros_like(loc), torch.ones_like(loc)), 1)
    return TransformedDistribution(base, [AffineTransform(loc, scale, event_dim=1)])


@pytest.mark.parametrize("n_rows", [20, 300, 3000])
def test_units_of_a_flow_are_active_by_the_variance_of_its_means_and_not_of_averages_of_draws(n_rows):
    """Wide posteriors: means of 64 draws alone vary by 1/64 = .0156, more than an active latent must."""
    deviations = torch.tensor([0.0, 0.07, 0.14, 1.0]).double()
    right = 0
    for seed in range(20):
        noise = torch.from_numpy(np.random.default_rng(seed).standard_normal((n_rows, 4)))
        loc = deviations * (noise - noise.mean(0)) / noise.std(0, correction=0)
        found = metrics.active_units(disguised(loc, torch.ones_like(loc)), random_state=seed)
        np.testing.assert_allclose(found.variances, deviations.square(), rtol=0.05, atol=3e-3)
        right += found.active.tolist() == [False, False, True, True]
    assert right >= 19


def test_a_flow_that_is_the_prior_under_a_strong_decoder_is_a_failure_of_inference():
    rows, W = linear_data(400, [3.0, 3.0])
    model = linear_model(W, encode=lambda x: disguised(x.new_zeros(len(x), 2), x.new_ones(len(x), 2)))
    assert metrics.collapse_report(model, rows).verdict == "inference"


@pytest.mark.parametrize(("Model", "start"), [(LIDVAE, {}), (LIDGMVAEClustering, {"init": "random", "kl_warmup": 0.0})])
def test_a_fit_of_a_flow_that_collapses_is_a_fit_with_a_warning(Model, start):
    pytest.importorskip("zuko", reason="flows need the extra sklid[flow]")
    rows = np.random.default_rng(0).standard_normal((120, 5))
    model = Model(n_components=2, posterior="flow", kl_weight=50.0, max_epochs=15, random_state=0, **start)
    with pytest.warns(CollapseWarning):
        model.fit(rows)
    assert np.isfinite(metrics.mutual_information(model, rows).upper)


@pytest.mark.parametrize("n_draws", [0, -1, 2.5, "a"])
def test_draws_and_rows_are_at_least_one_and_two(n_draws):
    rows, W = linear_data(40, [3.0, 1.0])
    with pytest.raises(ValueError, match="n_importance_samples=.* must be a whole number of draws"):
        metrics.informative_units(linear_model(W), rows, n_importance_samples=n_draws)
    with pytest.raises(ValueError, match="One row tells no error"):
        metrics.informative_units(linear_model(W), rows[:1])
