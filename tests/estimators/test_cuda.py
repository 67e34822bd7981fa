"""On a GPU the models give what they give on a processor, as far as single precision lets them."""

import joblib
import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from sklid import LIDSVAE, LIDVAE
from sklid.baselines import (
    LanguageModel,
    SequentialBetaVAE,
    SequentialFreeBitsVAE,
    SequentialLaggingVAE,
    SequentialSemiAmortizedVAE,
    SequentialVAE,
)
from sklid.metrics import collapse_report, informative_units

from .models import MODELS, SMALL, X, answers, measurements

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
    pytest.mark.filterwarnings("ignore::sklid.CollapseWarning"),
]
ON_DEVICES = [name for name, made in MODELS.items() if "device" in made().get_params()]
TEXTS = [f"the {animal} sees the {place} ." for animal in ("cat", "dog", "cow") for place in ("sun", "sea")] * 20
DOCUMENTS = {"hidden_size": 16, "embedding_size": 8, "max_epochs": 4, "n_importance_samples": 200, "random_state": 0}
WITH_LATENTS = DOCUMENTS | {"n_components": 2}
OF_DOCUMENTS = {
    "section": lambda: LIDSVAE(**WITH_LATENTS),
    "gru": lambda: LIDSVAE(rnn="gru", encoder="both", **WITH_LATENTS),
    "dropout": lambda: LIDSVAE(encoder="rnn", dropout=0.3, word_dropout=0.2, **WITH_LATENTS),
    "brenier": lambda: LIDSVAE(decoder="brenier", **WITH_LATENTS | {"hidden_size": 4}),
    "VAE": lambda: SequentialVAE(**WITH_LATENTS),
    "beta": lambda: SequentialBetaVAE(**WITH_LATENTS),
    "free bits": lambda: SequentialFreeBitsVAE(**WITH_LATENTS),
    "lagging": lambda: SequentialLaggingVAE(max_encoder_steps=3, **WITH_LATENTS),
    "semi-amortised": lambda: SequentialSemiAmortizedVAE(n_refinements=3, **WITH_LATENTS),
    "semi-amortised gru": lambda: SequentialSemiAmortizedVAE(n_refinements=2, rnn="gru", **WITH_LATENTS),
    "language model": lambda: LanguageModel(**DOCUMENTS),
}


def scores_on_each(name, **settings):
    """Of fits that start at the same weights and draw other noise."""
    on = {device: MODELS[name]().set_params(device=device, **settings) for device in ("cpu", "cuda")}
    return {device: model.set_params(n_importance_samples=200).fit(X).score_samples(X) for device, model in on.items()}


@pytest.mark.parametrize("name", ON_DEVICES)
def test_a_model_fitted_on_a_gpu_explains_rows_as_well_as_one_fitted_on_a_processor(name):
    scores = scores_on_each(name)
    assert np.isfinite(scores["cuda"]).all()
    assert abs(scores["cuda"].mean() - scores["cpu"].mean()) < 0.5


@pytest.mark.parametrize("name", ON_DEVICES)
def test_rows_that_are_hard_to_explain_are_so_on_both(name):
    """After 5 epochs other noise alone leaves a correlation of 0.92, after 30 one of 0.96."""
    scores = scores_on_each(name, max_epochs=30)
    assert np.corrcoef(scores["cuda"], scores["cpu"])[0, 1] > 0.95


@pytest.mark.parametrize("name", ON_DEVICES)
def test_a_model_of_a_gpu_answers_and_is_measured_there(name):
    """All that it answers is the same as that of the same model on a processor, but for rounding and draws."""
    model = MODELS[name]().set_params(device="cuda").fit(X)
    there = answers(model)
    if name not in ("student_t", "gamma"):  # priors without known marginals have no informative units
        assert all(np.isfinite(value).all() for value in measurements(model).values())
    model.set_params(device="cpu")
    here = answers(model)
    for question in ("transform", "predict", "score_samples", "invert", "kl_lower_bound", "encode"):
        if question in here and not (question == "predict" and "predict_proba" in here):
            np.testing.assert_allclose(there[question], here[question], rtol=2e-2, atol=2e-3, err_msg=question)


@pytest.mark.parametrize("name", ["LIDVAE", "LIDGMVAEClustering", "LaggingVAE", "SemiAmortizedVAE"])
def test_a_model_that_was_fitted_on_a_gpu_answers_on_a_processor(name, tmp_path):
    model = MODELS[name]().set_params(device="cuda").fit(X)
    joblib.dump(model, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib")
    np.testing.assert_allclose(loaded.score_samples(X), model.score_samples(X), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", OF_DOCUMENTS)
def test_a_model_of_documents_is_the_same_on_a_gpu(name):
    on = {device: OF_DOCUMENTS[name]().set_params(device=device).fit(TEXTS) for device in ("cpu", "cuda")}
    assert on["cuda"].perplexity(TEXTS) == pytest.approx(on["cpu"].perplexity(TEXTS), rel=0.1)


@pytest.mark.parametrize("name", [name for name in OF_DOCUMENTS if name != "language model"])
def test_a_model_of_documents_answers_and_is_measured_on_a_gpu(name):
    model = OF_DOCUMENTS[name]().set_params(device="cuda", n_importance_samples=5).fit(TEXTS)
    there = model.transform(TEXTS[:6]), model.score_samples(TEXTS[:6])
    assert len(model.predict(TEXTS[:6])) == len(model.sample(6)) == 6
    assert np.isfinite(informative_units(model, TEXTS[:6], n_importance_samples=5).gains).all()
    assert "12 rows" in str(collapse_report(model, TEXTS[:12]))
    model.set_params(device="cpu")
    for one, other in zip(there, (model.transform(TEXTS[:6]), model.score_samples(TEXTS[:6])), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-2, atol=2e-3)


def test_gaps_and_families_of_columns_are_imputed_on_a_gpu():
    rows = np.column_stack([X, np.arange(60) % 3, np.arange(60) % 2]).astype(float)
    rows[::7, 1] = rows[3::11, -1] = np.nan
    families = ["gaussian"] * 5 + ["poisson", "bernoulli"]
    model = LIDVAE(likelihood=families, device="cuda", **SMALL).fit(rows)
    filled = model.impute(rows)
    assert np.isfinite(filled).all()
    np.testing.assert_allclose(filled[~np.isnan(rows)], rows[~np.isnan(rows)], rtol=1e-5)


class Killer(Callback):
    """An error in the fourth epoch."""

    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == 4:
            raise RuntimeError("killed")


def test_a_fit_on_a_gpu_that_was_killed_goes_on_there(tmp_path):
    whole = LIDVAE(device="cuda", **SMALL).fit(X)
    parted = LIDVAE(device="cuda", checkpoint=tmp_path / "fit", callbacks=[Killer()], **SMALL)
    with pytest.raises(RuntimeError, match="killed"):
        parted.fit(X)
    found = parted.set_params(callbacks=None).fit(X)
    assert len(found.net_.history) == len(whole.net_.history)
    np.testing.assert_allclose(found.transform(X), whole.transform(X), rtol=1e-3, atol=1e-4)
