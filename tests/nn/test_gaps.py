"""Rows with gaps have the density of what was seen of them, and an encoder is told what was not."""

import numpy as np
import pytest
import scipy.stats
import torch
from torch.distributions import MultivariateNormal

from sklid.nn import (
    BernoulliLikelihood,
    CategoricalLikelihood,
    GapLikelihood,
    GaussianLikelihood,
    GaussianPosterior,
    LatentVariableModel,
    PlainDecoder,
    PoissonLikelihood,
    StandardNormal,
    iwae,
)
from sklid.nn.gaps import gap_likelihood, guarded_draws, take_gaps, whole_rows

NAN = float("nan")
FAMILIES = {
    "gaussian": (lambda: GaussianLikelihood(3), 3, [0.3, NAN, -1.2]),
    "bernoulli": (lambda: BernoulliLikelihood(3), 3, [1.0, NAN, 0.0]),
    "poisson": (lambda: PoissonLikelihood(3), 3, [4.0, NAN, 0.0]),
    "categorical": (lambda: CategoricalLikelihood([2, 4, 3]), 6, [1.0, NAN, 2.0]),
}


def density_by_scipy(name, likelihood, eta, row):
    """Log-density of the first and the last column."""
    if name == "categorical":
        logits = likelihood._logits(eta).log_softmax(-1)
        return logits[0, 0, int(row[0])].item() + logits[0, 2, int(row[2])].item()
    eta = eta[0].numpy()
    noise = float(likelihood.noise()) if name == "gaussian" else 1.0
    density = {
        "gaussian": lambda x, e: scipy.stats.norm(e * noise, noise).logpdf(x),
        "bernoulli": lambda x, e: scipy.stats.bernoulli(scipy.special.expit(e)).logpmf(x),
        "poisson": lambda x, e: scipy.stats.poisson(np.exp(e)).logpmf(x),
    }[name]
    return sum(density(row[j], eta[j]) for j in (0, 2))


@pytest.mark.parametrize("name", FAMILIES)
@torch.no_grad()
def test_the_density_of_a_row_with_a_gap_is_that_of_the_columns_seen(name):
    make, n_parameters, row = FAMILIES[name]
    likelihood = make().double()
    eta = torch.randn(1, n_parameters, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    gaps = GapLikelihood(likelihood, torch.zeros(n_parameters), torch.tensor([1]))
    found = gaps(eta).log_prob(torch.tensor([row], dtype=torch.float64))
    assert found.item() == pytest.approx(density_by_scipy(name, likelihood, eta, row), abs=1e-10)


@pytest.mark.parametrize("name", FAMILIES)
def test_whole_rows_are_as_likely_with_and_without_the_possibility_of_gaps(name):
    make, n_parameters, row = FAMILIES[name]
    likelihood = make()
    x, eta = torch.tensor([[row[0], 1.0, row[2]]]), torch.randn(5, 1, n_parameters)
    gaps = GapLikelihood(likelihood, torch.zeros(n_parameters), torch.tensor([1]))
    torch.testing.assert_close(gaps(eta).log_prob(x), likelihood(eta).log_prob(x))


@pytest.mark.parametrize("name", FAMILIES)
def test_the_encoder_sees_the_mean_of_what_was_seen_in_the_place_of_a_gap(name):
    make, n_parameters, row = FAMILIES[name]
    likelihood = make()
    others = torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
    x = torch.cat([torch.tensor([row]), others])
    gaps = gap_likelihood(likelihood, [x], torch.tensor([1]))
    inputs, seen = gaps.inputs(x), likelihood.inputs(others)
    assert inputs.shape == (4, n_parameters + 1)
    assert inputs[:, -1].tolist() == [1, 0, 0, 0]
    of_gap = likelihood.columns == 1
    torch.testing.assert_close(inputs[0, :-1][of_gap], seen[:, of_gap].mean(0))
    torch.testing.assert_close(inputs[1:, :-1], seen)


def test_rows_of_low_rank_are_found_again_from_what_was_seen():
    torch.manual_seed(0)
    rows = torch.randn(400, 2) @ torch.randn(2, 12)
    x = rows.masked_fill(torch.rand(400, 12) < 0.2, NAN)
    likelihood = gap_likelihood(GaussianLikelihood(12), [x], torch.arange(12))
    missing = torch.isnan(x)
    error = (likelihood.initial_inputs(x, 2) - rows)[missing].square().mean().sqrt()
    assert error < 0.35 * rows[missing].std()
    assert likelihood.initial_inputs(x, 2)[~missing].equal(rows[~missing])


def linear_model(n_features=5, n_components=2):
    """A model whose decoder is linear, and its exact density of any columns."""
    torch.manual_seed(0)
    decoder = PlainDecoder(n_components, n_features, 1, 4)
    weights, offset = torch.randn(n_components, n_features).double(), torch.randn(n_features).double()
    decoder.forward = lambda z, gain=1.0: z @ weights + offset
    likelihood = GaussianLikelihood(n_features)
    model = LatentVariableModel(
        StandardNormal(n_components), decoder, likelihood, GaussianPosterior(n_features, n_components)
    ).double()
    noise = likelihood.noise().detach()
    covariance = noise.square() * (weights.mT @ weights + torch.eye(n_features).double())
    return model, noise * offset, covariance


@torch.no_grad()
def test_importance_weights_of_a_linear_model_give_the_exact_density_of_what_was_seen():
    model, mean, covariance = linear_model()
    x = MultivariateNormal(mean, covariance).sample(torch.Size([3]))
    x[0, 1:3] = x[1, 4] = NAN
    take_gaps(model)
    noise = torch.randn(200_000, 3, 2, dtype=torch.float64)
    found = iwae(guarded_draws(model, x, noise)[1])
    for row, value in zip(x, found, strict=True):
        seen = ~torch.isnan(row)
        exact = MultivariateNormal(mean[seen], covariance[seen][:, seen]).log_prob(row[seen])
        assert value.item() == pytest.approx(exact.item(), abs=0.05)


def test_a_value_of_the_support_stands_for_what_is_missing():
    likelihood = PoissonLikelihood(2)
    x = whole_rows(torch.tensor([[NAN, 3.0]]), likelihood)
    assert bool(likelihood.support.constraint.check(x).all())
    assert x[0, 1] == 3
