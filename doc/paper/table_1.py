"""Table 1 of the paper, images: whose latents stay in use, and at what likelihood?

    python doc/paper/table_1.py                     full run: about two hours on two cores; goes on where it stopped
    python doc/paper/table_1.py --data omniglot     one data set
    python doc/paper/table_1.py --quick             few small digits, under 10 seconds
    python doc/paper/table_1.py --table             the tables of the saved results, in Markdown
    python doc/paper/table_1.py --authors           sizes of the authors, on a GPU: days on processors

Rows are images of Fashion-MNIST and of Omniglot, whose two parts are pooled and split again at random, since the given
ones share no character, and white noise as a control: 10 000 to fit, 1000 to choose a learning rate by, 1000 to
measure. Each pixel is set to 0 or 1 once, by its intensity as a probability. Methods and networks are those of
`table_1_methods.py`. The first seed fits each learning rate of a grid and keeps the one with the highest validation
likelihood, which the other seeds take; mixtures and the control take the default, and a third of it where training
diverges. The log-likelihood is from 100 draws, informative units from 50 draws of 200 rows. "All rows" are 30 460 of
Omniglot, with an encoder of twice as many units.
"""

import argparse
import time
import warnings
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from joblib import Parallel, delayed
from sklearn.datasets import load_digits
from table_1_methods import AUTHORS, CLUSTERS, METHODS, RATES, SIZES, Method, Sizes, parameters
from table_1_page import CELLS, table

from cells import provenance  # isort: skip
from sklearn.exceptions import ConvergenceWarning

from sklid import CollapseWarning
from sklid.datasets import fetch_fashion_mnist, fetch_omniglot
from sklid.exceptions import CappedEstimateWarning
from sklid.metrics import (
    active_units,
    cluster_mutual_information,
    clustering_accuracy,
    informative_units,
    kl_divergence,
    mutual_information,
)

FASHION, OMNIGLOT, NOISE = "fashion", "omniglot", "noise"
DATA = (FASHION, OMNIGLOT, NOISE)
DEEP, SHALLOW, ALL_ROWS = "9 layers", "2 layers", "9 layers, all rows"
NETWORKS = {DEEP: 8, SHALLOW: 2, ALL_ROWS: 8}
FEW = ("LIDVAE section", "LIDVAE brenier", "VAE", "VAE principal")
CONTROL = ("LIDVAE section", "LIDVAE brenier", "VAE", "VAE principal", "beta-VAE", "free bits")
K = {FASHION: 10, OMNIGLOT: 50}
N_HELD, N_INFORMATIVE, N_DRAWS = 1_000, 200, 50


class Cell(NamedTuple):
    """One row of the results."""

    data: str
    network: str
    side: str
    seed: int

    @property
    def method(self) -> Method:
        method = (METHODS | CLUSTERS)[self.side]
        return method._replace(posterior="gaussian") if self.network == SHALLOW else method

    def sizes(self, sizes: Sizes) -> Sizes:
        """Those of a run, or all rows and an encoder twice as wide."""
        wider = {"n_train": 0, "encoder_width": 2 * sizes.encoder_width}
        return sizes._replace(**wider) if self.network == ALL_ROWS else sizes

    def is_done(self) -> bool:
        return bool(CELLS.read(**self._asdict()))

    def rates(self) -> tuple[float, ...]:
        """Of a grid, those left of it, or the one that another cell found."""
        if self.side in CLUSTERS or self.data == NOISE:
            return RATES[1::-1]
        network = DEEP if self.network == ALL_ROWS else self.network
        source = self._replace(side=self.method.rate_of or self.side, network=network, seed=0)
        return RATES if source == self else (float(CELLS.read(**source._asdict())[0]["learning_rate"]),)


class Rows(NamedTuple):
    """Rows to fit, to choose by and to measure, and the classes of the last."""

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray
    classes: np.ndarray


def load(data: str, n_train: int = SIZES.n_train) -> Rows:
    """The rows of a data set, of pixels that are 0 or 1; with `n_train` 0 all there are."""
    random = np.random.default_rng(0)
    if data == NOISE:
        X = np.full((n_train + 2 * N_HELD, 784), 0.5, np.float32)
        y = np.zeros(len(X), int)
    else:
        fetched = (fetch_fashion_mnist if data == FASHION else fetch_omniglot)(subset="all")
        X, y = fetched.data, fetched.target
    order = random.permutation(len(X))
    held, test = order[:N_HELD], order[N_HELD : 2 * N_HELD]
    train = order[2 * N_HELD :][: n_train or None]
    X = (random.random(X.shape, np.float32) < X).astype(np.float32)
    return Rows(X[train], X[held], X[test], y[test])


def fitted(cell: Cell, rows: Rows, sizes: Sizes, **others: object) -> tuple[Any, float, dict]:
    """The model of the learning rate that is best on other rows, the seconds of its fit, and what each rate gave.

    A single rate is followed by a third of it if training diverges.
    """
    told = parameters(cell.method, NETWORKS[cell.network], rows.train.shape[1], sizes) | others
    if cell.side in CLUSTERS:
        told["k"] = K.get(cell.data, 10)
    best, found, rates = None, {}, cell.rates()
    for rate in rates:
        cpu = time.process_time()
        model = cell.method.estimator(**told, learning_rate=rate, random_state=cell.seed).fit(rows.train)
        seconds = time.process_time() - cpu
        score = float(model.score(rows.valid))
        found[f"valid_{rate:g}"] = score
        if best is None or (model.converged_, score) > (best[0].converged_, best[2]):
            best = (model, seconds, score)
        if rates == RATES[1::-1] and model.converged_:
            break
    return best[0], best[1], found


def measure(model: Any, rows: Rows) -> dict:
    """Figures on the test rows, in nats."""
    units, information = active_units(model, rows.test), mutual_information(model, rows.test)
    few = rows.test[:N_INFORMATIVE]
    return {
        "au": units.fraction,
        "informative_units": informative_units(model, few, n_importance_samples=N_DRAWS).count,
        "kl": kl_divergence(model, rows.test).value,
        "mi": information.value,
        "mi_lower": information.lower,
        "mi_upper": information.upper,
        "ll": float(model.score(rows.test)),
    }


def measure_labels(model: Any, rows: Rows) -> dict:
    labels = model.predict(rows.test)
    return {
        "mi_y": cluster_mutual_information(model, rows.test),
        "accuracy": clustering_accuracy(rows.classes, labels),
        "clusters": len(np.unique(labels)),
    }


def record(cell: Cell, rows: Rows, sizes: Sizes, **others: object) -> dict:
    """The figures of a cell, with where they come from."""
    with warnings.catch_warnings():
        for category in (CollapseWarning, ConvergenceWarning, CappedEstimateWarning):
            warnings.simplefilter("ignore", category)
        model, seconds, valid = fitted(cell, rows, sizes, **others)
        row = cell._asdict() | {"method": type(model).__name__} | valid | measure(model, rows)
        if cell.side in CLUSTERS:
            row |= measure_labels(model, rows)
    told = {name: getattr(model, name, "") for name in ("encoder", "decoder", "posterior", "learning_rate")}
    row |= told | {"converged": model.converged_, "cpu_seconds": seconds, "width": model.decoder_width}
    return row | {"n_train": len(rows.train), "n_test": len(rows.test), "epochs": model.max_epochs} | provenance()


def planned(data: list[str]) -> Iterator[Cell]:
    """The cells of a run, those that others wait for first, and then seed by seed."""
    for seed in range(5):
        for name in data:
            sides = CONTROL if name == NOISE else METHODS
            for side in sides:
                if seed in METHODS[side].seeds and (name != NOISE or seed < 3):
                    yield Cell(name, DEEP, side, seed)
            if name != NOISE:
                yield from (Cell(name, SHALLOW, side, seed) for side in FEW)
                yield from (Cell(name, DEEP, side, seed) for side in CLUSTERS if seed in CLUSTERS[side].seeds)
            if name == OMNIGLOT and seed < 2:
                yield from (Cell(name, ALL_ROWS, side, seed) for side in FEW)


def seconds_of(cell: Cell) -> float:
    """Of a cell on one thread, roughly."""
    grid = cell.seed == 0 and cell.method.rate_of is None and cell.side not in CLUSTERS and cell.data != NOISE
    grid &= cell.network != ALL_ROWS
    share = {DEEP: 1.0, SHALLOW: 0.5, ALL_ROWS: 3.5}[cell.network]
    return (share * cell.method.seconds * (len(RATES) if grid else 1)) + 30


def run_full(data: list[str], sizes: Sizes) -> None:
    """Two processes share the data sets; a cell waits for others of its own data only."""
    shares = [[name for name in data if name == OMNIGLOT], [name for name in data if name != OMNIGLOT]]
    shares = [share for share in shares if share]
    for share in shares:
        todo = [cell for cell in planned(share) if not cell.is_done()]
        minutes = sum(map(seconds_of, todo)) / 60
        print(f"{' and '.join(share)}: {len(todo)} cells to do, about {minutes:.0f} minutes on one thread", flush=True)
    Parallel(n_jobs=2)(delayed(run_share)(share, sizes) for share in shares)


def run_share(data: list[str], sizes: Sizes) -> None:
    torch.set_num_threads(1)
    rows_of = lru_cache(2)(load)
    for cell in planned(data):
        if not cell.is_done():
            own = cell.sizes(sizes)
            row = record(cell, rows_of(cell.data, own.n_train), own)
            CELLS.add(row)
            shown = ("data", "network", "side", "seed", "learning_rate", "au", "informative_units", "kl", "ll")
            print({name: row[name] for name in shown}, f"{row['cpu_seconds']:.0f} s", flush=True)


def run_quick() -> None:
    """On few small digits a deep perceptron loses its latents, and the identifiable decoder keeps them."""
    torch.set_num_threads(1)
    X = (np.random.default_rng(0).random((1797, 64)) < load_digits().data / 16).astype(np.float32)
    rows, sizes = Rows(X[:1500], X[1500:1650], X[1650:], np.zeros(147)), Sizes(1500, 64, 8, 12, 64)
    found = {}
    for side in ("LIDVAE section", "VAE"):
        cell = Cell(NOISE, "9 layers", side, 0)  # of one learning rate
        found[side] = record(cell, rows, sizes, posterior="gaussian")
        print(side, {name: found[side][name] for name in ("au", "informative_units", "kl", "mi", "ll")})
    own, other = found["LIDVAE section"], found["VAE"]
    if not (own["au"] == 1.0 and other["au"] < 1.0 and own["ll"] > other["ll"]):
        raise SystemExit("The identifiable decoder should use every latent and have the higher likelihood.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few small digits, under 10 seconds")
    parser.add_argument("--table", action="store_true", help="print the tables of the saved results")
    parser.add_argument("--authors", action="store_true", help="the authors' sizes, on a GPU")
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA), help="only these")
    arguments = parser.parse_args()
    if arguments.table:
        print(table())
    elif arguments.quick:
        run_quick()
    else:
        run_full(arguments.data, AUTHORS if arguments.authors else SIZES)


if __name__ == "__main__":
    main()
