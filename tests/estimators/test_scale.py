"""The scale of a Gaussian model: answers in the units of the data, whatever the units of the model."""

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_iris, load_wine
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

from sklid import LIDVAE, LIDGMVAEClustering, LIDMVAEClustering
from sklid.baselines import GMVAE, VAE
from sklid.data import memory_map

IRIS, WINE = load_iris().data, load_wine().data
FAST = {"n_components": 2, "max_epochs": 5, "decoder_width": 16, "encoder_width": 16, "random_state": 0}
pytestmark = pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
every = pytest.mark.parametrize("Estimator", [LIDVAE, VAE, LIDGMVAEClustering, LIDMVAEClustering, GMVAE])
scales = pytest.mark.parametrize("scale", ["auto", "column", "table"])


def centre_and_size(X, scale):
    return X.mean(0), X.std(0) if scale == "column" else np.full(X.shape[1], np.sqrt(X.var(0).mean()))


@scales
def test_unit_of_the_table_changes_log_densities_by_the_logarithm_of_its_size(scale):
    model = LIDVAE(scale=scale, **FAST).fit(IRIS)
    other = LIDVAE(scale=scale, **FAST).fit(IRIS * 1000)
    np.testing.assert_allclose(
        other.score_samples(IRIS * 1000), model.score_samples(IRIS) - 4 * np.log(1000), atol=1e-3
    )


@every
@pytest.mark.parametrize("scale", ["column", "table"])
def test_scale_is_a_change_of_units_of_the_model_without_one(Estimator, scale):
    centre, size = centre_and_size(IRIS, scale)
    rows = (IRIS - centre) / size
    inside, outside = Estimator(scale=scale, **FAST).fit(IRIS), Estimator(scale=None, **FAST).fit(rows)
    np.testing.assert_allclose(inside.transform(IRIS), outside.transform(rows), atol=1e-3)
    assert inside.score(IRIS) == pytest.approx(outside.score(rows) - np.log(size).sum(), abs=1e-2)
    if not hasattr(inside, "labels_"):
        np.testing.assert_allclose(inside.predict(IRIS), centre + size * outside.predict(rows), atol=1e-3)
        np.testing.assert_allclose(inside.sample(5), centre + size * outside.sample(5), atol=1e-3)


@every
def test_chosen_scale_is_reported_and_kept(Estimator, tmp_path):
    for X, scale, expected in (
        (IRIS, "auto", "table"),
        (WINE, "auto", "column"),
        (WINE, "table", "table"),
        (IRIS, None, None),
    ):
        model = Estimator(scale=scale, **FAST).fit(X)
        joblib.dump(model, tmp_path / "model.joblib")
        assert model.scale_ == joblib.load(tmp_path / "model.joblib").scale_ == expected
        assert model.scale == scale
        assert (model.scaler_ is None) == (expected is None)
    assert Estimator(likelihood="poisson", **FAST).fit(np.round(IRIS)).scale_ is None


def test_noise_without_a_scale_is_in_the_units_of_the_data():
    X = 5 + 3 * IRIS
    in_data_units, in_model_units = (LIDVAE(scale=scale, **FAST).fit(X) for scale in (None, "table"))
    noise, other = (model.net_.module_.likelihood.noise().item() for model in (in_data_units, in_model_units))
    assert noise == pytest.approx(other * np.sqrt(X.var(0).mean()), rel=0.1)


def test_data_that_were_standardised_give_the_same_model_by_every_scale():
    X = StandardScaler().fit_transform(WINE)
    expected = LIDVAE(scale=None, **FAST).fit(X)
    for scale in ("auto", "column", "table"):
        model = LIDVAE(scale=scale, **FAST).fit(X)
        np.testing.assert_allclose(model.transform(X), expected.transform(X), atol=1e-3)
        assert model.score(X) == pytest.approx(expected.score(X), abs=1e-2)


@every
@pytest.mark.parametrize("scale", ["auto", "column", "table", None])
@pytest.mark.parametrize(
    "X",
    [np.hstack([IRIS, np.full((150, 2), 0.1)]), np.full((20, 3), 5.0), IRIS[:, :1]],
    ids=["constant columns", "all rows equal", "one column"],
)
def test_tables_with_little_in_them_work_by_every_scale(Estimator, scale, X):
    model = Estimator(scale=scale, **{**FAST, "n_components": 1}).fit(X)
    assert np.isfinite(model.score(X))
    assert np.isfinite(model.transform(X)).all()


def test_first_batch_of_partial_fit_fixes_the_scale():
    model = LIDVAE(**FAST).partial_fit(IRIS[:50])
    first, sizes = model.scale_, model.scaler_.scale_.copy()
    model.partial_fit(IRIS[50:] * [1, 10, 100, 1000])
    assert model.scale_ == first
    np.testing.assert_array_equal(model.scaler_.scale_, sizes)


def test_training_does_not_go_on_with_another_scale():
    model = LIDVAE(warm_start=True, **FAST).fit(IRIS)
    with pytest.raises(ValueError, match="scale changed from 'auto' to 'column' since the model was initialised"):
        model.set_params(scale="column").fit(IRIS)


def test_grid_search_compares_scales_in_the_units_of_the_data():
    search = GridSearchCV(LIDVAE(**FAST), {"scale": ["auto", "column", "table", None]}, cv=2).fit(WINE)
    scores = dict(zip(search.cv_results_["param_scale"], search.cv_results_["mean_test_score"], strict=True))
    assert scores["auto"] == scores["column"]
    assert search.best_estimator_.scale_ == "column"


@pytest.mark.parametrize("scale", ["auto", "table", None])
def test_memory_maps_train_as_the_array_in_memory(scale, tmp_path, monkeypatch):
    monkeypatch.setattr(memory_map, "LARGEST_LOADED", 0)
    np.save(tmp_path / "rows.npy", IRIS)
    on_disk = np.load(tmp_path / "rows.npy", mmap_mode="r")
    one, other = (LIDVAE(scale=scale, **FAST).fit(rows) for rows in (IRIS, on_disk))
    assert one.scale_ == other.scale_
    np.testing.assert_array_equal(one.score_samples(IRIS), other.score_samples(on_disk))


@every
@pytest.mark.parametrize("scale", ["column", "table", None])
def test_scale_of_another_likelihood_is_refused(Estimator, scale):
    with pytest.raises(ValueError, match='belongs to likelihood="gaussian".*Leave scale="auto"'):
        Estimator(likelihood="poisson", scale=scale, **FAST).fit(np.round(IRIS))


@every
def test_unknown_scale_is_refused_by_name(Estimator):
    with pytest.raises(ValueError, match=f"The 'scale' parameter of {Estimator.__name__}"):
        Estimator(scale="row", **FAST).fit(IRIS)
