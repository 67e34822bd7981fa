"""Every legal configuration on every odd table either answers with finite numbers or says in one line why not.

    python tests/fuzz.py          500 configurations, with the number of each outcome; about 5 minutes
    python tests/fuzz.py 2000     more of them

`test_fuzz.py` runs a hundred, the same each time.
"""

import collections
import random
import sys
import traceback
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning

from sklid import LIDVAE, CollapseWarning, IdentifiablePPCA, LIDGMVAEClustering, LIDMVAEClustering
from sklid.baselines import (
    BNVAE,
    GMVAE,
    VAE,
    BetaVAE,
    DeltaVAE,
    FreeBitsVAE,
    LaggingVAE,
    SemiAmortizedVAE,
    SkipVAE,
)
from sklid.exceptions import NoiseWarning
from sklid.nn import LIKELIHOODS

WORDS_OF = ("/sklid/", "/sklearn/")
"""Errors raised in these packages are worded for users."""


class Case(NamedTuple):
    """An estimator and its rows, or one of the outcomes of their fit."""

    estimator: Any
    table: str
    rows: Any


def normal(rng: np.random.Generator, n_rows: int, n_columns: int) -> np.ndarray:
    return rng.standard_normal((n_rows, n_columns))


TABLES: dict[str, Callable[[np.random.Generator, np.ndarray], Any]] = {
    "normal": lambda rng, X: X,
    "single precision": lambda rng, X: X.astype(np.float32),
    "data frame": lambda rng, X: pd.DataFrame(X).add_prefix("column "),
    "lists": lambda rng, X: X.tolist(),
    "constant column": lambda rng, X: np.column_stack([X[:, 1:], np.ones(len(X))]),
    "all equal": lambda rng, X: np.full_like(X, 3.0),
    "copied column": lambda rng, X: np.column_stack([X, X[:, 0]]),
    "repeated rows": lambda rng, X: np.repeat(X[:3], -(-len(X) // 3), axis=0)[: len(X)],
    "tiny": lambda rng, X: X * 1e-13,
    "huge": lambda rng, X: X * 1e100,
    "too huge": lambda rng, X: X * 1e200,
    "far away": lambda rng, X: X + 1e8,
    "mixed units": lambda rng, X: X * 10.0 ** rng.integers(-6, 7, X.shape[1]),
    "one outlier": lambda rng, X: np.vstack([X[:-1], np.full((1, X.shape[1]), 1e6)]),
    "heavy tails": lambda rng, X: rng.standard_cauchy(X.shape) * 10,
    "sizes": lambda rng, X: np.exp(9 * X),
    "counts": lambda rng, X: rng.poisson(3, X.shape),
    "large counts": lambda rng, X: rng.poisson(1000, X.shape),
    "mostly zero counts": lambda rng, X: rng.poisson(0.05, X.shape),
    "binary": lambda rng, X: (X > 0).astype(float),
    "shares": lambda rng, X: rng.dirichlet(np.ones(X.shape[1]), len(X)),
    "unit interval": lambda rng, X: rng.uniform(size=X.shape),
    "codes": lambda rng, X: rng.integers(0, 4, X.shape),
    "gaps": lambda rng, X: np.where(rng.uniform(size=X.shape) < 0.1, np.nan, X),
    "infinite": lambda rng, X: np.where(rng.uniform(size=X.shape) < 0.05, np.inf, X),
    "integers": lambda rng, X: (X * 100).astype(np.int64),
    "booleans": lambda rng, X: X > 0,
    "Fortran order": lambda rng, X: np.asfortranarray(X),
    "strided": lambda rng, X: np.repeat(X, 2, axis=1)[:, ::2],
}
SUITED = {
    "counts": "poisson",
    "large counts": "negative_binomial",
    "mostly zero counts": "zero_inflated_negative_binomial",
    "sizes": "log_normal",
    "binary": "bernoulli",
    "booleans": "bernoulli",
    "unit interval": "continuous_bernoulli",
    "shares": "continuous_bernoulli",
    "codes": "categorical",
}
"""The likelihood for a table, where it is not the Gaussian."""
NETWORK = {
    "n_components": st.sampled_from([None, 1, 2, 3, 5]),
    "likelihood": st.sampled_from(["gaussian"] * 4 + [name for name in LIKELIHOODS if name != "gaussian"]),
    "noise": st.sampled_from(["global"] * 3 + ["feature"]),
    "scale": st.sampled_from(["auto"] * 3 + ["column", "table", None]),
    "decoder_depth": st.integers(1, 3),
    "decoder_width": st.sampled_from([1, 4, 16]),
    "encoder": st.sampled_from(["principal", "plain"]),
    "encoder_depth": st.integers(1, 2),
    "encoder_width": st.sampled_from([1, 8]),
    "posterior": st.sampled_from(["gaussian"] * 4 + ["flow"]),
    "kl_weight": st.sampled_from([0.0, 0.5, 1.0, 100.0]),
    "kl_warmup": st.sampled_from([0.0, 0.5, 1.0]),
    "n_importance_samples": st.sampled_from([1, 10]),
    "max_epochs": st.integers(1, 4),
    "batch_size": st.sampled_from([1, 7, 256]),
    "learning_rate": st.sampled_from([1e-6, 3e-3, 3e-3, 3e-3, 1.0, 1e3]),
    "weight_decay": st.sampled_from([0.0, 0.1]),
    "early_stopping": st.booleans(),
    "validation_fraction": st.sampled_from([0.1, 0.5]),
    "warm_start": st.booleans(),
}
INJECTIVE = {
    "decoder": st.sampled_from(["section", "section", "brenier"]),
    "inverse_lipschitz": st.sampled_from([1e-3, 0.3, 1.0, 1.0, 10.0]),
    "activation": st.sampled_from(["squareplus", "softplus", "leaky_relu"]),
    "embedding": st.sampled_from(["orthogonal", "identity"]),
    "maps": st.sampled_from([None, 1, 2]),
}
MIXTURE = {
    "k": st.sampled_from([1, 2, 3, 8]),
    "cluster_means": st.sampled_from(["learned", "fixed"]),
    "mixture_weights": st.sampled_from(["learned", "uniform"]),
    "covariance_type": st.sampled_from(["full", "tied", "diag", "spherical"]),
    "init": st.sampled_from(["graph", "gmm", "kmeans", "random"]),
    "n_init": st.sampled_from([1, 2]),
    "inference": st.sampled_from(["marginal", "marginal", "joint"]),
    "pretrain_fraction": st.sampled_from([0.0, 0.4]),
}
FAMILY = {"family": st.sampled_from(["laplace", "student_t", "gamma", "gamma"])}
PPCA = {
    "n_components": st.sampled_from([None, 1, 2, 3, 5, 0.9, "identifiable", "parallel"]),
    "noise": st.sampled_from(["global", "feature"]),
    "solver": st.sampled_from(["auto", "eig", "em", "gradient"]),
    "max_iter": st.sampled_from([5, 200]),
}
OWN = {
    LIDVAE: NETWORK | INJECTIVE,
    VAE: NETWORK,
    LIDGMVAEClustering: NETWORK | INJECTIVE | MIXTURE,
    LIDMVAEClustering: NETWORK | INJECTIVE | MIXTURE | FAMILY,
    GMVAE: NETWORK | MIXTURE,
    BetaVAE: NETWORK | {"beta": st.sampled_from([0.0, 0.2, 100.0])},
    FreeBitsVAE: NETWORK | {"free_bits": st.sampled_from([0.0, 0.1, 10.0])},
    DeltaVAE: NETWORK | {"delta": st.sampled_from([1e-6, 0.1, 10.0])},
    BNVAE: NETWORK | {"gamma": st.sampled_from([0.01, 0.5, 10.0])},
    SkipVAE: NETWORK,
    LaggingVAE: NETWORK | {"max_encoder_steps": st.sampled_from([1, 5, 20])},
    SemiAmortizedVAE: NETWORK
    | {
        "n_refinements": st.sampled_from([1, 5]),
        "refinement_rate": st.sampled_from([1e-3, 0.1, 10.0]),
        "refinement_momentum": st.sampled_from([0.0, 0.9]),
        "refinement_clip": st.sampled_from([0.1, 5.0, 1e6]),
    },
    IdentifiablePPCA: PPCA,
}


@st.composite
def cases(draw: Callable) -> Case:
    """An estimator with some of its parameters changed, and a table that may or may not suit it."""
    make = draw(st.sampled_from(list(OWN)))
    known = OWN[make].items() & {(name, value) for name, value in OWN[make].items() if hasattr(make(), name)}
    parameters = {name: draw(values) for name, values in sorted(known, key=lambda pair: pair[0]) if draw(st.booleans())}
    parameters.setdefault("max_epochs", 2) if make is not IdentifiablePPCA else None
    table = draw(st.sampled_from(sorted(TABLES)))
    if "likelihood" in parameters and draw(st.booleans()):
        parameters["likelihood"] = SUITED.get(table, "gaussian")
        parameters |= {} if parameters["likelihood"] == "gaussian" else {"scale": "auto", "noise": "global"}
    rng = np.random.default_rng(draw(st.integers(0, 9)))
    rows = normal(rng, draw(st.sampled_from([2, 3, 10, 40])), draw(st.sampled_from([1, 2, 5, 20])))
    return Case(make(random_state=0, **parameters), table, TABLES[table](rng, rows))


def outcome(case: Case) -> str:
    """What came of a fit and of the questions after it: "finite", "warned", or "refused"; AssertionError for others."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            answers = asked(case.estimator.fit(case.rows), case.rows)
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1].filename
            worded = isinstance(error, ValueError | TypeError) and any(part in last for part in WORDS_OF)
            if not worded:
                raise AssertionError(f"{case.estimator} on {case.table}: raised in {last}") from error
            return "refused"
    expected = CollapseWarning | ConvergenceWarning | NoiseWarning
    strange = [warning for warning in caught if not issubclass(warning.category, expected)]
    assert not strange, f"{case.estimator} on {case.table}: {strange[0].category.__name__}: {strange[0].message}"
    wrong = [name for name, values in answers.items() if not np.isfinite(np.asarray(values, dtype=float)).all()]
    assert not wrong, f"{case.estimator} on {case.table}: not finite: {', '.join(wrong)}"
    return "warned" if any(warning.category is ConvergenceWarning for warning in caught) else "finite"


def asked(model: Any, rows: Any) -> dict[str, Any]:
    """The answers of a fitted model about its own rows."""
    answers = {
        "transform": model.transform(rows),
        "score_samples": model.score_samples(rows),
        "inverse_transform": model.inverse_transform(model.transform(rows)),
    }
    if hasattr(model, "labels_"):
        answers |= {"predict_proba": model.predict_proba(rows), "labels_": model.labels_}
        assert answers["predict_proba"].argmax(axis=1).tolist() == model.labels_.tolist(), "labels are not the argmax"
    return answers


def run(n_cases: int, start: int) -> collections.Counter:
    """The number of each outcome over so many configurations."""
    counts: collections.Counter = collections.Counter()

    @seed(start)
    @settings(
        max_examples=n_cases,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(cases())
    def each(case: Case) -> None:
        counts[outcome(case)] += 1

    each()
    return counts


if __name__ == "__main__":
    chosen = random.randrange(10**6) if len(sys.argv) < 3 else int(sys.argv[2])
    counts = run(int(sys.argv[1]) if len(sys.argv) > 1 else 500, chosen)
    sys.stdout.write(f"seed {chosen}: {dict(counts)}\n")
