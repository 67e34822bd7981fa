"""What a fitted LIDVAE answers: latents, likelihoods, inverses and certificates."""

import os
import pickle
import signal
import warnings

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

from sklid import LIDVAE, CollapseWarning
from sklid.baselines import VAE
from sklid.metrics import active_units
from sklid.nn import LIKELIHOODS, InversionError

IRIS = load_iris().data
FAST = {"max_epochs": 30, "decoder_width": 32, "encoder_width": 32, "learning_rate": 1e-2, "random_state": 0}
both = pytest.mark.parametrize("Estimator", [LIDVAE, VAE])

DATA = {
    "gaussian": IRIS,
    "bernoulli": load_digits().data[:300, 2:7] / 16,
    "continuous_bernoulli": load_digits().data[:300, 2:7] / 16,
    "poisson": load_digits().data[:300, 2:7],
    "negative_binomial": load_digits().data[:300, 2:7],
    "zero_inflated_poisson": load_digits().data[:300, 2:7],
    "zero_inflated_negative_binomial": load_digits().data[:300, 2:7],
    "log_normal": IRIS,
    "ordinal": load_digits().data[:300, 2:7] // 4,
    "categorical": np.minimum(load_digits().data[:300, 2:7] // 4, 2),
}


@pytest.fixture(scope="module")
def iris_model():
    return LIDVAE(n_components=2, **FAST).fit(IRIS)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_every_likelihood_answers_every_question(likelihood):
    X = DATA[likelihood]
    model = LIDVAE(n_components=2, likelihood=likelihood, **FAST).fit(X)
    Z = model.transform(X)
    assert Z.shape == (len(X), 2)
    assert Z.dtype == np.float32
    assert model.predict(X).shape == model.inverse_transform(Z).shape == X.shape
    assert model.predict(X).dtype == X.dtype
    assert np.isfinite(model.score(X))
    drawn = model.sample(20)
    assert drawn.shape == (20, X.shape[1])
    assert np.isfinite(model.score_samples(drawn)).all()
    assert isinstance(model.encode(X), torch.distributions.Distribution)
    assert model.kl_lower_bound(X).shape == (len(X),)


@pytest.mark.parametrize("decoder", ["brenier", "section"])
@pytest.mark.parametrize("likelihood", [name for name in LIKELIHOODS if name not in ("categorical", "ordinal")])
def test_invert_undoes_inverse_transform(likelihood, decoder):
    X = DATA[likelihood]
    model = LIDVAE(n_components=2, likelihood=likelihood, decoder=decoder, **FAST).fit(X)
    Z = model.transform(X).astype(np.float64)
    np.testing.assert_allclose(model.invert(model.inverse_transform(Z)), Z, rtol=0, atol=1e-4)


@pytest.mark.parametrize("decoder", ["brenier", "section"])
def test_invert_is_exact_where_probabilities_are_nearly_certain(decoder):
    rng = np.random.default_rng(0)
    logits = 12 * rng.standard_normal((300, 1)) * np.linspace(-1, 1, 8)
    X = (rng.random(logits.shape) < 1 / (1 + np.exp(-logits))).astype(float)
    model = LIDVAE(1, likelihood="bernoulli", decoder=decoder, max_epochs=100, random_state=0).fit(X)
    Z = np.linspace(-14, 14, 41)[:, None]
    means = model.inverse_transform(Z)
    assert ((means < 1e-6) | (means > 1 - 1e-6)).any()
    np.testing.assert_allclose(model.invert(means), Z, rtol=0, atol=1e-4)


@pytest.mark.parametrize("likelihood", [name for name in LIKELIHOODS if name not in ("gaussian", "log_normal")])
def test_rows_that_no_latent_decodes_to_have_no_inverse(likelihood):
    X = np.random.default_rng(0).integers(0, 2, (50, 4)).astype(float)
    model = LIDVAE(n_components=2, likelihood=likelihood, **FAST).fit(X)
    with pytest.raises(InversionError, match=f"of 50 rows hold a value at the edge of the means of a {likelihood}"):
        model.invert(X)


def test_single_precision_latents_of_rows_far_from_the_origin_come_back():
    X = DATA["gaussian"][:, :4] + 1e7
    model = LIDVAE(n_components=2, **FAST).fit(X)
    Z = np.random.default_rng(0).standard_normal((20, 2)).astype(np.float32)
    np.testing.assert_allclose(model.invert(model.inverse_transform(Z)), Z, rtol=0, atol=1e-4)
    assert LIDVAE(n_components=2, **FAST).fit(X - 1e7).inverse_transform(Z).dtype == np.float32


def test_composed_decoder_never_shrinks_distances_below_its_constant(iris_model):
    z, other = torch.randn(2, 2000, 2, dtype=torch.float64)
    f = iris_model._inference(np.float64).model.natural_parameters
    ratio = (f(z) - f(other)).norm(dim=-1) / (z - other).norm(dim=-1)
    assert ratio.min() >= iris_model.inverse_lipschitz_ * (1 - 1e-6)


@both
def test_score_is_a_density_in_the_units_of_the_data(Estimator):
    """Scaling a column by c lowers the log-density by log c and changes nothing else, where columns are scaled."""
    c = np.array([1.0, 10.0, 100.0, 0.1])
    one, other = (Estimator(n_components=2, scale="column", **FAST).fit(X) for X in (IRIS, IRIS * c))
    np.testing.assert_allclose(other.score(IRIS * c), one.score(IRIS) - np.log(c).sum(), atol=0.05)


def test_held_out_likelihood_is_at_least_that_of_pca():
    X = StandardScaler().fit_transform(load_breast_cancer().data)
    train, test = X[:400], X[400:]
    score = LIDVAE(n_components=5, random_state=0).fit(train).score(test)
    assert score > PCA(5).fit(train).score(test)


def test_large_offsets_do_not_lose_precision():
    one, other = (LIDVAE(n_components=2, **FAST).fit(X) for X in (IRIS, IRIS + 1e9))
    np.testing.assert_allclose(other.score(IRIS + 1e9), one.score(IRIS), atol=0.3)
    np.testing.assert_allclose(other.predict(IRIS + 1e9) - 1e9, one.predict(IRIS), atol=0.3)


def test_noise_per_feature_follows_the_features():
    rng = np.random.default_rng(0)
    signal_ = rng.standard_normal((1000, 1))
    X = np.hstack([signal_ + 0.05 * rng.standard_normal((1000, 3)), rng.standard_normal((1000, 3))])
    noise = LIDVAE(n_components=1, noise="feature", **FAST).fit(X).net_.module_.likelihood.noise()
    assert noise[:3].max() < 0.5 * noise[3:].min()


@pytest.mark.parametrize(
    "options",
    [
        {"activation": "softplus"},
        {"activation": "leaky_relu"},
        {"embedding": "identity"},
        {"maps": 1},
        {"decoder": "brenier"},
        {"decoder": "brenier", "maps": 1},
        {"decoder": "brenier", "skip_connections": True},
        {"kl_warmup": 0.5},
        {"kl_weight": 0.3},
        {"weight_decay": 1e-3},
        {"early_stopping": True},
        {"noise": "feature"},
        {"inverse_lipschitz": 0.1},
        {"encoder_depth": 3},
        {"encoder": "plain"},
        {"batch_size": 16},
    ],
)
def test_every_option_changes_the_model_and_keeps_it_sound(options):
    base, changed = LIDVAE(n_components=2, **FAST).fit(IRIS), LIDVAE(n_components=2, **{**FAST, **options}).fit(IRIS)
    assert abs(base.score(IRIS) - changed.score(IRIS)) > 1e-6
    assert changed.score(IRIS) > -8


def test_flow_posterior_fits_and_scores():
    pytest.importorskip("zuko", reason="the flow posterior needs the extra sklid[flow]")
    model = LIDVAE(n_components=2, posterior="flow", **FAST).fit(IRIS)
    assert model.score(IRIS) > -8
    order = np.random.default_rng(0).permutation(len(IRIS))
    np.testing.assert_allclose(model.transform(IRIS[order]), model.transform(IRIS)[order], atol=1e-5)


def test_every_latent_stays_active_even_on_white_noise():
    X = np.random.default_rng(0).standard_normal((2000, 20))
    model = LIDVAE(n_components=5, max_epochs=30, random_state=0).fit(X)
    assert active_units(model.transform(X)).fraction == 1.0


@pytest.mark.usefixtures("with_causes")
def test_collapse_warns_with_the_numbers_and_the_parameter_to_change():
    X = load_digits().data / 16
    with pytest.warns(CollapseWarning, match=r"of 10 latents collapsed.*Cause: model: .*injective decoder"):
        VAE(decoder_depth=4, likelihood="bernoulli", max_epochs=10, random_state=0).fit(X)
    with pytest.warns(CollapseWarning, match="Cause: inference: .*Lower kl_weight"):
        LIDVAE(n_components=2, kl_weight=1000.0, **{**FAST, "max_epochs": 200}).fit(IRIS)


# Training in pieces


def test_partial_fit_over_batches_comes_as_far_as_fit():
    X = np.tile(IRIS, (4, 1))
    model = LIDVAE(n_components=2, decoder_width=32, encoder_width=32, random_state=0)
    for _ in range(60):
        for batch in np.array_split(np.random.default_rng(0).permutation(X), 4):
            model.partial_fit(batch)
    assert len(model.net_.history) == 240
    assert model.score(X) > LIDVAE(n_components=2, **FAST).fit(X).score(X) - 0.5


def test_partial_fit_keeps_the_scale_of_its_first_batch_and_the_optimiser_in_memory_only():
    model = LIDVAE(n_components=2, **FAST).partial_fit(IRIS[:50])
    mean = model.scaler_.mean_.copy()
    model.partial_fit(IRIS[50:])
    np.testing.assert_array_equal(model.scaler_.mean_, mean)
    assert model.net_.optimizer_.state
    loaded = pickle.loads(pickle.dumps(model))
    assert not loaded.net_.optimizer_.state
    loaded.partial_fit(IRIS)


def test_partial_fit_draws_anew_in_each_call_and_repeats_as_a_whole():
    orders = []

    class Record(Callback):
        def on_batch_begin(self, net, batch=None, **kwargs):
            orders.append(batch[0][:, 0].clone())

    for _ in range(2):
        model = LIDVAE(n_components=2, callbacks=[Record()], **FAST)
        for _ in range(2):
            model.partial_fit(IRIS)
    assert not torch.equal(orders[0], orders[1])
    assert torch.equal(orders[0], orders[2])
    assert torch.equal(orders[1], orders[3])


def test_partial_fit_asks_for_enough_rows_first():
    with pytest.raises(ValueError, match=r"at least n_components \+ 1 = 4, got 3"):
        LIDVAE(n_components=3).partial_fit(IRIS[:3])


def test_warm_start_goes_on_where_it_was():
    model = LIDVAE(n_components=2, warm_start=True, **FAST).fit(IRIS)
    first = model.net_.history[-1, "train_loss"]
    model.fit(IRIS)
    assert len(model.net_.history) == 60
    assert model.net_.history[30, "train_loss"] < first + 1
    assert pickle.loads(pickle.dumps(model)).net_.optimizer_.state


def test_warm_start_with_another_architecture_says_what_changed():
    model = LIDVAE(n_components=2, warm_start=True, **FAST).fit(IRIS)
    with pytest.raises(ValueError, match="decoder_depth changed from 2 to 3"):
        model.set_params(decoder_depth=3).fit(IRIS)


def test_fit_without_warm_start_forgets():
    model = LIDVAE(n_components=2, **FAST)
    np.testing.assert_array_equal(model.fit(IRIS).transform(IRIS), model.fit(IRIS).transform(IRIS))


# Randomness and numbers


def test_score_of_a_row_does_not_depend_on_the_others(iris_model):
    scores = iris_model.score_samples(IRIS)
    order = np.random.default_rng(0).permutation(len(IRIS))
    np.testing.assert_allclose(iris_model.score_samples(IRIS[order]), scores[order], rtol=1e-5)
    np.testing.assert_allclose(iris_model.score_samples(IRIS[:1]), scores[:1], rtol=1e-5)


def test_more_importance_samples_give_a_higher_bound():
    model = LIDVAE(n_components=2, n_importance_samples=1, **FAST).fit(IRIS)
    few = model.score(IRIS)
    assert model.set_params(n_importance_samples=500).score(IRIS) > few


def test_score_takes_weights(iris_model):
    weights = np.arange(len(IRIS))
    expected = np.average(iris_model.score_samples(IRIS).astype(np.float64), weights=weights)
    assert iris_model.score(IRIS, sample_weight=weights) == pytest.approx(expected)


def test_sample_repeats_for_an_integer_seed_and_looks_like_the_data(iris_model):
    X = iris_model.sample(5000)
    np.testing.assert_array_equal(X, iris_model.sample(5000))
    np.testing.assert_allclose(X.mean(0), IRIS.mean(0), atol=0.3)
    np.testing.assert_allclose(X.std(0), IRIS.std(0), rtol=0.4)


def test_large_input_is_answered_in_chunks(iris_model, monkeypatch):
    whole = (
        iris_model.transform(IRIS),
        iris_model.score_samples(IRIS),
        iris_model.inverse_transform(iris_model.transform(IRIS)),
    )
    monkeypatch.setattr("sklid.data.blocks.CHUNK_NUMBERS", 10_000)
    parts = (
        iris_model.transform(IRIS),
        iris_model.score_samples(IRIS),
        iris_model.inverse_transform(iris_model.transform(IRIS)),
    )
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


# Ctrl-C


class PressCtrlC(Callback):
    """Sends this process the signal of Ctrl-C at the end of the third epoch."""

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 3:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
def test_interrupted_fit_is_usable_and_raises_unless_told_to_keep(request):
    # a background job inherits a handler that ignores Ctrl-C
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, former))
    model = LIDVAE(n_components=2, callbacks=[PressCtrlC()], **FAST)
    with pytest.raises(KeyboardInterrupt):
        model.fit(IRIS)
    assert model.interrupted_
    assert not model.converged_
    assert np.isfinite(model.score(IRIS))
    kept = model.set_params(on_interrupt="keep").fit(IRIS)
    assert kept.interrupted_
    assert len(kept.net_.history) <= 4


def test_a_fit_says_how_long_it_took_and_what_it_attained():
    """The bound of the last epoch is near the likelihood, from below, when the learning rate has fallen to zero."""
    model = LIDVAE(n_components=2, **FAST).fit(IRIS)
    assert model.n_iter_ == 30
    assert model.converged_
    assert model.score(IRIS) - 1 < model.lower_bound_ < model.score(IRIS) + 0.1
    rescaled = LIDVAE(n_components=2, **FAST).fit(10 * IRIS)
    assert rescaled.lower_bound_ == pytest.approx(model.lower_bound_ - 4 * np.log(10), abs=1e-2)


def test_progress_bar_shows_and_nothing_is_printed_without_it(capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollapseWarning)
        LIDVAE(n_components=2, **{**FAST, "max_epochs": 3}).fit(IRIS)
        silent = capsys.readouterr()
        LIDVAE(n_components=2, verbose=1, **{**FAST, "max_epochs": 3}).fit(IRIS)
    assert silent.out == silent.err == ""
    assert "3/3" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_model_meant_for_a_gpu_answers_on_a_cpu(iris_model):
    elsewhere = pickle.loads(pickle.dumps(iris_model)).set_params(device="cuda")
    np.testing.assert_array_equal(elsewhere.transform(IRIS), iris_model.transform(IRIS))
    np.testing.assert_array_equal(elsewhere.sample(3), iris_model.sample(3))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_model_fitted_on_a_gpu_pickles_for_a_cpu():
    model = LIDVAE(n_components=2, device="cuda", **FAST).fit(IRIS)
    loaded = pickle.loads(pickle.dumps(model)).set_params(device="cpu")
    np.testing.assert_allclose(loaded.transform(IRIS), model.transform(IRIS), atol=1e-4)


def test_learning_rate_reaches_zero_when_some_rows_are_held_out():
    """The cosine counts the steps on training rows alone."""
    model = LIDVAE(
        n_components=2,
        max_epochs=5,
        batch_size=10,
        early_stopping=True,
        n_iter_no_change=5,
        validation_fraction=0.3,
        random_state=0,
    )
    rates = []

    class Record(Callback):
        def on_batch_end(self, net, training=False, **kwargs):
            if training:
                rates.append(net.optimizer_.param_groups[0]["lr"])

    model.set_params(callbacks=[Record()]).fit(IRIS)
    n_steps = 5 * 11  # of 105 rows
    assert len(rates) == n_steps
    expected = model.learning_rate / 2 * (1 + np.cos(np.pi * np.arange(1, n_steps + 1) / n_steps))
    np.testing.assert_allclose(rates, expected, atol=1e-12)


def test_every_call_of_a_resumed_training_has_draws_of_its_own():
    """At a rate of next to nothing the weights stay, so losses differ by the draws alone."""
    model = LIDVAE(n_components=2, max_epochs=1, learning_rate=1e-12, warm_start=True, random_state=0)
    for _ in range(4):
        model.fit(IRIS)
    assert len(set(model.net_.history[:, "train_loss"])) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"decoder": "section", "potential": "icnn"}, "potential='icnn' belongs to decoder=\"brenier\""),
        ({"decoder": "section", "skip_connections": True}, 'skip_connections=True belongs to decoder="brenier"'),
        ({"decoder": "brenier", "maps": 3}, 'maps=3 is more than the g1 and g2 of decoder="brenier"; use 1 or 2'),
    ],
)
def test_options_of_the_other_decoder_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        LIDVAE(n_components=2, **options, **FAST).fit(IRIS)


def test_section_explains_rows_that_leave_a_plane_better_than_the_decoder_of_the_paper():
    """Digits in 8 latents: what the network off the plane is free to do is worth ten nats and more a row."""
    X = load_digits().data
    brenier, section = (
        LIDVAE(8, decoder=decoder, max_epochs=20, random_state=0).fit(X[:1200]).score(X[1200:])
        for decoder in ("brenier", "section")
    )
    assert section > brenier + 5


@pytest.mark.parametrize(("n_features", "expected"), [(1, 1), (2, 2), (3, 3), (4, 3), (10, 8), (13, 10), (40, 10)])
def test_default_number_of_latents_leaves_a_quarter_of_the_natural_parameters_free(n_features, expected):
    X = np.random.default_rng(0).standard_normal((30, n_features))
    assert LIDVAE(max_epochs=1, random_state=0).fit(X).n_components_ == expected


def test_means_of_a_flow_do_not_depend_on_the_draws_of_the_score():
    pytest.importorskip("zuko", reason="flows need the extra sklid[flow]")
    X = np.random.default_rng(0).standard_normal((60, 3))
    model = LIDVAE(2, posterior="flow", max_epochs=2, encoder_width=8, decoder_width=8, random_state=0).fit(X)
    Z = model.transform(X)
    np.testing.assert_array_equal(model.set_params(n_importance_samples=1).transform(X), Z)
