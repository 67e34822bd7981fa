"""Clusters of tables of numbers, categories and counts, beside k-prototypes and KMeans.

    python doc/benchmarks/mixed_clusters.py            full run: about 10 minutes; goes on where it stopped
    python doc/benchmarks/mixed_clusters.py --quick    a made table of 300 rows, under 20 seconds
    python doc/benchmarks/mixed_clusters.py --table    the table of the saved results, in Markdown

Made tables have 600 rows in 4 clusters of unlike size, 4 numbers, 3 categories, a truth value and 2 counts; each seed
draws another. "Apart": columns are independent given the cluster, as k-means and k-prototypes take them to be. "Sizes":
a number that is not in the table, such as the size of a person, moves numbers and counts along as well. In tables with
gaps a fifth of the entries is missing at random. "Penguins" are those of palmerpenguins (Horst, Hill & Gorman 2020):
344 birds of 3 species with island, sex, year and 4 measures, of which 19 entries are missing. Species are left out.

LIDGMVAEClustering, GMVAE, which differs from it in the decoder alone, and LIDVAE, among whose latents KMeans finds the
clusters, have their defaults but for ``likelihood="auto"`` and are given gaps as they are; "at once" has the whole
weight of the divergence from the first step of the second phase on (``kl_warmup=0``). For the others means and most
frequent categories fill gaps, and numbers and counts are standardised. KMeans has a column for each category.
KPrototypes of kmodes has 10 starts, as KMeans, and its own weight of categories. All are told the number of clusters.
Labels serve to measure, never to choose. The penguins need ``pip install palmerpenguins==0.1.6`` and KPrototypes
``kmodes==0.12.2``; what is missing is left out.
"""

import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from cells import Cells, command_line, provenance, spread
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from sklid import LIDVAE, LIDGMVAEClustering
from sklid.baselines import GMVAE
from sklid.metrics import clustering_accuracy

SEEDS, N_ROWS, N_CLUSTERS, GAPS, N_STARTS = range(5), 600, 4, 0.2, 10
WEIGHTS = (0.4, 0.3, 0.2, 0.1)
NUMBERS = {"number": 4, "count": 2}
COLUMNS = ["data", "method", "seed", "ari", "accuracy", "cpu_seconds", "n_rows", "package", "threads", "sklid", "torch",
           "scikit_learn", "commit"]  # fmt: skip
CELLS = Cells(Path(__file__).parent / "results" / "mixed_clusters.csv", COLUMNS)


class Table(NamedTuple):
    """Rows and the clusters they are of."""

    X: pd.DataFrame
    y: NDArray


def made(seed: int, n_rows: int = N_ROWS, gaps: float = 0.0, size: float = 0.0) -> Table:
    """A mixed table; `size` is how far a standard deviation of what is not in it moves numbers and log-means."""
    random = np.random.default_rng(seed)
    y = random.choice(N_CLUSTERS, n_rows, p=WEIGHTS)
    sizes = size * random.standard_normal((n_rows, 1))
    moved = random.choice([-1.0, 1.0], sum(NUMBERS.values()))
    centres = 1.2 * random.standard_normal((N_CLUSTERS, sum(NUMBERS.values())))
    numbers = (centres[y] + sizes * moved)[:, : NUMBERS["number"]] + random.standard_normal((n_rows, NUMBERS["number"]))
    log_means = 1 + 0.5 * (centres[y] + sizes * moved)[:, NUMBERS["number"] :]
    columns = {f"number {i}": number for i, number in enumerate(numbers.T)}
    for i, n_categories in enumerate((3, 4, 5)):
        shares = random.dirichlet(np.full(n_categories, 0.7), N_CLUSTERS)
        drawn = (random.random((n_rows, 1)) > shares[y].cumsum(axis=1)[:, :-1]).sum(axis=1)
        columns[f"category {i}"] = np.array(list("abcde"))[drawn]
    columns["truth"] = np.where(random.random(n_rows) < random.random(N_CLUSTERS)[y], "yes", "no")
    for i, log_mean in enumerate(log_means.T):
        columns[f"count {i}"] = random.poisson(random.gamma(3, np.exp(log_mean) / 3)).astype(float)
    X = pd.DataFrame(columns)
    return Table(X.mask(random.random(X.shape) < gaps), y)


def penguins(seed: int) -> Table:
    """The same for every seed."""
    from palmerpenguins import load_penguins

    X = load_penguins()
    return Table(X.drop(columns="species"), pd.factorize(X["species"])[0])


DATA: dict[str, Callable[[int], Table]] = {
    "apart": lambda seed: made(seed),
    "apart, gaps": lambda seed: made(seed, gaps=GAPS),
    "sizes": lambda seed: made(seed, size=1.5),
    "sizes, gaps": lambda seed: made(seed, gaps=GAPS, size=1.5),
    "penguins": penguins,
}


def filled(X: pd.DataFrame) -> tuple[NDArray, pd.DataFrame]:
    """Standardised numbers and the categories, without gaps."""
    numbers = X.select_dtypes("number")
    numbers = numbers.fillna(numbers.mean())
    categories = X.drop(columns=numbers.columns)
    categories = categories.fillna(categories.mode().iloc[0])
    return ((numbers - numbers.mean()) / numbers.std(ddof=0)).to_numpy(), categories


def labels_of_kmeans(X: pd.DataFrame, k: int, seed: int) -> NDArray:
    numbers, categories = filled(X)
    rows = np.column_stack([numbers, pd.get_dummies(categories).to_numpy(float)])
    return KMeans(k, n_init=N_STARTS, random_state=seed).fit_predict(rows)


def labels_of_latents(X: pd.DataFrame, k: int, seed: int, **told: object) -> NDArray:
    Z = LIDVAE(likelihood="auto", random_state=seed, **told).fit_transform(X)
    return KMeans(k, n_init=N_STARTS, random_state=seed).fit_predict(Z)


def labels_of_prototypes(X: pd.DataFrame, k: int, seed: int) -> NDArray:
    from kmodes.kprototypes import KPrototypes

    numbers, categories = filled(X)
    rows = np.column_stack([numbers.astype(object), categories.to_numpy(object)])
    places = list(range(numbers.shape[1], rows.shape[1]))
    return KPrototypes(k, n_init=N_STARTS, random_state=seed).fit_predict(rows, categorical=places)


METHODS: dict[str, Callable[..., NDArray]] = {
    "LIDGMVAEClustering": lambda X, k, seed, **told: LIDGMVAEClustering(
        k, likelihood="auto", random_state=seed, **told
    ).fit_predict(X),
    "LIDGMVAEClustering, at once": lambda X, k, seed, **told: LIDGMVAEClustering(
        k, likelihood="auto", kl_warmup=0, random_state=seed, **told
    ).fit_predict(X),
    "GMVAE": lambda X, k, seed, **told: GMVAE(k, likelihood="auto", random_state=seed, **told).fit_predict(X),
    "LIDVAE + KMeans": labels_of_latents,
    "KPrototypes": labels_of_prototypes,
    "KMeans": labels_of_kmeans,
}
PACKAGES = {"KPrototypes": "kmodes", "penguins": "palmerpenguins"}


def installed(name: str) -> bool:
    return name not in PACKAGES or find_spec(PACKAGES[name]) is not None


def measured(method: str, table: Table, seed: int, **told: object) -> dict:
    """One fit and its figures."""
    k = len(np.unique(table.y))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.process_time()
        labels = METHODS[method](table.X, k, seed, **told)
        seconds = time.process_time() - start
    figures = {"ari": adjusted_rand_score(table.y, labels), "accuracy": clustering_accuracy(table.y, labels)}
    return figures | {"cpu_seconds": seconds}


def run_full() -> None:
    torch.set_num_threads(1)
    for name in (name for name in PACKAGES if not installed(name)):
        print(f"{name} is left out, as its package is not installed: pip install {PACKAGES[name]}")
    names, methods = (list(filter(installed, what)) for what in (DATA, METHODS))
    keys = [{"data": name, "method": method, "seed": seed} for seed in SEEDS for name in names for method in methods]
    keys = [key for key in keys if not CELLS.read(**key)]
    print(f"{len(keys)} cells to do, about {len(keys) / 10:.0f} minutes on one thread", flush=True)
    for key in keys:
        table = DATA[key["data"]](key["seed"])
        package = PACKAGES.get(key["method"])
        row = measured(key["method"], table, key["seed"]) | {"n_rows": len(table.X)}
        CELLS.add(key | row | {"package": f"{package} {version(package)}" if package else ""} | provenance())
        print(key, row, flush=True)


def run_quick() -> None:
    """Clusters that sizes draw out, with gaps: a mixture that explains the columns finds them better than KMeans."""
    torch.set_num_threads(1)
    table = made(0, 300, gaps=0.1, size=1.5)
    small = {"max_epochs": 40, "encoder_width": 64, "decoder_width": 64, "batch_size": 100}
    found = {name: measured(name, table, 0, **(small if "VAE" in name else {})) for name in filter(installed, METHODS)}
    for name, figures in found.items():
        print(name, figures)
    if not found["LIDGMVAEClustering"]["ari"] > found["KMeans"]["ari"]:
        raise SystemExit("LIDGMVAEClustering should find clusters that KMeans does not see; see above.")


def table() -> str:
    """Means and standard deviations over the seeds."""
    parts = ["| data | method | ARI | accuracy | seconds |", "|---|---|---|---|---|"]
    for name in DATA:
        for method in METHODS:
            rows = CELLS.read(data=name, method=method)
            if rows:
                ari, accuracy = (spread([float(row[figure]) for row in rows], 2) for figure in ("ari", "accuracy"))
                seconds = CELLS.mean("cpu_seconds", data=name, method=method)
                parts.append(f"| {name} | {method} | {ari} | {accuracy} | {seconds:.2g} |")
    return "\n".join(parts)


if __name__ == "__main__":
    command_line(
        __doc__,
        run_full,
        quick=(run_quick, "a made table of 300 rows, under 20 seconds"),
        table=(lambda: print(table()), "print the table of the saved results"),
    )
