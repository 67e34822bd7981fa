"""Sparse tables: the same model and the same answers as from the dense table, and little memory."""

import tracemalloc

import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from sklid import LIDVAE, LIDGMVAEClustering, LIDMVAEClustering
from sklid.baselines import GMVAE, VAE, SemiAmortizedVAE
from sklid.data import blocks, sparse_rows
from sklid.data.sparse_rows import SparseRows
from sklid.metrics import (
    COLLAPSE_SCORERS,
    active_units,
    amortization_gap,
    collapse_report,
    informative_units,
    log_likelihood,
    mutual_information,
    sources,
)
from sklid.metrics.labels import label_probabilities

from .errors import text_of_error

FAST = {"n_components": 2, "max_epochs": 2, "decoder_width": 8, "encoder_width": 8, "random_state": 0}
FAST |= {"n_importance_samples": 10}
N_ROWS, N_FEATURES = 520, 6
COUNTS = {"likelihood": "negative_binomial"}
pytestmark = pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
every = pytest.mark.parametrize("Estimator", [LIDVAE, VAE, SemiAmortizedVAE, LIDGMVAEClustering, GMVAE])


def fast(Estimator, **options):
    """One of little work: mixtures start at k-means."""
    of_mixture = {"init": "kmeans", "n_init": 1, "k": 3} if hasattr(Estimator, "predict_proba") else {}
    return Estimator(**FAST, **of_mixture, **options)


@pytest.fixture
def every_matrix_is_large(monkeypatch):
    monkeypatch.setattr(sparse_rows, "LARGEST_DENSE", 0)


@pytest.fixture
def in_parts(monkeypatch, every_matrix_is_large):
    """Blocks of 100 rows."""
    monkeypatch.setattr(blocks, "CHUNK_NUMBERS", 4 * N_FEATURES * 100)
    monkeypatch.setattr(sparse_rows, "VALUES_AT_A_TIME", 500)


def table(likelihood="negative_binomial", dtype=np.float64):
    """Rows of which about half of the numbers are zero."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N_ROWS, 2)) @ rng.standard_normal((2, N_FEATURES)) + 0.5 * rng.standard_normal(
        (N_ROWS, N_FEATURES)
    )
    kept = rng.random(X.shape) < 0.5
    shares = kept / (1 + np.exp(-X))
    codes = np.minimum(3 * shares // 1, 2)
    made = {"gaussian": kept * (5 + 3 * X), "categorical": codes, "ordinal": codes, "bernoulli": kept * (X > 0)}
    made |= {"continuous_bernoulli": shares, "log_normal": np.exp(X)}
    return made.get(likelihood, rng.poisson(3 * shares)).astype(dtype)


def with_gaps(X):
    X = X.copy()
    X[3, 2] = X[500, 1] = np.nan
    return X


def weights(model):
    return torch.cat([weight.detach().ravel() for weight in model.net_.module_.parameters()]).numpy()


@every
def test_model_and_answers_are_those_of_the_dense_table(Estimator, every_matrix_is_large):
    X = table(dtype=np.float32 if Estimator is VAE else np.float64)
    rows = sparse.csr_array(X)
    one, other = fast(Estimator, **COUNTS).fit(X), fast(Estimator, **COUNTS).fit(rows)
    np.testing.assert_array_equal(weights(one), weights(other))
    for question in ("transform", "score_samples", "impute"):
        of_array, of_rows = getattr(one, question)(X[:50]), getattr(other, question)(rows[:50])
        np.testing.assert_array_equal(of_array, of_rows)
        assert of_array.dtype == of_rows.dtype
    if hasattr(one, "labels_"):
        np.testing.assert_array_equal(one.labels_, other.labels_)
        np.testing.assert_array_equal(one.predict(X), other.predict(rows))


@pytest.mark.parametrize(
    "likelihood",
    [
        "bernoulli",
        "continuous_bernoulli",
        "poisson",
        "negative_binomial",
        "zero_inflated_poisson",
        "zero_inflated_negative_binomial",
        "log_normal",
        "categorical",
        "ordinal",
    ],
)
@pytest.mark.parametrize("gaps", [False, True])
def test_every_likelihood_trains_alike(likelihood, gaps, in_parts):
    X = with_gaps(table(likelihood)) if gaps else table(likelihood)
    one, other = (LIDVAE(likelihood=likelihood, **FAST).fit(rows) for rows in (X, sparse.csr_array(X)))
    np.testing.assert_array_equal(weights(one), weights(other))
    few, sparse_few = X[:20], sparse.csr_array(X[:20])
    np.testing.assert_array_equal(one.score_samples(few), other.score_samples(sparse_few))
    if gaps:
        np.testing.assert_array_equal(one.impute(few), other.impute(sparse_few))


@pytest.mark.parametrize("scale", ["auto", "column", "table", None])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("gaps", [False, True])
def test_standardisation_of_sparse_rows_differs_by_rounding_alone(scale, dtype, gaps, in_parts):
    X = table("gaussian", dtype)
    X[:, 4] = 3.3  # never varies
    X[:, 5] *= 1000 if scale == "auto" else 1
    X = with_gaps(X) if gaps else X
    one, other = (LIDVAE(scale=scale, **FAST).fit(rows) for rows in (X, sparse.csr_array(X)))
    assert one.scale_ == other.scale_
    if scale is not None:
        np.testing.assert_allclose(other.scaler_.mean_, one.scaler_.mean_, rtol=1e-12)
        np.testing.assert_allclose(other.scaler_.scale_, one.scaler_.scale_, rtol=1e-12)
        assert other.scaler_.get_params() == one.scaler_.get_params()
    assert np.quantile(abs(weights(other) - weights(one)), 0.99) < 1e-3
    assert other.lower_bound_ == pytest.approx(one.lower_bound_, rel=1e-3)
    np.testing.assert_array_equal(one.score_samples(X[:20]), one.score_samples(sparse.csr_array(X[:20])))


def test_held_out_rows_are_those_of_the_dense_table(every_matrix_is_large):
    X = table()
    one, other = (LIDVAE(early_stopping=True, **COUNTS, **FAST).fit(rows) for rows in (X, sparse.csr_array(X)))
    assert one.net_.history[:, "valid_loss"] == other.net_.history[:, "valid_loss"]
    np.testing.assert_array_equal(weights(one), weights(other))


@every
def test_partial_fit_and_fit_transform_take_sparse_rows(Estimator, every_matrix_is_large):
    X = table()
    rows = sparse.csr_array(X)
    parts = [(X, X[:100]), (rows, rows[:100])]
    one, other = (fast(Estimator, **COUNTS).partial_fit(first).partial_fit(second) for first, second in parts)
    np.testing.assert_array_equal(weights(one), weights(other))
    of_array, of_rows = (fast(Estimator, **COUNTS).fit_transform(each) for each in (X, rows))
    np.testing.assert_array_equal(of_array, of_rows)


def test_a_first_gap_after_the_fit_is_one_in_sparse_rows_too(every_matrix_is_large):
    X = table()
    one, other = (LIDVAE(**COUNTS, **FAST).fit(rows) for rows in (X, sparse.csr_array(X)))
    gaps, rows = with_gaps(X), sparse.csr_array(with_gaps(X))
    np.testing.assert_array_equal(one.transform(gaps), other.transform(rows))
    np.testing.assert_array_equal(one.encode(gaps).mean, other.encode(rows).mean)
    np.testing.assert_array_equal(weights(one.partial_fit(gaps)), weights(other.partial_fit(rows)))


def other_forms(X):
    rows = sparse.csr_matrix(X)
    shuffled = rows.copy()
    for start, end in zip(rows.indptr[:-1], rows.indptr[1:], strict=True):
        shuffled.indices[start:end], shuffled.data[start:end] = (
            rows.indices[start:end][::-1],
            rows.data[start:end][::-1],
        )
    shuffled.has_sorted_indices = shuffled.has_canonical_format = False
    twice = sparse.coo_matrix(
        (np.repeat(rows.data, 2) / 2, (np.repeat(rows.tocoo().row, 2), np.repeat(rows.indices, 2))), X.shape
    )
    in_two = sparse.csr_matrix(
        (np.repeat(rows.data, 2) / 2, np.repeat(rows.indices, 2), 2 * rows.indptr), X.shape, copy=True
    )
    long = sparse.csr_array((rows.data, rows.indices.astype(np.int64), rows.indptr.astype(np.int64)), X.shape)
    explicit = sparse.csr_array(
        (X.ravel(), np.tile(np.arange(X.shape[1]), len(X)), np.arange(0, X.size + 1, X.shape[1])), X.shape
    )
    return {
        "csc": sparse.csc_array(X),
        "coo": sparse.coo_array(X),
        "lil": sparse.lil_matrix(X),
        "unsorted": shuffled,
        "entries twice, COO": twice,
        "entries twice, CSR": in_two,
        "int64 indices": long,
        "explicit zeros": explicit,
        "int32": sparse.csr_array(X.astype(np.int32)),
        "uint8": sparse.csr_array(X.astype(np.uint8)),
    }


@pytest.mark.parametrize("form", other_forms(table()))
def test_every_form_of_a_sparse_matrix_is_the_same_table_and_is_left_as_it_is(form, in_parts):
    X = table()
    rows = other_forms(X)[form]
    before = rows.copy()
    model = LIDVAE(**COUNTS, **FAST).fit(rows)
    np.testing.assert_array_equal(weights(model), weights(LIDVAE(**COUNTS, **FAST).fit(X)))
    few = other_forms(X[:40])[form]
    for found, expected in ((model.transform(rows), model.transform(X)), (model.impute(few), model.impute(X[:40]))):
        np.testing.assert_array_equal(found, expected)
        assert isinstance(found, np.ndarray)
    for name in ("data", "indices", "indptr"):
        if form != "lil" and hasattr(rows, name):
            np.testing.assert_array_equal(getattr(rows, name), getattr(before, name))


def test_frames_of_sparse_columns_keep_their_names(every_matrix_is_large):
    import pandas

    X = table()
    frame = pandas.DataFrame.sparse.from_spmatrix(sparse.csr_array(X), columns=list("abcdef"))
    model = LIDVAE(**COUNTS, **FAST).fit(frame)
    assert list(model.feature_names_in_) == list("abcdef")
    np.testing.assert_array_equal(weights(model), weights(LIDVAE(**COUNTS, **FAST).fit(X)))


@pytest.mark.parametrize(
    ("likelihood", "value"),
    [
        ("gaussian", np.inf),
        ("bernoulli", 1.7),
        ("poisson", 0.5),
        ("poisson", -1.0),
        ("negative_binomial", 1e20),
        ("categorical", 0.5),
    ],
)
def test_errors_are_those_of_the_dense_table(likelihood, value, in_parts):
    X = table(likelihood)
    X[503, 3] = value
    model = LIDVAE(likelihood=likelihood, **FAST)
    text = text_of_error(model, sparse.csr_array(X))
    assert text == text_of_error(model, X)
    assert value == np.inf or ("column 3" in text and "row 503" in text and f"{value:g}" in text)


def test_zeros_that_are_not_stored_are_outside_the_positive_numbers(in_parts):
    X = table("gaussian").clip(0)
    text = text_of_error(LIDVAE(likelihood="log_normal", **FAST), sparse.csr_array(X))
    assert text == text_of_error(LIDVAE(likelihood="log_normal", **FAST), X)
    assert "cannot take the value 0" in text


def test_huge_values_are_named_with_their_place_in_later_rows_too(in_parts):
    X = table("gaussian")
    model = LIDVAE(scale=None, **FAST).fit(sparse.csr_array(X))
    X[503, 3] = 1e19
    for question in (model.transform, model.partial_fit, model.score_samples):
        with pytest.raises(ValueError, match="value 1e\\+19 in column 3, row 503, which in the units of the model"):
            question(sparse.csr_array(X))


def test_columns_of_gaps_alone_are_named(every_matrix_is_large):
    X = table("gaussian")
    X[:, 2] = np.nan
    assert text_of_error(LIDVAE(**FAST), sparse.csr_array(X)) == text_of_error(LIDVAE(**FAST), X)


@pytest.mark.parametrize("likelihood", ["auto", {0: "poisson"}])
def test_families_by_column_are_refused_with_the_way_out(likelihood):
    with pytest.raises(TypeError, match='Name one family.*"negative_binomial".*toarray'):
        LIDVAE(likelihood=likelihood, **FAST).fit(sparse.csr_array(table()))


@pytest.fixture
def in_views_of_parts(monkeypatch, every_matrix_is_large):
    """Posteriors of about 200 rows at a time."""
    monkeypatch.setattr(sources, "BLOCK_NUMBERS", 4 * 512 * 200)


@pytest.mark.parametrize(
    ("Estimator", "options"), [(LIDVAE, {}), (LIDVAE, {"posterior": "flow"}), (SemiAmortizedVAE, {})]
)
def test_information_is_the_same_on_sparse_rows(Estimator, options, in_views_of_parts):
    X = table()[:300]
    rows, model = sparse.csr_array(X), fast(Estimator, **options, **COUNTS).fit(X)
    for metric in (mutual_information, active_units):
        np.testing.assert_allclose(metric(model, rows)[0], metric(model, X)[0], rtol=1e-4, atol=1e-5)


def test_likelihoods_units_and_reports_are_the_same_on_sparse_rows(every_matrix_is_large):
    X = table()[:100]
    rows, model = sparse.csr_array(X), LIDVAE(**COUNTS, **FAST).fit(X)
    for metric in (log_likelihood, informative_units, amortization_gap):
        np.testing.assert_allclose(metric(model, rows)[0], metric(model, X)[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(model.kl_lower_bound(rows), model.kl_lower_bound(X))
    assert collapse_report(model, rows).summary() == collapse_report(model, X).summary()


def test_reports_take_a_sample_of_sparse_rows_in_any_format(monkeypatch, every_matrix_is_large):
    X, model = table(), LIDVAE(**COUNTS, **FAST).fit(table())
    monkeypatch.setattr("sklid.metrics.report.collapse.MOST_ROWS", 100)
    assert collapse_report(model, sparse.coo_matrix(X)).summary() == collapse_report(model, X).summary()


def test_searches_and_pipelines_take_sparse_rows(every_matrix_is_large):
    X = table()[:200]
    search = GridSearchCV(
        LIDVAE(**COUNTS, **FAST),
        {"decoder_depth": [1, 2]},
        scoring={
            "active_units": COLLAPSE_SCORERS["active_units"],
            "likelihood": lambda model, X, y=None: model.score(X),
        },
        refit="likelihood",
        cv=2,
    )
    one, other = (clone(search).fit(rows) for rows in (X, sparse.csr_matrix(X)))
    np.testing.assert_array_equal(one.cv_results_["mean_test_likelihood"], other.cv_results_["mean_test_likelihood"])
    scaled = make_pipeline(MaxAbsScaler(), LIDVAE(likelihood="continuous_bernoulli", **FAST))
    of_array, of_rows = (clone(scaled).fit_transform(rows) for rows in (X, sparse.csr_matrix(X)))
    np.testing.assert_array_equal(of_array, of_rows)


def test_posteriors_with_labels_of_their_own_are_joined(in_views_of_parts):
    X = table()
    model = fast(LIDMVAEClustering, inference="joint", family="gamma", covariance_type="diag", **COUNTS).fit(X)
    assert isinstance(model.encode(X), torch.distributions.MixtureSameFamily)
    rows = sparse.csr_array(X)
    for name in ("mean", "stddev"):
        np.testing.assert_allclose(getattr(model.encode(rows), name), getattr(model.encode(X), name), rtol=1e-5)


def test_views_of_sparse_rows_are_read_as_they_are_needed(every_matrix_is_large):
    X = table("gaussian")
    model = LIDVAE(**FAST).fit(X)
    view = model.view(sparse.csr_array(X))
    assert not isinstance(view.rows, torch.Tensor)
    np.testing.assert_array_equal(view.rows[:], model.view(X).rows)
    np.testing.assert_array_equal(view.at(slice(3, 7)).rows, model.view(X).at(slice(3, 7)).rows)


def test_rows_come_as_they_are_asked_for():
    X = table(dtype=np.float32)
    rows = SparseRows(sparse.csr_array(X))
    for chosen in (slice(2, 7), slice(None), np.array([5, 1, 1]), torch.tensor([300, 0])):
        np.testing.assert_array_equal(rows[chosen], X[np.asarray(chosen) if not isinstance(chosen, slice) else chosen])
    assert rows[:3].dtype == np.float32
    assert rows[:3].flags.c_contiguous
    np.testing.assert_array_equal(np.asarray(rows), X)
    with pytest.raises(ValueError, match="leave copy=False out"):
        np.array(rows, copy=False)


def test_what_the_contract_has_no_sparse_answer_for_is_refused_with_the_way_out():
    """check_estimator asks of `predict` one number a row, and of `predict_proba` the classes of a classifier."""
    rows = sparse.csr_array(table()[:50])
    with pytest.raises(TypeError, match=r"sparse rows are dense.*inverse_transform\(transform\(X\)\)"):
        LIDVAE(**COUNTS, **FAST).fit(rows).predict(rows)
    model = fast(LIDGMVAEClustering, **COUNTS).fit(rows)
    with pytest.raises(TypeError, match=r"predict_proba\(X\[start:end\].toarray\(\)\)"):
        model.predict_proba(rows)
    found = label_probabilities(model, rows)
    np.testing.assert_array_equal(found, model.predict_proba(rows.toarray()))
    np.testing.assert_array_equal(label_probabilities(make_pipeline(model), rows), found)


def test_small_matrices_become_arrays():
    X = table()
    model = LIDVAE(**COUNTS, **FAST).fit(sparse.csr_array(X))
    assert isinstance(model.view(sparse.csr_array(X)).rows, torch.Tensor)


def test_memory_of_a_fit_and_of_answers_is_not_that_of_the_dense_rows(monkeypatch):
    monkeypatch.setattr(sparse_rows, "LARGEST_DENSE", 0)
    monkeypatch.setattr(blocks, "CHUNK_NUMBERS", 1 << 20)
    monkeypatch.setattr(sources, "BLOCK_NUMBERS", 1 << 20)
    monkeypatch.setattr(blocks, "LEAST_INITIAL_ROWS", 100)
    monkeypatch.setattr(blocks, "INITIAL_NUMBERS", 1 << 17)
    X = sparse.csr_array(sparse.random(6000, 1000, 0.01, "csr", np.float32, random_state=0))
    X.data = np.ceil(3 * X.data)

    def used(rows):
        model = LIDVAE(**{**FAST, "max_epochs": 1}, **COUNTS).fit(rows)
        model.transform(rows), model.encode(rows), mutual_information(model, rows)

    used(X[:200])  # what is loaded at the first use is not counted
    tracemalloc.start()
    try:
        used(X)
        assert tracemalloc.get_traced_memory()[1] < 4 * 6000 * 1000 / 3
    finally:
        tracemalloc.stop()
