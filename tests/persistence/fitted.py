"""Small fitted models of every class that a file may hold, in many configurations, and rows to ask them about."""

import contextlib
import warnings
from functools import cache

import numpy as np
import pandas as pd
import polars as pl
from tokenizers import Tokenizer, models, pre_tokenizers

from sklid import LIDSVAE, LIDVAE, IdentifiablePPCA, LIDGMVAEClustering, LIDMVAEClustering, LIDVAEImputer, baselines
from sklid.imputation import imputer

rng = np.random.default_rng(0)
X = (rng.standard_normal((40, 2)) + 3 * rng.integers(0, 2, (40, 1))) @ rng.standard_normal((2, 4))
X += 0.3 * rng.standard_normal(X.shape)
GAPS = np.where(rng.random(X.shape) < 0.1, np.nan, X)
COUNTS = rng.poisson(np.exp(X / 4)).astype(float) * (rng.random(X.shape) < 0.8)
CODES = rng.integers(0, 3, X.shape).astype(float)
CODES[:, 3] = 1.0
CODES[0] = [2, 1, 2, 1]
SHARES = 1 / (1 + np.exp(-X))
FRAME = pd.DataFrame(
    {
        "length": GAPS[:, 0],
        "colour": np.where(X[:, 1] > 0, "red", "blue"),
        "count": pd.array(CODES[:, 0].astype(int), dtype="Int64"),
        "grade": pd.Categorical(np.where(X[:, 2] > 0, "low", "high"), categories=["low", "high", "top"], ordered=True),
        "alive": X[:, 3] > 0,
    }
)
POLARS = pl.DataFrame(
    {
        "length": X[:, 0],
        "colour": pl.Series(FRAME["colour"].tolist(), dtype=pl.Enum(["red", "blue", "green"])),
        "count": CODES[:, 0].astype(int),
    }
)
LABELLED = pd.DataFrame(X, columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1), ("b", 2)]))
OBJECTS = np.column_stack([X[:, :1].astype(object), FRAME[["colour"]].to_numpy(dtype=object)])
PLACES = pd.DataFrame(
    {
        "visits": COUNTS[:, 0],
        "years": np.exp(X[:, 1] / 4),
        "stays": np.where(np.arange(40) % 9, COUNTS[:, 1], np.nan),
        "site": np.where(X[:, 2] > 0, "north", "south"),
        "calls": COUNTS[:, 2],
        "ward": pd.Categorical(np.where(X[:, 3] > 0, 7, 3), categories=[3, 5, 7], ordered=True),
        "urgent": X[:, 0] > 0,
        "age": X[:, 3],
    }
)
"""Counts, their exposure, and covariates of every kind."""
OF_PLACES = ("site", "ward", "urgent", "age")
PLACES_OF_POLARS = pl.DataFrame({name: values.tolist() for name, values in PLACES.items()})
NUMBERED = np.column_stack([np.exp(X[:, 0] / 4), COUNTS[:, :2], X[:, 1], COUNTS[:, 2:]])
LISTED = PLACES[["visits", "site", "calls", "urgent"]].to_numpy(dtype=object)
LEVELLED = pd.DataFrame(NUMBERED, columns=pd.MultiIndex.from_product([("a", "b"), (1, 2, 3)]))
TEXTS = [f"the {animal} sees the {thing} ." for animal in ("cat", "dog", "cow") for thing in ("sun", "sea")] * 3
NUMBERS = [rng.integers(0, 6, 5) for _ in range(20)]
IMAGES = rng.random((20, 16))

FAST = {"max_epochs": 3, "n_importance_samples": 5, "random_state": 0}
SMALL = {"n_components": 2, "decoder_width": 8, "encoder_width": 8, **FAST}
CLUSTERS = {"k": 2, "n_init": 2, **SMALL}
WORDS = {"n_components": 2, "hidden_size": 8, "embedding_size": 4, "dropout": 0.0, **FAST}
TOLD = {"LaggingVAE": {"max_encoder_steps": 2}, "SequentialLaggingVAE": {"max_encoder_steps": 2}}
TOLD |= {name: {"n_refinements": 2} for name in ("SemiAmortizedVAE", "SequentialSemiAmortizedVAE")}
POSITIVE = {"init": "random", "covariance_type": "diag"}


def words_of_one_letter():
    tokenizer = Tokenizer(models.WordLevel({"the": 0, "cat": 1, "sun": 2, "sees": 3, "<unk>": 4}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


def gap_after_all(model):
    return model.partial_fit(X).partial_fit(GAPS)


def gap_in_last(model):
    gaps = NUMBERED.copy()
    gaps[::5, 5] = np.nan
    return model.partial_fit(NUMBERED).partial_fit(gaps)


def twice(model):
    return model.fit(X).fit(X)


def in_parts(model):
    return model.partial_fit(X[:25]).partial_fit(X[25:])


def changed(model):
    return model.fit(X).set_params(decoder_width=16, n_components=3, maps=2, random_state=5)


def output_to_pandas(model):
    return model.set_output(transform="pandas").fit(pd.DataFrame(X, columns=list("abcd")))


MADE = {
    "LIDVAE": (lambda: LIDVAE(**SMALL), X),
    "paper": (lambda: LIDVAE(decoder="brenier", **SMALL), X),
    "icnn": (lambda: LIDVAE(decoder="brenier", potential="icnn", skip_connections=True, maps=1, **SMALL), X),
    "one map": (lambda: LIDVAE(maps=1, embedding="identity", activation="softplus", **SMALL), X),
    "flow": (lambda: LIDVAE(posterior="flow", **SMALL), X),
    "plain encoder": (lambda: LIDVAE(encoder="plain", noise="feature", scale=None, **SMALL), X.astype(np.float32)),
    "iwae": (lambda: LIDVAE(objective="iwae", n_samples_train=3, scale="column", **SMALL), X),
    "early": (lambda: LIDVAE(early_stopping=True, weight_decay=1e-4, kl_warmup=0.5, **SMALL), X),
    "warm": (lambda: LIDVAE(warm_start=True, **SMALL), X, twice),
    "in parts": (lambda: LIDVAE(**SMALL), X, in_parts),
    "gaps": (lambda: LIDVAE(**SMALL), GAPS),
    "gaps later": (lambda: LIDVAE(**SMALL), GAPS, gap_after_all),
    "changed": (lambda: LIDVAE(**SMALL), X, changed),
    "random state": (lambda: LIDVAE(**{**SMALL, "random_state": np.random.RandomState(3)}), X),
    "set_output": (lambda: LIDVAE(**SMALL), pd.DataFrame(X, columns=list("abcd")), output_to_pandas),
    "numpy parameters": (
        lambda: LIDVAE(**{**SMALL, "n_components": np.int64(2), "learning_rate": np.float32(0.01)}),
        X,
    ),
    "images": (lambda: LIDVAE(encoder="conv", image_shape=(4, 4), augment="shift", **SMALL), IMAGES),
    "frame": (lambda: LIDVAE(likelihood="auto", **SMALL), FRAME),
    "labels": (lambda: LIDVAE(likelihood="auto", **SMALL), LABELLED),
    "polars": (lambda: LIDVAE(likelihood={"count": "ordinal"}, **SMALL), POLARS),
    "objects": (lambda: LIDVAE(likelihood=["gaussian", "auto"], **SMALL), OBJECTS),
    "gaussian embedding": (
        lambda: LIDVAE(likelihood="auto", embedding="gaussian", **{**SMALL, "n_components": 1}),
        FRAME,
    ),
    "library": (lambda: LIDVAE(likelihood="negative_binomial", offset="library", **SMALL), COUNTS),
    "library, gaps": (
        lambda: LIDVAE(likelihood="poisson", offset="library", **SMALL),
        np.where(np.arange(40)[:, None] % 7, COUNTS, np.where(np.arange(4) == 1, np.nan, COUNTS)),
    ),
    "exposure": (lambda: LIDVAE(likelihood="poisson", offset=0, covariates=[3], **SMALL), NUMBERED),
    "exposure later gaps": (
        lambda: LIDVAE(likelihood="poisson", offset=[0, "library"], covariates=3, **SMALL),
        NUMBERED,
        gap_in_last,
    ),
    "covariates": (
        lambda: LIDVAE(likelihood="auto", offset=["years", "library"], covariates=list(OF_PLACES), **SMALL),
        PLACES,
    ),
    "covariates, one family": (
        lambda: LIDVAE(likelihood="poisson", offset="years", covariates=OF_PLACES, **SMALL),
        PLACES,
    ),
    "covariates, polars": (
        lambda: LIDVAE(likelihood="poisson", offset="years", covariates=["urgent", "site", "ward", "age"], **SMALL),
        PLACES_OF_POLARS,
    ),
    "covariates, objects": (lambda: LIDVAE(likelihood="poisson", covariates=[3, 1], **SMALL), LISTED),
    "covariates, truth values": (
        lambda: LIDVAE(likelihood="bernoulli", covariates=1, **SMALL),
        X > 0,
    ),
    "covariates, levels": (lambda: LIDVAE(likelihood="auto", offset=[("a", 1)], covariates=[3], **SMALL), LEVELLED),
    "covariates, mixture": (
        lambda: LIDGMVAEClustering(likelihood="poisson", offset="years", covariates=OF_PLACES, **CLUSTERS),
        PLACES,
    ),
    "covariates, embedding": (
        lambda: LIDVAE(likelihood="auto", embedding="gaussian", covariates="colour", **{**SMALL, "n_components": 1}),
        FRAME,
    ),
    "covariates, baseline": (lambda: baselines.VAE(covariates=["d"], **SMALL), pd.DataFrame(X, columns=list("abcd"))),
    "LIDGMVAEClustering": (lambda: LIDGMVAEClustering(**CLUSTERS), X),
    "auto": (lambda: LIDGMVAEClustering(**{**CLUSTERS, "k": "auto"}), np.vstack([X, X + 0.1, X - 9, X + 9, X - 20])),
    "joint": (lambda: LIDGMVAEClustering(inference="joint", covariance_type="tied", **CLUSTERS), GAPS),
    "fixed": (
        lambda: LIDGMVAEClustering(
            init=3 * np.eye(2), cluster_means="fixed", mixture_weights="uniform", covariance_type="diag", **CLUSTERS
        ),
        X,
    ),
    "spherical": (lambda: LIDGMVAEClustering(init="gmm", covariance_type="spherical", **CLUSTERS), X),
    "mixture in parts": (lambda: LIDGMVAEClustering(init="kmeans", **CLUSTERS), X, in_parts),
    "laplace": (lambda: LIDMVAEClustering(family="laplace", init="random", **CLUSTERS), X),
    "student_t": (lambda: LIDMVAEClustering(family="student_t", init="random", **CLUSTERS), X),
    "gamma": (lambda: LIDMVAEClustering(family="gamma", **POSITIVE, **CLUSTERS), X),
    "gamma, joint": (lambda: LIDMVAEClustering(family="gamma", inference="joint", **POSITIVE, **CLUSTERS), X),
    "IdentifiablePPCA": (lambda: IdentifiablePPCA(random_state=0), X),
    "em": (lambda: IdentifiablePPCA(2, solver="em", random_state=0), GAPS),
    "gradient": (lambda: IdentifiablePPCA(2, solver="gradient", random_state=0), X),
    "known noise": (lambda: IdentifiablePPCA(2, solver="gradient", noise_variance=0.1, random_state=0), X),
    "factors": (lambda: IdentifiablePPCA(1, noise="feature", random_state=0), X.astype(np.float32)),
    "batches": (lambda: IdentifiablePPCA(2, random_state=0), X, in_parts),
    "LIDSVAE": (lambda: LIDSVAE(**WORDS), TEXTS),
    "paper, text": (
        lambda: LIDSVAE(decoder="brenier", encoder="both", rnn="gru", maps=1, **{**WORDS, "hidden_size": 4}),
        TEXTS,
    ),
    "numbers": (lambda: LIDSVAE(encoder="rnn", max_length=3, **WORDS), NUMBERS),
    "tokenizer": (lambda: LIDSVAE(tokenizer=words_of_one_letter(), **WORDS), TEXTS),
    "LIDVAEImputer": (lambda: LIDVAEImputer(random_state=0), GAPS),
    "linear imputer": (lambda: LIDVAEImputer("linear", sample_posterior=True, random_state=0), GAPS),
}
TABLES = {"poisson": COUNTS, "negative_binomial": COUNTS, "zero_inflated_poisson": COUNTS}
TABLES |= {"zero_inflated_negative_binomial": COUNTS, "categorical": CODES, "ordinal": CODES}
TABLES |= {"bernoulli": SHARES, "continuous_bernoulli": SHARES, "log_normal": SHARES + 0.1}
MADE |= {name: (lambda name=name: LIDVAE(likelihood=name, **SMALL), rows) for name, rows in TABLES.items()}


def baseline(name):
    cls = getattr(baselines, name)
    told = TOLD.get(name, {})
    if name == "GMVAE":
        return lambda: cls(**CLUSTERS), X
    if "Sequential" in name or name == "LanguageModel":
        sizes = {**WORDS, "n_components": None} if name == "LanguageModel" else WORDS
        return lambda: cls(**sizes, **told), TEXTS
    return lambda: cls(**SMALL, **told), X


MADE |= {name: baseline(name) for name in baselines.__all__}


@contextlib.contextmanager
def short_imputation():
    before, imputer.N_STEPS = imputer.N_STEPS, 2
    imputer.LEAST_EPOCHS, least = 2, imputer.LEAST_EPOCHS
    try:
        yield
    finally:
        imputer.N_STEPS, imputer.LEAST_EPOCHS = before, least


@cache
def fitted(name):
    """A fitted model, which is fitted once, and the rows of its fit."""
    make, rows, *how = MADE[name]
    with warnings.catch_warnings(), short_imputation():
        warnings.simplefilter("ignore")
        model = how[0](make()) if how else make().fit(rows)
    return model, rows


QUESTIONS = (
    "transform",
    "predict",
    "predict_proba",
    "score_samples",
    "invert",
    "kl_lower_bound",
    "min_fisher_eigenvalue",
    "impute",
    "perplexity",
)
ATTRIBUTES = ("inverse_lipschitz_", "mutual_information_lower_bound_", "lower_bound_", "labels_", "n_clusters_reason_")


def answers(model, rows):
    """What a fitted model says of rows and of itself, and what it draws: text and arrays by name."""
    found = {}
    for name in (*QUESTIONS, *ATTRIBUTES, "sample", "inverse_transform"):
        try:
            value = getattr(model, name)
            if name in QUESTIONS:
                value = value(rows)
            elif name == "sample":
                value = value(5)
            elif name == "inverse_transform":
                value = value(np.asarray(found["transform"])) if "transform" in found else None
        except Exception as error:  # whatever is refused is to be refused again, in the same words
            value = f"{type(error).__name__}: {error}"
        found[name] = value
    return found


def is_same(one, other):
    """Bit for bit, whatever it is."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        same = one.dtype == other.dtype and one.shape == other.shape
        return same and (one.tolist() == other.tolist() if one.dtype == object else one.tobytes() == other.tobytes())
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
        return True
    if isinstance(one, pl.DataFrame):
        return one.equals(other)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(is_same, one, other))
    return one == other or one != one
