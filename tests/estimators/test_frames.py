"""With one family for all columns, too, frames come back with the labels and types that came."""

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from sklid import LIDVAE, LIDGMVAEClustering, LIDVAEImputer, load, save
from sklid.exceptions import ModelFileError

pytestmark = pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
QUICK = {"n_components": 1, "max_epochs": 2, "n_importance_samples": 5, "random_state": 0}
rng = np.random.default_rng(0)
COUNTS = rng.poisson(3.0, (60, 3))
GAPS = rng.random(COUNTS.shape) < 0.1
FRAMES = {
    "counts": pd.DataFrame(COUNTS, columns=list("abc")),
    "counts with gaps": pd.DataFrame(COUNTS, columns=list("abc")).astype("Int64").mask(GAPS),
    "labels that are numbers": pd.DataFrame(COUNTS),
    "labels of two levels": pd.DataFrame(COUNTS, columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)])),
    "several types": pd.DataFrame(COUNTS, columns=list("abc")).astype({"a": "uint8", "b": "float32"}),
    "arrow": pd.DataFrame(COUNTS, columns=list("abc")).astype("int64[pyarrow]"),
}


@pytest.mark.parametrize("name", FRAMES)
def test_pandas(name, tmp_path):
    frame = FRAMES[name]
    model = LIDVAE(likelihood="poisson", **QUICK).set_output(transform="pandas").fit(frame)
    for found in (model.sample(5), model.impute(frame), model.sample_posterior_predictive(frame, 2)[1]):
        pd.testing.assert_index_equal(found.columns, frame.columns)
        assert list(found.dtypes) == list(frame.dtypes)
        assert not found.isna().any(axis=None)
    seen = frame.notna()
    pd.testing.assert_frame_equal(model.impute(frame).where(seen), frame.where(seen))
    means = model.predict(frame)
    assert [dtype.kind for dtype in means.dtypes] == ["f"] * 3
    assert (np.asarray(means) % 1 > 0).all()
    save(model, tmp_path / "model.sklid")
    joblib.dump(model, tmp_path / "model.joblib")
    for again in (load(tmp_path / "model.sklid"), joblib.load(tmp_path / "model.joblib")):
        pd.testing.assert_frame_equal(again.sample(5), model.sample(5))


@pytest.mark.parametrize("dtype", [bool, "boolean"])
def test_truth_values(dtype):
    frame = pd.DataFrame(COUNTS > 2, columns=list("abc"), dtype=dtype)
    model = LIDGMVAEClustering(k=2, likelihood="bernoulli", **QUICK).set_output(transform="pandas").fit(frame)
    rows, _ = model.sample(50)
    assert list(rows.dtypes) == list(frame.dtypes)
    assert set(np.unique(rows)) == {False, True}
    assert model.impute(frame).equals(frame)


@pytest.mark.filterwarnings("ignore:pandas.DataFrame with sparse columns")  # scikit-learn's own
def test_columns_of_other_types_give_floats():
    frame = FRAMES["counts"].astype({"a": object, "b": "category", "c": pd.SparseDtype("int64", 0)})
    found = LIDVAE(likelihood="poisson", **QUICK).set_output(transform="pandas").fit(frame).sample(5)
    assert list(found.dtypes) == [np.dtype(float), np.dtype(float), np.dtype("int64")]


def test_polars():
    pl = pytest.importorskip("polars")
    types = {"a": pl.Int16, "b": pl.Float32, "c": pl.Boolean}
    values = [list(map(int, COUNTS[:, 0])), list(map(float, COUNTS[:, 1])), [bool(n > 2) for n in COUNTS[:, 2]]]
    values[0][3] = None
    frame = pl.DataFrame(dict(zip(types, values, strict=True)), schema=types)
    model = LIDVAE(likelihood="poisson", **QUICK).set_output(transform="polars").fit(frame)
    for found in (model.sample(5), model.impute(frame)):
        assert found.schema == frame.schema
        assert found.null_count().row(0) == (0, 0, 0)
    assert list(model.predict(frame).dtypes) == [pl.Float64, pl.Float32, pl.Float64]
    other = clone(model).set_output(transform="pandas").fit(frame).sample(5)
    assert list(other.columns) == list(frame.columns)


def test_draws_of_the_imputer_are_frames_too():
    frame = FRAMES["counts"].astype(float).mask(GAPS)[::-1]
    imputer = LIDVAEImputer("linear", random_state=0).fit(frame)
    arrays = imputer.sample_posterior_predictive(frame, 3)
    frames = imputer.set_output(transform="pandas").sample_posterior_predictive(frame, 3)
    assert arrays.shape == (3, 60, 3)
    for array, found in zip(arrays, frames, strict=True):
        pd.testing.assert_frame_equal(found, pd.DataFrame(array, columns=frame.columns, index=frame.index))


LATER = {
    "wider": pd.DataFrame({"dose": [2.7, 300.0], "age": [np.nan, 1.0]}),
    "the same": pd.DataFrame({"dose": [2, 3], "age": [np.nan, 1.0]}, dtype="Int64"),
    "long": pd.DataFrame({"dose": [2**60 + 1, 3], "age": [np.nan, 1.0]}),
}


@pytest.mark.parametrize("likelihood", ["auto", "gaussian"])
@pytest.mark.parametrize("container", ["pandas", "polars", "default"])
@pytest.mark.parametrize("later", LATER)
def test_seen_values_are_as_they_came_whatever_the_types_of_the_fit(likelihood, container, later):
    fit = pd.DataFrame({"dose": rng.integers(-100, 100, 60).astype("int8"), "age": rng.standard_normal(60)})
    X = LATER[later].astype({"age": float})
    if container == "polars":
        pl = pytest.importorskip("polars")
        fit, X = pl.from_pandas(fit), pl.from_pandas(X)
    model = LIDVAE(likelihood=likelihood, **QUICK).set_output(transform=container).fit(fit)
    for filled in (model.impute(X), model.sample_posterior_predictive(X, 2)[1]):
        found = filled[:, 0] if container == "default" else filled["dose"]
        if container == "default":
            np.testing.assert_array_equal(np.asarray(found, dtype=float), LATER[later]["dose"].astype(float))
        else:
            assert list(found) == list(X["dose"])
        assert not np.isnan(np.asarray(filled, dtype=float)).any()


@pytest.mark.parametrize("container", ["default", "pandas", "polars"])
def test_gaps_of_pandas_in_columns_of_all_kinds_are_filled(container):
    pytest.importorskip("polars")
    frame = pd.DataFrame(
        {
            "i": pd.array(COUNTS[:, 0], dtype="Int64"),
            "s": pd.array(["a", "b"] * 30, dtype="string"),
            "z": rng.standard_normal(60),
            "b": pd.array(COUNTS[:, 1] > 2, dtype="boolean"),
        }
    )
    X = frame.copy()
    for row, column in enumerate(X):
        X.loc[row, column] = np.nan if column == "z" else pd.NA
    model = LIDVAE(likelihood="auto", **QUICK).set_output(transform=container).fit(X)
    found = np.asarray(model.impute(X), dtype=object)
    assert not pd.isna(found).any()
    seen = X.notna().to_numpy()
    assert (found[seen] == frame.to_numpy(dtype=object)[seen]).all()


def test_whole_numbers_that_are_not_told_apart_are_no_categories():
    frame = pd.DataFrame({"s": 2**60 + np.arange(60) % 3 * 20, "z": rng.standard_normal(60)})
    with pytest.raises(ValueError, match=r"Column 's' holds whole numbers from 2\*\*53 on.*Turn it into text"):
        LIDVAE(likelihood={"s": "categorical"}, **QUICK).fit(frame)


def test_a_frame_of_another_library_has_floats_truth_values_and_text():
    pl = pytest.importorskip("polars")
    frame = pd.DataFrame(
        {"z": rng.standard_normal(60), "i": COUNTS[:, 0], "c": ["x", "y"] * 30, "b": [True, False] * 30}
    )
    found = LIDVAE(likelihood="auto", **QUICK).set_output(transform="polars").fit(frame).sample(5)
    assert list(found.dtypes) == [pl.Float64, pl.Float64, pl.String, pl.Boolean]
    other = LIDVAE(likelihood="auto", **QUICK).set_output(transform="pandas").fit(pl.from_pandas(frame)).sample(5)
    assert [dtype.kind for dtype in other.dtypes] == ["f", "f", "O", "b"]


def test_without_set_output_whole_numbers_are_filled_by_whole_numbers_too():
    found = LIDVAE(likelihood="poisson", **QUICK).fit(FRAMES["counts with gaps"]).impute(FRAMES["counts with gaps"])
    assert (found % 1 == 0).all()
    assert (LIDVAE(likelihood="poisson", **QUICK).fit(COUNTS.astype(float)).predict(COUNTS) % 1 > 0).all()


@pytest.mark.parametrize("offset", [1, "y"])
def test_labels_of_exposures_come_back(offset):
    labels = [0, 1, 2] if offset == 1 else pd.MultiIndex.from_tuples([("x", 1), ("y", 1), ("z", 1)])
    frame = pd.DataFrame(COUNTS + 1, columns=labels)
    model = LIDVAE(likelihood="poisson", offset=offset if offset == 1 else ("y", 1), **QUICK)
    filled = model.set_output(transform="pandas").fit(frame).impute(frame)
    pd.testing.assert_frame_equal(filled, frame)
    assert model.transform(filled).shape == (60, 1)
    assert list(model.sample(2).columns) == list(frame.columns)


@pytest.mark.parametrize("storage", ["python", "pyarrow"])
def test_text_of_a_saved_model_has_the_type_that_came_or_is_refused(storage, tmp_path):
    text = pd.Series(["a", "b"] * 30, dtype=f"string[{storage}]")
    frame = pd.DataFrame({"x": text, "y": rng.standard_normal(60)})
    model = LIDVAE(likelihood="auto", **QUICK).set_output(transform="pandas").fit(frame)
    save(model, tmp_path / "model.sklid")
    again = load(tmp_path / "model.sklid").sample(3)["x"].dtype
    assert (type(again), again.storage) == (type(text.dtype), text.dtype.storage)
    pa = pytest.importorskip("pyarrow")
    model.fit(frame.astype({"x": pd.ArrowDtype(pa.string())}))
    with pytest.raises(ModelFileError, match="which a model file cannot hold"):
        save(model, tmp_path / "model.sklid")
