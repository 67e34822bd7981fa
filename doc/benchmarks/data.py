"""Tables as they come: how well gaps are filled, beside the imputers of scikit-learn.

    python doc/benchmarks/data.py            full run: about an hour on one thread; goes on where it stopped
    python doc/benchmarks/data.py --quick    one table, under 20 seconds
    python doc/benchmarks/data.py --table    the tables of the saved results, in Markdown

A fifth of the values of a table is hidden: each by chance, or half of the columns in the last two fifths of the rows,
in random order ("block"). An imputer is fitted to what is left, fills the gaps, and is measured at what was hidden, in
standard deviations of the columns. Five masks each. "LIDVAEImputer" chooses between the two of its models that stand
beside it, and widens its draws by what it finds on the way; the models alone draw as they are. Draws are measured by
the share of hidden values between the 5 % and the 95 % quantile of 200.
"""

import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cells import Cells, command_line, provenance
from clustering_data import satimage
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer

from sklid import CollapseWarning, LIDVAEImputer

BY_CHANCE, BLOCK = "by chance", "block"
SHARE, N_MASKS, N_DRAWS, INTERVAL = 0.2, 5, 200, (0.05, 0.95)
SECONDS = 11
"""Of a cell on one thread, on average."""
TABLES: dict[str, Callable[[], NDArray]] = {
    "wine": lambda: load_wine().data,
    "iris": lambda: load_iris().data,
    "diabetes": lambda: load_diabetes().data,
    "breast cancer": lambda: load_breast_cancer().data,
    "digits": lambda: load_digits().data,
    "satimage": lambda: satimage()[0],
}
IMPUTERS: dict[str, Callable[[int], Any]] = {
    "LIDVAEImputer": lambda seed: LIDVAEImputer(random_state=seed),
    "LIDVAE": lambda seed: LIDVAEImputer("lidvae", random_state=seed),
    "IdentifiablePPCA": lambda seed: LIDVAEImputer("linear", random_state=seed),
    "IterativeImputer": lambda seed: IterativeImputer(max_iter=20, random_state=seed),
    "KNNImputer": lambda seed: KNNImputer(),
    "mean": lambda seed: SimpleImputer(),
}
COLUMNS = ["table", "pattern", "mask", "imputer", "error", "coverage", "n_gaps", "chosen", "cpu_seconds", "n_rows",
           "n_columns", "threads", "sklid", "torch", "scikit_learn", "commit"]  # fmt: skip
CELLS = Cells(Path(__file__).parent / "results" / "data.csv", COLUMNS)


def hidden_values(X: NDArray, pattern: str, mask: int) -> NDArray[np.bool_]:
    """Which values are hidden; never the last of a row or a column."""
    random = np.random.default_rng(mask)
    hidden = np.zeros(X.shape, dtype=bool)
    if pattern == BY_CHANCE:
        order = random.random(X.shape)
        hidden = order < SHARE
        hidden[np.arange(len(X)), order.argmax(axis=1)] = False
        return hidden
    rows = random.permutation(len(X))[: round(2 * SHARE * len(X))]
    hidden[np.ix_(rows, random.permutation(X.shape[1])[: X.shape[1] // 2])] = True
    return hidden


def measured(X: NDArray, hidden: NDArray[np.bool_], imputer: Any) -> dict:
    """Error at hidden values, and the share of them that the interval of draws covers, of models that draw."""
    scaled = (X - X.mean(0)) / np.where(X.std(0) > 0, X.std(0), 1.0)
    gaps = np.where(hidden, np.nan, scaled)
    start = time.process_time()
    filled = imputer.fit(gaps).transform(gaps)
    row = {"cpu_seconds": time.process_time() - start, "n_gaps": int(hidden.sum())}
    row["error"] = float(np.sqrt(np.square(filled - scaled)[hidden].mean()))
    if isinstance(imputer, LIDVAEImputer):
        low, high = np.quantile(imputer.sample_posterior_predictive(gaps, N_DRAWS)[:, hidden], INTERVAL, axis=0)
        inside = (low <= scaled[hidden]) & (scaled[hidden] <= high)
        row |= {"coverage": float(inside.mean()), "chosen": type(imputer.estimator_).__name__}
    return row


def run_full() -> None:
    torch.set_num_threads(1)
    keys = [
        {"table": table, "pattern": pattern, "mask": mask, "imputer": imputer}
        for pattern in (BY_CHANCE, BLOCK)
        for table in TABLES
        for mask in range(N_MASKS)
        for imputer in IMPUTERS
    ]
    keys = [key for key in keys if not CELLS.read(**key)]
    print(f"{len(keys)} cells to do, about {SECONDS * len(keys) / 60:.0f} minutes on one thread", flush=True)
    for key in keys:
        X = TABLES[key["table"]]()
        with warnings.catch_warnings():
            for category in (CollapseWarning, ConvergenceWarning):
                warnings.simplefilter("ignore", category)
            row = measured(X, hidden_values(X, key["pattern"], key["mask"]), IMPUTERS[key["imputer"]](key["mask"]))
        CELLS.add(key | row | {"n_rows": len(X), "n_columns": X.shape[1]} | provenance())
        print(key, row, flush=True)


def run_quick() -> None:
    """Iris: the chosen model fills gaps better than neighbours do."""
    torch.set_num_threads(1)
    X = TABLES["iris"]()
    hidden = hidden_values(X, BY_CHANCE, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollapseWarning)
        found = {name: measured(X, hidden, IMPUTERS[name](0)) for name in ("LIDVAEImputer", "KNNImputer")}
    print(found)
    if not found["LIDVAEImputer"]["error"] < found["KNNImputer"]["error"]:
        raise SystemExit("The imputer should fill the gaps of iris better than neighbours do.")


def table() -> str:
    """Mean errors, and what the draws of ours cover."""
    parts = []
    for pattern in (BY_CHANCE, BLOCK):
        head = [f"| hidden {pattern} | {' | '.join(IMPUTERS)} | covered |", "|---" * (2 + len(IMPUTERS)) + "|"]
        lines = [line for name in TABLES for line in row_of_table(name, pattern)]
        parts += [*head, *lines, ""] if lines else []
    return "\n".join(parts).strip()


def row_of_table(name: str, pattern: str) -> list[str]:
    """A row of Markdown, once all masks are measured."""
    rows = {imputer: CELLS.read(table=name, pattern=pattern, imputer=imputer) for imputer in IMPUTERS}
    if any(len(found) < N_MASKS for found in rows.values()):
        return []
    errors = [f"{np.mean([float(row['error']) for row in found]):.3f}" for found in rows.values()]
    covered = np.mean([float(row["coverage"]) for row in rows["LIDVAEImputer"]])
    return [f"| {name} | {' | '.join(errors)} | {covered:.2f} |"]


if __name__ == "__main__":
    command_line(
        __doc__,
        run_full,
        quick=(run_quick, "one table, under 20 seconds"),
        table=(lambda: print(table()), "print the tables of the saved results"),
    )
