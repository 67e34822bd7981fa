"""What a soak does with random estimators and tables; each action follows from a seed and says what is wrong."""

import contextlib
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from skorch import NeuralNet
from skorch.callbacks import Callback

import sklid
from sklid import LIDSVAE, LIDVAE, IdentifiablePPCA, LIDGMVAEClustering, LIDMVAEClustering, LIDVAEImputer, baselines

__all__ = ["ACTIONS", "act"]

N_ROWS, N_COLUMNS = 60, 5
NUMBERS = ("numbers", "single precision", "gaps")
TEXTS = ("sentences",)
NETWORK = {"n_components": 2, "decoder_width": 8, "encoder_width": 8, "n_importance_samples": 5}
MIXTURE = NETWORK | {"k": 3, "n_init": 1}
SEQUENCES = {"n_components": 2, "hidden_size": 8, "embedding_size": 4, "n_importance_samples": 3}
SHORT = {"max_encoder_steps": 2, "n_refinements": 2}
QUESTIONS = ("transform", "score_samples", "score", "predict", "predict_proba", "impute", "perplexity")
LEAST_TEXT = 20
"""Letters of an error that says why."""
LONGEST = 0.3
"""Seconds after which a fit is interrupted, at most."""


class Case(NamedTuple):
    """An estimator that is not fitted yet, and its rows."""

    model: Any
    table: str
    rows: Any


def numbers(rng: np.random.Generator) -> np.ndarray:
    factors = 3 * rng.standard_normal((3, 2))[rng.integers(3, size=N_ROWS)] + rng.standard_normal((N_ROWS, 2))
    return factors @ rng.standard_normal((2, N_COLUMNS)) + 0.5 * rng.standard_normal((N_ROWS, N_COLUMNS))


def with_gaps(rng: np.random.Generator) -> np.ndarray:
    return np.where(rng.random((N_ROWS, N_COLUMNS)) < 0.1, np.nan, numbers(rng))


def counts(rng: np.random.Generator) -> np.ndarray:
    return rng.poisson(np.exp(np.clip(numbers(rng) / 3, -2, 2))).astype(float)


def frame(rng: np.random.Generator) -> pd.DataFrame:
    X = with_gaps(rng)
    colours = np.array(["red", "green", "blue"])[np.nan_to_num(X[:, 2] > 0).astype(int) + (rng.random(N_ROWS) < 0.3)]
    columns = {"a": X[:, 0], "b": X[:, 1], "colour": colours, "is": X[:, 3] > 0, "n": counts(rng)[:, 0].astype(int)}
    return pd.DataFrame(columns)


def sentences(rng: np.random.Generator) -> list[str]:
    words = np.array(["sun", "sea", "cat", "dog", "sees", "likes", "the", "a"])
    return [" ".join(rng.choice(words, rng.integers(1, 7))) for _ in range(N_ROWS)]


TABLES: dict[str, tuple[Callable[[np.random.Generator], Any], dict[str, Any]]] = {
    "numbers": (numbers, {}),
    "single precision": (lambda rng: numbers(rng).astype(np.float32), {}),
    "gaps": (with_gaps, {}),
    "counts": (counts, {"likelihood": "negative_binomial"}),
    "sparse counts": (lambda rng: sparse.csr_matrix(counts(rng)), {"likelihood": "poisson"}),
    "zeros and ones": (lambda rng: (numbers(rng) > 0).astype(float), {"likelihood": "bernoulli"}),
    "frame": (frame, {"likelihood": "auto"}),
    "Arrow": (lambda rng: pa.table({f"x{number}": each for number, each in enumerate(numbers(rng).T)}), {}),
    "sentences": (sentences, {}),
}
OF_TABLES = tuple(name for name in TABLES if name not in TEXTS)
ESTIMATORS: dict[type, tuple[tuple[str, ...], dict[str, Any]]] = {
    LIDVAE: (OF_TABLES, NETWORK),
    LIDGMVAEClustering: (OF_TABLES, MIXTURE),
    LIDMVAEClustering: (OF_TABLES, MIXTURE),
    baselines.GMVAE: (OF_TABLES, MIXTURE),
    IdentifiablePPCA: (NUMBERS, {"n_components": 2}),
    LIDVAEImputer: (NUMBERS, {"model": "linear", "n_components": 2}),
    LIDSVAE: (TEXTS, SEQUENCES),
    **{
        Estimator: (TEXTS, SEQUENCES) if "hidden_size" in Estimator().get_params() else (OF_TABLES, NETWORK)
        for Estimator in (getattr(baselines, name) for name in baselines.__all__)
        if Estimator not in (baselines.GMVAE, baselines.LanguageModel)
    },
}
BAD: dict[str, Callable[[np.ndarray], Any]] = {
    "infinite": lambda X: np.where(np.arange(X.size).reshape(X.shape) == 7, np.inf, X),
    "one axis": lambda X: X[:, 0],
    "no rows": lambda X: X[:0],
    "complex": lambda X: X + 1j,
    "words": lambda X: np.full(X.shape, "word"),
    "nothing": lambda X: None,
    "three axes": lambda X: np.stack([X, X]),
    "all missing": lambda X: np.column_stack([X[:, :-1], np.full(len(X), np.nan)]),
}
BAD_TEXTS: dict[str, Callable[[Any], Any]] = {
    "one string": lambda X: "the sun",
    "nothing": lambda X: None,
    "no documents": lambda X: [],
    "a number among them": lambda X: [*X, 5],
}


def case(rng: np.random.Generator, *tables: str) -> Case:
    """An estimator with some parameters, and a table that it takes; one of these where some are named."""
    able = [Estimator for Estimator, (known, _) in ESTIMATORS.items() if not tables or set(known) & set(tables)]
    Estimator = able[rng.integers(len(able))]
    known, parameters = ESTIMATORS[Estimator]
    table = str(rng.choice([name for name in known if not tables or name in tables]))
    make, suited = TABLES[table]
    accepted = Estimator().get_params()
    short = {name: steps for name, steps in SHORT.items() if name in accepted}
    parameters = parameters | suited | short | {"random_state": int(rng.integers(1_000))}
    if "max_epochs" in accepted:
        parameters |= {"max_epochs": int(rng.integers(1, 5)), "batch_size": int(rng.choice([16, 64]))}
        parameters |= {"early_stopping": bool(rng.random() < 0.3), "warm_start": bool(rng.random() < 0.2)}
    return Case(Estimator(**parameters), table, make(rng))


def some(rows: Any, start: int, stop: int) -> Any:
    return rows.slice(start, stop - start) if isinstance(rows, pa.Table) else rows[start:stop]


def answers(model: Any, rows: Any) -> dict[str, Any]:
    """What a model says of rows, and what it draws; AssertionError for what is not finite."""
    asked = [name for name in QUESTIONS if hasattr(model, name)]
    if sparse.issparse(rows):  # its probabilities and reconstructions are refused, as told
        asked = [name for name in asked if name != "predict_proba" and (name != "predict" or hasattr(model, "labels_"))]
    found = {name: getattr(model, name)(rows) for name in asked}
    if hasattr(model, "sample"):
        found["sample"] = model.sample(3)
    if hasattr(model, "inverse_transform"):
        found["inverse_transform"] = model.inverse_transform(found["transform"])
    wrong = [name for name, answer in found.items() if not is_finite(answer)]
    assert not wrong, f"not finite: {', '.join(wrong)}"
    return found


def is_finite(answer: Any) -> bool:
    if isinstance(answer, tuple | list):
        return all(isinstance(part, str) or is_finite(part) for part in answer)
    array = np.asarray(answer)
    return bool(np.isfinite(array).all()) if array.dtype.kind in "biuf" else not pd.isna(array).any()


def check_same(one: dict[str, Any], other: dict[str, Any], what: str) -> None:
    for name, answer in one.items():
        assert joblib.hash(answer) == joblib.hash(other[name]), f"{name} differs {what}"


def fit(rng: np.random.Generator, asked: Case) -> None:
    """A fit, its answers, a fit anew that is the same, and a clone that is not fitted."""
    found = answers(asked.model.fit(asked.rows), asked.rows)
    copy = clone(asked.model)
    try:
        copy.transform(asked.rows)
    except NotFittedError:
        check_same(found, answers(copy.fit(asked.rows), asked.rows), "after the same fit")
    else:
        raise AssertionError("a clone is fitted")


def parts(rng: np.random.Generator, asked: Case) -> None:
    """Fits of parts, the first the larger."""
    if not hasattr(asked.model, "partial_fit") or (isinstance(asked.model, IdentifiablePPCA) and asked.table == "gaps"):
        return
    for start, stop in ((0, 40), (40, 60), (20, 50)):
        asked.model.partial_fit(some(asked.rows, start, stop))
    answers(asked.model, some(asked.rows, 0, 40))


def files(rng: np.random.Generator, asked: Case) -> None:
    """Models from files say what the one that was saved says."""
    found = answers(asked.model.fit(asked.rows), asked.rows)
    with tempfile.TemporaryDirectory() as folder:
        for name, write, read in (("sklid", sklid.save, sklid.load), ("joblib", joblib.dump, joblib.load)):
            path = Path(folder) / name
            write(asked.model, path)
            check_same(found, answers(read(path), asked.rows), f"after {name}")


class Interrupt(Callback):
    """KeyboardInterrupt at the end of a batch."""

    def __init__(self, n_batches: int) -> None:
        self.n_left = n_batches

    def on_batch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        self.n_left -= 1
        if self.n_left == 0:
            raise KeyboardInterrupt


def interrupt(rng: np.random.Generator, asked: Case) -> None:
    """A fit is interrupted by a callback or at any moment; then the model answers or is not fitted, and can be."""
    model, rows = asked.model, asked.rows
    if rng.random() < 0.5:
        model.fit(rows)
    if hasattr(model, "on_interrupt") and rng.random() < 0.5:
        model.set_params(on_interrupt="keep")
    by_callback = hasattr(model, "callbacks") and rng.random() < 0.5
    if by_callback:
        model.set_params(callbacks=[Interrupt(int(rng.integers(1, 6)))])
    with contextlib.suppress(KeyboardInterrupt), contextlib.nullcontext() if by_callback else alarm(rng):
        model.fit(rows)
    if by_callback:
        model.set_params(callbacks=None)
    with contextlib.suppress(NotFittedError):
        answers(model, rows)
    answers(model.fit(rows), rows)


@contextlib.contextmanager
def alarm(rng: np.random.Generator) -> Iterator[None]:
    """KeyboardInterrupt some time after the beginning of the block, unless it ends before."""
    former = signal.signal(signal.SIGALRM, lambda number, place: signal.default_int_handler(number, place))
    try:
        signal.setitimer(signal.ITIMER_REAL, float(rng.uniform(1e-3, LONGEST)))
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


def refuse(rng: np.random.Generator, asked: Case) -> None:
    """Tables that are none are refused in words, by a fit and by an answer, and the model stays as it was."""
    model, rows = asked.model, asked.rows
    found, made = answers(model.fit(rows), rows), BAD_TEXTS if asked.table in TEXTS else BAD
    name = str(rng.choice(list(made)))
    if name == "all missing" and getattr(model, "warm_start", False):  # more rows for a model that knows the column
        return
    bad = made[name](rows)
    methods = [model.fit] if name in ("all missing", "no documents") else [model.fit, model.transform]
    for method in methods:
        try:
            method(bad)
        except (ValueError, TypeError) as error:
            if len(str(error)) < LEAST_TEXT:
                raise AssertionError(f"{name} is refused without a reason: {error!r}") from error
        else:
            raise AssertionError(f"{method.__name__} took {name}")
    check_same(found, answers(model, rows), f"after {name} was refused")


ACTIONS: dict[str, tuple[Callable[[np.random.Generator, Case], None], tuple[str, ...]]] = {
    "fit": (fit, ()),
    "parts": (parts, ()),
    "files": (files, ()),
    "interrupt": (interrupt, ()),
    "refuse": (refuse, ("numbers", "gaps", "counts", "sentences")),
}
"""Each with the tables that it is for; none are all."""


def act(seed: int) -> tuple[str, str]:
    """Do what follows from a seed; the name of the action, and what is wrong, if anything is."""
    rng = np.random.default_rng(seed)
    name = str(rng.choice(list(ACTIONS)))
    do, tables = ACTIONS[name]
    asked = case(rng, *tables)
    told = f"{name} of {asked.model!r} on {asked.table}".replace("\n", " ")
    try:
        do(rng, asked)
    except Exception as error:
        return name, f"{told}: {type(error).__name__}: {error}"
    return name, ""
