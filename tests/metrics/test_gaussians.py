"""Gaussians fitted row by row find posteriors, and held at a latent's value they are those of the others."""

import torch
from torch.distributions import Independent, MultivariateNormal, Normal

from sklid.metrics.encodings import encodings_of
from sklid.metrics.gaussians import drawn, fitted, held, moved, noise_of_others
from sklid.metrics.importance import joint, likelihood_by
from sklid.metrics.sources import VariationalModel, view_of

from .models import frozen_at_the_prior, linear_model


def standard(n_rows, n_components):
    eye = torch.eye(n_components).double().expand(n_rows, -1, -1)
    return MultivariateNormal(torch.zeros(n_rows, n_components).double(), scale_tril=eye)


def correlated(n_components, noise):
    W = torch.randn(n_components, 8).double() + 2.0
    view = view_of(linear_model(W, noise, frozen_at_the_prior(n_components)), 3 * torch.randn(20, 8).double())
    precision = torch.eye(n_components).double() + W @ W.T / noise**2
    return view, view.rows @ W.T @ torch.linalg.inv(precision) / noise**2, torch.linalg.inv(precision)


def test_the_posterior_of_a_linear_model_is_found_from_the_prior():
    view, mean, covariance = correlated(5, 0.3)
    found = fitted(joint(view, encodings_of(view).prior), standard(20, 5), 8)
    torch.testing.assert_close(found.mean, mean, atol=1e-6, rtol=0)
    torch.testing.assert_close(found.covariance_matrix, covariance.expand(20, -1, -1), atol=1e-6, rtol=0)


def test_means_alone_move_to_the_mode():
    view, mean, covariance = correlated(3, 0.5)
    start = MultivariateNormal(torch.zeros_like(mean), covariance)
    found = moved(joint(view, encodings_of(view).prior), start, 8)
    torch.testing.assert_close(found.mean, mean, atol=1e-6, rtol=0)


def test_the_mode_of_a_bent_density_is_found_and_draws_around_it_weigh_its_mass():
    """The density exp(-exp(z) + 3 z): its mode is log 3; draws around it weigh it exactly, the integral being 2."""
    log_joint = lambda z: (3 * z - z.exp()).sum(-1)  # noqa: E731
    found = fitted(log_joint, standard(4, 1), 20)
    torch.testing.assert_close(found.mean, torch.full((4, 1), 3.0).double().log(), atol=0.05, rtol=0)
    estimate, error, _ = likelihood_by(log_joint, [found], [torch.randn(20_000, 4, 1).double()])
    torch.testing.assert_close(estimate, torch.full((4,), 2.0).double().log(), atol=0.1, rtol=0)
    assert error.max() < 1e-3


def test_a_gaussian_held_at_a_value_is_the_conditional():
    root = torch.randn(6, 4, 4).double()
    q = MultivariateNormal(torch.randn(6, 4).double(), root @ root.mT + 0.1 * torch.eye(4).double())
    value, others = torch.tensor(0.7).double(), torch.randn(9, 6, 3).double()
    z = torch.cat([others[..., :2], value.expand(9, 6, 1), others[..., 2:]], -1)
    marginal = Normal(q.mean[:, 2], q.variance[:, 2].sqrt()).log_prob(value)
    torch.testing.assert_close(held(q, 2, value).log_prob(others), q.log_prob(z) - marginal)


def test_by_common_noise_a_held_value_moves_the_others_along_their_regression_on_it():
    root, noise = torch.randn(6, 4, 4).double(), torch.randn(9, 6, 4).double()
    q = MultivariateNormal(torch.randn(6, 4).double(), root @ root.mT + 0.1 * torch.eye(4).double())
    value, kept = torch.tensor(0.7).double(), [0, 1, 3]
    z = drawn(q, noise)
    slopes = q.covariance_matrix[:, kept, 2] / q.covariance_matrix[:, 2, 2, None]
    wanted = z[..., kept] + slopes * (value - z[..., [2]])
    found = drawn(held(q, 2, value), noise_of_others(q, 2, noise))
    torch.testing.assert_close(found, wanted)


def test_draws_of_these_gaussians_have_their_moments():
    root = torch.randn(1, 3, 3).double()
    q = MultivariateNormal(torch.tensor([[1.0, -2.0, 0.5]]).double(), root @ root.mT + 0.1 * torch.eye(3).double())
    z = drawn(q, torch.randn(200_000, 1, 3).double())[:, 0]
    torch.testing.assert_close(z.mean(0), q.mean[0], atol=0.03, rtol=0)
    torch.testing.assert_close(torch.cov(z.T), q.covariance_matrix[0], atol=0.05, rtol=0.03)


def test_a_model_without_gradients_keeps_the_gaussian_it_was_given():
    decode = lambda z: Independent(Normal(z.detach(), 1.0), 1)  # noqa: E731
    view = view_of(VariationalModel(frozen_at_the_prior(2), decode), torch.ones(5, 2).double())
    p, start = Independent(Normal(torch.zeros(2), 1.0), 1), standard(5, 2)
    weight = torch.ones((), requires_grad=True)
    for log_joint in (lambda z: joint(view, p)(z).detach(), lambda z: weight * joint(view, p)(z.detach())):
        assert fitted(log_joint, start, 3) is start
        assert moved(log_joint, start, 3) is start


def test_a_density_that_overflows_leaves_finite_gaussians():
    for log_joint in (lambda z: -(1e200 * z).square().sum(-1), lambda z: z.sum(-1) * torch.nan):
        q = fitted(log_joint, standard(3, 2), 4)
        assert torch.isfinite(q.mean).all()
        assert torch.isfinite(held(q, 0, torch.tensor(0.0).double()).scale_tril).all()
