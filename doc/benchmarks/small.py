"""Small tables: does the default section overfit where there are a few hundred rows?

    python doc/benchmarks/small.py            full run: about 10 minutes on one thread; goes on where it stopped
    python doc/benchmarks/small.py --quick    one table, one seed, fewer folds, under 10 seconds
    python doc/benchmarks/small.py --table    the table of the saved results, in Markdown

Log-likelihood of the rows left out, by five-fold cross-validation with three seeds of folds and weights, of models
with all parameters at their defaults: `LIDVAE` with the section and with the decoder of the paper ("brenier"), and
`VAE` with its classical encoder and with that of `LIDVAE` ("principal"). The tables are scikit-learn's.
"""

import time
import warnings
from pathlib import Path

import numpy as np
import torch
from cells import Cells, command_line, provenance, spread
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.model_selection import KFold

from sklid import LIDVAE, CollapseWarning
from sklid.baselines import VAE

CELLS = Cells(
    Path(__file__).parent / "results" / "small.csv",
    ["data", "method", "seed", "fold", "ll", "ll_train", "seconds", "n_train", "n_test", "threads", "sklid", "torch",
     "scikit_learn", "commit"],
)  # fmt: skip
DATA = {
    "wine": load_wine,
    "breast cancer": load_breast_cancer,
    "diabetes": lambda: load_diabetes(scaled=False),
    "iris": load_iris,
}
METHODS = {
    "LIDVAE": (LIDVAE, {}),
    "LIDVAE brenier": (LIDVAE, {"decoder": "brenier"}),
    "VAE": (VAE, {}),
    "VAE principal": (VAE, {"encoder": "principal"}),
}
SEEDS, N_FOLDS = (0, 1, 2), 5


def measure(method: str, seed: int, train: np.ndarray, test: np.ndarray) -> dict:
    """One fit and its figures."""
    estimator, own = METHODS[method]
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollapseWarning)
        model = estimator(random_state=seed, **own).fit(train)
    seconds = time.perf_counter() - start
    return {"ll": model.score(test), "ll_train": model.score(train), "seconds": seconds}


def run_full() -> None:
    torch.set_num_threads(1)
    n_cells = len(DATA) * len(METHODS) * len(SEEDS) * N_FOLDS
    print(f"{n_cells - len(CELLS.read())} fits to do, about 3 seconds each", flush=True)
    for data, load in DATA.items():
        X = load().data
        for seed in SEEDS:
            for fold, (train, test) in enumerate(KFold(N_FOLDS, shuffle=True, random_state=seed).split(X)):
                for method in METHODS:
                    key = {"data": data, "method": method, "seed": seed, "fold": fold}
                    if CELLS.read(**key):
                        continue
                    sizes = {"n_train": len(train), "n_test": len(test)}
                    CELLS.add(key | measure(method, seed, X[train], X[test]) | sizes | provenance())
            shown = {method: round(CELLS.mean("ll", data=data, method=method, seed=seed), 2) for method in METHODS}
            print(data, seed, shown, flush=True)


def run_quick() -> None:
    """A section with all its freedom explains rows left out about as well as a VAE."""
    torch.set_num_threads(1)
    X = load_wine().data
    train, test = next(iter(KFold(N_FOLDS, shuffle=True, random_state=0).split(X)))
    own, free = (measure(method, 0, X[train], X[test]) for method in ("LIDVAE", "VAE principal"))
    print(f"LIDVAE {own}\nVAE    {free}")
    if not own["ll"] > free["ll"] - 1.5:
        raise SystemExit("LIDVAE should be about as likely as the VAE on rows left out of a small table; see above.")


def table() -> str:
    """Mean over folds and seeds, with the standard deviation over the seeds, as a Markdown table."""
    lines = [f"| data | {' | '.join(METHODS)} |", "|---" * (1 + len(METHODS)) + "|"]
    for data in DATA:
        cells = []
        for method in METHODS:
            seeds = [CELLS.mean("ll", data=data, method=method, seed=seed) for seed in SEEDS]
            cells.append(spread(seeds, 2))
        lines.append(f"| {data} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    command_line(
        __doc__,
        run_full,
        quick=(run_quick, "one table, one seed, under 10 seconds"),
        table=(lambda: print(table()), "print the table of the saved results"),
    )
