"""A remedy names what the model has, and what is not already so."""

import pytest
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

from sklid import LIDVAE, LIDGMVAEClustering
from sklid.baselines import GMVAE, VAE, BetaVAE
from sklid.metrics.report.remedy import ADVICE, OTHERWISE, remedy_of

ESTIMATORS = [
    LIDVAE(),
    VAE(),
    BetaVAE(),
    LIDGMVAEClustering(),
    LIDGMVAEClustering("auto"),
    GMVAE(),
    PCA(3),
    GaussianMixture(3),
]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("verdict", [*ADVICE, *OTHERWISE])
def test_a_remedy_names_parameters_of_the_model_alone(estimator, verdict):
    text = remedy_of(verdict, estimator)
    named = {advice.parameter for group in ADVICE.values() for advice in group if advice.parameter in text.split()}
    assert named <= set(estimator.get_params())
    assert text.endswith(".")


def test_a_constant_that_is_large_is_not_to_be_raised():
    assert "raise inverse_lipschitz" in remedy_of("model", LIDVAE(inverse_lipschitz=0.1)).lower()
    assert "inverse_lipschitz" not in remedy_of("model", LIDVAE(inverse_lipschitz=5.0))
    assert "LIDVAE" not in remedy_of("model", LIDVAE())
    assert remedy_of("model", VAE()).startswith("Use an injective decoder (LIDVAE)")
    assert remedy_of("model", GMVAE()).startswith("Use an injective decoder (LIDGMVAEClustering)")


def test_what_is_in_force_is_not_advised():
    assert 'encoder="principal"' in remedy_of("inference", VAE())
    assert 'encoder="principal"' not in remedy_of("inference", LIDVAE())
    assert 'Set scale="auto"' in remedy_of("inference", LIDVAE(scale=None))
    assert "scale" not in remedy_of("inference", LIDVAE())
    assert "kl_weight" not in remedy_of("inference", LIDVAE(kl_weight=0.05))
    assert "beta" in remedy_of("inference", BetaVAE(beta=4.0))
    assert "beta" not in remedy_of("inference", BetaVAE(beta=0.05))
    assert "decoder_depth" not in remedy_of("model", VAE(decoder_depth=1))
    assert remedy_of("data", LIDVAE(1)) == "Use fewer latents."
    assert remedy_of("data", LIDVAE(3)) == "Lower n_components."


def test_labels_that_are_too_many_are_lowered_by_the_name_that_they_have():
    assert remedy_of("labels: data", LIDGMVAEClustering(5, n_components=3)) == "Lower k."
    assert remedy_of("labels: data", LIDGMVAEClustering(2, n_components=3)) == "Use fewer labels."
    assert remedy_of("labels: data", GaussianMixture(5)) == "Lower n_components."


def test_labels_that_collapse_for_a_reason_that_is_not_known_are_helped_by_a_gentler_training():
    assert "kl_warmup=0.5" in remedy_of("labels: collapsed", LIDGMVAEClustering(kl_warmup=0))
    assert "kl_warmup" not in remedy_of("labels: collapsed", LIDGMVAEClustering())
    assert remedy_of("labels: collapsed", GaussianMixture(3)).startswith("Pass the model itself")


def test_what_would_decide_is_said_in_rows():
    assert remedy_of("undecided", LIDVAE(), 1234.2) == (
        "Pass more rows: about 1,235 would show a direction as strong as the noise."
    )
    assert remedy_of("labels: undecided") == "Pass more rows."
    assert remedy_of("undecided", LIDVAE()).startswith(
        "Pass rows that were not fitted, and more of them; where p(x | z)"
    )
    assert remedy_of("healthy", LIDVAE()) == remedy_of("labels: healthy") == ""
