"""LIDSVAE embeds documents and gives them back, in the terms of scikit-learn."""

import copy
import warnings

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklid import LIDSVAE, CollapseWarning
from sklid.baselines import (
    LanguageModel,
    SequentialBetaVAE,
    SequentialFreeBitsVAE,
    SequentialLaggingVAE,
    SequentialSemiAmortizedVAE,
    SequentialVAE,
)
from sklid.metrics import active_units, collapse_report, log_likelihood
from sklid.nn.sequences import SequenceModel, TokenSequences
from sklid.plots import LatentTraversalDisplay, ReconstructionDisplay

ANIMALS, PLACES = ("cat", "dog", "cow"), ("sun", "sea")
TEXTS = [f"the {animal} sees the {place} ." for animal in ANIMALS for place in PLACES]
MANY = TEXTS * 40
SMALL = {"n_components": 2, "hidden_size": 16, "embedding_size": 8, "learning_rate": 1e-2, "random_state": 0}
QUICK = SMALL | {"max_epochs": 2, "n_importance_samples": 5}

pytestmark = pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")  # a few epochs on a few documents


@pytest.fixture(scope="module")
def fitted():
    return LIDSVAE(max_epochs=100, **SMALL | {"n_components": 3}).fit(MANY)


@pytest.fixture(scope="module")
def quick():
    return LIDSVAE(**QUICK).fit(MANY)


def test_a_document_is_decoded_from_its_embedding(fitted):
    expected = [text.replace(" .", ".") for text in TEXTS]
    assert fitted.predict(TEXTS) == expected
    assert fitted.inverse_transform(fitted.transform(TEXTS)) == expected
    assert copy.deepcopy(fitted).set_params(beam_size=4).predict(TEXTS) == expected


def test_six_documents_as_probable_as_each_other_have_a_perplexity_little_above_that_of_six_sides(fitted):
    """Seven numbers a document, its end among them: the sixth of a chance a document is 6^(1/7) a word."""
    least = 6 ** (1 / 7)
    assert least <= fitted.perplexity(TEXTS) < 1.7 * least
    assert fitted.perplexity(TEXTS) == pytest.approx(np.exp(-fitted.score(TEXTS) / 7), rel=1e-6)


def test_every_latent_is_active_and_the_report_has_a_view_of_documents(fitted):
    assert active_units(fitted, TEXTS).fraction == 1
    assert "3 of 3 latents active" in str(collapse_report(fitted, TEXTS))
    assert log_likelihood(fitted, TEXTS).value == pytest.approx(fitted.score(TEXTS), abs=0.2)


SURPRISES = ["the cat sees the sun", "the zebra sees the sea .", "", "zebra", "sun sun sun the"]


@pytest.mark.parametrize(
    "made",
    [
        lambda n: LIDSVAE(**SMALL | {"n_components": n}),
        lambda n: LIDSVAE(encoder="both", **SMALL | {"n_components": n}),
        lambda n: SequentialVAE(encoder="bow", **SMALL | {"n_components": n}),
    ],
)
@pytest.mark.parametrize(("texts", "n_components"), [(MANY, 9), (TEXTS[:2] * 20, 5), (["the"] * 30, 2)])
def test_documents_unlike_those_of_the_fit_have_embeddings_and_scores_of_ordinary_size(made, texts, n_components):
    """Even with more latents than the documents of the fit differ in."""
    model = made(n_components).fit(texts)
    Z = model.transform(SURPRISES)
    assert np.abs(Z).max() < 10
    assert model.score_samples(SURPRISES).min() > -200
    assert np.isfinite(model.perplexity(SURPRISES))


def test_next_to_a_temperature_of_zero_the_most_probable_words_are_drawn(fitted):
    for temperature in (1e-3, 1e-40, 1e-300):
        assert set(fitted.sample(20, temperature)) <= {text.replace(" .", ".") for text in TEXTS}


def test_scores_depend_neither_on_other_documents_nor_on_their_lengths(quick):
    alone = np.concatenate([quick.score_samples([text]) for text in [*TEXTS, "the"]])
    np.testing.assert_allclose(quick.score_samples([*TEXTS, "the"]), alone, rtol=1e-5)
    backwards = quick.score_samples(["the", *TEXTS[::-1], "the cat " * 10])[1:-1][::-1]
    np.testing.assert_allclose(backwards, alone[:-1], rtol=1e-5)


def test_the_latent_of_any_words_logits_is_found_exactly(fitted):
    z = np.random.default_rng(0).standard_normal((6, 3)).astype(np.float32)
    view = fitted.view(TEXTS)
    with torch.no_grad():
        logits = view.model.natural_parameters(torch.from_numpy(z), view.rows)
    for t in (0, 3):
        np.testing.assert_allclose(fitted.invert(logits[:, t].log_softmax(-1).numpy()), z, atol=1e-4)
    with pytest.raises(ValueError, match="logits have 3 columns, and there are 10 words"):
        fitted.invert(np.zeros((2, 3)))


def test_the_certificate_is_r_and_a_reason_why_there_is_no_floor_in_nats(quick):
    assert quick.inverse_lipschitz_ == 1.0
    assert np.isnan(quick.mutual_information_lower_bound_)
    assert "no floor" in quick.mutual_information_lower_bound_reason_


def test_embeddings_serve_in_pipelines_and_searches():
    y = np.tile(np.repeat([0, 1, 2], 2), 40)
    pipeline = make_pipeline(LIDSVAE(**QUICK | {"max_epochs": 10}), LogisticRegression())
    assert pipeline.fit(MANY, y).score(MANY, y) > 0.9
    search = GridSearchCV(LIDSVAE(**QUICK), {"inverse_lipschitz": [0.5, 2.0]}, cv=2).fit(MANY)
    assert search.best_params_["inverse_lipschitz"] in (0.5, 2.0)


def test_a_fit_is_repeated_bit_for_bit_and_survives_a_pickle(quick, tmp_path):
    again = clone(quick).fit(MANY)
    np.testing.assert_array_equal(again.transform(TEXTS), quick.transform(TEXTS))
    joblib.dump(quick, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib")
    np.testing.assert_array_equal(loaded.score_samples(TEXTS), quick.score_samples(TEXTS))
    assert loaded.sample(3) == quick.sample(3)


def test_names_of_outputs_and_the_vocabulary_are_there(quick):
    assert quick.get_feature_names_out().tolist() == ["lidsvae0", "lidsvae1"]
    assert quick.vocabulary_[0] == "the"
    assert set(quick.vocabulary_) == set(" ".join(TEXTS).split())


@pytest.mark.parametrize("told", [{"encoder": "rnn"}, {"encoder": "both", "rnn": "gru"}, {"maps": 1},
                                  {"word_dropout": 0.5}, {"objective": "iwae", "n_samples_train": 2},
                                  {"early_stopping": True}, {"max_length": 3}, {"activation": "softplus"},
                                  {"decoder": "brenier", "hidden_size": 4}])  # fmt: skip
def test_every_kind_of_model_fits_embeds_scores_and_decodes(told):
    model = LIDSVAE(**QUICK | told).fit(MANY)
    assert np.isfinite(model.transform(TEXTS)).all()
    assert np.isfinite(model.score_samples(TEXTS)).all()
    assert all(isinstance(text, str) for text in [*model.predict(TEXTS), *model.sample(2)])


def test_training_goes_on_by_partial_fit_and_by_a_warm_start():
    model = LIDSVAE(**QUICK)
    for start in range(0, 240, 60):
        model.partial_fit(MANY[start : start + 60])
    assert model.n_iter_ == 4
    warm = LIDSVAE(warm_start=True, **QUICK).fit(MANY)
    first = warm.score(TEXTS)
    assert warm.fit(MANY).n_iter_ == 4
    assert warm.score(TEXTS) > first
    with pytest.raises(ValueError, match="at least n_components \\+ 1 = 3, got 2"):
        LIDSVAE(**QUICK).partial_fit(MANY[:2])


def test_rows_of_whole_numbers_are_documents_and_come_back_as_such():
    rows = np.array([[5, 9, 9], [9, 5, -1], [5, 5, 9], [9, -1, -1]] * 20)
    model = LIDSVAE(**QUICK).fit(rows)
    assert sorted(model.vocabulary_) == [5, 9]
    assert np.isfinite(model.score_samples([[5, 9], [9, 9, 9, 9]])).all()
    assert all(set(row) <= {5, 9} for row in model.predict(rows[:4]))


def test_a_corpus_may_come_from_a_generator(quick):
    model = clone(quick).fit(text for text in MANY)
    np.testing.assert_array_equal(model.transform(text for text in TEXTS), quick.transform(TEXTS))


def test_documents_of_unknown_words_empty_and_too_long_ones_are_embedded(quick):
    Z = quick.transform(["zebra zebra", "", "the " * 500])
    assert np.isfinite(Z).all()
    cut = clone(quick).set_params(max_length=3).fit(MANY)
    np.testing.assert_array_equal(cut.transform(["the cat sees me"]), cut.transform(["the cat sees the sun"]))
    assert all(len(text.split()) <= 3 for text in cut.predict(TEXTS))


def test_an_interpolation_ends_at_both_documents(fitted):
    line = fitted.interpolate(TEXTS[0], TEXTS[-1], 4)
    assert len(line) == 4
    assert [line[0], line[-1]] == fitted.predict([TEXTS[0], TEXTS[-1]])
    with pytest.raises(ValueError, match="n == 1, must be >= 2"):
        fitted.interpolate(TEXTS[0], TEXTS[1], 1)


def test_draws_are_the_same_at_each_call_and_cold_ones_more_probable(fitted):
    assert fitted.sample(4) == fitted.sample(4)
    assert fitted.perplexity(fitted.sample(50, temperature=0.01)) < fitted.perplexity(fitted.sample(50))
    for temperature in (0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="temperature.*must be"):
            fitted.sample(1, temperature)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"n_components": 10}, "n_components=10 latents into the 9 natural parameters of 10 words"),
        ({"decoder": "brenier"}, "n_components=2 and hidden_size=16 are more than the 9 natural parameters"),
        ({"device": "cuda:7"}, "cuda:7"),
        ({"decoder": "none"}, "'decoder' parameter"),
        ({"dropout": 1.0}, "'dropout' parameter"),
    ],
)
def test_what_does_not_fit_the_words_or_the_machine_is_refused_with_what_to_do(told, message):
    with pytest.raises(ValueError, match=message):
        LIDSVAE(**QUICK | told).fit(MANY)


def test_a_failed_fit_leaves_the_last_one(quick):
    before = quick.transform(TEXTS)
    with pytest.raises(TypeError, match="Document 1"):
        quick.fit(["the cat", 3.5])
    np.testing.assert_array_equal(quick.transform(TEXTS), before)


def test_a_language_model_scores_exactly_whatever_it_draws():
    model = LanguageModel(**{name: value for name, value in QUICK.items() if name != "n_components"}).fit(MANY)
    view = model.view(TEXTS)
    with torch.no_grad():
        logits = view.model.decoder(torch.zeros(6, 1), view.rows)
        expected = TokenSequences(logits).log_prob(view.rows)
    np.testing.assert_allclose(model.score_samples(TEXTS), expected, rtol=1e-5)
    with pytest.raises(ValueError, match="has no latent variable: leave n_components=3"):
        LanguageModel(n_components=3).fit(MANY)


@pytest.mark.parametrize("encoder", ["rnn", "bow", "both"])
def test_the_classical_counterpart_has_the_same_questions(encoder):
    model = SequentialVAE(encoder=encoder, **QUICK).fit(MANY)
    assert np.isfinite(model.score_samples(TEXTS)).all()
    assert model.transform(TEXTS).shape == (6, 2)
    assert len(model.predict(TEXTS)) == 6


@pytest.mark.parametrize(
    ("Competitor", "told"),
    [
        (SequentialBetaVAE, {"beta": 0.1}),
        (SequentialFreeBitsVAE, {"free_bits": 0.5}),
        (SequentialLaggingVAE, {"max_encoder_steps": 3}),
        (SequentialSemiAmortizedVAE, {"n_refinements": 3}),
    ],
)
@pytest.mark.parametrize("encoder", ["rnn", "bow"])
def test_competitors_on_documents_have_the_same_questions(Competitor, told, encoder):
    model = Competitor(encoder=encoder, **QUICK, **told).fit(MANY)
    assert np.isfinite(model.score_samples([*TEXTS, "the"])).all()
    np.testing.assert_allclose(model.transform(["the", *TEXTS])[1:], model.transform(TEXTS), atol=1e-5)
    assert len(model.predict(TEXTS)) == 6


def test_refinement_raises_the_bound_of_each_document_on_average():
    plain = SequentialVAE(encoder="bow", **QUICK).fit(MANY)
    refined = SequentialSemiAmortizedVAE(encoder="bow", n_refinements=20, **QUICK).fit(MANY)
    start = refined.net_.module_.posterior(refined.view(TEXTS).rows)
    rows, noise = refined.view(TEXTS).rows, torch.randn(200, 6, 2)
    with torch.no_grad():
        before, after = (
            refined.net_.module_.bound(q, rows, noise).elbo() for q in (start, refined.net_.module_.encode(rows))
        )
    assert after.mean() > before.mean()
    assert plain.n_iter_ == refined.n_iter_


def test_more_documents_than_are_screened_for_collapse_are_fitted_without_a_failed_diagnosis():
    texts = [f"{word} {other} ." for word in "abc" for other in "def"] * 300
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        LIDSVAE(2, hidden_size=4, embedding_size=2, max_epochs=1, random_state=0).fit(texts)
    assert not any("could not be measured" in str(warning.message) for warning in heard)


def test_drawn_words_that_are_not_known_are_read_as_such_again(quick):
    numbers = LIDSVAE(max_features=3, **QUICK).fit([[1, 2, 3], [3, 2], [2, 2, 1], [4, 5, 6, 4, 5]] * 20)
    drawn = [row for row in numbers.sample(200) if max(row, default=0) > max(numbers.vocabulary_)]
    assert drawn
    known = numbers.view(drawn).rows
    assert bool(((known == 1).sum(1) > 0).all())
    model = LIDSVAE(max_features=4, **QUICK).fit(TEXTS * 20)
    assert model.view(["<unk> the <unk>"]).rows.tolist() == [[1.0, *model.view(["the"]).rows[0, :1].tolist(), 1.0, 0.0]]
    assert "<unk>" not in LIDSVAE(**QUICK).fit([*TEXTS, "the <unk> sees"] * 10).vocabulary_


@pytest.mark.parametrize(
    ("documents", "error", "message"),
    [
        (
            [[1, 2]],
            TypeError,
            "words are whole numbers, and those of the documents before, or of the fit, are str",
        ),
        ([["the cat sees"]], ValueError, "a list of one word with spaces in it"),
        ([[1, -1, 2]], ValueError, "holds -1 before its last word"),
        (np.ma.masked_array([[1, 2]], [[False, True]]), ValueError, "numpy forgets masks"),
    ],
)
def test_documents_of_another_kind_than_those_of_the_fit_are_refused(quick, documents, error, message):
    with pytest.raises(error, match=message):
        quick.transform(documents)


def test_documents_of_two_kinds_are_refused_in_one_fit():
    with pytest.raises(TypeError, match="Document 2 is .* whose words are whole numbers"):
        LIDSVAE(**QUICK).fit([*TEXTS[:2], [1, 2]])


def test_a_generator_serves_in_a_pipeline():
    embedded = LIDSVAE(**QUICK).fit_transform(iter(TEXTS * 5))
    assert embedded.shape == (5 * len(TEXTS), 2)


def test_arrow_strings_are_documents(quick):
    arrow = pytest.importorskip("pyarrow")
    np.testing.assert_array_equal(quick.transform(arrow.array(TEXTS)), quick.transform(TEXTS))


def test_more_maps_than_the_paper_has_are_refused_with_its_decoder():
    with pytest.raises(ValueError, match="maps=3 is more than the g1 and g2"):
        LIDSVAE(decoder="brenier", maps=3, **QUICK).fit(TEXTS * 10)


def test_a_learning_rate_that_ruins_the_model_is_told_and_the_bound_is_that_of_the_weights_kept():
    model = LanguageModel(hidden_size=16, embedding_size=8, learning_rate=1e6, max_epochs=3, random_state=0)
    with pytest.warns(ConvergenceWarning, match="diverged"):
        model.fit(TEXTS * 20)
    assert not model.converged_
    assert model.score(TEXTS) > 3 * model.lower_bound_
    assert model.lower_bound_ > -100


def test_a_collapsed_model_is_told_without_passes_through_its_decoder(monkeypatch):
    """To look for the cause takes tens of times longer than a training."""
    calls = []
    decode = SequenceModel.decode
    monkeypatch.setattr(SequenceModel, "decode", lambda *args: calls.append(1) or decode(*args))
    with pytest.warns(CollapseWarning, match=r"injective decoder \(LIDSVAE\).*collapse_report looks for the cause"):
        SequentialVAE(kl_weight=20.0, **QUICK).fit(MANY)
    assert len(calls) <= QUICK["max_epochs"] * -(-len(MANY) // 64) + 10


@pytest.mark.parametrize("Display", [LatentTraversalDisplay, ReconstructionDisplay])
def test_pictures_of_rows_of_numbers_are_refused_for_documents(quick, Display):
    with pytest.raises(TypeError, match="draws rows of numbers, and LIDSVAE decodes latents to others"):
        Display.from_estimator(quick, TEXTS)
