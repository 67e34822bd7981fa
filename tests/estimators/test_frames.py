"""With one family for all columns, too, frames come back with the labels and types that came."""

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from sklid import LIDVAE, LIDGMVAEClustering, LIDVAEImputer, load, save

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
