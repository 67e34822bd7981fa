"""Certificates never exceed what they certify, on trained, untrained and adversarial models; or they say why not."""

import math

import joblib
import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.model_selection import GridSearchCV
from torch.distributions import Categorical, Independent, Normal, kl_divergence

from sklid import LIDVAE, LIDGMVAEClustering
from sklid.baselines import GMVAE, VAE
from sklid.nn import LIKELIHOODS, GaussianLikelihood, helmert_basis

pytestmark = pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
FAST = {"max_epochs": 20, "decoder_width": 32, "encoder_width": 32, "random_state": 0}
IRIS, WINE = load_iris().data, load_wine().data
N_DRAWS = 2000


@torch.no_grad()
def information_of_the_model(model):
    """InfoNCE over draws of p(z) p(x | z): at most the information they share, and at most the log of their number."""
    x, z = model.sample(N_DRAWS)
    log_p = torch.cat([model.decode(z).log_prob(rows.unsqueeze(1)) for rows in x.split(500)]).double()
    rows = log_p.diagonal() - log_p.logsumexp(1) + math.log(N_DRAWS)
    return rows.mean().item(), rows.std().item() / N_DRAWS**0.5


def set_adversarially(module, size):
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=size)


@pytest.mark.parametrize(
    "estimator",
    [
        LIDVAE(n_components=2),
        LIDVAE(n_components=4, inverse_lipschitz=0.5),
        LIDVAE(n_components=4, inverse_lipschitz=0.5, decoder="brenier"),
        LIDGMVAEClustering(k=3, n_components=2),
        LIDGMVAEClustering(k=3, n_components=2, decoder="brenier"),
    ],
)
@pytest.mark.parametrize("state", ["trained", "untrained", "small random weights", "large random weights"])
def test_information_certificates_never_exceed_the_information_of_the_model(estimator, state):
    estimator.set_params(**FAST)
    if state == "untrained":
        estimator.set_params(max_epochs=1, learning_rate=1e-12)
    model = estimator.fit(WINE)
    if "random" in state:
        set_adversarially(model.net_.module_, 0.1 if "small" in state else 2.0)
    sharp = model.mutual_information_lower_bound_
    found, error = information_of_the_model(model.net_.module_)
    assert 20 * math.exp(sharp) <= N_DRAWS
    assert sharp > 0
    assert sharp <= found + 3 * error + 0.05
    if isinstance(model, LIDVAE):
        K = model.n_components_
        assert sharp == pytest.approx(K / 2 * math.log(1 + model.inverse_lipschitz**2))


@pytest.mark.parametrize("constant", [0.5, 4.0, 20.0])
def test_the_floor_is_never_below_that_of_rate_distortion(constant):
    """(K / 2) log(K r^2 / D), by a left inverse of mean squared error D / r^2 (Cover & Thomas 2006, theorem 10.3.3)."""
    model = LIDVAE(n_components=2, inverse_lipschitz=constant, **FAST).fit(IRIS)
    assert model.mutual_information_lower_bound_ >= max(0.0, math.log(2 * constant**2 / IRIS.shape[1]))


def test_no_floor_is_claimed_without_noise_units():
    X = np.random.default_rng(0).random((100, 5))
    model = LIDVAE(n_components=2, likelihood="bernoulli", **FAST).fit(X)
    assert np.isnan(model.mutual_information_lower_bound_)
    assert "bernoulli" in model.mutual_information_lower_bound_reason_
    assert np.isnan(model.kl_lower_bound(X)).all()
    assert (model.min_fisher_eigenvalue(X) > 0).all()


@pytest.mark.parametrize(
    "options", [{}, {"max_epochs": 1}, {"inverse_lipschitz": 3.0}, {"noise": "feature"}, {"decoder": "brenier"}]
)
def test_kl_certificate_never_exceeds_the_divergence_it_certifies(options):
    model = LIDVAE(n_components=2, **{**FAST, **options}).fit(IRIS)
    assert model.mutual_information_lower_bound_reason_ == ""
    q = model.encode(IRIS)
    exact = kl_divergence(q, Independent(Normal(torch.zeros(2), torch.ones(2)), 1)).numpy()
    bound = model.kl_lower_bound(IRIS)
    assert (bound <= exact + 1e-5).all()
    assert bound.max() > 0


@pytest.mark.parametrize("n_draws", [1, 2, 10, 100])
def test_kl_certificate_holds_in_every_row_however_few_the_draws(n_draws):
    X = np.random.default_rng(0).standard_normal((3000, 4))
    model = LIDVAE(n_components=2, n_importance_samples=n_draws, **FAST).fit(X[:200])
    q = model.encode(X)
    exact = kl_divergence(q, Independent(Normal(torch.zeros(2), torch.ones(2)), 1)).numpy()
    assert (model.kl_lower_bound(X) <= exact + 1e-5).all()


@pytest.mark.parametrize("n_draws", [2, 10, 100])
def test_kl_certificate_of_a_flow_that_is_a_gaussian_in_disguise_is_above_in_one_of_a_thousand_rows_at_most(n_draws):
    pytest.importorskip("zuko", reason="flows need the extra sklid[flow]")
    rng = np.random.default_rng(0)
    X = rng.standard_normal((3000, 2)) @ [[3, 0, 2, 1], [0, 3, -1, 2]] + 0.2 * rng.standard_normal((3000, 4))
    model = LIDVAE(n_components=2, posterior="flow", n_importance_samples=n_draws, **FAST).fit(X[:200])
    for layer in model.net_.module_.posterior.flow.transform.transforms:
        torch.nn.init.zeros_(layer.hyper[-1].weight)
        torch.nn.init.zeros_(layer.hyper[-1].bias)
    base = model.encode(X).base
    exact = kl_divergence(base, Independent(Normal(torch.zeros(2), torch.ones(2)), 1)).detach().numpy()
    bound = model.kl_lower_bound(X)
    assert (bound >= 0).all()
    assert (bound > exact).mean() <= 1e-3
    if n_draws == 100:
        assert bound.mean() > 0.2 * exact.mean()


@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli", "poisson", "continuous_bernoulli"])
def test_least_fisher_eigenvalue_is_that_of_the_jacobian(likelihood):
    """By the curvature of the divergence between p(x | z) and its neighbours, differentiated twice by autograd."""
    X = load_digits().data[:100, 10:22]
    X = X if likelihood == "poisson" else X / 16
    model = LIDVAE(n_components=2, likelihood=likelihood, **FAST).fit(X)
    z = torch.from_numpy(model.transform(X[:3])).double()
    module = model.net_.module_.double()
    found = []
    for place in z:
        eta = module.natural_parameters(place).detach()

        def divergence(other, eta=eta):
            """KL(p_eta || p_other) of an exponential family, up to terms of eta alone: A(other) - other . A'(eta)."""
            parameters = module.natural_parameters(other)
            normaliser = {
                "gaussian": lambda e: e.square() / 2,
                "bernoulli": torch.nn.functional.softplus,
                "poisson": torch.exp,
                "continuous_bernoulli": lambda e: torch.log(torch.expm1(e) / e),
            }[likelihood]
            with torch.enable_grad():
                leaf = eta.clone().requires_grad_()
                mean = torch.autograd.grad(normaliser(leaf).sum(), leaf)[0]
            return (normaliser(parameters) - parameters * mean).sum()

        found.append(torch.linalg.eigvalsh(torch.autograd.functional.hessian(divergence, place))[0].item())
    module.float()
    np.testing.assert_allclose(model.min_fisher_eigenvalue(X[:3]), found, rtol=1e-3)
    if likelihood == "gaussian":
        assert (model.min_fisher_eigenvalue(X) >= model.inverse_lipschitz_**2 - 1e-4).all()


def test_expected_statistic_of_categories_is_the_average_of_the_statistic():
    likelihood = LIKELIHOODS["categorical"]([3, 4])
    eta = torch.randn(5)
    Q = torch.block_diag(helmert_basis(3), helmert_basis(4))
    logits = Q @ eta
    expected = Q.T @ torch.cat([Categorical(logits=part).probs for part in logits.split([3, 4])])
    torch.testing.assert_close(likelihood.expected_statistic(eta), expected)


def test_expected_statistic_of_a_gaussian_is_its_parameter_in_noise_units():
    eta = torch.randn(4)
    torch.testing.assert_close(GaussianLikelihood(4).expected_statistic(eta), eta)


@pytest.mark.parametrize("likelihood", ["bernoulli", "poisson"])
def test_least_fisher_eigenvalue_vanishes_where_the_noise_does(likelihood):
    """At extreme natural parameters an injective decoder changes the distribution ever less.

    There is no floor in nats, and this number says so.
    """
    X = np.random.default_rng(0).integers(2, size=(60, 6)).astype(float)
    model = LIDVAE(n_components=2, likelihood=likelihood, **FAST).fit(X)
    before = model.min_fisher_eigenvalue(X).max()
    decoder = model.net_.module_.decoder
    far = torch.full((6,), -30.0)
    with torch.no_grad():  # in the plane and off it
        decoder.chain[-1].bias.add_(far @ decoder.embedding().mT)
        decoder.network.shift(far)
    assert 0 <= model.min_fisher_eigenvalue(X).max() < 1e-6 * before


def images(n_components, n_outputs):
    """A network of transposed convolutions, from latents to images of 8 x 8 pixels."""
    return torch.nn.Sequential(
        torch.nn.Linear(n_components, 16), torch.nn.GELU(), torch.nn.Unflatten(1, (4, 2, 2)),
        torch.nn.ConvTranspose2d(4, n_outputs // 64, kernel_size=4, stride=4),
    )  # fmt: skip


@pytest.mark.parametrize("Estimator", [LIDVAE, LIDGMVAEClustering])
def test_a_network_of_ones_own_keeps_certificate_and_inverse(Estimator, tmp_path):
    X = load_digits().data[:300]
    model = Estimator(n_components=3, decoder_network=images, max_epochs=3, random_state=0).fit(X)
    assert any(isinstance(part, torch.nn.ConvTranspose2d) for part in model.net_.module_.decoder.modules())
    assert model.mutual_information_lower_bound_ > 0
    Z = model.transform(X[:20]).astype(np.float64)
    np.testing.assert_allclose(model.invert(model.inverse_transform(Z)), Z, rtol=0, atol=1e-4)
    joblib.dump(model, tmp_path / "model.joblib")
    np.testing.assert_array_equal(joblib.load(tmp_path / "model.joblib").transform(X), model.transform(X))


@pytest.mark.parametrize("Estimator", [VAE, GMVAE])
def test_baselines_take_the_same_network(Estimator):
    X = load_digits().data[:300]
    model = Estimator(n_components=3, decoder_network=images, max_epochs=2, random_state=0).fit(X)
    assert any(isinstance(part, torch.nn.ConvTranspose2d) for part in model.net_.module_.decoder.modules())
    assert model.inverse_transform(model.transform(X[:5])).shape == (5, 64)


def test_searches_copy_the_function_that_makes_a_network():
    search = GridSearchCV(LIDVAE(2, max_epochs=2, random_state=0), {"decoder_network": [None, images]}, cv=2)
    search.fit(load_digits().data[:100])
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


class Undefined(torch.nn.Module):
    """0 / 0, whatever the latents."""

    def forward(self, z):
        return torch.full((len(z), 64), torch.nan)


class Overwriting(torch.nn.Module):
    """A linear map that writes over its inputs."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.map = torch.nn.Linear(n_inputs, n_outputs)

    def forward(self, z):
        return self.map(z.mul_(0.5))


@pytest.mark.parametrize("Estimator", [LIDVAE, VAE, LIDGMVAEClustering])
def test_a_network_that_writes_over_its_inputs_gives_what_one_that_does_not_gives(Estimator):
    X = load_digits().data[:50]
    halving = lambda K, D: torch.nn.Sequential(Halved(), torch.nn.Linear(K, D))  # noqa: E731
    scores = [
        Estimator(n_components=2, decoder_network=make, max_epochs=2, random_state=0).fit(X).score(X)
        for make in (Overwriting, halving)
    ]
    assert scores[0] == scores[1]


class Halved(torch.nn.Module):
    def forward(self, z):
        return 0.5 * z


@pytest.mark.parametrize("Estimator", [LIDVAE, VAE])
def test_networks_in_double_precision_or_that_normalise_batches_are_trained(Estimator):
    def normalising(n_inputs, n_outputs):
        parts = torch.nn.Linear(n_inputs, 8), torch.nn.BatchNorm1d(8), torch.nn.Linear(8, n_outputs)
        return torch.nn.Sequential(*parts).double()

    X = load_digits().data[:50]
    model = Estimator(n_components=2, decoder_network=normalising, max_epochs=2, random_state=0).fit(X)
    assert np.isfinite(model.score_samples(X)).all()


@pytest.mark.parametrize("callback", [3, "early", torch.nn.Linear(1, 1), ("name", 3)])
def test_callbacks_that_skorch_cannot_call_are_named(callback):
    with pytest.raises(TypeError, match="callbacks holds .*, which is no skorch callback: pass instances"):
        LIDVAE(max_epochs=1, callbacks=[callback]).fit(load_digits().data[:50])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"decoder": "brenier"}, ValueError, 'no place in decoder="brenier"'),
        ({"decoder_depth": 3}, ValueError, "decoder_depth=3 belongs to a perceptron"),
        ({"decoder_width": 64}, ValueError, "decoder_width=64 belongs to a perceptron"),
        ({"decoder_network": lambda K, D: None}, TypeError, "must return a torch.nn.Module.*returned None"),
        ({"decoder_network": torch.nn.Linear(2, 64)}, TypeError, "a Linear is one already. Pass a function"),
        ({"decoder_network": lambda K, D: torch.nn.Linear(K, D - 1)}, ValueError, "n_outputs=64 numbers for each"),
        (
            {"decoder_network": lambda K, D: torch.nn.Linear(K + 1, D)},
            ValueError,
            r"fails at latents of shape \(2, 2\)",
        ),
        ({"decoder_network": lambda K, D: torch.nn.LSTM(K, D)}, TypeError, "one tensor, and it gave a tuple"),
        ({"decoder_network": lambda K, D: Undefined()}, ValueError, "not finite at its first weights"),
    ],
)
def test_networks_that_do_not_fit_are_refused(options, error, message):
    model = LIDVAE(**{"n_components": 2, "decoder_network": images, **options})
    with pytest.raises(error, match=message):
        model.fit(load_digits().data[:50])
