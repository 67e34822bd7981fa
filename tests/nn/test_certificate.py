"""The floors on information hold, and are sharp where they say so."""

import math
from functools import partial

import pytest
import torch
from torch.distributions import Bernoulli, MultivariateNormal, Normal, kl_divergence

from sklid.nn import (
    InjectiveDecoder,
    SectionDecoder,
    ball_kl_floor,
    ball_probability,
    kl_floor,
    mutual_information_floor,
)


def test_mutual_information_floor_is_attained_by_an_isometry():
    K, r = 3, 1.7
    W = r * torch.eye(K, 5, dtype=torch.float64)
    exact = 0.5 * torch.logdet(torch.eye(5, dtype=torch.float64) + W.mT @ W).item()
    assert mutual_information_floor(K, r) == pytest.approx(exact)


def test_mutual_information_floor_is_below_the_information_of_linear_models():
    for _ in range(100):
        W = torch.randn(3, 5, dtype=torch.float64)
        r = torch.linalg.svdvals(W).min().item()
        exact = 0.5 * torch.logdet(torch.eye(5, dtype=torch.float64) + W.mT @ W).item()
        assert mutual_information_floor(3, r) <= exact + 1e-9


@pytest.mark.parametrize("Decoder", [SectionDecoder, InjectiveDecoder])
@pytest.mark.parametrize("scale", [0.1, 1.0, 3.0])
@pytest.mark.parametrize("gain", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_mutual_information_floor_is_below_a_lower_estimate_of_untrained_models(Decoder, scale, gain, dtype):
    """InfoNCE over draws of the model never exceeds its information; the floor exceeds InfoNCE by its slack at most."""
    K, r, n = 2, 0.7, 2000
    f = Decoder(K, 4, width=16, inverse_lipschitz=r).to(dtype)
    for parameter in f.parameters():
        torch.nn.init.normal_(parameter, std=scale)
    with torch.no_grad():
        z = torch.randn(n, K, dtype=dtype)
        mean = f(z, gain).double()
        x = mean + torch.randn_like(mean)
        log_p = -0.5 * torch.cdist(x, mean).square()
        rows = log_p.diagonal() - log_p.logsumexp(1) + math.log(n)
    assert n >= 20 * math.exp(mutual_information_floor(K, r))
    assert mutual_information_floor(K, r) <= (rows.mean() + 4 * rows.std() / math.sqrt(n)).item()


def test_kl_floor_never_exceeds_the_divergence_of_random_gaussians():
    """For a linear decoder the decoded variance of any Gaussian posterior is known exactly."""
    for _ in range(300):
        K = int(torch.randint(1, 5, ()))
        r = float(torch.rand(()) * 2 + 0.1)
        W = torch.linalg.qr(torch.randn(6, K, dtype=torch.float64)).Q.mT * (r + torch.rand(K, 1, dtype=torch.float64))
        root = torch.randn(K, K, dtype=torch.float64) * torch.rand(()) + 1e-3 * torch.eye(K, dtype=torch.float64)
        mean, covariance = (
            torch.randn(K, dtype=torch.float64),
            root @ root.mT + 1e-6 * torch.eye(K, dtype=torch.float64),
        )
        q = MultivariateNormal(mean, covariance)
        p = MultivariateNormal(torch.zeros(K, dtype=torch.float64), torch.eye(K, dtype=torch.float64))
        decoded = torch.trace(W.mT @ covariance @ W)
        assert kl_floor(decoded, mean, r) <= kl_divergence(q, p) + 1e-9


def test_kl_floor_is_attained_by_an_isotropic_posterior_of_an_isometry():
    K, r, scale = 3, 1.7, 0.4
    mean = torch.randn(K, dtype=torch.float64)
    q = MultivariateNormal(mean, scale**2 * torch.eye(K, dtype=torch.float64))
    p = MultivariateNormal(torch.zeros(K, dtype=torch.float64), torch.eye(K, dtype=torch.float64))
    torch.testing.assert_close(
        kl_floor(torch.tensor(r**2 * K * scale**2, dtype=torch.float64), mean, r), kl_divergence(q, p)
    )


def test_kl_floor_is_zero_when_nothing_is_decoded():
    assert kl_floor(torch.tensor(100.0), torch.zeros(3), 1.0).item() == 0


def test_a_ball_is_as_probable_as_the_noncentral_chi_squared_distribution_says():
    """Also where that is too small for its own digits: there by a product of the density and the volume."""
    centre = torch.tensor([[0.0, 0.0], [1.0, -1.0], [20.0, 0.0]]).double()
    radius = torch.tensor([1.5, 0.5, 0.01]).double()
    found = ball_probability(radius, centre)
    assert found[0].item() == pytest.approx(-math.expm1(-(1.5**2) / 2))
    draws = torch.randn(1_000_000, 2, dtype=torch.float64) - centre[1]
    assert found[1].item() == pytest.approx((draws.norm(dim=-1) < 0.5).double().mean().item(), rel=0.01)
    least = -0.5 * 20.01**2 + math.log(0.01**2 / 2)
    assert least < found[2].log().item() < least + 2


def test_floor_of_a_ball_stays_below_the_divergence_in_all_but_one_of_a_thousand_rows():
    """Posteriors from narrow to wider than the prior, without their moments: the ball around a point near the mean."""
    n_rows, K = 20_000, 2
    loc, scale = torch.randn(n_rows, K, dtype=torch.float64), 0.02 + 1.2 * torch.rand(n_rows, K, dtype=torch.float64)
    exact = kl_divergence(Normal(loc, scale), Normal(0.0, 1.0)).sum(-1)
    centre = loc + 0.3 * scale
    for n_draws in (1, 2, 10, 100):
        z = loc + scale * torch.randn(n_draws, n_rows, K, dtype=torch.float64)
        floor = ball_kl_floor((z - centre).norm(dim=-1), partial(ball_probability, centre=centre))
        assert (floor >= 0).all()
        assert (floor > exact).double().mean() <= 1e-3
    assert floor.mean() > 0.25 * exact.mean()


def test_floor_of_a_ball_is_finite_where_its_probability_is_less_than_any_float():
    centre = torch.zeros(400).double()
    floor = ball_kl_floor(torch.full((100,), 0.02).double(), partial(ball_probability, centre=centre))
    assert 0 < floor < kl_divergence(Normal(0.0, torch.tensor(0.001)), Normal(0.0, 1.0)) * 400


def test_floor_from_one_draw_is_the_divergence_of_two_coins():
    """One draw, at any distance: its ball holds a thousandth of q, with confidence .999."""
    coins = [Bernoulli(torch.tensor(p, dtype=torch.float64)) for p in (0.001, 1e-9)]
    distance = torch.tensor([1.0]).double()
    torch.testing.assert_close(ball_kl_floor(distance, lambda _: coins[1].probs), kl_divergence(*coins))
    assert ball_kl_floor(distance, lambda _: torch.tensor(0.9)).item() == pytest.approx(0, abs=1e-6)


def test_the_plane_of_the_explicit_decoder_keeps_its_constant():
    f = InjectiveDecoder(2, 5, width=16, inverse_lipschitz=0.7).double()
    for parameter in f.parameters():
        torch.nn.init.normal_(parameter)
    z, other = torch.randn(2, 2000, 2, dtype=torch.float64)
    with torch.no_grad():
        ratio = (f.plane(z, 0.1) - f.plane(other, 0.1)).norm(dim=-1) / (z - other).norm(dim=-1)
    assert ratio.min() >= 0.7
