"""Bad input gets one clear line: what came, why not, what next."""

import copy
import functools
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklid import LIDVAE, CollapseWarning, IdentifiablePPCA, LIDGMVAEClustering, LIDMVAEClustering, LIDVAEImputer
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

X = load_iris().data
FAST = {"max_epochs": 3, "decoder_width": 16, "encoder_width": 16, "random_state": 0}
COMPETITORS = [BetaVAE, FreeBitsVAE, DeltaVAE, BNVAE, SkipVAE, LaggingVAE, SemiAmortizedVAE]
every = pytest.mark.parametrize("Estimator", [LIDVAE, VAE, LIDGMVAEClustering, LIDMVAEClustering, GMVAE, *COMPETITORS])
pytestmark = pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")


@pytest.fixture(scope="module")
def models():
    """Fitted models, one of a kind, that nobody changes."""
    return functools.cache(lambda Estimator: Estimator(n_components=2, **FAST).fit(X))


@every
@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.array([[np.nan, 1.0], [np.nan, 3.0]]), r"All values of column 0 are missing \(nan\)"),
        (np.array([[1.0, np.inf], [2.0, 3.0]]), "contains infinity"),
        (np.empty((0, 3)), "0 sample"),
        (np.empty((3, 0)), "0 feature"),
        (np.arange(3.0), "Expected 2D array"),
        (np.ones((3, 2)) * 1j, "Complex data not supported"),
        (np.array([["a", "b"], ["c", "d"]]), "Column 0 holds text or categories"),
        (np.ones((1, 3)), "1 sample"),
    ],
)
def test_rows_that_are_no_table_of_finite_numbers(Estimator, rows, message):
    with pytest.raises(ValueError, match=message):
        Estimator(**FAST).fit(rows)


@pytest.mark.parametrize(
    ("likelihood", "value", "fitting"),
    [
        ("bernoulli", 1.7, "gaussian"),
        ("continuous_bernoulli", -0.5, "gaussian"),
        ("poisson", -1.0, "gaussian"),
        ("negative_binomial", -1.0, "gaussian"),
        ("ordinal", -1.0, "gaussian"),
        ("poisson", 0.5, "gaussian, bernoulli, continuous_bernoulli"),
        ("categorical", 0.5, "gaussian, bernoulli, continuous_bernoulli"),
    ],
)
def test_value_outside_the_support_names_value_column_and_what_fits(likelihood, value, fitting):
    rows = pd.DataFrame(np.zeros((5, 3)), columns=["a", "b", "c"])
    rows.loc[2, "b"] = value
    message = (
        rf'"{likelihood}" cannot take the value {value:g} in column 1 \(\'b\'\), row 2.*fit these values: {fitting}\.'
    )
    with pytest.raises(ValueError, match=message):
        LIDVAE(likelihood=likelihood, **FAST).fit(rows)


def test_value_outside_the_support_is_refused_after_fit_too():
    model = LIDVAE(likelihood="bernoulli", n_components=1, **FAST).fit(np.eye(6)[:, :3])
    with pytest.raises(ValueError, match="cannot take the value 2"):
        model.transform(np.full((2, 3), 2.0))


def test_category_not_seen_in_fit_is_refused_with_the_codes_that_were():
    model = LIDVAE(likelihood="categorical", n_components=1, **FAST).fit(np.array([[0, 1], [1, 2], [0, 0]] * 5))
    with pytest.raises(ValueError, match="codes 0 to 1 seen in fit"):
        model.transform(np.array([[2, 0]]))


@pytest.mark.parametrize(("rows", "likelihood"), [(X, "gaussian"), (np.eye(4), "categorical")])
def test_more_latents_than_natural_parameters(rows, likelihood):
    with pytest.raises(ValueError, match="cannot shrink.*Lower n_components to at most 4"):
        LIDVAE(n_components=5, likelihood=likelihood, **FAST).fit(rows)


def test_more_latents_than_principal_components():
    with pytest.raises(ValueError, match='one principal component per latent.*or use encoder="plain"'):
        VAE(n_components=5, encoder="principal", **FAST).fit(X)
    assert VAE(n_components=5, **FAST).fit(X).transform(X).shape == (150, 5)


def test_columns_of_one_category_leave_nothing_to_model():
    with pytest.raises(ValueError, match="single category"):
        LIDVAE(likelihood="categorical", **FAST).fit(np.zeros((5, 3)))


def test_noise_per_feature_needs_a_gaussian():
    with pytest.raises(ValueError, match='belongs to likelihood="gaussian"'):
        LIDVAE(likelihood="poisson", noise="feature", **FAST).fit(np.ones((5, 3)))


@every
def test_wrong_number_of_features(Estimator, models):
    model = models(Estimator)
    for method in (model.transform, model.predict, model.score_samples, model.encode):
        with pytest.raises(ValueError, match=f"X has 3 features, but {Estimator.__name__} is expecting 4 features"):
            method(X[:, :3])
    with pytest.raises(ValueError, match="Z has 3 columns.*n_components_=2"):
        model.inverse_transform(X[:, :3])


@every
def test_questions_before_fit(Estimator):
    for method in ("transform", "predict", "score", "encode", "inverse_transform"):
        with pytest.raises(NotFittedError):
            getattr(Estimator(), method)(X)
    with pytest.raises(NotFittedError):
        Estimator().sample()


@every
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_missing_gpu(Estimator):
    with pytest.raises(ValueError, match='device="cuda".*available: "cpu"'):
        Estimator(device="cuda").fit(X)


@every
@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(np.hstack([X, np.full((150, 1), 7.0)]), id="constant column"),
        pytest.param(np.repeat(X[:10], 20, axis=0), id="duplicate rows"),
        pytest.param(np.full((20, 3), 5.0), id="all rows equal"),
        pytest.param(X[:2], id="two rows"),
        pytest.param(X[:, :1], id="one feature"),
        pytest.param(
            np.hstack([X[:, :1], X[:, :1] * 1e-12, X[:, :1] * 1e12]), id="scales 24 orders of magnitude apart"
        ),
    ],
)
def test_odd_tables_work(Estimator, rows):
    model = Estimator(**FAST)
    if hasattr(model, "k"):
        model.k = 2
    model.fit(rows)
    assert np.isfinite(model.transform(rows)).all()
    assert np.isfinite(model.score(rows))
    assert np.isfinite(model.predict(rows)).all()


@every
def test_diverging_fit_ends_with_finite_weights_and_a_remedy(Estimator):
    """Rates of e^90 overflow single precision in the first step, at a tenth of the learning rate as well."""
    rows = np.random.default_rng(0).poisson(3.0, (50, 3))
    with pytest.warns(ConvergenceWarning, match="best weights are kept.*lower learning_rate"):
        model = Estimator(likelihood="poisson", learning_rate=1e6, **FAST).fit(rows)
    assert all(torch.isfinite(weight).all() for weight in model.net_.module_.parameters())
    assert not model.converged_
    assert isinstance(model.lower_bound_, float)  # whether or not the last epoch was finished


@every
@pytest.mark.parametrize("learning_rate", [10.0, 1e4, 1e30])
def test_steep_training_leaves_a_model_that_answers_about_as_well_as_its_start(Estimator, learning_rate):
    rows = np.random.default_rng(0).standard_normal((50, 5))
    options = {"max_epochs": 3, "decoder_width": 16, "encoder_width": 16, "random_state": 0, "n_components": 2}
    start = Estimator(learning_rate=1e-12, **options).fit(rows).score(rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = Estimator(learning_rate=learning_rate, **options).fit(rows)
    assert np.isfinite(model.transform(rows)).all()
    assert model.score(rows) > start - 1000 * (1 + abs(start))


def test_model_that_overflows_before_training_is_refused():
    rows = np.random.default_rng(0).poisson(3.0, (50, 5))
    model = LIDVAE(2, likelihood="poisson", max_epochs=2, random_state=0).fit(rows)
    before = model.transform(rows)
    model.set_params(inverse_lipschitz=1000.0)
    with pytest.raises(ValueError, match="lower what can be lowered of inverse_lipschitz"):
        model.fit(rows)
    np.testing.assert_array_equal(model.transform(rows), before)


@every
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([[np.inf, 0.0, 0.0, 0.0]] * 8, id="infinite values"),
        pytest.param([["a", "b", "c", "d"]] * 8, id="text"),
        pytest.param([[], []], id="no column"),
    ],
)
def test_refused_rows_leave_the_fitted_model_as_it_was(Estimator, rows, method, models):
    model = copy.deepcopy(models(Estimator))
    before = model.transform(X)
    with pytest.raises(ValueError, match="infinity|convert string|0 feature"):
        getattr(model, method)(rows)
    np.testing.assert_array_equal(model.transform(X), before)


both = pytest.mark.parametrize("Estimator", [LIDVAE, LIDGMVAEClustering])


@both
@pytest.mark.parametrize("n_samples", [0, -1, 2.5, True, "3", None])
def test_number_of_draws_is_a_whole_number_of_at_least_one(models, Estimator, n_samples):
    with pytest.raises(ValueError, match="n_samples=.* must be a whole number"):
        models(Estimator).sample(n_samples)


@both
@pytest.mark.parametrize(
    "weights",
    [
        pytest.param(np.ones(3), id="too few"),
        pytest.param(np.full(150, -1.0), id="negative"),
        pytest.param(np.full(150, np.nan), id="nan"),
        pytest.param(np.zeros(150), id="all zero"),
        pytest.param(np.ones((150, 1)), id="column"),
    ],
)
def test_weights_of_rows_that_are_none_are_refused(models, Estimator, weights):
    with pytest.raises(ValueError, match="sample_weight must hold one finite number"):
        models(Estimator).score(X, sample_weight=weights)


@both
def test_weighted_score_is_the_score_of_repeated_rows(models, Estimator):
    weights = np.arange(150) % 3
    expected = models(Estimator).score(np.repeat(X, weights, axis=0))
    assert models(Estimator).score(X, sample_weight=weights) == pytest.approx(expected, rel=1e-6)


@every
def test_masked_values_are_refused_and_an_empty_mask_is_not(Estimator, models):
    with pytest.raises(ValueError, match="masked array with 1 values masked.*nan stands for what is missing"):
        Estimator(**FAST).fit(np.ma.masked_greater(X, X.max() - 1e-9))
    unmasked = Estimator(n_components=2, **FAST).fit(np.ma.masked_array(X))
    np.testing.assert_array_equal(models(Estimator).transform(X), unmasked.transform(X))


def test_device_that_torch_does_not_know_is_named():
    with pytest.raises(ValueError, match='device="gpu" is no device of torch; use "cpu"'):
        LIDVAE(device="gpu", **FAST).fit(X)


def test_device_may_be_torchs_own():
    by_name, by_object = (LIDVAE(2, device=device, **FAST).fit(X) for device in ("cpu", torch.device("cpu")))
    np.testing.assert_array_equal(by_name.transform(X), by_object.transform(X))


def test_means_that_would_have_to_move_although_fixed_are_refused():
    near = [[0.0, 0.0], [0.3, 0.0], [3.0, 3.0]]
    options = {"n_components": 2, "cluster_means": "fixed", "scale_bounds": [0.05, 5.0], **FAST}
    with pytest.raises(ValueError, match="Rows 0 and 1 of init are 0.3 apart.*Lower min_separation"):
        LIDGMVAEClustering(3, init=near, **options).fit(X)
    model = LIDGMVAEClustering(3, init=near, min_separation=0.2, **options).fit(X)
    np.testing.assert_allclose(np.sort(model.means_, axis=0), near, atol=1e-5)


@pytest.mark.filterwarnings("default::sklid.CollapseWarning")
@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: model,
        lambda model: make_pipeline(StandardScaler(), model),
        lambda model: GridSearchCV(model, {"max_epochs": [60]}, cv=2),
    ],
    ids=["alone", "pipeline", "search"],
)
def test_warnings_point_at_the_line_that_called_the_package(wrap):
    options = FAST | {"learning_rate": 0.3, "max_epochs": 60}
    model = wrap(LIDVAE(2, kl_weight=1e4, **options))
    with pytest.warns(CollapseWarning) as caught:
        model.fit(X)
    assert {warning.filename for warning in caught} == {__file__}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["oslo", "rome"] * 10, "Column 'other' holds text or categories, .* likelihood=\"auto\""),
        (pd.Categorical(["oslo", "rome"] * 10), "Column 'other' holds text or categories, .* likelihood=\"auto\""),
        (
            pd.date_range("2020-01-01", periods=20),
            "Column 'other' holds dates, times or durations, .* such as the days since",
        ),
    ],
)
@pytest.mark.parametrize("Estimator", [LIDVAE, VAE, LIDGMVAEClustering])
def test_columns_of_frames_that_hold_no_numbers_are_named(Estimator, values, message):
    with pytest.raises(ValueError, match=message):
        Estimator(**FAST).fit(pd.DataFrame({"number": np.arange(20.0), "other": values}))


def test_columns_of_objects_are_named():
    frame = pd.DataFrame({"number": np.arange(20.0), "other": [{"town": "oslo"}] * 20})
    with pytest.raises(TypeError, match="Column 'other' holds objects that are no numbers: .* not 'dict'"):
        LIDVAE(**FAST).fit(frame)


@pytest.mark.parametrize("Model", [LIDVAE, IdentifiablePPCA, LIDVAEImputer])
@pytest.mark.parametrize("form", ["frame", "array", "list"])
def test_gaps_of_pandas_among_objects_are_gaps(Model, form):
    """As nan in their place are; the table of the user stays as it is."""
    X = np.random.default_rng(0).standard_normal((30, 3))
    X[::7, 1] = X[4, 2] = np.nan
    objects = pd.DataFrame(X, columns=list("abc")).astype(object)
    objects.iloc[::7, 1], objects.iloc[4, 2] = pd.NA, None
    given = {"frame": objects, "array": objects.to_numpy(), "list": objects.to_numpy().tolist()}[form]
    plain = pd.DataFrame(X, columns=list("abc")) if form == "frame" else X
    model = Model(**FAST) if Model is LIDVAE else Model(1) if Model is IdentifiablePPCA else Model("linear")
    model.set_params(random_state=0)
    found = clone(model).fit(given).transform(given)
    np.testing.assert_allclose(found, clone(model).fit(plain).transform(plain), rtol=1e-6, atol=1e-6)
    assert objects.iloc[0, 1] is pd.NA


def test_text_beside_gaps_of_pandas_is_named_as_text():
    X = pd.DataFrame({"number": [pd.NA, *range(19)], "other": ["a"] * 20}, dtype=object)
    with pytest.raises(ValueError, match="Column 'other' holds text or categories"):
        LIDVAE(**FAST).fit(X)
    with pytest.raises(TypeError, match="Column 'other' holds objects that are no numbers"):
        LIDVAE(**FAST).fit(X.assign(other=[[1, 2]] * 20))


@pytest.mark.parametrize(
    "model",
    [
        LIDVAE(),
        LIDVAE(likelihood="auto"),
        LIDVAE(likelihood="poisson", offset="a"),
        IdentifiablePPCA(1),
        LIDVAEImputer(),
    ],
)
def test_a_frame_that_was_not_read_is_to_be(model):
    pl = pytest.importorskip("polars")
    with pytest.raises(TypeError, match=r"LazyFrame of polars.*Pass X.collect\(\)"):
        model.fit(pl.DataFrame({"a": [1.0, 2.0, 3.0], "b": [1.0, 3.0, 2.0]}).lazy())


DATES = pd.date_range("2020", periods=30)
TABLES_OF_DATES = {
    "frame": pd.DataFrame({"start": DATES, "end": DATES + pd.Timedelta("1D")}),
    "durations": pd.DataFrame({"start": DATES - DATES[0], "end": DATES - DATES[1]}),
    "array": pd.DataFrame({"start": DATES, "end": DATES}).to_numpy(),
}


@pytest.mark.parametrize("model", [LIDVAE(), LIDVAE(likelihood="auto"), IdentifiablePPCA(1), LIDVAEImputer()])
@pytest.mark.parametrize("form", [*TABLES_OF_DATES, "polars"])
def test_tables_of_dates_are_not_taken_as_numbers(model, form):
    if form == "polars":
        X = pytest.importorskip("polars").DataFrame({"start": DATES.to_numpy(), "n": np.arange(30.0)})
    else:
        X = TABLES_OF_DATES[form]
    with pytest.raises(ValueError, match="Column ('start'|0) holds dates, times or durations, such as"):
        model.fit(X)


def test_masked_values_are_gaps_to_the_linear_model_and_the_imputer():
    masked = np.ma.masked_array(X.copy(), mask=False)
    masked[3, 1] = np.ma.masked
    masked.data[3, 1] = -999.0
    gaps = masked.filled(np.nan)
    linear, imputer = IdentifiablePPCA(2).fit(X), LIDVAEImputer("linear", random_state=0).fit(X)
    for question in (linear.transform, linear.predict, linear.score_samples, imputer.transform):
        np.testing.assert_array_equal(question(masked), question(gaps))
    np.testing.assert_array_equal(clone(imputer).fit_transform(masked), clone(imputer).fit_transform(gaps))


def test_families_of_columns_beside_exposures_are_asked_for_by_their_numbers_in_the_table():
    counts = np.random.default_rng(0).poisson(2.0, (40, 3)) + 1
    frame = pd.DataFrame(counts, columns=["years", "falls", "visits"])
    asked = {1: "zero_inflated_poisson", 2: "poisson"}
    for table, offset in ((frame, "years"), (counts, 0)):
        found = LIDVAE(1, likelihood=asked, offset=offset, **FAST).fit(table).likelihood_
        assert list(found.values()) == ["zero_inflated_poisson", "poisson"]
        for of_exposure in ({0: "gaussian"}, {offset: "gaussian"}):
            with pytest.raises(ValueError, match="which is one of offset and covariates: these are not modelled"):
                LIDVAE(1, likelihood=of_exposure, offset=offset, **FAST).fit(table)


def test_log_normal_numbers_below_single_precision_are_refused_in_a_mixed_table():
    X = pd.DataFrame({"p": 10.0 ** -np.linspace(1, 60, 30), "z": np.linspace(0, 1, 30) ** 2})
    with pytest.raises(ValueError, match="outside the positive numbers, from 1e-38 on"):
        LIDVAE(1, likelihood={"p": "log_normal"}, **FAST).fit(X)
