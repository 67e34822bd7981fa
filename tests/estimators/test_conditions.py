"""Estimators of rows given exposures and covariates: what they find, what they answer, and what comes back."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklid import LIDVAE, LIDGMVAEClustering, LIDMVAEClustering
from sklid.baselines import BNVAE, GMVAE, VAE, LaggingVAE, SemiAmortizedVAE
from sklid.exceptions import UnknownCategoryWarning
from sklid.metrics import active_units, collapse_report, informative_units, mutual_information

QUICK = {"max_epochs": 3, "decoder_width": 16, "encoder_width": 16, "random_state": 0}
GIVEN = {"likelihood": "poisson", "offset": "years", "covariates": ["site", "age"]}

pytestmark = pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")


def events(n=300, seed=0):
    """Counts of four kinds that depend on one number, on years under observation, on a site and on an age."""
    random = np.random.default_rng(seed)
    t, age = random.standard_normal(n), random.normal(50, 10, n)
    years, site = random.uniform(0.2, 5, n), random.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2])
    eta = np.log([1.0, 2.0, 0.5, 3.0]) + np.outer(t, [0.6, -0.5, 0.4, 0.3]) + np.log(years)[:, None]
    eta += np.outer(site == "b", [0.8, 0.8, -0.8, 0.0]) + np.outer((age - 50) / 10, [0.4, 0.0, 0.0, -0.4])
    frame = pd.DataFrame(random.poisson(np.exp(eta)), columns=list("wxyz"))
    frame.insert(1, "years", years)
    return frame.assign(site=site, age=age), t


FRAME, T = events()
NUMBERS = np.column_stack([FRAME[list("wxyz")], FRAME["years"], FRAME["age"]]).astype(float)


@pytest.fixture(scope="module")
def fitted():
    return LIDVAE(1, max_epochs=60, decoder_width=32, encoder_width=32, random_state=0, **GIVEN).fit(FRAME)


def test_what_the_columns_share_beside_exposure_and_covariates_is_found(fitted):
    Z = fitted.transform(FRAME)[:, 0]
    assert abs(np.corrcoef(Z, T)[0, 1]) > 0.75
    for other in (np.log(FRAME["years"]), FRAME["age"], FRAME["site"] == "b"):
        assert abs(np.corrcoef(Z, other)[0, 1]) < 0.25


def test_the_effect_of_a_covariate_is_that_of_a_poisson_regression(fitted):
    """Between rows of one latent the log-means differ by the effects that the counts were drawn with."""
    first = FRAME.iloc[[0]].assign(years=1.0, site="a", age=50.0)
    z = torch.zeros(1, 1)

    def log_mean(frame):
        view = fitted.view(frame)
        return view.model.natural_parameters(z, view.given).detach().numpy()[0]

    site = log_mean(first.assign(site="b")) - log_mean(first)
    np.testing.assert_allclose(site, [0.8, 0.8, -0.8, 0.0], atol=0.3)
    np.testing.assert_allclose(log_mean(first.assign(age=60.0)) - log_mean(first), [0.4, 0, 0, -0.4], atol=0.15)
    np.testing.assert_allclose(log_mean(first.assign(years=7.0)) - log_mean(first), np.log(7), rtol=1e-5)


def test_exposures_in_another_unit_make_the_same_model():
    models = [LIDVAE(1, likelihood="poisson", offset=4, **QUICK) for _ in range(2)]
    months = NUMBERS[:, :5] * [1, 1, 1, 1, 8]
    first, second = models[0].fit(NUMBERS[:, :5]), models[1].fit(months)
    np.testing.assert_allclose(first.transform(NUMBERS[:, :5]), second.transform(months), atol=1e-4)
    np.testing.assert_allclose(first.score_samples(NUMBERS[:, :5]), second.score_samples(months), atol=1e-3)


@pytest.mark.parametrize("Estimator", [LIDVAE, VAE])
def test_counts_in_the_same_proportions_have_the_same_latents_given_their_library(Estimator):
    rows = NUMBERS[:, :4][NUMBERS[:, :4].sum(1) > 0]
    model = Estimator(1, likelihood="negative_binomial", offset="library", **QUICK).fit(rows)
    np.testing.assert_allclose(model.transform(2 * rows), model.transform(rows), atol=1e-5)
    np.testing.assert_allclose(model.predict(2 * rows), 2 * model.predict(rows), rtol=1e-5)


def test_means_are_in_proportion_to_exposure(fitted):
    view, twice = fitted.view(FRAME), fitted.view(FRAME.assign(years=2 * FRAME["years"]))
    z = torch.randn(len(FRAME), 1)
    means = [each.model.decode(z, each.given).mean.detach() for each in (view, twice)]
    torch.testing.assert_close(2 * means[0], means[1])


def test_a_score_is_the_log_density_of_the_counts_given_the_rest(fitted):
    model = pickle.loads(pickle.dumps(fitted)).set_params(n_importance_samples=4000)
    view, z = model.view(FRAME[:20]), torch.linspace(-7, 7, 4001).unsqueeze(1)
    with torch.no_grad():
        joint = view.model.decode(z.unsqueeze(1), view.given).log_prob(view.features)
        exact = (joint + view.model.prior().log_prob(z).unsqueeze(1)).double().logsumexp(0) + np.log(14 / 4000)
    errors = model.score_samples(FRAME[:20]) - exact.numpy()
    assert errors.max() < 0.1  # where the encoder is too sure the bound is loose, and only from below
    np.testing.assert_allclose(np.median(errors), 0, atol=0.03)


def test_inverse_round_trips_given_exposure_and_covariates(fitted):
    Z = fitted.transform(FRAME).astype(np.float64)
    model = pickle.loads(pickle.dumps(fitted)).set_output(transform="pandas")
    np.testing.assert_allclose(fitted.invert(model.inverse_transform(Z)), Z, atol=1e-4)
    np.testing.assert_allclose(fitted.invert(model.predict(FRAME)), Z, atol=1e-4)
    assert fitted.inverse_lipschitz_ == 1.0
    assert (fitted.min_fisher_eigenvalue(FRAME) > 0).all()


def test_inverse_of_means_at_the_typical_library():
    rows = NUMBERS[:, :4]
    model = LIDVAE(1, likelihood="negative_binomial", offset="library", **QUICK).fit(rows)
    Z = np.linspace(-2, 2, 5)[:, None]
    np.testing.assert_allclose(model.invert(model.inverse_transform(Z)), Z, atol=1e-5)


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_columns_come_back_at_their_places_as_they_came(container):
    frame = FRAME if container == "pandas" else pytest.importorskip("polars").from_pandas(FRAME)
    model = LIDVAE(1, **GIVEN, **QUICK).set_output(transform=container).fit(frame)
    for found in (model.predict(frame), model.impute(frame)):
        assert type(found) is type(frame)
        assert list(found.columns) == list(FRAME.columns)
        for name in ("years", "site", "age"):
            assert list(found[name]) == list(FRAME[name])
    drawn = model.sample(3)
    assert list(drawn.columns) == list(FRAME.columns)
    assert list(drawn["site"]) == ["a"] * 3
    np.testing.assert_allclose(drawn["years"], np.median(FRAME["years"]))
    np.testing.assert_allclose(model.inverse_transform(np.zeros((2, 1)))["age"], FRAME["age"].mean())


def test_arrays_come_back_with_numbers_or_objects(fitted):
    numbers = LIDVAE(1, likelihood="poisson", offset=4, covariates=[5], **QUICK).fit(NUMBERS)
    found = numbers.predict(NUMBERS)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found[:, 4:], NUMBERS[:, 4:])
    np.testing.assert_array_equal(numbers.impute(NUMBERS), NUMBERS)
    assert numbers.predict(NUMBERS.astype(np.float32)).dtype == np.float32
    assert fitted.predict(FRAME).dtype == object
    draws = numbers.sample_posterior_predictive(NUMBERS, 2)
    np.testing.assert_array_equal(draws, np.stack([NUMBERS] * 2))


def test_gaps_of_counts_are_filled_in_proportion_to_exposure(fitted):
    frame = FRAME.astype({"w": float, "z": float})
    frame.loc[::2, ["w", "z"]] = np.nan
    filled = fitted.impute(frame)
    twice = fitted.impute(frame.assign(years=2 * frame["years"], x=2 * frame["x"], y=2 * frame["y"]))
    assert np.isfinite(filled[::2, [0, 4]].astype(float)).all()
    ratio = twice[::2, 4].astype(float).sum() / filled[::2, 4].astype(float).sum()
    assert ratio == pytest.approx(2, rel=0.15)
    model = LIDVAE(1, **{**GIVEN, "offset": ["library", "years"]}, **QUICK).fit(frame)
    assert np.isfinite(model.score_samples(frame)).all()
    assert np.isfinite(model.impute(frame)[:, [0, 4]].astype(float)).all()


@pytest.mark.parametrize(
    "model",
    [
        LIDVAE(1, decoder="brenier", **QUICK),
        LIDVAE(2, posterior="flow", **QUICK),
        LIDVAE(1, objective="iwae", n_samples_train=2, **QUICK),
        VAE(1, **QUICK),
        BNVAE(1, **QUICK),
        LaggingVAE(1, max_encoder_steps=2, **QUICK),
        SemiAmortizedVAE(1, n_refinements=2, **QUICK),
        LIDGMVAEClustering(2, n_components=1, **QUICK),
        LIDGMVAEClustering(2, n_components=1, inference="joint", **QUICK),
        LIDMVAEClustering(2, n_components=1, family="gamma", covariance_type="diag", **QUICK),
        GMVAE(2, n_components=1, **QUICK),
    ],
    ids=lambda model: repr(model)[:50],
)
def test_every_model_is_conditioned_and_answers_row_by_row(model):
    model.set_params(likelihood="negative_binomial", offset=["library", "years"], covariates=["site", "age"]).fit(FRAME)
    scores = model.score_samples(FRAME)
    assert np.isfinite(scores).all()
    np.testing.assert_allclose([model.score_samples(FRAME[n : n + 1])[0] for n in range(3)], scores[:3], atol=1e-3)
    assert np.isfinite(model.transform(FRAME)).all()
    rows = model.sample(3)
    assert (rows[0] if isinstance(rows, tuple) else rows).shape == (3, FRAME.shape[1])


def test_reports_measure_models_that_are_conditioned(fitted):
    report = collapse_report(fitted, FRAME)
    assert report.verdict == "healthy"
    assert active_units(fitted, FRAME).count == informative_units(fitted, FRAME).count == 1
    assert mutual_information(fitted, FRAME).value > 0.3


def test_mixed_tables_have_exposures_of_counts_and_covariates_of_all():
    random = np.random.default_rng(0)
    site = random.choice(["a", "b"], 300)
    frame = FRAME[["w", "years", "x"]].assign(height=T + 3.0 * (site == "b"), site=site)
    families = {"w": "poisson", "x": "poisson", "height": "gaussian"}
    model = LIDVAE(1, likelihood=families, offset="years", covariates="site", max_epochs=40, random_state=0)
    model = model.set_output(transform="pandas").fit(frame)
    assert model.likelihood_ == families
    Z = model.transform(frame)["lidvae0"]
    assert abs(np.corrcoef(Z, T)[0, 1]) > 0.6
    assert abs(np.corrcoef(Z, site == "b")[0, 1]) < 0.3
    assert list(model.impute(frame).dtypes) == list(frame.dtypes)


def test_an_unknown_category_is_no_category(fitted):
    with pytest.warns(UnknownCategoryWarning, match="'site': 'd'"):
        assert np.isfinite(fitted.score_samples(FRAME.assign(site="d"))).all()


def test_copies_searches_pickles_and_pipelines(fitted):
    assert clone(fitted).get_params() == fitted.get_params()
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.score_samples(FRAME), fitted.score_samples(FRAME))
    search = GridSearchCV(LIDVAE(1, **QUICK, **GIVEN), {"covariates": [None, ["site"]], "offset": ["years"]}, cv=2)
    frame = FRAME.drop(columns="age")
    assert np.isfinite(search.set_params(estimator__likelihood="auto").fit(frame).best_score_)
    pipeline = make_pipeline(FunctionTransformer(), LIDVAE(1, **QUICK, **GIVEN)).fit(FRAME)
    assert pipeline.transform(FRAME).shape == (300, 1)
    again = LIDVAE(1, **QUICK, **GIVEN).partial_fit(FRAME[:100]).partial_fit(FRAME[100:])
    assert np.isfinite(again.score(FRAME))


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"likelihood": "gaussian", "offset": "years"}, "no column has a likelihood of counts"),
        ({"offset": "hours"}, "offset names the column 'hours'"),
        ({"covariates": ["site", "sex"]}, "covariates names the column 'sex'"),
        ({"encoder": "conv"}, "see pixels and nothing else"),
    ],
)
def test_what_cannot_be_is_an_error_by_name(told, message):
    with pytest.raises(ValueError, match=message):
        LIDVAE(1, **{**QUICK, **GIVEN, **told}).fit(FRAME)


def test_errors_of_features_name_columns_of_the_whole_table():
    rows = NUMBERS[:, [4, 0, 1, 2, 3]]
    rows[7, 3] = -1.0
    for likelihood in ("poisson", ["poisson"] * 4):
        with pytest.raises(ValueError, match="column 3"):
            LIDVAE(1, likelihood=likelihood, offset=0, **QUICK).fit(rows)


def test_later_tables_have_the_columns_of_the_fit(fitted):
    with pytest.raises(ValueError, match="feature names"):
        fitted.transform(FRAME.rename(columns={"years": "hours"}))
    with pytest.raises(ValueError, match="The exposure 'years' holds 0 in row 0"):
        fitted.transform(FRAME.assign(years=0.0))
    with pytest.raises(ValueError, match="features"):
        LIDVAE(1, likelihood="poisson", offset=4, **QUICK).fit(NUMBERS[:, :5]).transform(NUMBERS[:, :4])


def test_a_large_memory_map_has_its_conditions_beside_the_counts(tmp_path, monkeypatch):
    monkeypatch.setattr("sklid.data.memory_map.LARGEST_LOADED", 100)
    np.save(tmp_path / "rows.npy", np.ascontiguousarray(NUMBERS))
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    told = {"likelihood": "poisson", "offset": [4, "library"], "covariates": [5], **QUICK}
    found = LIDVAE(1, **told).fit(mapped)
    np.testing.assert_allclose(
        found.score_samples(mapped), LIDVAE(1, **told).fit(NUMBERS).score_samples(NUMBERS), atol=1e-4
    )
    with pytest.raises(ValueError, match="stand among the others"):
        LIDVAE(1, covariates=2, **QUICK).fit(mapped)


@pytest.mark.parametrize("largest_dense", [0, 1 << 24])
@pytest.mark.parametrize("Model", [LIDVAE, VAE])
@pytest.mark.parametrize("format_of", [sparse.csr_array, sparse.csc_matrix])
def test_a_sparse_matrix_has_its_conditions_beside_the_counts(Model, format_of, largest_dense, monkeypatch):
    monkeypatch.setattr("sklid.data.sparse_rows.LARGEST_DENSE", largest_dense)
    rows, told = format_of(NUMBERS), {"likelihood": "poisson", "offset": [4, "library"], "covariates": [5], **QUICK}
    found, dense = Model(1, **told).fit(rows), Model(1, **told).fit(NUMBERS)
    for answer in ("score_samples", "transform", "impute"):
        np.testing.assert_allclose(getattr(found, answer)(rows), getattr(dense, answer)(NUMBERS), rtol=1e-4, atol=1e-4)


def test_a_covariate_that_names_rows_is_an_error():
    with pytest.raises(ValueError, match="The covariate 'site' has 300 categories in 300 rows"):
        LIDVAE(1, **{**QUICK, **GIVEN}).fit(FRAME.assign(site=[f"patient {row}" for row in range(len(FRAME))]))
