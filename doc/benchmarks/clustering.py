"""LIDGMVAEClustering beside what else one would use, on nine data sets: how good are its clusters, and at what price?

    python doc/benchmarks/clustering.py            full run: about 4 hours on one thread; goes on where it stopped
    python doc/benchmarks/clustering.py --quick    the direction of the claim on three kinds of digits, about 10 seconds
    python doc/benchmarks/clustering.py --table    the tables of the saved results, in Markdown

LIDGMVAEClustering has its defaults but for what `OWN` shows. "LIDGMVAE brenier" has the decoder of the paper, "GMVAE"
differs from LIDGMVAEClustering in the decoder alone, and "GMVAE random" starts everything at random, without a first
phase, as is usual; these three run on the digits, and on Fashion-MNIST in ``doc/paper/figure_1.py``.

Rows: all of the digits (0 to 16), of a pinwheel of 1000 points, of satimage's training part, of the wine, breast cancer
and iris tables and of the counts of the 2000 genes that vary most in 2100 bladder cells; these are fitted and measured.
Of MNIST 60 000 and of Fashion-MNIST 20 000 rows in [0, 1] are fitted and 2000 others measured. The peers are
`clustering_peers`, by their defaults, and fit at most 10 000 rows. They take standardised columns of the wine, breast
cancer and iris tables; intensities of images in [0, 1]; satimage in units of its standard deviation; and of the counts
the logarithm of one and the counts per median total. UMAP has 10 components, 20 neighbours and a least distance of 0.
ClustPy's VaDE takes all this in [0, 1]. Its and DEC's epochs are the defaults, or on MNIST, Fashion-MNIST and the
counts at most as many as take three times as long as LIDGMVAEClustering takes for all rows, or 20 000 if there are
more; it must be done before. Labels serve to measure, never to choose. The log-likelihood is given for models of the
rows as they are. Two processes share the work by ``--data``. Every method has one thread.
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from cells import Cells, provenance
from clustering_data import DATA, Data, Rows
from clustering_peers import CLUSTPY, DEFAULT_EPOCHS, PEER_EPOCHS, PEERS, bounded, clustpy, epochs_within, installed
from clustering_tables import MEASURES, Bar, bars_of, tables_of
from loops import silence
from sklearn.base import ClusterMixin
from sklearn.datasets import load_digits
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from threadpoolctl import threadpool_limits

from sklid import LIDGMVAEClustering
from sklid.baselines import GMVAE
from sklid.metrics import cluster_mutual_information, clustering_accuracy, majority_vote_accuracy

OWN = {
    "digits": {},
    "pinwheel": {},
    "satimage": {},
    "mnist": {"likelihood": "bernoulli"},
    "fashion": {"likelihood": "bernoulli", "encoder": "conv", "augment": "shift"},
    "bladder": {"likelihood": "poisson"},
    "wine": {},
    "cancer": {},
    "iris": {},
}
"""What LIDGMVAEClustering is told of each data set beside the number of classes: nothing else differs between them."""
MAY_DIFFER = {"likelihood", "k", "n_components", "encoder", "image_shape", "augment"}
CLASSICAL = {"likelihood", "k", "n_components"}
"""What of it "GMVAE random" is told, too, whose encoder is its own."""
OURS, BRENIER, PLAIN, RANDOM = "LIDGMVAEClustering", "LIDGMVAE brenier", "GMVAE", "GMVAE random"
METHODS = (OURS, BRENIER, PLAIN, RANDOM, *PEERS, *CLUSTPY)
BESIDE = ("digits",)
"""Where the other models of this package run."""
SEEDS = {"own": (5, 3), "peer": (3, 2)}
"""How many, on small and on large data sets."""
N_PEER_ROWS, N_TIMED_ROWS, TIMES_OURS = 10_000, 20_000, 3
COLUMNS = ["data", "method", "seed", *MEASURES, "error", "n_train", "n_test", "epochs", "threads", "package", "sklid",
           "torch", "scikit_learn", "commit"]  # fmt: skip
CELLS = Cells(Path(__file__).parent / "results" / "clustering.csv", COLUMNS)
SECONDS = {
    "digits": (5, 2, 75),
    "pinwheel": (4, 1, 40),
    "satimage": (20, 10, 200),
    "mnist": (430, 60, 520),
    "fashion": (250, 60, 750),
    "bladder": (50, 15, 90),
    "wine": (1, 1, 9),
    "cancer": (4, 1, 26),
    "iris": (1, 1, 9),
}
"""Of a cell on one thread, roughly: of this package, of a peer, of ClustPy."""


def model_of(method: str, data: str, seed: int, **others: object) -> ClusterMixin:
    """A model of this package."""
    told = {"k": DATA[data].k, **OWN[data]}
    if method == RANDOM:
        told = {name: told[name] for name in CLASSICAL & set(told)}
        told |= {"encoder": "plain", "init": "random", "pretrain_fraction": 0.0}
    if method == BRENIER:
        told["decoder"] = "brenier"
    estimator = LIDGMVAEClustering if method in (OURS, BRENIER) else GMVAE
    return estimator(**{**told, "random_state": seed, **others})


def measure(model: ClusterMixin, rows: Rows) -> dict:
    """One fit and its figures; `warnings` of all kinds are left to the figures."""
    wall, cpu = time.perf_counter(), time.process_time()
    with warnings.catch_warnings(), silence():
        warnings.simplefilter("ignore")
        model.fit(rows.train)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        labels = model.labels_ if rows.test is rows.train and hasattr(model, "labels_") else model.predict(rows.test)
    figures = {
        "accuracy": clustering_accuracy(rows.classes, labels),
        "purity": majority_vote_accuracy(rows.classes, labels),
        "nmi": normalized_mutual_info_score(rows.classes, labels),
        "ari": adjusted_rand_score(rows.classes, labels),
        "clusters": len(np.unique(labels)),
        "seconds": wall,
        "cpu_seconds": cpu,
    }
    if hasattr(model, "predict_proba"):
        figures["mi_y"] = cluster_mutual_information(model.predict_proba(rows.test))
    if isinstance(model, LIDGMVAEClustering | GMVAE):
        figures["ll"] = model.score(rows.test)
    return figures


def rows_for_peers(data: Data, rows: Rows) -> Rows:
    """In double precision, which mixtures of many columns need."""
    train = data.prepare(rows.train[:N_PEER_ROWS]).astype(np.float64)
    return Rows(train, train if rows.test is rows.train else data.prepare(rows.test).astype(np.float64), rows.classes)


def measured_peer(name: str, method: str, seed: int, rows: Rows) -> dict:
    """A peer's figures, and its number of epochs where it has any."""
    data = DATA[name]
    rows = rows_for_peers(data, rows)
    if method in PEERS:
        return measure(PEERS[method](rows.train, data.k, seed), rows) | {"epochs": PEER_EPOCHS.get(method)}
    if CLUSTPY[method] == "VaDE":
        train = bounded(rows.train, data.mixed)
        rows = Rows(train, train if rows.test is rows.train else bounded(rows.test, data.mixed), rows.classes)
    epochs = DEFAULT_EPOCHS
    if data.large:
        epochs = epochs_within(CLUSTPY[method], rows.train, data.k, TIMES_OURS * seconds_of_ours(name, N_TIMED_ROWS))
    return measure(clustpy(CLUSTPY[method], data.k, seed, epochs), rows) | {"epochs": "{}+{}".format(*epochs)}


def seconds_of_ours(data: str, n_rows: int) -> float:
    """How long a fit takes for at most so many rows."""
    rows = CELLS.read(data=data, method=OURS)
    if not rows:
        raise SystemExit(f"ClustPy's epochs on {data} depend on the time of {OURS} there; run --methods {OURS} first.")
    return statistics.median(float(row["cpu_seconds"]) * min(1, n_rows / int(row["n_train"])) for row in rows)


def planned(data: Iterable[str] = tuple(DATA), methods: Iterable[str] = METHODS) -> Iterator[tuple[str, str, int]]:
    """The cells of a run: data, method, seed; what the epochs of others depend on comes first."""
    for name in data:
        for method in (method for method in METHODS if method in methods):
            if method in (BRENIER, PLAIN, RANDOM) and name not in BESIDE:
                continue
            kind = "peer" if method in PEERS or method in CLUSTPY else "own"
            yield from ((name, method, seed) for seed in range(SEEDS[kind][DATA[name].large]))


def record(name: str, method: str, seed: int, rows: Rows) -> None:
    """Measure one cell and append its row; of a peer whose fit fails, the reason that it gives."""
    if method in PEERS or method in CLUSTPY:
        n_train = min(len(rows.train), N_PEER_ROWS)
        try:
            figures = measured_peer(name, method, seed, rows)
        except (ValueError, np.linalg.LinAlgError) as error:
            figures = {"error": str(error)[:80]}
    else:
        model, n_train = model_of(method, name, seed), len(rows.train)
        figures = {"epochs": model.max_epochs} | measure(model, rows)
    row = {"data": name, "method": method, "seed": seed, **figures, "package": installed(method)}
    CELLS.add(row | {"n_train": n_train, "n_test": len(rows.test)} | provenance())
    print({name: row.get(name) for name in COLUMNS[:12]}, flush=True)


def run_full(data: list[str], methods: list[str]) -> None:
    missing = [method for method in methods if installed(method) is None]
    for method in missing:
        print(f"{method} is left out, as its package is not installed: pip install clustpy umap-learn")
    torch.set_num_threads(1)
    threadpool_limits(1)
    cells = list(planned(data, [method for method in methods if method not in missing]))
    todo = [cell for cell in cells if not is_done(cell)]
    minutes = {name: sum(seconds_of(cell) for cell in todo if cell[0] == name) / 60 for name in data}
    print(f"{len(todo)} cells to do, about {sum(minutes.values()):.0f} minutes on one thread", flush=True)
    for name in data:
        print(f"{name}: about {minutes[name]:.0f} minutes", flush=True)
        here = [cell for cell in todo if cell[0] == name]
        rows = DATA[name].load() if here else None
        for cell in here:
            if not is_done(cell):
                record(*cell, rows)


def is_done(cell: tuple[str, str, int]) -> bool:
    return bool(CELLS.read(**dict(zip(("data", "method", "seed"), cell, strict=True))))


def seconds_of(cell: tuple[str, str, int]) -> float:
    own, peer, deep = SECONDS[cell[0]]
    return deep if cell[1] in CLUSTPY else peer if cell[1] in PEERS else own


def run_quick() -> None:
    """Three kinds of digits: the labels say what they are, where a random start leaves them empty."""
    torch.set_num_threads(1)
    images, classes = load_digits(n_class=3, return_X_y=True)
    rows = Rows(images, images, classes)
    small = {"k": 3, "max_epochs": 25, "encoder_width": 64, "decoder_width": 64, "n_importance_samples": 20}
    found = {method: measure(model_of(method, "digits", 0, **small), rows) for method in (OURS, BRENIER, PLAIN, RANDOM)}
    for method in ("KMeans", "autoencoder + mixture"):
        found[method] = measure(PEERS[method](images / 16, 3, 0), Rows(images / 16, images / 16, classes))
    for method, figures in found.items():
        print(method, figures)
    own, random = found[OURS], found[RANDOM]
    if not (own["accuracy"] > 0.9 and own["mi_y"] > 0.9 and own["mi_y"] > random["mi_y"] and own["ll"] > random["ll"]):
        raise SystemExit(
            "LIDGMVAEClustering should find the three digits, "
            "with more information and likelihood than a random start; see above."
        )


def bars() -> dict[str, Bar]:
    """Those of the saved run, by data set."""
    return bars_of(CELLS, OURS)


def table() -> str:
    """The saved results as two Markdown tables: accuracy, and everything else."""
    return tables_of(CELLS, METHODS, OURS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the direction of the claim, about 10 seconds")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS, help="only these")
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA), help="only these")
    parser.add_argument("--table", action="store_true", help="print the tables of the saved results")
    arguments = parser.parse_args()
    if arguments.table:
        print(table())
    elif arguments.quick:
        run_quick()
    else:
        run_full(arguments.data, arguments.methods)


if __name__ == "__main__":
    main()
