"""Which choice of the identifiable decoder does what: each changed alone, on two data sets.

    python doc/paper/ablation.py            full run: about 30 minutes on one thread; goes on where it stopped
    python doc/paper/ablation.py --quick    two choices on small digits, under 10 seconds
    python doc/paper/ablation.py --table    the table of the saved results, in Markdown

10 000 images of Fashion-MNIST and of Omniglot, pixels 0 or 1, 15 epochs, three seeds, 10 latent variables, two hidden
layers of 256 units and the default learning rate; the rows are those of `table_1.py`. The first group starts at the
default, a section, and the second at the decoder of the paper. The closed form of the Brenier map is not among the
choices: a double backward pass gives the same numbers later, and ``doc/benchmarks/speed.py`` has the times.
"""

import statistics
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from table_1 import FASHION, OMNIGLOT, Rows, load

from cells import Cells, command_line, provenance  # isort: skip
from sklearn.exceptions import ConvergenceWarning

from sklid import LIDVAE, CollapseWarning
from sklid.baselines import VAE
from sklid.metrics import active_units, kl_divergence

BRENIER = {"decoder": "brenier"}
CHOICES: dict[str, dict[str, dict]] = {
    "section": {
        "defaults": {},
        "zero-one beta": {"embedding": "identity"},
        "leaky ReLU": {"activation": "leaky_relu"},
        "softplus": {"activation": "softplus"},
        "r = 0.001": {"inverse_lipschitz": 1e-3},
        "r = 0.1": {"inverse_lipschitz": 0.1},
        "r = 2": {"inverse_lipschitz": 2.0},
        "1 map": {"maps": 1},
        "2 maps": {"maps": 2},
        "random encoder": {"encoder": "plain"},
    },
    "brenier": {
        "defaults": BRENIER,
        "zero-one beta": BRENIER | {"embedding": "identity"},
        "leaky ReLU": BRENIER | {"activation": "leaky_relu"},
        "softplus": BRENIER | {"activation": "softplus"},
        "r = 0.001": BRENIER | {"inverse_lipschitz": 1e-3},
        "r = 0.1": BRENIER | {"inverse_lipschitz": 0.1},
        "r = 2": BRENIER | {"inverse_lipschitz": 2.0},
        "1 map": BRENIER | {"maps": 1},
        "skips": BRENIER | {"skip_connections": True},
        "layers of one width": BRENIER | {"potential": "icnn"},
        "random encoder": BRENIER | {"encoder": "plain"},
        "as the paper": BRENIER | {"embedding": "identity", "activation": "leaky_relu", "potential": "icnn",
                                   "inverse_lipschitz": 1e-3, "encoder": "plain"},
    },
    "perceptron": {"principal encoder": {"encoder": "principal"}, "random encoder": {}},
}  # fmt: skip
"""By decoder and choice. "As the paper" has a zero-one beta and next to no constant, as far as its text tells."""
SEEDS = (0, 1, 2)
SHARED = {"n_components": 10, "likelihood": "bernoulli", "max_epochs": 15}
TITLES = {FASHION: "Fashion-MNIST", OMNIGLOT: "Omniglot"}
COLUMNS = ["data", "decoder", "choice", "seed", "au", "kl", "ll", "converged", "cpu_seconds", "n_train", "n_test",
           "epochs", "threads", "sklid", "torch", "scikit_learn", "commit"]  # fmt: skip
CELLS = Cells(Path(__file__).parent / "results" / "ablation.csv", COLUMNS)


def fitted(decoder: str, choice: str, seed: int, train: np.ndarray, **others: object) -> tuple[Any, float]:
    """The model, and the seconds of its fit."""
    estimator = VAE if decoder == "perceptron" else LIDVAE
    model = estimator(**SHARED | CHOICES[decoder][choice] | others, random_state=seed)
    start = time.process_time()
    with warnings.catch_warnings():
        for category in (CollapseWarning, ConvergenceWarning):
            warnings.simplefilter("ignore", category)
        model.fit(train)
    return model, time.process_time() - start


def measure(model: Any, test: np.ndarray) -> dict:
    return {
        "au": active_units(model, test).fraction,
        "kl": kl_divergence(model, test).value,
        "ll": float(model.score(test)),
        "converged": model.converged_,
    }


def run_full() -> None:
    torch.set_num_threads(1)
    names = [(decoder, choice) for decoder, choices in CHOICES.items() for choice in choices]
    todo = len(TITLES) * len(SEEDS) * len(names) - len(CELLS.read())
    print(f"{todo} fits to do, about {todo * 14 / 60:.0f} minutes on one thread", flush=True)
    for data in TITLES:
        rows = load(data)
        for seed in SEEDS:
            for decoder, choice in names:
                key = {"data": data, "decoder": decoder, "choice": choice, "seed": seed}
                if not CELLS.read(**key):
                    record(key, rows)


def record(key: dict, rows: Rows) -> None:
    model, seconds = fitted(key["decoder"], key["choice"], key["seed"], rows.train)
    row = key | measure(model, rows.test) | {"cpu_seconds": seconds}
    CELLS.add(row | {"n_train": len(rows.train), "n_test": len(rows.test), "epochs": model.max_epochs} | provenance())
    print(row, flush=True)


def run_quick() -> None:
    """The start of beta at the principal directions is worth more than a nat on small digits."""
    torch.set_num_threads(1)
    X = (np.random.default_rng(0).random((1797, 64)) < load_digits().data / 16).astype(np.float32)
    found = {
        choice: measure(fitted("brenier", choice, 0, X[:1500])[0], X[1500:]) for choice in ("defaults", "zero-one beta")
    }
    print(*found.items(), sep="\n")
    if not found["defaults"]["ll"] > found["zero-one beta"]["ll"] + 1:
        raise SystemExit("Beta from the principal directions should have the higher likelihood.")


def table() -> str:
    """Differences from the first choice of the same decoder in log-likelihood, active units and divergence."""
    what = [f"{title}: {name}" for title in TITLES.values() for name in ("LL", "active units", "KL")]
    lines = [f"| decoder | choice | {' | '.join(what)} | time |", "|---" * (3 + len(what)) + "|"]
    for decoder, choices in CHOICES.items():
        first = next(iter(choices))
        for choice in choices:
            cells = [{"data": data, "decoder": decoder, "choice": choice} for data in TITLES]
            shown = [text for cell in cells for text in figures(cell, cell | {"choice": first})]
            ratio = statistics.mean(CELLS.mean("cpu_seconds", **cell) / CELLS.mean("cpu_seconds", **cell |
                                    {"choice": first}) for cell in cells)  # fmt: skip
            lines.append(f"| {decoder} | {choice} | {' | '.join(shown)} | {ratio:.1f} |")
    return "\n".join(lines)


def figures(cell: dict, base: dict) -> list[str]:
    values = [float(row["ll"]) for row in CELLS.read(**cell)]
    mean, spread = statistics.mean(values), statistics.stdev(values)
    likelihood = (
        f"{mean:.1f} ± {spread:.1f}" if cell == base else f"{mean - CELLS.mean('ll', **base):+.1f} ± {spread:.1f}"
    )
    return [likelihood, f"{CELLS.mean('au', **cell):.2f}", f"{CELLS.mean('kl', **cell):.1f}"]


if __name__ == "__main__":
    command_line(
        __doc__,
        run_full,
        quick=(run_quick, "two choices on small digits, under 10 seconds"),
        table=(lambda: print(table()), "print the table of the saved results"),
    )
