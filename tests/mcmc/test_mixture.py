"""The mixture of two Gaussians has its priors, and finds clusters that are apart, by both ways of inference."""

import numpy as np
import pytest
from scipy import stats

pytest.importorskip("numpyro", reason="posterior sampling needs the extra sklid[mcmc]")

from sklid.mcmc import fit_mixture, sample_mixture
from sklid.mcmc.chains import numpyro_key, run_nuts
from sklid.mcmc.mixture import mixture_model

SHORT = {"n_warmup": 300, "n_draws": 300, "random_state": 0}


def test_weight_of_separate_clusters_is_conjugate():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(-10, 1, 170), rng.normal(10, 1, 30)])
    weight = sample_mixture(x, location_scale=10.0, ordered=True, n_chains=1, **SHORT).draws["weight"]
    exact = stats.beta(5 + 30, 5 + 170)
    assert weight.mean() == pytest.approx(exact.mean(), abs=0.01)
    assert weight.std() == pytest.approx(exact.std(), rel=0.25)


@pytest.mark.parametrize("guide", ["mean_field", "full_rank"])
def test_variational_fit_finds_separate_clusters(guide):
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(-10, 1, 170), rng.normal(10, 1, 30)])
    weight = fit_mixture(x, guide, location_scale=10.0, n_steps=2000, random_state=0).draws["weight"].mean()
    assert min(weight, 1 - weight) == pytest.approx(35 / 210, abs=0.02)


def log_density(x, **values):
    with numpyro_key(0):
        from numpyro.infer.util import log_density

        model, _ = mixture_model(x, (2.0, 3.0), 2.0, ordered=True)
        return float(log_density(model, (), {}, {name: np.array(part) for name, part in values.items()})[0])


def log_likelihood(x, weight, loc, scale):
    first, second = stats.norm(loc, scale).pdf(np.array(x)[:, None]).T
    return np.log((1 - weight) * first + weight * second).sum()


@pytest.mark.parametrize(
    ("name", "values", "prior"),
    [
        ("weight", (0.2, 0.6), stats.beta(2, 3)),
        ("loc", ([-1.0, 0.5], [0.0, 3.0]), stats.norm(0, 2)),
        ("scale", ([1.0, 0.5], [2.0, 3.0]), stats.halfnorm(0, 2)),
    ],
    ids=["weight", "means", "standard deviations"],
)
def test_each_parameter_has_its_prior(name, values, prior):
    x, others = [-1.0, 0.3, 2.0], {"weight": 0.3, "loc": [-0.5, 1.0], "scale": [1.0, 2.0]}
    first, second = (others | {name: value} for value in values)
    found = (
        log_density(x, **first) - log_density(x, **second) - log_likelihood(x, **first) + log_likelihood(x, **second)
    )
    assert found == pytest.approx(np.sum(prior.logpdf(values[0]) - prior.logpdf(values[1])))


def test_data_and_priors_that_are_none_are_refused():
    with pytest.raises(ValueError, match="no sample of one varying number"):
        sample_mixture(np.ones(10))
    with pytest.raises(ValueError, match="no Beta distribution"):
        sample_mixture([0.0, 1.0], weight_prior=(1.0, -1.0))


def test_the_prior_sampled_without_data_is_the_documented_one():
    """The weight is Beta, the means are the lesser and the greater of two normal numbers, scales are half-normal."""
    from numpyro.handlers import block

    model, initial = mixture_model([-1.0, 0.3, 2.0], (2.0, 3.0), 2.0, ordered=True)
    chains = run_nuts(block(model, hide=["x"]), initial, 500, 4000, 1, 0)
    weight, loc, scale = (chains.draws[name][0, ::8] for name in ("weight", "loc", "scale"))
    normal = stats.norm(0, 2)
    for draws, cdf in (
        (weight, stats.beta(2, 3).cdf),
        (loc[:, 0], lambda x: 1 - normal.sf(x) ** 2),
        (loc[:, 1], lambda x: normal.cdf(x) ** 2),
        (scale[:, 0], stats.halfnorm(0, 2).cdf),
        (scale[:, 1], stats.halfnorm(0, 2).cdf),
    ):
        assert stats.kstest(draws, cdf).pvalue > 1e-3
