"""Counts of single cells: likelihood of new cells, cell types among the latents, and time, beside SCVI and PCA.

    python doc/benchmarks/data_counts.py            full run: about an hour on one thread; goes on where it stopped
    python doc/benchmarks/data_counts.py --quick    made cells of 150 genes and few epochs, under 20 seconds
    python doc/benchmarks/data_counts.py --table    the table of the saved results, in Markdown

The folder SKLID_DATA holds `mouse_bladder_counts.npz`. SCVI runs in a process of the Python that SCVI_PYTHON names,
which has scvi-tools; without it, its cells stay open. All sides have negative binomials with a dispersion by gene, the
observed sum of a cell as its library, 10 latents, and networks of two layers of 256 units. Log-likelihoods are
importance-weighted bounds of 100 draws, mean over test cells in nats. Accuracy is that of 10 nearest neighbours among
latents. ARI is the adjusted Rand index of cell types and as many clusters of KMeans among the latents of test cells;
saved cells without it are measured again. Seconds are those of the process in the fit, on one thread. SCVI is run for
as many epochs as the others, at its own learning rate and at theirs, and for the 400 epochs that it takes by itself; it
warms the divergence up over 400 epochs, or over the training where that is shorter. "Warmed up" are ours with the same,
which was chosen after two splits had been seen; "no library" are these without the sum of a cell as its exposure, so
that it is for the latents to tell. Ours are fitted for 20 epochs, since with more their likelihood of held-out cells
falls: that was seen in the first split.
"""

import json
import os
import subprocess
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from cells import ROOT, Cells, command_line, provenance, spread
from counts_data import Split, accuracy, ari, bladder, log_counts, split
from scipy.sparse import csr_matrix
from sklearn.decomposition import PCA

from sklid import LIDVAE, CollapseWarning
from sklid.baselines import VAE
from sklid.datasets import make_cells

N_EPOCHS, N_GENES, SEEDS = 20, 2_000, range(5)
QUICK_EPOCHS, QUICK_GENES, QUICK_SIZES = 10, 150, (1_500, 300, 8)
SETTINGS = {"likelihood": "negative_binomial", "noise": "feature", "offset": "library", "n_components": 10}
WARMED_UP = SETTINGS | {"kl_warmup": 1.0}
WITHOUT_LIBRARY = WARMED_UP | {"offset": None}
OURS: dict[str, Callable[..., Any]] = {
    "LIDVAE": lambda **told: LIDVAE(**SETTINGS, **told),
    "LIDVAE, warmed up": lambda **told: LIDVAE(**WARMED_UP, **told),
    "LIDVAE, no library": lambda **told: LIDVAE(**WITHOUT_LIBRARY, **told),
    "VAE principal": lambda **told: VAE(encoder="principal", **SETTINGS, **told),
    "VAE principal, warmed up": lambda **told: VAE(encoder="principal", **WARMED_UP, **told),
    "VAE principal, no library": lambda **told: VAE(encoder="principal", **WITHOUT_LIBRARY, **told),
    "VAE plain": lambda **told: VAE(**SETTINGS, **told),
}
SCVI = {"SCVI": (1e-3, N_EPOCHS), "SCVI 3e-3": (3e-3, N_EPOCHS), "SCVI 400 epochs": (1e-3, 400)}
METHODS = [*OURS, *SCVI, "PCA"]
COLUMNS = ["method", "seed", "n_epochs", "ll", "accuracy", "ari", "cpu_seconds", "n_rows", "n_genes", "peer", "threads",
           "sklid", "torch", "scikit_learn", "commit"]  # fmt: skip
CELLS = Cells(Path(__file__).parent / "results" / "data_counts.csv", COLUMNS)


def measured(method: str, data: Split, seed: int, n_epochs: int) -> dict:
    """Figures of a method that runs in this process."""
    start = time.process_time()
    if method == "PCA":
        model = PCA(10, random_state=seed).fit(log_counts(data.X))
        train, test = log_counts(data.X), log_counts(data.X_test)
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CollapseWarning)
            model = OURS[method](max_epochs=n_epochs, random_state=seed).fit(data.X)
        train, test = data.X, data.X_test
    row = {"cpu_seconds": time.process_time() - start}
    if method != "PCA":
        row["ll"] = model.score(test)
    Z_test = model.transform(test)
    found = {"accuracy": accuracy(model.transform(train), data.y, Z_test, data.y_test), "ari": ari(Z_test, data.y_test)}
    return row | found


def of_scvi(method: str, seed: int) -> dict:
    """The same of SCVI, from a process of its own."""
    rate, n_epochs = SCVI[method]
    told = {"seed": seed, "max_epochs": n_epochs, "lr": rate, "n_genes": N_GENES}
    command = [os.environ["SCVI_PYTHON"], str(ROOT / "counts_scvi.py"), json.dumps(told)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    found = json.loads(lines[-1])
    return {"peer": f"scvi-tools {found.pop('version')}"} | found


def run_full() -> None:
    torch.set_num_threads(1)
    sides = [method for method in METHODS if method not in SCVI or "SCVI_PYTHON" in os.environ]
    keys = [{"method": method, "seed": seed} for seed in SEEDS for method in sides]
    keys = [key for key in keys if not any(row["ari"] for row in CELLS.read(**key))]
    print(f"{len(keys)} cells to do, about {len(keys):.0f} minutes on one thread", flush=True)
    for key in keys:
        data, method = bladder(key["seed"], N_GENES), key["method"]
        row = of_scvi(**key) if method in SCVI else measured(method, data, key["seed"], N_EPOCHS)
        n_epochs = SCVI[method][1] if method in SCVI else N_EPOCHS
        CELLS.drop(**key)
        CELLS.add(key | row | {"n_epochs": n_epochs, "n_rows": len(data.X), "n_genes": N_GENES} | provenance())
        print(key, row, flush=True)


def run_quick() -> None:
    """Made cells: nearest neighbours among the latents know as many types as they do among principal components."""
    torch.set_num_threads(1)
    counts, y, _ = make_cells(*QUICK_SIZES, random_state=0)
    data = split(csr_matrix(counts), y, 0, QUICK_GENES)
    found = {name: measured(name, data, 0, QUICK_EPOCHS) for name in ("LIDVAE", "PCA")}
    print(found)
    if not found["LIDVAE"]["accuracy"] > found["PCA"]["accuracy"] - 0.05:
        raise SystemExit("Latents of counts should tell cell types apart as well as principal components do.")


def table() -> str:
    """Means and standard deviations over the seeds."""
    parts = ["| method | log-likelihood | accuracy | ARI | seconds, SCVI = 1 |", "|---|---|---|---|---|"]
    for method in METHODS:
        rows = CELLS.read(method=method)
        if rows:
            shown = [
                spread([float(row[name]) for row in rows if row[name]], digits)
                for name, digits in (("ll", 1), ("accuracy", 3), ("ari", 3))
            ]
            parts.append(f"| {' | '.join([method, *shown, beside_scvi(method)])} |")
    return "\n".join(parts)


def beside_scvi(method: str) -> str:
    """Mean time of a fit over that of SCVI, where both are of one run; nothing elsewhere."""
    commits, of_scvi = ({row["commit"] for row in CELLS.read(method=name)} for name in (method, "SCVI"))
    if not commits <= of_scvi:
        return ""
    return f"{CELLS.mean('cpu_seconds', method=method) / CELLS.mean('cpu_seconds', method='SCVI'):.2f}"


if __name__ == "__main__":
    command_line(
        __doc__,
        run_full,
        quick=(run_quick, "few genes and epochs, under 20 seconds"),
        table=(lambda: print(table()), "print the table of the saved results"),
    )
