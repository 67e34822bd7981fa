"""Tables of several kinds of columns: a family for each, and frames that come back as they went in."""

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklid import LIDVAE, LIDGMVAEClustering, LIDMVAEClustering
from sklid.baselines import VAE
from sklid.exceptions import UnknownCategoryWarning
from sklid.nn import InversionError

QUICK = {"max_epochs": 3, "decoder_width": 16, "encoder_width": 16, "random_state": 0}
FAMILIES = {
    "height": "gaussian",
    "eyes": "categorical",
    "visits": "negative_binomial",
    "smokes": "bernoulli",
    "rating": "ordinal",
}

pytestmark = pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")


def people(n=300, gaps=True, seed=0):
    """Columns of five kinds that depend on one number, and that number."""
    random = np.random.default_rng(seed)
    t = random.standard_normal(n)
    frame = pd.DataFrame(
        {
            "height": 170 + 10 * t + random.normal(0, 3, n),
            "eyes": np.where(t + random.normal(0, 0.5, n) > 0, "brown", "blue"),
            "visits": random.negative_binomial(2, 1 / (1 + np.exp(1 + 0.8 * t))),
            "smokes": t + random.normal(0, 0.5, n) > 0,
            "rating": np.clip(np.round(3 + t), 1, 5).astype(int),
        }
    )
    if gaps:
        for column in ("height", "eyes"):
            frame.loc[random.random(n) < 0.2, column] = None
    return frame, t


@pytest.fixture(scope="module")
def fitted():
    return LIDVAE(1, likelihood="auto", max_epochs=60, random_state=0).fit(people()[0])


def test_each_column_has_a_family_by_its_type_and_values(fitted):
    assert fitted.likelihood_ == FAMILIES


def test_what_all_columns_share_is_found(fitted):
    frame, t = people(seed=1)
    assert abs(np.corrcoef(fitted.transform(frame)[:, 0], t)[0, 1]) > 0.85


def test_the_score_is_that_of_each_columns_family_and_higher_than_that_of_columns_by_themselves(fitted):
    """Alone each column has the density of its own Gaussian, or the shares of its values."""
    frame = people(seed=1)[0]
    alone = 0.0
    height = frame["height"]
    alone += -0.5 * np.log(2 * np.pi * np.e * height.var()) * height.notna().mean()
    for column in ("eyes", "visits", "smokes", "rating"):
        shares = frame[column].value_counts(normalize=True)
        alone += (shares * np.log(shares)).sum() * frame[column].notna().mean()
    assert fitted.score(frame) > alone + 0.3


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_frames_come_back_with_columns_types_and_categories(container):
    frame = people(gaps=False)[0]
    if container == "polars":
        pytest.importorskip("polars")
        frame = pytest.importorskip("polars").from_pandas(frame)
    model = LIDVAE(1, likelihood="auto", **QUICK).set_output(transform=container).fit(frame)
    for found in (model.sample(5), model.impute(frame[:5])):
        assert type(found) is type(frame)
        assert list(found.columns) == list(frame.columns)
        assert list(found.dtypes) == list(frame.dtypes)
    means = model.predict(frame)
    assert list(means.columns) == list(frame.columns)
    assert set(means["eyes"]) <= {"brown", "blue"}
    assert type(model.inverse_transform(np.zeros((2, 1)))) is type(frame)


def test_what_was_seen_is_left_and_gaps_are_filled(fitted):
    frame = people()[0]
    model = joblib.load(_dumped(fitted)).set_output(transform="pandas")
    filled = model.impute(frame)
    assert not filled.isna().any(axis=None)
    for column in frame:
        seen = frame[column].notna()
        assert (filled[column][seen] == frame[column][seen]).all()
    pd.testing.assert_index_equal(filled.index, frame.index)
    draws = model.sample_posterior_predictive(frame, 3)
    assert [type(each) for each in draws] == [pd.DataFrame] * 3
    assert not draws[0].equals(draws[1])


def _dumped(model):
    import io

    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return file


def test_the_index_of_a_frame_comes_back_with_its_rows(fitted):
    frame = people()[0].iloc[::-3]
    found = clone(fitted).set_params(max_epochs=2).set_output(transform="pandas").fit(frame).impute(frame)
    pd.testing.assert_index_equal(found.index, frame.index)


def test_without_set_output_arrays_come_back(fitted):
    frame = people()[0]
    rows = fitted.impute(frame)
    assert isinstance(rows, np.ndarray)
    assert rows.dtype == object
    assert set(rows[:, 1]) == {"brown", "blue"}


def test_an_unknown_category_is_missing_and_named(fitted):
    frame = people()[0]
    frame.loc[0, "eyes"] = "green"
    with pytest.warns(UnknownCategoryWarning, match="column 'eyes': 'green'"):
        Z = fitted.transform(frame)
    frame.loc[0, "eyes"] = None
    np.testing.assert_array_equal(fitted.transform(frame), Z)


@pytest.mark.parametrize(
    "likelihood",
    [
        {"visits": "poisson"},
        {2: "poisson"},
        ["gaussian", "categorical", "poisson", "bernoulli", "ordinal"],
    ],
    ids=["by name", "by number", "by place"],
)
def test_families_may_be_asked_for(likelihood):
    model = LIDVAE(1, likelihood=likelihood, **QUICK).fit(people()[0])
    assert model.likelihood_ == FAMILIES | {"visits": "poisson"}


@pytest.mark.parametrize(
    ("change", "likelihood", "message"),
    [
        (lambda frame: frame.assign(id=np.arange(len(frame))), "auto", "'id'.*identif"),
        (lambda frame: frame.assign(day=pd.Timestamp("2026-01-01")), "auto", "'day'"),
        (lambda frame: frame.assign(empty=np.nan), "auto", "'empty'"),
        (lambda frame: frame.assign(visits=-1), {"visits": "poisson"}, "'visits'"),
        (lambda frame: frame, {"weight": "gaussian"}, "'weight'"),
        (lambda frame: frame, ["gaussian"], "5"),
        (lambda frame: frame, "lognormal", "likelihood"),
    ],
)
def test_what_no_likelihood_takes_is_named_with_what_to_do(change, likelihood, message):
    with pytest.raises(ValueError, match=message):
        LIDVAE(1, likelihood=likelihood, **QUICK).fit(change(people()[0]))


def test_other_columns_than_those_of_the_fit_are_refused(fitted):
    frame = people()[0]
    with pytest.raises(ValueError, match="feature names"):
        fitted.transform(frame.rename(columns={"eyes": "hair"}))
    with pytest.raises(ValueError, match="now missing:\n- eyes"):
        fitted.transform(frame.drop(columns="eyes"))


@pytest.mark.parametrize(
    "model",
    [
        LIDGMVAEClustering(k=2, likelihood="auto", **QUICK),
        LIDMVAEClustering(k=2, family="laplace", likelihood="auto", **QUICK),
        VAE(likelihood="auto", **QUICK),
        LIDVAE(likelihood="auto", decoder="brenier", **QUICK),
    ],
    ids=lambda model: type(model).__name__,
)
def test_every_model_takes_mixed_tables(model):
    frame = people()[0]
    model.fit(frame)
    assert np.isfinite(model.score(frame))
    assert np.isfinite(model.transform(frame)).all()
    model.partial_fit(frame)
    rows = model.sample(3)
    assert len(rows[0] if isinstance(rows, tuple) else rows) == 3


def test_mixed_tables_go_through_pipelines_and_searches():
    frame = people()[0]
    search = GridSearchCV(
        make_pipeline(FunctionTransformer(), LIDVAE(likelihood="auto", **QUICK)), {"lidvae__n_components": [1, 2]}, cv=2
    )
    assert np.isfinite(search.fit(frame).best_score_)


def test_there_is_no_floor_of_information_and_the_reason_is_told(fitted):
    assert np.isnan(fitted.mutual_information_lower_bound_)
    assert "not all columns have a Gaussian likelihood" in fitted.mutual_information_lower_bound_reason_


def test_numbers_alone_have_the_same_model_by_column_as_without_a_family_for_each():
    """But for the noise of each kind, which is no gain of the decoder where there are several kinds."""
    X = np.random.default_rng(0).normal(size=(200, 4)) @ np.diag([1.0, 10.0, 100.0, 1000.0])
    found = LIDVAE(1, likelihood="auto", **QUICK).fit(X)
    assert set(found.likelihood_.values()) == {"gaussian"}
    np.testing.assert_allclose(found.scaler_.scale_, X.std(0))
    assert found.predict(X).dtype == np.float64


NUMBERS = ["height", "weight", "age"]


def measured(n=200, seed=0):
    """Three numbers, one of them with gaps, among columns of other kinds."""
    frame, t = people(n, seed=seed)
    random = np.random.default_rng(seed + 1)
    frame.insert(2, "weight", np.exp(4 + 0.1 * t + random.normal(0, 0.1, n)))
    return frame.assign(age=40 + 5 * t + random.normal(0, 3, n))


@pytest.fixture(scope="module", params=["section", "brenier"])
def certified(request):
    families = {"height": "gaussian", "weight": "log_normal", "age": "gaussian"}
    model = LIDVAE(2, likelihood=families, embedding="gaussian", decoder=request.param, inverse_lipschitz=0.7, **QUICK)
    return model.fit(measured())


def test_gaussian_embedding_moves_the_numbers_alone_by_at_least_r(certified):
    """What the numbers tell of the latents bounds what the whole row tells, so the floor is one of the row."""
    random = np.random.default_rng(0)
    z, other = torch.from_numpy(random.standard_normal((2, 500, 2)).astype(np.float32))
    model = certified.net_.module_
    with torch.no_grad():
        moved = model.natural_parameters(z) - model.natural_parameters(other)
    numbers = [certified.feature_names_in_.tolist().index(name) for name in NUMBERS]
    of_numbers = torch.isin(model.likelihood.columns[: moved.shape[1]], torch.tensor(numbers))
    assert of_numbers.sum() == 3
    assert (moved[:, of_numbers].norm(dim=1) / (z - other).norm(dim=1)).min() >= 0.7 - 1e-4
    assert (moved[:, ~of_numbers].abs() > 0).any()


def test_gaussian_embedding_has_the_floors_of_a_gaussian_table(certified):
    assert certified.mutual_information_lower_bound_ == pytest.approx(np.log1p(0.7**2))
    assert certified.mutual_information_lower_bound_reason_ == ""
    bounds = certified.kl_lower_bound(measured())
    divergence = torch.distributions.kl_divergence(certified.encode(measured()), certified.net_.module_.prior()).numpy()
    assert np.isfinite(bounds).all()
    assert (bounds <= divergence + 1e-4).all()


def test_without_it_the_reason_names_it():
    model = LIDVAE(1, likelihood="auto", **QUICK).fit(measured())
    assert np.isnan(model.mutual_information_lower_bound_)
    assert 'embedding="gaussian"' in model.mutual_information_lower_bound_reason_


def test_a_table_of_numbers_alone_has_floors_however_its_families_were_said():
    frame = measured()[["height", "age"]]
    model = LIDVAE(1, likelihood={"height": "gaussian", "age": "gaussian"}, **QUICK).fit(frame)
    assert model.mutual_information_lower_bound_ == pytest.approx(0.5 * np.log(2))


def test_gaussian_embedding_has_latents_by_the_numbers_and_refuses_more():
    families = {"weight": "log_normal"}
    assert LIDVAE(likelihood=families, embedding="gaussian", **QUICK).fit(measured()).n_components_ == 3
    with pytest.raises(ValueError, match="n_components=4 latents into 3 of the natural parameters"):
        LIDVAE(4, likelihood=families, embedding="gaussian", **QUICK).fit(measured())


@pytest.mark.parametrize("n_components", [None, 1])
def test_gaussian_embedding_without_numbers_is_an_error(n_components):
    with pytest.raises(ValueError, match=r'there are none. Use embedding="orthogonal"'):
        LIDVAE(n_components, likelihood="poisson", embedding="gaussian", **QUICK).fit(np.eye(9))


def test_gaussian_embedding_works_with_clusters():
    model = LIDGMVAEClustering(2, n_components=2, likelihood="auto", embedding="gaussian", **QUICK).fit(measured())
    assert model.mutual_information_lower_bound_ > 0


def test_categories_have_no_inverse():
    frame, _ = people()
    model = LIDVAE(2, likelihood=FAMILIES, **QUICK).fit(frame)
    with pytest.raises(InversionError, match="Column 'eyes' holds categories, which are no means"):
        model.invert(model.inverse_transform(model.transform(frame)))


@pytest.mark.parametrize("covariates", [None, ["height"]])
def test_a_column_with_a_value_too_large_is_named(covariates):
    """In fit, and afterwards; whatever stands before it."""
    frame = people(gaps=False)[0].assign(weight=np.arange(300.0))
    told = {**FAMILIES, "weight": "gaussian"}
    for column in covariates or ():
        told.pop(column)
    model = LIDVAE(2, likelihood=told, covariates=covariates, **QUICK).fit(frame)
    frame.loc[7, "weight"] = 1e30
    with pytest.raises(ValueError, match="1e\\+30 in column 'weight'"):
        model.transform(frame)
    frame.loc[7, "weight"] = 1e300
    with pytest.raises(ValueError, match="Column 'weight' holds values so large"):
        model.fit(frame)
