"""Every public estimator keeps scikit-learn's contract, checked by scikit-learn itself."""

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from sklid import LIDVAE, IdentifiablePPCA, LIDGMVAEClustering, LIDMVAEClustering, LIDVAEImputer
from sklid.baselines import (
    BNVAE,
    GMVAE,
    VAE,
    BetaVAE,
    DeltaVAE,
    FreeBitsVAE,
    LaggingVAE,
    SemiAmortizedVAE,
    SkipVAE,
)

COMPETITORS = [BetaVAE, FreeBitsVAE, DeltaVAE, BNVAE, SkipVAE, LaggingVAE, SemiAmortizedVAE]
ESTIMATORS = [LIDVAE, VAE, LIDGMVAEClustering, LIDMVAEClustering, GMVAE, *COMPETITORS]
CLUSTERERS = [LIDGMVAEClustering, LIDMVAEClustering, GMVAE]
X = load_iris().data
SMALL = {"n_components": 2, "max_epochs": 5, "decoder_width": 16, "encoder_width": 16, "random_state": 0}

pytestmark = pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")  # a few epochs on a few rows
every = pytest.mark.parametrize("Estimator", ESTIMATORS)


# A flow needs two latents, where some checks ask for one, and with warm_start a second fit is meant to go on from the
# first, where one compares the two: both are checked in tests of their own.
TINY = {"max_epochs": 3, "decoder_width": 8, "encoder_width": 8}
OF_NETWORKS = [
    {"encoder": "plain"},
    {"noise": "feature"},
    {"scale": "column"},
    {"scale": "table"},
    {"scale": None},
    {"early_stopping": True},
    {"kl_warmup": 0.5},
    {"batch_size": 7},
]
OF_DECODERS = [
    {"decoder": "brenier"},
    {"decoder": "brenier", "potential": "icnn", "skip_connections": True},
    {"activation": "leaky_relu"},
    {"activation": "softplus"},
    {"embedding": "identity"},
    {"maps": 1},
    {"inverse_lipschitz": 0.1},
]
OF_MIXTURES = [
    {"covariance_type": "tied"},
    {"covariance_type": "diag"},
    {"covariance_type": "spherical"},
    {"inference": "joint"},
    {"mixture_weights": "uniform"},
    {"cluster_means": "fixed"},
    {"init": "gmm"},
    {"init": "kmeans"},
    {"init": "random"},
    {"pretrain_fraction": 0.0},
]
OF_FAMILIES = [
    {"family": "student_t"},
    {"family": "student_t", "inference": "joint"},
    {"family": "gamma", "covariance_type": "diag"},
    {"family": "gamma", "covariance_type": "diag", "inference": "joint"},
    {"family": "gamma", "covariance_type": "spherical", "pretrain_fraction": 0.0},
]
TINY_MIXTURE = TINY | {"max_epochs": 4, "n_init": 1}
CHECKED = [
    *(Estimator(**TINY) for Estimator in (LIDVAE, VAE, *COMPETITORS[:-2])),
    LaggingVAE(max_encoder_steps=3, **TINY),
    SemiAmortizedVAE(n_refinements=3, **TINY),
    *(Estimator(**TINY_MIXTURE) for Estimator in (LIDGMVAEClustering, LIDMVAEClustering, GMVAE)),
    LIDVAE(likelihood="auto", **TINY),
    *(IdentifiablePPCA(solver=solver) for solver in ("auto", "eig", "em")),
    IdentifiablePPCA(2),
    IdentifiablePPCA(noise_variance=0.5),
    IdentifiablePPCA(noise="feature"),
    IdentifiablePPCA("parallel", random_state=0),
    LIDVAEImputer("linear", random_state=0),
    LIDVAEImputer("linear", sample_posterior=True, random_state=0),
]
"""Every estimator, with every check; those whose tags depend on a parameter, and those that fit in no time, with it."""
VARIANTS = [
    *(Estimator() for Estimator in (LIDVAE, VAE, LIDGMVAEClustering)),
    *(LIDVAE(**TINY, **options) for options in OF_NETWORKS + OF_DECODERS),
    *(VAE(**TINY, **options) for options in OF_NETWORKS[1:4]),
    *(LIDGMVAEClustering(**TINY_MIXTURE, **options) for options in OF_MIXTURES + OF_DECODERS[:2]),
    LIDGMVAEClustering("auto", **TINY_MIXTURE),
    *(LIDMVAEClustering(**TINY_MIXTURE, **options) for options in OF_FAMILIES),
    *(GMVAE(**TINY_MIXTURE, **options) for options in OF_MIXTURES[:4]),
    IdentifiablePPCA(solver="gradient"),
]
"""The same with a parameter changed, by which other mathematics answers."""
OF_ANSWERS = {
    "check_clusterer_compute_labels_predict",
    "check_clustering",
    "check_dict_unchanged",
    "check_dont_overwrite_parameters",
    "check_estimators_dtypes",
    "check_estimators_overwrite_params",
    "check_estimators_pickle",
    "check_fit2d_1feature",
    "check_fit2d_1sample",
    "check_fit_idempotent",
    "check_methods_sample_order_invariance",
    "check_methods_subset_invariance",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_sample_weight_equivalence_on_dense_data",
    "check_set_params",
    "check_transformer_general",
    "check_transformer_preserve_dtypes",
}
"""Checks of numbers and attributes after a fit, and of the parameters. The others are of tags, of what is refused, and
of the ways to hand rows over: all of that comes before what the variants differ in."""


@pytest.fixture(autouse=True)
def causes_of_two_alone(request):
    given = getattr(request.node, "callspec", None) and request.node.callspec.params.get("estimator")
    if type(given) in (VAE, GMVAE):  # their subclasses aside
        request.getfixturevalue("with_causes")


def check_of(estimator, check):
    return pytest.param(estimator, check, id=f"{''.join(str(estimator).split())}-{check.func.__name__}")


@parametrize_with_checks(CHECKED, expected_failed_checks={})
def test_check_estimator_has_no_expected_failures(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        check_of(estimator, check)
        for variant in VARIANTS
        for estimator, check in estimator_checks_generator(variant)
        if check.func.__name__ in OF_ANSWERS and not check.keywords  # once, not from a memory map as well
    ],
)
def test_check_estimator_has_no_failures_where_a_parameter_changes_the_answers(estimator, check):
    check(estimator)


@every
@pytest.mark.parametrize(("container", "frame"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)])
def test_set_output_gives_named_frames(Estimator, container, frame):
    model = Estimator(**SMALL).set_output(transform=container)
    for out in (model.fit_transform(X), model.transform(X)):
        assert isinstance(out, frame)
        assert list(out.columns) == [f"{Estimator.__name__.lower()}0", f"{Estimator.__name__.lower()}1"]


@every
def test_feature_names_are_remembered_and_checked(Estimator):
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    model = Estimator(**SMALL).fit(frame)
    assert list(model.feature_names_in_) == ["a", "b", "c", "d"]
    with pytest.raises(ValueError, match="feature names"):
        model.transform(frame.rename(columns={"a": "z"}))


@every
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_components", 0),
        ("likelihood", "cauchy"),
        ("learning_rate", -1.0),
        ("kl_warmup", 1.5),
        ("decoder_depth", 0),
        ("validation_fraction", 1.0),
    ],
)
def test_parameters_are_validated_by_name(Estimator, name, value):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of {Estimator.__name__}"):
        Estimator(**{**SMALL, name: value}).fit(X)


@every
def test_works_in_a_pipeline(Estimator):
    pipeline = make_pipeline(StandardScaler(), Estimator(**SMALL)).fit(X)
    assert pipeline.transform(X).shape == (150, 2)
    assert np.isfinite(pipeline.score(X))


def test_grid_search_over_depth_in_two_processes():
    rows = load_digits().data[:200]
    search = GridSearchCV(
        LIDVAE(max_epochs=3, decoder_width=32, random_state=0), {"decoder_depth": [1, 2, 4]}, n_jobs=2, cv=2
    ).fit(rows)
    assert search.best_params_["decoder_depth"] in (1, 2, 4)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@every
def test_cross_val_score_is_the_mean_held_out_log_likelihood(Estimator):
    scores = cross_val_score(Estimator(**SMALL), X, cv=[(np.arange(100), np.arange(100, 150))])
    expected = Estimator(**SMALL).fit(X[:100]).score_samples(X[100:]).mean(dtype=np.float64)
    np.testing.assert_allclose(scores, expected)


@every
def test_joblib_round_trip_is_bitwise_and_small(Estimator, tmp_path):
    model = Estimator(n_components=2, max_epochs=5, random_state=0).fit(X)
    joblib.dump(model, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib")
    np.testing.assert_array_equal(loaded.transform(X), model.transform(X))
    np.testing.assert_array_equal(loaded.score_samples(X), model.score_samples(X))
    weights = sum(parameter.numel() * 4 for parameter in model.net_.module_.parameters())
    assert (tmp_path / "model.joblib").stat().st_size < 3 * weights


@every
def test_same_seed_gives_bitwise_the_same_model(Estimator):
    one, other = (Estimator(**SMALL).fit(X) for _ in range(2))
    for a, b in zip(one.net_.module_.parameters(), other.net_.module_.parameters(), strict=True):
        assert torch.equal(a, b)


@every
def test_fit_score_and_sample_leave_the_global_generators_as_they_were(Estimator):
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()  # noqa: NPY002
    model = Estimator(**SMALL).fit(X)
    model.score(X), model.sample(3), model.transform(X)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert all(np.array_equal(a, b) for a, b in zip(np.random.get_state(), numpy_state, strict=True))  # noqa: NPY002


@every
def test_clone_has_equal_parameters_and_no_state(Estimator):
    model = Estimator(**SMALL).fit(X)
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    assert not hasattr(copy, "net_")
