"""On a GPU the models give what they give on a processor, as far as single precision lets them."""

import joblib
import numpy as np
import pytest
import torch

from .models import MODELS, X

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
    pytest.mark.filterwarnings("ignore::sklid.CollapseWarning"),
]
ON_DEVICES = [name for name, made in MODELS.items() if "device" in made().get_params()]


@pytest.mark.parametrize("name", ON_DEVICES)
def test_a_model_fitted_on_a_gpu_explains_rows_as_well_as_one_fitted_on_a_processor(name):
    """Both start at the same numbers, and few epochs leave little to drift apart in."""
    on = {device: MODELS[name]().set_params(device=device) for device in ("cpu", "cuda")}
    scores = {
        device: model.set_params(n_importance_samples=200).fit(X).score_samples(X) for device, model in on.items()
    }
    assert np.isfinite(scores["cuda"]).all()
    assert abs(scores["cuda"].mean() - scores["cpu"].mean()) < 0.5
    assert np.corrcoef(scores["cuda"], scores["cpu"])[0, 1] > 0.95


@pytest.mark.parametrize("name", ["LIDVAE", "LIDGMVAEClustering", "LaggingVAE", "SemiAmortizedVAE"])
def test_a_model_that_was_fitted_on_a_gpu_answers_on_a_processor(name, tmp_path):
    model = MODELS[name]().set_params(device="cuda").fit(X)
    joblib.dump(model, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib")
    np.testing.assert_allclose(loaded.score_samples(X), model.score_samples(X), rtol=1e-3, atol=1e-3)
