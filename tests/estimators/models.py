"""Small models of every kind that draws, and all that they answer."""

import numpy as np
import torch
from torch import nn

from sklid import LIDVAE, IdentifiablePPCA, LIDGMVAEClustering, LIDMVAEClustering
from sklid.baselines import BNVAE, GMVAE, VAE, LaggingVAE, SemiAmortizedVAE
from sklid.metrics import (
    active_units,
    amortization_gap,
    cluster_mutual_information,
    collapse_report,
    informative_units,
    latent_agreement,
    log_likelihood,
    mutual_information,
)
from sklid.surroundings import ordinary_settings

rng = np.random.default_rng(0)
X = (rng.standard_normal((60, 2)) + 3 * rng.integers(0, 2, (60, 1))) @ rng.standard_normal((2, 5))
X += 0.3 * rng.standard_normal(X.shape)
FAST = {"n_components": 2, "max_epochs": 5, "encoder_width": 8, "n_importance_samples": 5, "random_state": 0}
SMALL = {**FAST, "decoder_width": 8}


def with_dropout(n_inputs, n_outputs):
    return nn.Sequential(nn.Linear(n_inputs, 8), nn.Dropout(0.3), nn.BatchNorm1d(8), nn.GELU(), nn.Linear(8, n_outputs))


MODELS = {
    "LIDVAE": lambda: LIDVAE(**SMALL),
    "brenier": lambda: LIDVAE(decoder="brenier", **SMALL),
    "flow": lambda: LIDVAE(posterior="flow", **SMALL),
    "dropout": lambda: LIDVAE(decoder_network=with_dropout, **FAST),
    "early stopping": lambda: LIDVAE(early_stopping=True, **SMALL),
    "VAE": lambda: VAE(encoder="plain", **SMALL),
    "LIDGMVAEClustering": lambda: LIDGMVAEClustering(k=2, **SMALL),
    "joint": lambda: LIDGMVAEClustering(k=2, inference="joint", init="random", **SMALL),
    "student_t": lambda: LIDMVAEClustering(k=2, family="student_t", **SMALL),
    "gamma": lambda: LIDMVAEClustering(k=2, family="gamma", covariance_type="diag", **SMALL),
    "BNVAE": lambda: BNVAE(**SMALL),
    "LaggingVAE": lambda: LaggingVAE(max_encoder_steps=3, **SMALL),
    "SemiAmortizedVAE": lambda: SemiAmortizedVAE(n_refinements=3, **SMALL),
    "GMVAE": lambda: GMVAE(k=2, **SMALL),
    "IdentifiablePPCA": lambda: IdentifiablePPCA(2, solver="gradient", random_state=0),
}
QUESTIONS = (
    "transform",
    "predict",
    "score_samples",
    "predict_proba",
    "invert",
    "kl_lower_bound",
    "min_fisher_eigenvalue",
)


def answers(model):
    """What a fitted model says of `X`, draws, and is measured at: a dict of arrays."""
    found = {name: np.asarray(getattr(model, name)(X)) for name in QUESTIONS if hasattr(model, name)}
    rows = model.sample(20)
    found["sample"] = np.asarray(rows[0] if isinstance(rows, tuple) else rows)
    found["inverse_transform"] = model.inverse_transform(np.asarray(found["transform"]))
    q = model.encode(X)
    with ordinary_settings():
        z = torch.zeros(len(X), 2, dtype=torch.float32, device=device_of(model))
        found["encode"] = q.log_prob(z).detach().cpu().numpy()
    found["likelihood"] = log_likelihood(model, X, n_importance_samples=5).per_row
    found["information"] = mutual_information(model, X).value
    found["active"] = active_units(model, X).variances
    found["agreement"] = latent_agreement(found["transform"], np.asarray(found["transform"]) ** 3).value
    if "predict_proba" in found:
        found["labels"] = cluster_mutual_information(model, X)
    return {name: np.asarray(value) for name, value in found.items()}


def device_of(model):
    """Where a fitted model computes; a linear one does on a processor."""
    return next(model.net_.module_.parameters()).device if hasattr(model, "net_") else "cpu"


def measurements(model):
    """The slower ones of `sklid.metrics`."""
    gap = amortization_gap(model, X[:10]).value
    gains = informative_units(model, X[:10], n_importance_samples=5).gains
    information = collapse_report(model, X[:30]).totals.mutual_information
    return {"gap": np.asarray(gap), "gains": gains, "information": np.asarray(information)}


def assert_same(found, expected):
    """Bit for bit."""
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name].dtype == value.dtype, name
        assert found[name].tobytes() == value.tobytes(), name
