"""The verdict names the cause, by its rules and on models built to fail in each way."""

import numpy as np
import pytest
import torch
from scipy.signal import lfilter
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from torch.distributions import Categorical, Independent, Normal

from sklid import LIDVAE
from sklid.baselines import VAE
from sklid.metrics import VariationalModel, collapse_report
from sklid.metrics.report.measurements import LabelMeasurements
from sklid.metrics.report.structure import Structure
from sklid.metrics.report.verdict import (
    LatentEvidence,
    cause_of_unused,
    label_verdict,
    latent_states,
    overall_verdict,
)

from ..models import frozen_at_the_prior, linear_data, linear_model

pytestmark = pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")


LATENTS = {  # variance of means, variation, variance of refined means, informative, gain, its error
    "it varies and helps to explain the rows": (1.0, 1.0, 1.0, True, 0.5, 0.1, "healthy"),
    "it varies and explains nothing": (1.0, 1.0, 1.0, False, 0.0, 0.01, "unused"),
    "it varies and may explain something": (1.0, 1.0, 1.0, False, 0.015, 0.01, "undecided"),
    "it varies and could be worth much for all that so few rows tell": (1.0, 1.0, 1.0, False, 0.0, 0.1, "undecided"),
    "the refined posterior moves and the encoder's does not": (0.0, 1.0, 1.0, False, 0.0, 0.01, "inference"),
    "the likelihood ignores it": (0.0, 0.001, 1.0, False, 0.0, 0.01, "unused"),
    "the encoder moves where the likelihood does not": (1.0, 0.001, 1.0, True, 0.0, 0.01, "unused"),
    "no posterior moves": (0.0, 1.0, 0.0, False, 0.0, 0.01, "unused"),
    "its variance overflows": (np.nan, 1.0, 1.0, True, 0.0, 0.01, "undecided"),
    "its likelihood overflows": (1.0, np.inf, 1.0, True, 0.0, 0.01, "undecided"),
}
STRUCTURES = {  # direction over its bound, its worth, gain of a mixture, strongest hidden direction
    "a direction is left": (1.3, 0.1, -0.1, 0.1, "model"),
    "a shape is left": (0.9, 0.1, 0.5, 0.1, "model"),
    "a direction is left that is worth next to nothing": (1.3, 0.001, -0.1, 0.1, "data"),
    "a direction is left that may be worth something": (1.3, 0.008, -0.1, 0.1, "undecided"),
    "neither is left": (0.9, 0.1, -0.1, 0.1, "data"),
    "a strong direction could be left": (0.9, 0.1, -0.1, 0.5, "undecided"),
    "nothing is known of it": (np.nan, np.nan, np.nan, np.nan, "undecided"),
}
LABELS = {  # of four: information, most of it, labels used, separation, exact information, variation, evidence for four
    "they tell rows apart": (1.2, 1.3, 4, 1.3, 1.2, 5.0, 9.0, "healthy"),
    "they tell rows apart that are of very unequal sizes": (0.03, 0.03, 4, 1.3, 0.03, 5.0, 9.0, "healthy"),
    "the rows form fewer clusters": (1.2, 1.3, 4, 1.3, 1.2, 5.0, -9.0, "data"),
    "the rows may form fewer clusters": (1.2, 1.3, 4, 1.3, 1.2, 5.0, -1.0, "undecided"),
    "nothing but probabilities is known": (0.01, 1.3, 4, np.nan, np.nan, np.nan, np.nan, "collapsed"),
    "probabilities are known and certain": (1.3, 1.3, 4, np.nan, np.nan, np.nan, np.nan, "healthy"),
    "the clusters hardly differ": (0.01, 1.3, 4, 0.05, 0.5, 5.0, 9.0, "model"),
    "the likelihood hardly depends on the latent": (0.01, 1.3, 4, 1.3, 0.5, 0.001, 9.0, "model"),
    "the exact posterior tells rows apart": (0.01, 1.3, 4, 1.3, 0.5, 5.0, 9.0, "inference"),
    "the exact posterior tells twice as much": (0.5, 1.0, 3, 1.3, 1.1, 5.0, 9.0, "inference"),
    "the exact posterior tells little more": (0.5, 1.0, 3, 1.3, 0.9, 5.0, 9.0, "model"),
    "no posterior tells rows apart": (0.01, 1.3, 4, 1.3, 0.05, 5.0, 9.0, "model"),
    "no posterior tells rows apart that may not differ": (0.01, 1.3, 4, 1.3, 0.05, 5.0, 1.0, "undecided"),
}


@pytest.mark.parametrize("case", LATENTS)
def test_the_state_of_a_latent_follows_the_rule(case):
    *measured, state = LATENTS[case]
    assert latent_states(LatentEvidence(*(np.array([number]) for number in measured))) == [state]


@pytest.mark.parametrize("case", STRUCTURES)
def test_the_cause_of_a_latent_without_use_is_what_the_residuals_hold(case):
    *measured, cause = STRUCTURES[case]
    assert cause_of_unused(Structure(*measured, n_rows=500)) == cause


@pytest.mark.parametrize("case", LABELS)
def test_the_verdict_on_labels_follows_the_rule(case):
    information, most, n_used, *causes, evidence, verdict = LABELS[case]
    labels = LabelMeasurements(information, most, n_used, 4, *causes, cluster_evidence=evidence)
    assert label_verdict(labels) == verdict


def test_the_verdict_of_all_latents_is_a_known_cause_where_there_is_one():
    assert overall_verdict(["healthy", "undecided", "data", "undecided"]) == "data"
    assert overall_verdict(["healthy", "undecided"]) == "undecided"
    assert overall_verdict(["healthy", "healthy"]) == "healthy"


@pytest.fixture(
    scope="module", params=["LIDVAE, Bernoulli", "VAE, Bernoulli", "LIDVAE, Gaussian", "LIDVAE, continuous Bernoulli"]
)
def trained(request):
    """A model trained on digits, and the rows as it sees them."""
    estimator, likelihood = {
        "LIDVAE, Bernoulli": (LIDVAE, "bernoulli"),
        "VAE, Bernoulli": (VAE, "bernoulli"),
        "LIDVAE, Gaussian": (LIDVAE, "gaussian"),
        "LIDVAE, continuous Bernoulli": (LIDVAE, "continuous_bernoulli"),
    }[request.param]
    X = load_digits().data[:800] / 16
    model = estimator(
        n_components=4,
        likelihood=likelihood,
        encoder="principal",
        decoder_width=64,
        encoder_width=64,
        max_epochs=15,
        random_state=0,
    )
    return model.fit(X).view(X)


def test_a_trained_model_is_healthy(trained):
    report = collapse_report(trained.model, trained.rows)
    assert (report.verdict, report.collapsed) == ("healthy", False)
    assert report.totals.informative_units == 4


@pytest.mark.parametrize("encoder", ["trained", "frozen"])
def test_a_decoder_times_a_ten_thousandth_is_the_models_fault(trained, encoder):
    encode = trained.model.encode if encoder == "trained" else frozen_at_the_prior(4)
    weak = VariationalModel(
        encode, lambda z: trained.model.likelihood(1e-4 * trained.model.natural_parameters(z)), trained.model.prior
    )
    report = collapse_report(weak, trained.rows)
    assert (report.verdict, report.collapsed) == ("model", True)
    assert report.totals.variation < 1e-2
    assert report.totals.posterior_kl < 1e-2
    assert "injective decoder" in report.remedy


def test_an_encoder_frozen_at_the_prior_is_inferences_fault(trained):
    report = collapse_report(
        VariationalModel(frozen_at_the_prior(4), trained.model.decode, trained.model.prior), trained.rows
    )
    assert (report.verdict, report.collapsed) == ("inference", True)
    assert report.totals.amortization_gap > 1
    assert report.totals.posterior_kl > 1
    assert "encoder" in report.remedy


def optimum_of_a_linear_vae(rows, noise, kl_weight):
    """Wang & Ziyin (2022): along a principal direction of variance v the decoder has amplitude sqrt(v - beta s^2).

    It has none where beta s^2 >= v.
    """
    variances, directions = torch.linalg.eigh(rows.T @ rows / len(rows))
    amplitudes = (variances - kl_weight * noise**2).clamp_min(0).sqrt().flip(0)[:4]
    W = directions.T.flip(0)[:4] * amplitudes[:, None]
    precision = (kl_weight * noise**2 + amplitudes.square()) / (kl_weight * noise**2)
    loc = W.T / (kl_weight * noise**2) / precision
    return linear_model(
        W, noise, lambda x: Independent(Normal(x @ loc, precision.rsqrt().expand(len(x), -1)), 1)
    ), amplitudes


@pytest.mark.parametrize(
    ("loadings", "noise", "kl_weight", "n_active", "verdict"),
    [
        ([3.0, 2.5, 2.0, 1.5], 1.0, 1.0, 4, "healthy"),
        (
            [3.0, 2.5],
            1.12,
            1.0,
            2,
            "data",
        ),  # two directions for four latents: those of the noise stay below that of the model
        (
            [3.0, 2.5, 2.0, 1.5],
            1.0,
            6.0,
            2,
            "model",
        ),  # beta s^2 = 6 is above 1 + 2^2 and 1 + 1.5^2: directions are there and go unused
        ([3.0, 2.5, 2.0, 1.5], 10.0, 1.0, 0, "model"),  # directions are there, below the noise that the model takes
    ],
)
def test_the_optimum_of_a_linear_vae_collapses_for_the_reason_that_theory_gives(
    loadings, noise, kl_weight, n_active, verdict
):
    rows, _ = linear_data(3000, loadings)
    model, amplitudes = optimum_of_a_linear_vae(rows, noise, kl_weight)
    assert (amplitudes > 0).sum() == n_active
    report = collapse_report(model, rows)
    assert report.totals.active_units == n_active
    assert report.verdict == verdict


def test_pca_with_more_components_than_directions_is_a_matter_of_the_data():
    tables = [linear_data(1000, [3.0, 2.0], seed=seed)[0].numpy() for seed in range(5)]
    reports = [collapse_report(PCA(5).fit(rows[:500]), rows[500:]) for rows in tables]
    assert [report.verdict for report in reports].count("data") >= 3
    assert all(report.totals.informative_units <= 3 for report in reports)


def test_posteriors_alone_tell_whether_and_not_why():
    loc = np.random.default_rng(0).standard_normal((300, 2)) * [0.9, 0.0]
    report = collapse_report(loc, np.full((300, 2), [0.4, 1.0]))
    assert (report.verdict, report.collapsed) == ("collapsed", True)
    assert "Pass the model itself" in report.remedy
    assert collapse_report(loc[:, :1], np.full((300, 1), 0.4)).verdict == "healthy"


def ignoring_model(decode):
    return VariationalModel(frozen_at_the_prior(1), decode)


def test_independent_categories_are_a_matter_of_the_data_and_shared_classes_one_of_the_model():
    torch.manual_seed(0)
    model = ignoring_model(lambda z: Independent(Categorical(probs=torch.full((len(z), 12, 3), 1 / 3)), 1))
    assert collapse_report(model, torch.randint(3, (1000, 12)).float()).verdict == "data"
    favoured = torch.randint(3, (1000, 1)).expand(-1, 12)
    shared = torch.where(torch.rand(1000, 12) < 0.3, favoured, torch.randint(3, (1000, 12)))
    assert collapse_report(model, shared.float()).verdict == "model"


@pytest.mark.parametrize("kind", ["repeated", "autocorrelated"])
def test_rows_that_repeat_or_follow_each_other_hold_no_direction(kind):
    rng = np.random.default_rng(0)
    x = (
        np.repeat(rng.standard_normal((200, 8)), 10, axis=0)
        if kind == "repeated"
        else lfilter([1], [1, -0.9], rng.standard_normal((1000, 8)), axis=0)
    )
    x = torch.from_numpy((x - x.mean(axis=0)) / x.std(axis=0))
    report = collapse_report(ignoring_model(lambda z: Independent(Normal(torch.zeros(len(z), 8).double(), 1.0), 1)), x)
    assert report.verdict == "data"
    assert report.totals.n_residuals == (200 if kind == "repeated" else 1000)


def test_too_few_rows_decide_nothing_and_the_report_asks_for_more():
    x = torch.randn(20, 20, generator=torch.Generator().manual_seed(0)).double()
    report = collapse_report(ignoring_model(lambda z: Independent(Normal(torch.zeros(len(z), 20).double(), 1.0), 1)), x)
    assert (report.verdict, report.collapsed) == ("undecided", True)
    assert report.remedy.startswith("Pass more rows: about")
    assert "Verdict: undecided" in report.summary()
