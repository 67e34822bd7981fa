"""The importance-weighted bound as an objective, and its doubly reparametrised gradient."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from skorch.dataset import ValidSplit
from torch import nn
from torch.distributions import Independent, Normal

from sklid import LIDVAE, LIDGMVAEClustering
from sklid.baselines import VAE, BetaVAE, FreeBitsVAE, LaggingVAE, SemiAmortizedVAE
from sklid.nn import GaussianLikelihood, GaussianPosterior, LatentVariableModel, PlainDecoder, StandardNormal, iwae
from sklid.nn.flow import FlowPosterior
from sklid.training import BoundNet
from sklid.training.importance import importance_step, importance_surrogate, importance_validation

pytestmark = pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")  # a few epochs
DIGITS = load_digits().data[:300]
SMALL = {"n_components": 2, "encoder_width": 16, "decoder_width": 16, "max_epochs": 20, "random_state": 0}
LONG = {**SMALL, "max_epochs": 80}


class ExactPosterior(nn.Module):
    """That of x = W z + noise of variance 1, with all that it says learnable."""

    def __init__(self, loadings):
        super().__init__()
        precision = torch.eye(loadings.shape[1], dtype=torch.float64) + loadings.T @ loadings
        # one latent, so that the covariance is diagonal
        self.slope = nn.Parameter(torch.linalg.solve(precision, loadings.T))
        self.log_scale = nn.Parameter(-0.5 * torch.log(torch.diagonal(precision)))

    def forward(self, x):
        loc = x @ self.slope.T
        return Independent(Normal(loc, self.log_scale.exp().expand_as(loc)), 1)

    def draw(self, q, noise):
        z = q.mean + q.stddev * noise
        return z, q.log_prob(z)


class LinearModel(nn.Module):
    """The model that it is the posterior of, with what the objective asks."""

    def __init__(self, loadings):
        super().__init__()
        self.loadings = nn.Parameter(loadings.clone())
        self.posterior = ExactPosterior(loadings)
        self.prior = StandardNormal(1)

    def seen(self, x):
        return x

    def given(self, x):
        return None

    def features(self, x):
        return x

    def draw(self, q, noise):
        return self.posterior.draw(q, noise)

    def decode(self, z, given=None):
        return Independent(Normal(z @ self.loadings.T, 1.0), 1)


def test_at_the_exact_posterior_its_gradient_is_0_and_the_models_that_of_the_exact_likelihood():
    """Whatever the draws: all weights are equal, and the likelihood does not depend on where they are."""
    loadings, x = torch.randn(4, 1, dtype=torch.float64), torch.randn(6, 4, dtype=torch.float64)
    model = LinearModel(loadings)
    surrogate, log_weights, _ = importance_surrogate(model, x, torch.randn(5, 6, 1, dtype=torch.float64))
    surrogate.sum().backward()
    for weight in model.posterior.parameters():
        torch.testing.assert_close(weight.grad, torch.zeros_like(weight), atol=1e-10, rtol=0)
    exact = loadings.clone().requires_grad_()
    covariance = exact @ exact.T + torch.eye(4, dtype=torch.float64)
    likelihood = torch.distributions.MultivariateNormal(torch.zeros(4, dtype=torch.float64), covariance).log_prob(x)
    torch.testing.assert_close(log_weights, likelihood.detach().expand(5, 6))
    # the gradient by draws is that of log p(x, z) at z from the posterior: on average that of log p(x)
    model.loadings.grad = None
    surrogate, _, _ = importance_surrogate(model, x, torch.randn(200_000, 6, 1, dtype=torch.float64))
    surrogate.sum().backward()
    likelihood.sum().backward()
    torch.testing.assert_close(model.loadings.grad, exact.grad, atol=0.05, rtol=0.01)


def small_model(posterior="gaussian"):
    if posterior == "gaussian":
        q = GaussianPosterior(4, 2, width=8, linear=False)
    else:
        q = FlowPosterior(4, 2, width=8, linear=False, transforms=2)
        for layer in q.flow.transform.transforms:
            nn.init.normal_(layer.hyper[-1].weight, std=0.05)
    return LatentVariableModel(StandardNormal(2), PlainDecoder(2, 4, width=8), GaussianLikelihood(4), q).double()


def weight_of(posterior):
    if isinstance(posterior, GaussianPosterior):
        return posterior.network[-1].bias
    return posterior.flow.transform.transforms[1].hyper[-1].bias


@pytest.mark.parametrize("posterior", ["gaussian", "flow"])
def test_gradient_is_on_average_that_of_the_bound_and_less_noisy(posterior):
    model, x = small_model(posterior), torch.randn(3, 4, dtype=torch.float64)
    weight = weight_of(model.posterior)
    plain, doubly = [], []
    for _ in range(3000):
        noise = torch.randn(8, 3, 2, dtype=torch.float64)
        plain.append(torch.autograd.grad(iwae(model.log_weights(x, noise)).sum(), weight)[0])
        doubly.append(torch.autograd.grad(importance_surrogate(model, x, noise)[0].sum(), weight)[0])
    plain, doubly = torch.stack(plain), torch.stack(doubly)
    error = (plain.var(0) / 3000 + doubly.var(0) / 3000).sqrt()
    assert ((plain.mean(0) - doubly.mean(0)).abs() < 4.5 * error).all()
    assert doubly.var(0).sum() < plain.var(0).sum()


def test_gradient_of_the_model_is_that_of_the_bound():
    model, x, noise = small_model(), torch.randn(3, 4, dtype=torch.float64), torch.randn(8, 3, 2, dtype=torch.float64)
    for weight in model.decoder.parameters():
        expected = torch.autograd.grad(iwae(model.log_weights(x, noise)).sum(), weight)[0]
        torch.testing.assert_close(
            torch.autograd.grad(importance_surrogate(model, x, noise)[0].sum(), weight)[0], expected
        )


@pytest.mark.parametrize(
    "make",
    [
        lambda **options: LIDVAE(**LONG, **options),
        lambda **options: VAE(**LONG, **options),
        lambda **options: LIDGMVAEClustering(k=2, n_init=1, **LONG, **options),
    ],
    ids=["LIDVAE", "VAE", "LIDGMVAEClustering"],
)
def test_estimators_reach_a_tighter_bound_with_more_draws(make):
    bounds = [make(objective="iwae", n_samples_train=n).fit(DIGITS).lower_bound_ for n in (1, 10)]
    assert bounds[1] > bounds[0] + 0.3


def test_flows_are_trained_by_it_too():
    """Their bound is nearly tight already, so more draws add little and must cost nothing."""
    settings = {**LONG, "posterior": "flow"}
    bounds = [
        LIDVAE(**settings, **more).fit(DIGITS).lower_bound_
        for more in ({}, {"objective": "iwae", "n_samples_train": 10})
    ]
    assert -0.5 < bounds[1] - bounds[0] < 4


def test_rows_that_are_held_out_are_measured_by_the_bound_that_is_trained():
    model, x = small_model().float(), torch.randn(400, 4)
    nn.init.normal_(model.decoder.network[-1].weight)  # so that the bounds differ
    told = {"step": importance_step, "validation": importance_validation, "n_draws": 50, "lr": 0.0, "max_epochs": 1}
    split = ValidSplit(0.5, random_state=0)
    net = BoundNet(model, **told, train_split=split, batch_size=100, verbose=0).fit(x)
    held_out = split(x)[1][:]
    with torch.no_grad():
        log_weights = model.log_weights(held_out, torch.randn(500, 200, 2))
    found = -net.history[-1, "valid_loss"]
    assert found == pytest.approx(iwae(log_weights).mean().item(), abs=0.1)
    assert found > log_weights.mean().item() + 0.2


def test_estimators_that_stop_early_are_told_that_bound():
    model = VAE(objective="iwae", early_stopping=True, **SMALL).fit(DIGITS)
    assert model.net_.validation is importance_validation
    assert VAE(early_stopping=True, **SMALL).fit(DIGITS).net_.validation is not importance_validation


def test_one_draw_of_the_importance_weighted_bound_is_the_evidence_lower_bound():
    one, other = (VAE(objective=objective, **SMALL).fit(DIGITS) for objective in ("elbo", "iwae"))
    assert one.lower_bound_ == pytest.approx(other.lower_bound_, abs=1.5)
    assert other.net_.history[-1, "kl"] == pytest.approx(one.net_.history[-1, "kl"], rel=0.2)


def test_more_draws_of_the_evidence_lower_bound_are_averaged():
    """The bound is the same on average, and its noise from batch to batch less."""
    model = VAE(**SMALL).fit(DIGITS)
    x = model._table.training_rows(DIGITS)
    losses = {}
    for n_draws in (1, 20):
        net = model.net_.set_params(n_draws=n_draws)
        with torch.no_grad():
            losses[n_draws] = torch.stack([net.infer(x).elbo() for _ in range(100)])
    torch.testing.assert_close(losses[1].mean(0), losses[20].mean(0), atol=2.0, rtol=0.05)
    ratio = losses[1].var(0).mean() / losses[20].var(0).mean()
    assert 14 < ratio < 28
    assert np.isfinite(VAE(n_samples_train=3, **SMALL).fit(DIGITS).lower_bound_)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (VAE(objective="iwae", kl_weight=0.5), "without a weight on the divergence"),
        (VAE(objective="iwae", kl_warmup=0.5), "without a weight on the divergence"),
        (BetaVAE(objective="iwae"), "without a weight on the divergence"),
        (FreeBitsVAE(objective="iwae"), "FreeBitsVAE maximises the evidence lower bound"),
        (LaggingVAE(objective="iwae"), "LaggingVAE maximises the evidence lower bound"),
        (SemiAmortizedVAE(objective="iwae"), "SemiAmortizedVAE maximises the evidence lower bound"),
        (SemiAmortizedVAE(n_samples_train=2), "SemiAmortizedVAE draws once in training"),
        (LIDGMVAEClustering(inference="joint", objective="iwae"), 'inference="joint" maximises the evidence lower'),
        (LIDGMVAEClustering(inference="joint", n_samples_train=2), 'inference="joint" draws once in training'),
        (VAE(n_samples_train=0), "n_samples_train"),
        (VAE(objective="both"), "objective"),
    ],
)
def test_objectives_that_contradict_the_model_are_refused(model, message):
    with pytest.raises(ValueError, match=message):
        model.fit(DIGITS)
