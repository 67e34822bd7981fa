"""Pipelines of the estimators with scikit-learn's scalers, and what goes on after a model was read."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

import sklid
from sklid import LIDSVAE, LIDVAE, IdentifiablePPCA, LIDGMVAEClustering
from sklid.baselines import VAE
from sklid.exceptions import ModelFileError

from .differences import differences
from .fitted import CLUSTERS, GAPS, SMALL, X, fitted

LABELS = np.where(X[:, 0] > 0, "much", "little")
STEPS = [
    StandardScaler(),
    StandardScaler(with_mean=False, with_std=False),
    MinMaxScaler(feature_range=(-1, 1)),
    MaxAbsScaler(),
    RobustScaler(),
    RobustScaler(with_centering=False),
    Normalizer("l1"),
    PowerTransformer(),
    PowerTransformer(standardize=False),
    QuantileTransformer(n_quantiles=10),
    SimpleImputer(strategy="median", add_indicator=True),
    SimpleImputer(strategy="constant", fill_value=3.0),
    PCA(3),
    PCA(0.9, whiten=True),
    TruncatedSVD(2, random_state=0),
]


def saved(model, path):
    sklid.save(model, path)
    return sklid.load(path)


@pytest.mark.parametrize("step", STEPS, ids=repr)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_pipeline_of_a_scaler_comes_back(step, tmp_path):
    rows = GAPS if isinstance(step, SimpleImputer) else X
    model = make_pipeline(clone(step), IdentifiablePPCA(1, random_state=0)).fit(rows)
    again = saved(model, tmp_path / "model.sklid")
    assert list(differences(model, again)) == []
    assert again.transform(rows).tobytes() == model.transform(rows).tobytes()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_pipeline_that_ends_in_a_classifier_or_a_clustering_comes_back(tmp_path):
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = Pipeline(
        [("none", None), ("scale", StandardScaler()), ("vae", LIDVAE(**SMALL)), ("say", LogisticRegression())]
    )
    model.set_output(transform="pandas").fit(frame, LABELS)
    again = saved(model, tmp_path / "model.sklid")
    assert list(differences(model, again)) == []
    assert again.predict(frame).tolist() == model.predict(frame).tolist()
    assert again.predict_proba(frame).tobytes() == model.predict_proba(frame).tobytes()
    assert again[:-1].transform(frame).equals(model[:-1].transform(frame))
    inner = make_pipeline(MinMaxScaler(), "passthrough", make_pipeline(LIDGMVAEClustering(**CLUSTERS))).fit(X)
    again = saved(inner, tmp_path / "model.sklid")
    assert again.predict_proba(X).tobytes() == inner.predict_proba(X).tobytes()


@pytest.mark.parametrize("step", [KMeans(2), ColumnTransformer([("all", StandardScaler(), [0])])], ids=repr)
def test_a_step_that_is_not_known_is_named(step, tmp_path):
    with pytest.raises(ModelFileError, match=r"The step 'odd' of model is a \w+, which a model file does not hold"):
        sklid.save(Pipeline([("scale", StandardScaler()), ("odd", step)]), tmp_path / "model.sklid")


def test_a_pipeline_with_a_memory_is_refused(tmp_path):
    with pytest.raises(ModelFileError, match="set memory=None"):
        sklid.save(make_pipeline(StandardScaler(), memory=str(tmp_path)), tmp_path / "model.sklid")


def test_an_unfitted_model_and_a_lone_scaler_come_back(tmp_path):
    for model in (LIDVAE(3, scale=None), make_pipeline(StandardScaler(), LIDVAE()), RobustScaler().fit(X)):
        assert list(differences(model, saved(model, tmp_path / "model.sklid"))) == []


@pytest.mark.parametrize("name", ["LIDVAE", "warm", "mixture in parts", "batches", "LIDSVAE", "tokenizer", "frame"])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_training_goes_on_after_a_model_was_read(name, tmp_path):
    model, rows = fitted(name)
    again = saved(model, tmp_path / "model.sklid")
    n_before = again.n_iter_
    again.partial_fit(rows)
    if name != "batches":
        assert again.n_iter_ == n_before + 1
        assert np.isfinite(again.net_.history[-1, "train_loss"])
    if name == "warm":
        assert again.fit(rows).n_iter_ == n_before + 4
    clone(again).fit(rows)


@pytest.mark.parametrize("make", [LIDVAE, LIDGMVAEClustering, LIDSVAE, VAE])
def test_folder_and_processes_of_the_fit_are_no_part_of_a_model(tmp_path, make):
    told = make(checkpoint=tmp_path / "training", distributed=True, random_state=0)
    again = saved(told, tmp_path / "model.sklid")
    assert (again.checkpoint, again.distributed) == (None, False)
    sklid.save(make(random_state=0), tmp_path / "other.sklid")
    assert (tmp_path / "model.sklid").read_bytes() == (tmp_path / "other.sklid").read_bytes()


def test_a_fitted_model_forgets_folder_and_processes_too(tmp_path):
    model = LIDVAE(checkpoint=tmp_path / "training", covariates=0, **SMALL).fit(X).set_params(distributed=True)
    again = saved(model, tmp_path / "model.sklid")
    assert (again.checkpoint, again.distributed) == (None, False)
    assert (again.transform(X) == model.transform(X)).all()
    assert b"training" not in (tmp_path / "model.sklid").read_bytes()


def test_more_rows_of_a_probabilistic_pca_give_the_model_that_they_would_have_given(tmp_path):
    model = IdentifiablePPCA(2).partial_fit(X[:25])
    again = saved(model, tmp_path / "model.sklid")
    assert list(differences(model.partial_fit(X[25:]), again.partial_fit(X[25:]))) == []


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_file_is_as_large_as_the_weights_and_a_few_kilobytes(tmp_path):
    path = tmp_path / "model.sklid"
    for model in (LIDVAE(max_epochs=2, random_state=0), LIDVAE(decoder_width=32, encoder_width=32, max_epochs=60)):
        model.fit(X)
        sklid.save(model, path)
        n_weights = sum(tensor.nbytes for tensor in model.net_.module_.state_dict().values())
        assert path.stat().st_size <= 1.1 * n_weights + 14_000
