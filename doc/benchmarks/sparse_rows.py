"""Memory and time of a fit to a sparse matrix of counts and of its latents, beside the same rows made dense.

    python doc/benchmarks/sparse_rows.py            full run: about 20 minutes on one thread; goes on where it stopped
    python doc/benchmarks/sparse_rows.py --quick    1000 rows of 20 000 columns, about 20 seconds
    python doc/benchmarks/sparse_rows.py --table    the table of the saved results, in Markdown

One number in a hundred is not zero, as in counts of genes in cells. Each fit of a `LIDVAE`, of one epoch with 64 units
a layer and Poisson counts, and the `transform` after it, is a process of its own. Its peak of resident memory holds
PyTorch and scikit-learn as well, which are there at the start; the matrix, which was there before, is taken off. Times
are of the processor, so that what else runs on the machine does not count.
"""

import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from cells import Cells, command_line, numbers_of_process, peak_mb, provenance
from scipy import sparse

from sklid import LIDVAE

COLUMNS = ["rows", "features", "table", "what", "matrix_mb", "start_mb", "peak_mb", "seconds"]
COLUMNS += ["threads", "sklid", "torch", "scikit_learn", "commit"]
CELLS = Cells(Path(__file__).parent / "results" / "sparse_rows.csv", COLUMNS)
N_FEATURES, SHARE = 20_000, 0.01
SIZES = (("dense", 5_000), ("sparse", 5_000), ("sparse", 20_000), ("sparse", 200_000))
QUICK = (("dense", 1_000), ("sparse", 1_000))
LIMIT_MB = 2_000
"""Beside the matrix."""
NUMBERS = ("matrix_mb", "start_mb", "fit_mb", "fit_seconds", "transform_mb", "transform_seconds")


def counts(n_rows: int) -> sparse.csr_array:
    """Counts from 1 on in random columns; half of the rows have most of theirs among the first half of the columns."""
    rng, n_values = np.random.default_rng(0), int(SHARE * N_FEATURES)
    columns = np.empty((n_rows, n_values), np.int32)
    for start in range(0, n_rows, 10_000):
        part = columns[start : start + 10_000]
        of_kind = rng.random(len(part))[:, None] < 0.5
        place = np.where(of_kind, rng.beta(1, 2, part.shape), rng.random(part.shape))
        part[:] = np.sort((N_FEATURES * place).astype(np.int32), axis=1)
    values = 1 + rng.poisson(0.5, columns.size).astype(np.float32)
    rows = sparse.csr_array((values, columns.ravel(), np.arange(n_rows + 1, dtype=np.int32) * n_values))
    rows.resize(n_rows, N_FEATURES)
    rows.sum_duplicates()
    return rows


def print_measured(table: str, path: str) -> None:
    """Fit and ask a model of the matrix in a file; print megabytes of the matrix, at the start, and what each took."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    X = sparse.load_npz(path)
    size = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    if table == "dense":
        X = X.toarray()
        size = X.nbytes
    start, found = peak_mb(), []
    model = LIDVAE(likelihood="poisson", max_epochs=1, encoder_width=64, decoder_width=64, random_state=0)
    for what in (model.fit, model.transform):
        began = time.process_time()
        what(X)
        found += [peak_mb(), time.process_time() - began]
    print(size / 1e6, start, *found)


def measure(table: str, n_rows: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npz"
        sparse.save_npz(path, counts(n_rows), compressed=False)
        found = numbers_of_process("sparse_rows", f"print_measured({table!r}, {str(path)!r})")
    return dict(zip(NUMBERS, found, strict=True))


def run_full() -> None:
    print("about 20 minutes on one thread, less what is done", flush=True)
    for table, n_rows in SIZES:
        key = {"rows": n_rows, "features": N_FEATURES, "table": table}
        if CELLS.read(**key):
            continue
        found = measure(table, n_rows)
        print(table, n_rows, {name: round(number, 1) for name, number in found.items()}, flush=True)
        shared = key | {"matrix_mb": found["matrix_mb"], "start_mb": found["start_mb"]} | provenance() | {"threads": 1}
        for what in ("fit", "transform"):
            CELLS.add(shared | {"what": what, "peak_mb": found[f"{what}_mb"], "seconds": found[f"{what}_seconds"]})


def run_quick() -> None:
    for table, n_rows in QUICK:
        found = measure(table, n_rows)
        print(table, {name: round(number, 1) for name, number in found.items()}, flush=True)
        if table == "sparse" and found["transform_mb"] - found["matrix_mb"] > LIMIT_MB:
            raise SystemExit(f"{n_rows} sparse rows took more than {LIMIT_MB} MB beside the matrix.")


def beside(row: dict) -> float:
    """Peak of memory in MB without the matrix."""
    return float(row["peak_mb"]) - float(row["matrix_mb"])


def table() -> str:
    """The saved figures as a Markdown table."""
    lines = ["| rows | table | matrix, GB | what | peak beside the matrix, GB | rows per second |", "|---" * 6 + "|"]
    for kind, n_rows in SIZES:
        for row in CELLS.read(table=kind, rows=n_rows):
            speed = n_rows / float(row["seconds"])
            numbers = f"{float(row['matrix_mb']) / 1000:.2f} | {row['what']} | {beside(row) / 1000:.2f} | {speed:.0f}"
            lines.append(f"| {n_rows:,} | {kind} | {numbers} |".replace(",", " ", 1))
    return "\n".join(lines)


if __name__ == "__main__":
    command_line(
        __doc__,
        run_full,
        quick=(run_quick, "1000 rows of 20 000 columns, about 20 seconds"),
        table=(lambda: print(table()), "print the table of the saved results"),
    )
