"""What a flow posterior, and the importance-weighted bound, add to a Gaussian posterior, and what they cost.

    python doc/benchmarks/flows.py            full run: about 30 minutes on one thread; goes on where it stopped
    python doc/benchmarks/flows.py --quick    some digits, about 10 seconds
    python doc/benchmarks/flows.py --table    the table of the saved results, in Markdown

The data sets and their parameters are those of `price.py`. "Flow" is ``posterior="flow"``, "IWAE" is
``objective="iwae"`` with 5 draws a row. The bound is that of a single draw, the log-likelihood that of 100; between
them is what the posterior misses, and a proposal with few draws errs low, too. Time is that of a fit.
"""

import time
import warnings
from pathlib import Path

import numpy as np
import torch
from cells import Cells, command_line, provenance
from price import DATA, SEEDS, split
from sklearn.datasets import load_digits

from sklid import LIDVAE, CollapseWarning
from sklid.baselines import VAE
from sklid.metrics import kl_divergence, log_likelihood

COLUMNS = ["data", "method", "side", "seed", "ll", "bound", "kl", "cpu_seconds", "n_train", "n_test", "epochs",
           "threads", "sklid", "torch", "scikit_learn", "commit"]  # fmt: skip
CELLS = Cells(Path(__file__).parent / "results" / "flows.csv", COLUMNS)
METHODS = {"LIDVAE": (LIDVAE, {}), "VAE": (VAE, {"encoder": "principal"})}
SIDES = {
    "Gaussian": {},
    "flow": {"posterior": "flow"},
    "IWAE": {"objective": "iwae", "n_samples_train": 5},
}


def measure(model: LIDVAE | VAE, train: np.ndarray, test: np.ndarray) -> dict:
    """One fit and its figures on the test rows, in nats."""
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollapseWarning)
        model.fit(train)
    seconds = time.process_time() - start
    return {
        "ll": float(model.score(test)),
        "bound": log_likelihood(model, test, n_importance_samples=1).value,
        "kl": kl_divergence(model, test).value,
        "cpu_seconds": seconds,
    }


def run_full() -> None:
    torch.set_num_threads(1)
    cells = len(DATA) * len(METHODS) * len(SIDES) * len(SEEDS)
    print(f"{cells - len(CELLS.read())} fits to do, about 15 seconds each on one thread", flush=True)
    for data in DATA:
        rows = DATA[data].rows()
        for seed in SEEDS:
            for method, (estimator, own) in METHODS.items():
                for side, told in SIDES.items():
                    key = {"data": data, "method": method, "side": side, "seed": seed}
                    if not CELLS.read(**key):
                        model = estimator(**DATA[data].parameters | own | told, random_state=seed)
                        row = key | measure(model, *rows)
                        sizes = {"n_train": len(rows[0]), "n_test": len(rows[1]), "epochs": model.max_epochs}
                        CELLS.add(row | sizes | provenance())
                        print(row, flush=True)


def run_quick() -> None:
    """A flow's bound is tighter than a Gaussian's on the same rows."""
    torch.set_num_threads(1)
    rows = split(load_digits().data / 16, 500)
    shared = {"n_components": 4, "likelihood": "bernoulli", "max_epochs": 40, "random_state": 0}
    found = {side: measure(LIDVAE(**shared, **SIDES[side]), *rows) for side in ("Gaussian", "flow")}
    print(*found.items(), sep="\n")
    gaps = {side: of["ll"] - of["bound"] for side, of in found.items()}
    if not gaps["flow"] < gaps["Gaussian"]:
        raise SystemExit(f"A flow should leave the smaller gap between bound and likelihood: {gaps}.")


def table() -> str:
    """Gains over the Gaussian posterior of the same model and seed, mean over the seeds, and ratios of times."""
    heads = ["data", "model", *(f"{side}: {what}" for side in list(SIDES)[1:] for what in ("LL", "bound", "time"))]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for data, of in DATA.items():
        for method in METHODS:
            base, shown = {"data": data, "method": method, "side": "Gaussian"}, []
            for side in list(SIDES)[1:]:
                cell = base | {"side": side}
                shown += [f"{CELLS.mean(name, **cell) - CELLS.mean(name, **base):+.2f}" for name in ("ll", "bound")]
                shown.append(f"{CELLS.mean('cpu_seconds', **cell) / CELLS.mean('cpu_seconds', **base):.1f}")
            lines.append(f"| {of.title} | {method} | {' | '.join(shown)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    command_line(
        __doc__,
        run_full,
        quick=(run_quick, "some digits, about 10 seconds"),
        table=(lambda: print(table()), "print the table of the saved results"),
    )
