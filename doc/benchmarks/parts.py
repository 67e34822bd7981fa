"""A folder of Parquet files that is fitted and encoded from where it lies, beside the same rows in an array.

    python doc/benchmarks/parts.py            full run: about 20 minutes on one thread; goes on where it stopped
    python doc/benchmarks/parts.py --quick    30 000 and 350 000 rows and narrow layers, under 20 seconds
    python doc/benchmarks/parts.py --table    the table of the saved results, in Markdown

Rows of 50 numbers in single precision. The fit of a `LIDVAE`, of one epoch with 128 units a layer in batches of 4096,
and what follows it are a process of their own: `transform` of all rows, and of parts of 100 000 rows, whose latents are
thrown away. The peak of resident memory of the process until then holds PyTorch, scikit-learn and PyArrow, which are
there at the start, and pages of the temporary file where they are mapped; an array, which was there before, is taken
off. Times are of the processor in all threads, those of PyArrow included, so that what else runs does not count.
"""

import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from cells import Cells, command_line, numbers_of_process, peak_mb, provenance
from numpy.typing import NDArray
from pyarrow import parquet

from sklid import LIDVAE

COLUMNS = ["rows", "features", "table", "what", "array_mb", "start_mb", "peak_mb", "seconds", "log_likelihood"]
COLUMNS += ["threads", "sklid", "torch", "scikit_learn", "commit"]
CELLS = Cells(Path(__file__).parent / "results" / "parts.csv", COLUMNS)
N_FEATURES, PART, N_FILES = 50, 100_000, 5
TABLES, SIZES, QUICK = ("array", "files"), (100_000, 1_000_000, 10_000_000), (30_000, 350_000)
SETTINGS = {"n_components": 4, "max_epochs": 1, "batch_size": 4096, "encoder_width": 128, "decoder_width": 128}
WHAT = ("fit", "transform by parts", "transform")
NARROW = {"encoder_width": 16, "decoder_width": 16}
LEAST_SPEED = 0.9
"""Rows per second of a fit to files, over those of the array."""
MOST_GROWTH_MB = 100
"""Of a fit's peak, from a million rows to ten: a random order of rows takes 4 bytes a row, and a row 200."""
QUICK_GROWTH_MB = 80
"""The table grows by 64 MB, and a fit to an array by as much again."""


def parts(n_rows: int) -> Iterator[NDArray[np.float32]]:
    """Rows on the bent image of four factors, with noise; `PART` of them at a time."""
    weights = np.random.default_rng(0).standard_normal((2, 4, N_FEATURES), np.float32)
    for start in range(0, n_rows, PART):
        random, size = np.random.default_rng(start + 1), min(PART, n_rows - start)
        factors = random.standard_normal((size, 4), np.float32)
        yield (
            factors @ weights[0]
            + np.tanh(factors) @ weights[1]
            + random.standard_normal((size, N_FEATURES), np.float32)
        )


def write(table: str, n_rows: int, path: Path) -> None:
    """The rows in an array file or in a folder of Parquet files, of which no more than a part is in memory."""
    names = [f"x{number}" for number in range(N_FEATURES)]
    if table == "array":
        rows = np.lib.format.open_memmap(path, "w+", np.float32, (n_rows, N_FEATURES))
        for number, part in enumerate(parts(n_rows)):
            rows[number * PART : number * PART + len(part)] = part
        return
    path.mkdir()
    schema = pa.schema([(name, pa.float32()) for name in names])
    files = [parquet.ParquetWriter(path / f"part{number}.parquet", schema) for number in range(N_FILES)]
    for number, part in enumerate(parts(n_rows)):  # the order of files is that of their names
        files[number * PART * N_FILES // n_rows].write_table(pa.table(list(part.T), schema=schema))
    for file in files:
        file.close()


def print_measured(table: str, path: str, **changed: Any) -> None:
    """Fit and ask a model; print megabytes of the array and at the start, what each took, and the likelihood."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    X = np.load(path) if table == "array" else path
    numbers = [X.nbytes / 1e6 if table == "array" else 0, peak_mb()]
    model = LIDVAE(random_state=0, **SETTINGS | changed)
    for what in WHAT[:1] if changed else WHAT:  # the fit alone in a quick run
        began = time.process_time()
        if what == "transform by parts":
            for part in parts_of(X):
                model.transform(part)
        else:
            getattr(model, what)(X)
        numbers += [peak_mb(), time.process_time() - began]
    print(*numbers, model.score(next(parts_of(X))[:1_000]))


def parts_of(X: Any) -> Iterator[Any]:
    if isinstance(X, str):
        files = (parquet.ParquetFile(path) for path in sorted(Path(X).iterdir()))
        return (batch for file in files for batch in file.iter_batches(PART))
    return (X[start : start + PART] for start in range(0, len(X), PART))


def measure(table: str, n_rows: int, **changed: Any) -> list[dict[str, Any]]:
    """Rows of results, one for each thing that was asked."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows"
        write(table, n_rows, path)
        call = f"print_measured({table!r}, {str(path)!r}, **{changed!r})"
        array, start, *found, score = numbers_of_process("parts", call)
    shared = {"rows": n_rows, "features": N_FEATURES, "table": table, "array_mb": array, "start_mb": start}
    pairs = zip(WHAT, found[::2], found[1::2], strict=False)
    rows = [shared | {"what": what, "peak_mb": peak, "seconds": seconds} for what, peak, seconds in pairs]
    for row in rows:
        row["log_likelihood"] = score
        print(n_rows, table, row["what"], f"{beside(row):.0f} MB {n_rows / row['seconds']:.0f} rows/s", flush=True)
    return rows


def beside(row: dict) -> float:
    """Peak of memory in MB without the array."""
    return float(row["peak_mb"]) - float(row["array_mb"])


def run_full() -> None:
    print("about 20 minutes on one thread, less what is done", flush=True)
    for n_rows in SIZES:
        for table in TABLES:
            if not CELLS.read(rows=n_rows, table=table):
                for row in measure(table, n_rows):
                    CELLS.add(row | provenance() | {"threads": 1})


def run_quick() -> None:
    few, many = (measure("files", n_rows, **NARROW)[0] for n_rows in QUICK)
    if beside(many) - beside(few) > QUICK_GROWTH_MB:
        raise SystemExit(f"A fit to {QUICK[1]} rows took {beside(many) - beside(few):.0f} MB more than to {QUICK[0]}.")
    X = np.concatenate(list(parts(QUICK[0])))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = LIDVAE(random_state=0, **SETTINGS | NARROW).fit(X)
    if abs(model.score(X[:1_000]) - few["log_likelihood"]) > 1e-3:
        raise SystemExit("A model of files should be that of the same rows in an array.")


def speed(n_rows: int, table: str, what: str) -> float:
    """Rows per second of the processor's time."""
    return n_rows / CELLS.mean("seconds", rows=n_rows, table=table, what=what)


def table() -> str:
    """The saved figures as a Markdown table."""
    heads = "rows | what | array: peak beside it, GB | files: peak, GB | array: rows per second | files | files / array"
    lines = [f"| {heads} |", "|---" * 7 + "|"]
    for n_rows in SIZES:
        for what in WHAT:
            of_array, of_files = (CELLS.read(rows=n_rows, table=kind, what=what)[0] for kind in TABLES)
            speeds = [speed(n_rows, kind, what) for kind in TABLES]
            peaks = f"{beside(of_array) / 1000:.2f} | {beside(of_files) / 1000:.2f}"
            ends = f"{speeds[0]:.0f} | {speeds[1]:.0f} | {speeds[1] / speeds[0]:.2f} |"
            lines.append(f"| {n_rows:,}".replace(",", " ") + f" | {what} | {peaks} | {ends}")
    return "\n".join(lines)


if __name__ == "__main__":
    command_line(
        __doc__,
        run_full,
        quick=(run_quick, "30 000 and 350 000 rows and narrow layers, under 20 seconds"),
        table=(lambda: print(table()), "print the table of the saved results"),
    )
