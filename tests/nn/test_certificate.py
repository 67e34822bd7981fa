"""The floors on information hold, and are sharp where they say so."""

import math

import pytest
import torch
from torch.distributions import MultivariateNormal, kl_divergence

from sklid.nn import InjectiveDecoder, SectionDecoder, kl_floor, mutual_information_floor


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
