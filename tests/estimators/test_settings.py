"""What a caller has set for torch, NumPy or scikit-learn neither stops the package nor changes what it answers."""

import functools
import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec

import numpy as np
import pytest
import scipy
import sklearn
import torch
from sklearn.base import clone

from sklid import LIDSVAE, LIDVAE, IdentifiablePPCA
from sklid.baselines import LanguageModel, SequentialSemiAmortizedVAE, SequentialVAE

from .models import MODELS, SMALL, X, answers, assert_same, measurements

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklid.CollapseWarning", "ignore::sklid.exceptions.CappedEstimateWarning"
)


@contextmanager
def switched(switch, value, back):
    switch(value)
    try:
        yield
    finally:
        switch(back)


SETTINGS = {
    "default dtype": lambda: switched(torch.set_default_dtype, torch.float64, torch.float32),
    "inference mode": torch.inference_mode,
    "no gradients": torch.no_grad,
    "gradients off": lambda: torch.autograd.set_grad_enabled(False),
    "default device": lambda: switched(torch.set_default_device, "meta", None),
    "default device cpu": lambda: switched(torch.set_default_device, "cpu", None),
    "device block": lambda: torch.device("meta"),
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "deterministic": lambda: switched(torch.use_deterministic_algorithms, True, False),
    "numpy errors": lambda: np.errstate(all="raise"),
    "metadata routing": lambda: sklearn.config_context(enable_metadata_routing=True),
    "assume finite": lambda: sklearn.config_context(assume_finite=True),
    "pandas": lambda: sklearn.config_context(transform_output="pandas"),
}


@contextmanager
def all_at_once():
    """Every setting, with one device of the three."""
    with ExitStack() as settings:
        for name in SETTINGS.keys() - {"default device", "default device cpu"}:
            settings.enter_context(SETTINGS[name]())
        yield


@pytest.fixture(scope="module")
def expected():
    return functools.cache(lambda name: answers(MODELS[name]().fit(X)))


@pytest.fixture(scope="module")
def measured():
    model = MODELS["LIDGMVAEClustering"]().fit(X)
    return model, measurements(model)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", ["LIDVAE", "LIDGMVAEClustering", "IdentifiablePPCA"])
def test_setting_changes_neither_a_fit_nor_its_answers(name, setting, expected):
    with SETTINGS[setting]():
        found = answers(MODELS[name]().fit(X))
    assert_same(found, expected(name))


@pytest.mark.usefixtures("with_causes")
@pytest.mark.parametrize("name", MODELS)
def test_settings_together_change_neither_a_fit_nor_its_answers(name, expected):
    with all_at_once():
        found = answers(MODELS[name]().fit(X))
    assert_same(found, expected(name))


@pytest.mark.parametrize("setting", SETTINGS)
def test_setting_does_not_change_what_is_measured(setting, measured):
    model, expected = measured
    with SETTINGS[setting]():
        assert_same(measurements(model), expected)


@pytest.mark.parametrize("Model", [LIDSVAE, SequentialVAE, SequentialSemiAmortizedVAE, LanguageModel])
def test_settings_together_change_no_model_of_documents(Model):
    texts = ["the cat sees the sun", "the dog sees the sea", "a cow likes a tree"] * 10
    sizes = {} if Model is LanguageModel else {"n_components": 2}
    model = Model(hidden_size=8, embedding_size=4, max_epochs=2, n_importance_samples=5, random_state=0, **sizes)
    expected = model.fit(texts).score_samples(texts)
    with all_at_once():
        found = clone(model).fit(texts).score_samples(texts)
    np.testing.assert_array_equal(found, expected)


def test_anomaly_detection_goes_with_a_fit():
    expected = LIDVAE(**SMALL).fit(X).score_samples(X)
    with torch.autograd.set_detect_anomaly(True):
        assert np.array_equal(LIDVAE(**SMALL).fit(X).score_samples(X), expected)


def test_partial_fit_goes_with_inference_mode():
    expected = LIDVAE(**SMALL).partial_fit(X).score_samples(X)
    with torch.inference_mode():
        assert np.array_equal(LIDVAE(**SMALL).partial_fit(X).score_samples(X), expected)
        assert IdentifiablePPCA(2).partial_fit(X).n_components_ == 2


def test_model_fitted_in_inference_mode_is_trained_further_outside():
    with torch.inference_mode():
        model = LIDVAE(**SMALL).fit(X)
        model.transform(X)
    assert np.isfinite(model.set_params(warm_start=True).fit(X).score(X))
    assert torch.autograd.grad(
        model.net_.module_(torch.zeros(1, 5)).elbo().sum(), model.net_.module_.likelihood.log_noise
    )


HAS_OWN_DISPATCH = find_spec("sklearn.externals._array_api_compat_vendor") is not None
HAS_NEW_SCIPY = np.lib.NumpyVersion(scipy.__version__) >= "1.14.0"
HAS_DISPATCH_OF_OTHERS = HAS_NEW_SCIPY and find_spec("array_api_compat") is not None


@pytest.mark.skipif(
    not (HAS_OWN_DISPATCH or HAS_DISPATCH_OF_OTHERS),
    reason="this version of scikit-learn dispatches arrays with array_api_compat and SciPy 1.14, and one is missing",
)
def test_array_api_dispatch_changes_neither_a_fit_nor_its_answers():
    code = """if True:
        import sklearn, warnings
        from models import MODELS, X, answers, assert_same
        warnings.simplefilter("ignore")
        for make in (MODELS[name] for name in ("LIDVAE", "LIDGMVAEClustering", "joint", "IdentifiablePPCA")):
            expected = answers(make().fit(X))
            with sklearn.config_context(array_api_dispatch=True):
                assert_same(answers(make().fit(X)), expected)
        """
    path = os.pathsep.join([os.path.dirname(__file__), *sys.path])
    subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "SCIPY_ARRAY_API": "1", "PYTHONPATH": path}, check=True
    )
