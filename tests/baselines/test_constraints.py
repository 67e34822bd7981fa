"""Models that constrain the divergence of the posterior, by their networks or by their objective."""

import math

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch.distributions import Normal, kl_divergence

from sklid.baselines import BNVAE, VAE, BetaVAE, DeltaVAE, FreeBitsVAE
from sklid.baselines.free_bits_vae import with_free_bits
from sklid.nn import Bound
from sklid.nn.committed import CommittedPosterior, NormalisedPosterior, largest_scale

SMALL = {"n_components": 3, "max_epochs": 5, "encoder_width": 16, "decoder_width": 16, "random_state": 0}
pytestmark = pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")  # a few epochs, and noise
NOISE = np.random.default_rng(0).standard_normal((500, 8))


def divergences(posterior, x):
    """Of each row and latent from the standard normal."""
    q = posterior(x)
    return kl_divergence(Normal(q.mean, q.stddev), Normal(0.0, 1.0))


def loud(posterior):
    """The same with weights that say anything."""
    with torch.no_grad():
        for weight in posterior.parameters():
            weight.normal_(0, 3)
    return posterior


@pytest.mark.parametrize("rate", [1e-4, 0.1, 3.0])
def test_largest_scale_has_the_rate(rate):
    scale = largest_scale(rate)
    assert 0 < scale < 1
    assert kl_divergence(Normal(0.0, torch.tensor(scale, dtype=torch.float64)), Normal(0.0, 1.0)).item() == (
        pytest.approx(rate, rel=1e-6)
    )


@pytest.mark.parametrize("rate", [0.01, 0.1, 1.0])
@pytest.mark.parametrize("linear", [True, False])
def test_no_weights_bring_a_committed_posterior_nearer_to_the_prior(rate, linear):
    for _ in range(20):
        posterior = loud(CommittedPosterior(5, 4, rate, width=8, linear=linear))
        assert divergences(posterior, torch.randn(100, 5)).min() > rate * (1 - 1e-4)


def test_committed_posterior_starts_at_principal_components_with_scales_that_it_may_have():
    posterior = CommittedPosterior(4, 2, 0.1, width=8)
    amplitudes = torch.tensor([3.0, 0.1])
    posterior.initialise(torch.zeros(4), torch.eye(2, 4), amplitudes, 0.5)
    q = posterior(torch.tensor([[1.0, 0.0, 0.0, 0.0]]))
    torch.testing.assert_close(q.mean[0, 0], torch.tensor(3.0 / 10 / 0.5))
    torch.testing.assert_close(q.stddev[0], torch.tensor([10**-0.5, 0.99 * largest_scale(0.1)]), rtol=1e-4, atol=0)


@pytest.mark.parametrize("spread", [0.3, 1.0])
def test_mean_divergence_of_a_batch_under_a_normalised_posterior_has_its_floor(spread):
    for _ in range(20):
        posterior = loud(NormalisedPosterior(5, 4, spread, width=8)).train()
        x = torch.randn(100, 5)
        means = posterior(x).mean
        torch.testing.assert_close(means.std(0, correction=0), torch.full((4,), spread), rtol=1e-3, atol=0)
        torch.testing.assert_close(means.mean(0), posterior.offset, rtol=1e-3, atol=1e-3)
        assert divergences(posterior, x).sum(-1).mean() > 4 * spread**2 / 2 * 0.999


def test_normalised_posterior_of_one_row_is_that_of_the_batches_before():
    posterior = NormalisedPosterior(5, 4, 0.5, width=8).train()
    for _ in range(50):
        posterior(torch.randn(64, 5))
    x = torch.randn(1, 5)
    torch.testing.assert_close(posterior(x).mean, posterior.eval()(x).mean)


def test_answers_of_a_fitted_bn_vae_do_not_depend_on_the_rows_beside():
    model = BNVAE(**SMALL).fit(NOISE)
    np.testing.assert_allclose(model.transform(NOISE)[:1], model.transform(NOISE[:1]), rtol=1e-5, atol=1e-6)


def test_bn_vae_trains_where_the_last_batch_is_one_row():
    assert np.isfinite(BNVAE(batch_size=100, **SMALL).fit(NOISE[:401]).score(NOISE))


def test_free_bits_are_those_of_the_paper():
    bound = Bound(torch.tensor([-1.0, -2.0]), torch.tensor([[0.0, 3.0], [0.2, 1.0]]))
    kept = [-1.0 - 0.5 - 2.0, -2.0 - 0.5 - 2.0]  # the first latent has 0.1 nats on average, the second 2
    torch.testing.assert_close(with_free_bits(bound, 1.0, 1.0), torch.tensor(kept))
    torch.testing.assert_close(with_free_bits(bound, 1.0, 0.0).mean(), bound.elbo().mean())
    torch.testing.assert_close(with_free_bits(bound, 0.0, 1.0), bound.reconstruction)


def test_latents_below_their_free_bits_have_no_gradient():
    divergences = torch.tensor([[0.1, 3.0]], requires_grad=True)
    with_free_bits(Bound(torch.zeros(1), divergences), 1.0, 1.0).sum().backward()
    assert divergences.grad.tolist() == [[0.0, -1.0]]


@pytest.mark.parametrize("free", [0.05, 0.3])
def test_divergence_of_every_latent_on_noise_stays_at_the_free_bits(free):
    """A VAE's falls to nothing there, and nothing is to be gained beyond what is free."""
    settings = {**SMALL, "max_epochs": 100}
    divergence = {}
    for model in (VAE(**settings), FreeBitsVAE(free_bits=free, **settings)):
        q = model.fit(NOISE).encode(NOISE)
        divergence[type(model)] = kl_divergence(Normal(q.mean, q.stddev), Normal(0.0, 1.0)).mean(0)
    assert divergence[VAE].max() < 0.03
    assert divergence[FreeBitsVAE].min() > 0.6 * free
    assert divergence[FreeBitsVAE].max() < 1.4 * free


@pytest.mark.parametrize(
    ("model", "floor"), [(DeltaVAE(delta=0.1, **SMALL), 0.3), (BNVAE(gamma=0.5, **SMALL), 0.9 * 3 / 8)]
)
def test_divergence_cannot_vanish_even_on_noise(model, floor):
    q = model.set_params(max_epochs=50).fit(NOISE).encode(NOISE)
    assert kl_divergence(Normal(q.mean, q.stddev), Normal(0.0, 1.0)).sum(-1).mean() > floor


def test_beta_vae_is_bitwise_a_vae_with_that_weight():
    X = load_digits().data[:200]
    one, other = BetaVAE(beta=0.3, **SMALL).fit(X), VAE(kl_weight=0.3, **SMALL).fit(X)
    np.testing.assert_array_equal(one.transform(X), other.transform(X))
    assert one.lower_bound_ == other.lower_bound_
    assert "kl_weight" not in one.get_params()


def test_less_weight_on_the_divergence_leaves_more_of_it():
    X = load_digits().data[:500]
    divergence = [
        BetaVAE(beta=beta, **{**SMALL, "max_epochs": 30}).fit(X).net_.history[-1, "kl"] for beta in (0.1, 1.0)
    ]
    assert divergence[0] > 1.5 * divergence[1]


@pytest.mark.parametrize("Estimator", [DeltaVAE, BNVAE])
def test_flows_are_refused(Estimator):
    with pytest.raises(ValueError, match='works on a Gaussian posterior; use posterior="gaussian"'):
        Estimator(posterior="flow", **SMALL).fit(NOISE)


@pytest.mark.parametrize(
    "model", [BetaVAE(beta=-1.0), FreeBitsVAE(free_bits=-0.1), DeltaVAE(delta=0.0), BNVAE(gamma=math.nan)]
)
def test_rates_outside_their_range_are_refused(model):
    with pytest.raises(ValueError, match="parameter of"):
        model.fit(NOISE)
