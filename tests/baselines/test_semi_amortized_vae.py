"""A posterior that is refined for each row."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from sklid.baselines import VAE, SemiAmortizedVAE
from sklid.metrics import amortization_gap
from sklid.nn import BernoulliLikelihood, GaussianPosterior, PlainDecoder, StandardNormal
from sklid.nn.refined_model import RefinedModel, Refinement

DIGITS = load_digits().data
SMALL = {"n_components": 3, "encoder_width": 16, "decoder_width": 16, "random_state": 0, "n_refinements": 5}


def model_of(n_steps, rate=0.05, momentum=0.5, clip=5.0, dtype=torch.float32):
    parts = (StandardNormal(2), PlainDecoder(2, 6, width=8), BernoulliLikelihood(6), GaussianPosterior(6, 2, width=8))
    return RefinedModel(*parts, Refinement(n_steps, rate, momentum, clip)).to(dtype)


def rows(n_rows, dtype=torch.float32):
    return (torch.rand(n_rows, 6) < 0.3).to(dtype)


def bounds(model, q, x, n_draws=4000):
    """The bound of each row under q, by many draws and the closed form of the divergence."""
    noise = torch.randn(n_draws, 1, 2).to(x)
    z, log_q = model.draw(q, noise)
    return model.decode(z).log_prob(x).mean(0) - model.prior.divergences(q, z, log_q).sum(-1)


@torch.no_grad()
def test_refinement_raises_the_bound_of_every_row():
    model, x = model_of(50).eval(), rows(40)
    for layer in model.decoder.network[::2]:
        torch.nn.init.normal_(layer.weight)  # a decoder that has something to say
    gain = bounds(model, model.encode(x), x) - bounds(model, model.posterior(model.seen(x)), x)
    assert gain.min() > 0
    assert gain.mean() > 0.2


@torch.no_grad()
def test_first_step_goes_along_the_gradient_of_the_bound():
    model, x = model_of(1, rate=0.01).double().eval(), rows(5, torch.float64)
    q, refined = model.posterior(x), model.encode(x)
    log_scale, eps, draws = q.stddev.log(), 1e-5, model.noise[0]
    for k in range(2):
        values = []
        for sign in (1, -1):
            moved = q.mean.clone()
            moved[:, k] += sign * eps
            z = moved + log_scale.exp() * draws
            kl = 0.5 * (moved**2 + q.variance - 1).sum(-1) - log_scale.sum(-1)
            values.append(model.decode(z).log_prob(x).mean(0) - kl)
        slope = (values[0] - values[1]) / (2 * eps)
        torch.testing.assert_close((refined.mean - q.mean)[:, k] / 0.01, slope, rtol=1e-4, atol=1e-6)


def test_training_differentiates_through_the_steps():
    """The gradient of the final bound by a weight of the encoder is that of finite differences."""
    model, x = model_of(4, dtype=torch.float64), rows(7, torch.float64)
    noise = torch.randn(5, 7, 2, dtype=torch.float64)
    weight = model.posterior.network[0].weight
    model(x, noise).elbo().sum().backward()
    for place in ((0, 0), (3, 2)):
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                weight[place] += sign * 1e-5
            values.append(model(x, noise).elbo().sum().item())
            with torch.no_grad():
                weight[place] -= sign * 1e-5
        assert weight.grad[place].item() == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-4, abs=1e-7)


def test_no_gradient_of_a_row_is_longer_than_the_clip():
    model, x = model_of(1, rate=1.0, clip=0.3).eval(), rows(20)
    start, refined = model.posterior(x), model.encode(x)
    steps = torch.cat([refined.mean - start.mean, refined.stddev.log() - start.stddev.log()], dim=-1)
    assert steps.norm(dim=-1).max().item() == pytest.approx(0.3, rel=1e-4)


def test_posterior_of_a_row_does_not_depend_on_the_others_nor_on_gradients():
    model, x = model_of(6).eval(), rows(30)
    alone, among = model.encode(x[3:4]), model.encode(x)
    torch.testing.assert_close(alone.mean[0], among.mean[3])
    with torch.no_grad():
        torch.testing.assert_close(model.encode(x).mean, among.mean)
        assert not model.encode(x).mean.requires_grad
    assert model.encode(x).mean.requires_grad


@pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
def test_posterior_is_nearer_to_the_exact_one_than_that_of_a_vae():
    """The amortisation gap, which refinement is there for."""
    amortised = VAE(**{name: value for name, value in SMALL.items() if name != "n_refinements"}, max_epochs=20)
    refined = SemiAmortizedVAE(**SMALL, max_epochs=20)
    gaps = [amortization_gap(model.fit(DIGITS[:400]), DIGITS[:100]).value for model in (amortised, refined)]
    assert gaps[1] < 0.5 * gaps[0]


def test_flows_and_compilation_are_refused():
    with pytest.raises(ValueError, match='use posterior="gaussian"'):
        SemiAmortizedVAE(posterior="flow", **SMALL).fit(DIGITS[:50])
    with pytest.raises(ValueError, match="use compile=False"):
        SemiAmortizedVAE(compile=True, **SMALL).fit(DIGITS[:50])
    with pytest.raises(ValueError, match="refinement_momentum"):
        SemiAmortizedVAE(refinement_momentum=1.0, **SMALL).fit(DIGITS[:50])


@pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
def test_answers_are_bitwise_those_of_the_pickle(tmp_path):
    import joblib

    model = SemiAmortizedVAE(**SMALL, max_epochs=3).fit(DIGITS[:100])
    joblib.dump(model, tmp_path / "model.joblib")
    again = joblib.load(tmp_path / "model.joblib")
    np.testing.assert_array_equal(again.transform(DIGITS[:20]), model.transform(DIGITS[:20]))
    np.testing.assert_array_equal(again.score_samples(DIGITS[:20]), model.score_samples(DIGITS[:20]))
