"""Models with labels: bounds stay under the exact log-likelihood, and posteriors over labels are what they say."""

import copy

import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal, kl_divergence

from sklid.nn import (
    GaussianClusters,
    GaussianLikelihood,
    GaussianPosterior,
    InjectiveDecoder,
    JointMixtureModel,
    MixtureModel,
    SeparatedMixture,
    iwae,
)

D, N = 3, 25


@pytest.fixture
def rows():
    return (torch.randn(200, 1) * torch.tensor([[1.0, 0.5, -1.0]]) + 0.5 * torch.randn(200, D)).double()[:N]


@pytest.fixture(params=["marginal", "joint"])
def model(request, rows):
    """A model of one latent, whose log-likelihood a grid gives exactly, a little away from its start."""
    prior = SeparatedMixture(
        torch.tensor([[-2.0], [0.5], [2.5]]),
        GaussianClusters(torch.tensor([[0.5], [0.8], [0.4]]), 1),
        torch.tensor([0.2, 0.5, 0.3]),
    )
    parts = (prior, InjectiveDecoder(1, D, width=8), GaussianLikelihood(D), GaussianPosterior(D, 1, width=8))
    found = (MixtureModel(*parts) if request.param == "marginal" else JointMixtureModel(*parts, width=8)).double()
    found.initialise(rows)
    with torch.no_grad():
        for parameter in found.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
        found.posterior.linear.bias[1] += 1.5  # wide, so that importance sampling covers the posterior
    return found


def exact_log_likelihood(model, x):
    grid = torch.linspace(-12, 12, 4001, dtype=x.dtype)[:, None]
    log_joint = model.decode(grid).log_prob(x[:, None]) + model.prior().log_prob(grid)
    return torch.logsumexp(log_joint, dim=1) + torch.log(grid[1] - grid[0])


def test_bound_is_below_the_exact_log_likelihood(model, rows):
    with torch.no_grad():
        bound = torch.stack([model(rows).elbo() for _ in range(400)])
        assert (bound.mean(0) <= exact_log_likelihood(model, rows) + 3 * bound.std(0) / 20).all()


def test_importance_weighted_bound_reaches_the_exact_log_likelihood(model, rows):
    with torch.no_grad():
        found = iwae(model.log_weights(rows, torch.randn(20_000, N, 1, dtype=rows.dtype)))
        torch.testing.assert_close(found, exact_log_likelihood(model, rows), atol=0.05, rtol=0)


def test_label_probabilities_are_distributions(model, rows):
    found = model.label_probabilities(rows, torch.randn(50, N, 1, dtype=rows.dtype))
    assert found.shape == (N, 3)
    torch.testing.assert_close(found.sum(-1), torch.ones(N, dtype=rows.dtype))


def test_draws_have_the_moments_and_the_density_of_the_posterior(model, rows):
    with torch.no_grad():
        q = model.encode(rows)
        w, log_q = model.draw(q, torch.randn(20_000, N, 1, dtype=rows.dtype))
        torch.testing.assert_close(w.mean(0), q.mean, atol=0.05, rtol=0)
        torch.testing.assert_close(w.var(0), q.variance, atol=0.05, rtol=0.1)
        torch.testing.assert_close(log_q, q.log_prob(w))


def test_marginal_labels_are_the_expectation_of_the_components_posterior(model, rows):
    if isinstance(model, JointMixtureModel):
        pytest.skip("the joint model has a posterior over labels of its own")
    with torch.no_grad():
        q = model.encode(rows)
        expected = torch.stack([model.prior.label_probabilities(q.sample()) for _ in range(5000)]).mean(0)
        found = model.label_probabilities(rows, torch.randn(5000, N, 1, dtype=rows.dtype))
        torch.testing.assert_close(found, expected, atol=0.03, rtol=0)


def test_joint_model_starts_at_what_the_posterior_and_the_mixture_know():
    prior = SeparatedMixture(3 * torch.eye(3, 2), GaussianClusters(torch.ones(3, 2), 2), torch.ones(3) / 3)
    posterior = GaussianPosterior(D, 2, width=8)
    model = JointMixtureModel(prior, InjectiveDecoder(2, D, width=8), GaussianLikelihood(D), posterior, width=8)
    x = torch.randn(N, D)
    shared, q = posterior(x), model.encode(x)
    torch.testing.assert_close(q.mixture_distribution.probs, prior.label_probabilities(shared.mean))
    torch.testing.assert_close(q.component_distribution.mean, shared.mean[:, None].expand(-1, 3, -1))
    torch.testing.assert_close(q.component_distribution.stddev, shared.stddev[:, None].expand(-1, 3, -1))


def test_bound_of_the_joint_model_has_the_divergences_of_torch(rows):
    """KL(q(y | x) || pi) and, weighted by q(y | x), KL(q(w | x, y) || p(w | y)); the bound tests the reconstruction."""
    weights = torch.tensor([0.2, 0.5, 0.3])
    scales = torch.tensor([[0.5], [0.8], [0.4]])
    prior = SeparatedMixture(torch.tensor([[-2.0], [0.5], [2.5]]), GaussianClusters(scales, 1), weights)
    model = JointMixtureModel(
        prior, InjectiveDecoder(1, D, width=8), GaussianLikelihood(D), GaussianPosterior(D, 1, width=8), width=8
    ).double()
    with torch.no_grad():
        for parameter in model.labelled.parameters():
            parameter.normal_(std=0.3)
        q = model.encode(rows)
        labels, latents = q.mixture_distribution, q.component_distribution
        each = kl_divergence(latents, Independent(Normal(prior.means(), prior.clusters.scales()), 1))
        expected = (labels.probs * each).sum(-1) + kl_divergence(labels, Categorical(weights.double()))
        torch.testing.assert_close(model(rows).kl, expected, rtol=1e-4, atol=1e-4)


def test_two_draws_give_two_equally_probable_labels_one_each():
    latents = Independent(Normal(torch.tensor([[[-5.0], [5.0]]]), torch.ones(1, 2, 1)), 1)
    q = MixtureSameFamily(Categorical(torch.tensor([[0.5, 0.5]])), latents)
    prior = SeparatedMixture(
        torch.tensor([[-5.0], [5.0]]), GaussianClusters(torch.ones(2, 1), 1), torch.tensor([0.5, 0.5])
    )
    model = JointMixtureModel(
        prior, InjectiveDecoder(1, D, width=8), GaussianLikelihood(D), GaussianPosterior(D, 1, width=8), width=8
    )
    w, _ = model.draw(q, torch.zeros(2, 1, 1))
    assert w.flatten().tolist() == [-5.0, 5.0]


def test_labels_numbered_anew_are_the_same_model_and_the_same_training(model, rows):
    """Label c becomes what order[c] was, in the weights and the optimiser's memory: the next step is the same, too."""
    order = torch.tensor([2, 0, 1])
    other = copy.deepcopy(model)
    optimizers = [torch.optim.Adam(each.parameters(), lr=0.01) for each in (model, other)]
    noise = torch.randn(5, N, 1, dtype=rows.dtype)

    def step(each, optimizer):
        optimizer.zero_grad()
        (-iwae(each.log_weights(rows, noise)).mean()).backward()
        optimizer.step()

    for each, optimizer in zip((model, other), optimizers, strict=True):
        step(each, optimizer)
    other.relabel(order, optimizers[1])
    for _ in range(2):
        torch.testing.assert_close(
            other.label_probabilities(rows, noise), model.label_probabilities(rows, noise)[:, order]
        )
        torch.testing.assert_close(
            other.log_weights(rows, noise).logsumexp(0), model.log_weights(rows, noise).logsumexp(0)
        )
        torch.testing.assert_close(other.prior.means(), model.prior.means()[order])
        for each, optimizer in zip((model, other), optimizers, strict=True):
            step(each, optimizer)
