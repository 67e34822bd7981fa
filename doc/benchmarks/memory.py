"""Peak memory of a fit and of the questions after it, on a million rows and on a memory map of images' size.

    python doc/benchmarks/memory.py            full run: about 15 minutes on one thread; goes on where it stopped
    python doc/benchmarks/memory.py --quick    fit and labels at 1000 rows of 10 columns, about 10 seconds
    python doc/benchmarks/memory.py --table    the table of the saved results, in Markdown

Each fit, of one epoch with 64 units a layer, and each question about all rows is a process of its own, so that its peak
of resident memory is its own; it holds PyTorch and scikit-learn as well, which are there before anything is done
("at the start"). Scores and labels are from 10 draws a row: more take longer, and are made in smaller chunks of rows.
Rows are normal numbers in single precision, in a memory map that counts where it is read.
"""

import tempfile
import warnings
from pathlib import Path

import joblib
import numpy as np
import torch
from cells import Cells, command_line, numbers_of_process, peak_mb, provenance

from sklid import LIDVAE, LIDGMVAEClustering
from sklid.metrics import collapse_report

COLUMNS = ["rows", "features", "model", "what", "peak_mb", "threads", "sklid", "torch", "scikit_learn", "commit"]
CELLS = Cells(Path(__file__).parent / "results" / "memory.csv", COLUMNS)
SIZES, QUICK = ((1_000_000, 10), (200_000, 784)), (1_000, 10)
LIMIT_MB = 1_000
MODELS = {"LIDVAE": LIDVAE, "LIDGMVAEClustering": LIDGMVAEClustering}
QUESTIONS = {
    "LIDVAE": ("transform", "score", "collapse_report"),
    "LIDGMVAEClustering": ("transform", "score", "predict_proba", "collapse_report"),
}


def print_peak(model: str, what: str, folder: str) -> None:
    """Fit a model to the rows in a folder and keep it there, or ask the one that is there; print the peak."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    X, path = np.load(Path(folder) / "rows.npy", mmap_mode="r"), Path(folder) / model
    if what == "fit":
        sizes = {"encoder_width": 64, "decoder_width": 64, "n_importance_samples": 10}
        joblib.dump(MODELS[model](max_epochs=1, random_state=0, **sizes).fit(X), path)
    elif what == "collapse_report":
        collapse_report(joblib.load(path), X)
    elif what != "at the start":
        getattr(joblib.load(path), what)(X)
    print(peak_mb())


def measure(n_rows: int, n_features: int, questions: dict[str, tuple[str, ...]]) -> dict[tuple[str, str], float]:
    """Peaks in MB of models at the start, in a fit and at questions."""
    peaks = {}
    with tempfile.TemporaryDirectory() as folder:
        rows = np.lib.format.open_memmap(Path(folder) / "rows.npy", "w+", np.float32, (n_rows, n_features))
        for start in range(0, n_rows, 10_000):
            part = rows[start : start + 10_000]
            part[:] = np.random.default_rng(start).standard_normal(part.shape)
        for model, asked in questions.items():
            for what in ("at the start", "fit", *asked):
                (peaks[model, what],) = numbers_of_process("memory", f"print_peak({model!r}, {what!r}, {folder!r})")
                print(n_rows, n_features, model, what, round(peaks[model, what]), flush=True)
    return peaks


def run_full() -> None:
    print("about 15 minutes on one thread, less what is done", flush=True)
    for n_rows, n_features in SIZES:
        if CELLS.read(rows=n_rows, features=n_features):
            continue
        for (model, what), peak in measure(n_rows, n_features, QUESTIONS).items():
            key = {"rows": n_rows, "features": n_features, "model": model, "what": what}
            CELLS.add(key | {"peak_mb": peak} | provenance() | {"threads": 1})


def run_quick() -> None:
    for (model, what), peak in measure(*QUICK, {"LIDGMVAEClustering": ("predict_proba",)}).items():
        if peak > LIMIT_MB:
            raise SystemExit(f"{what} of {model} took {peak:.0f} MB on {QUICK[0]} rows of {QUICK[1]} columns.")


def table() -> str:
    """The saved peaks as a Markdown table."""
    heads = [f"{n_rows:,} x {n_features}".replace(",", " ") for n_rows, n_features in SIZES]
    lines = [f"| model | what | {' | '.join(heads)} |", "|---" * (2 + len(SIZES)) + "|"]
    for model in MODELS:
        for what in ("at the start", "fit", *QUESTIONS[model]):
            peaks = [CELLS.mean("peak_mb", rows=n, features=d, model=model, what=what) / 1000 for n, d in SIZES]
            lines.append(f"| {model} | {what} | {' | '.join(f'{peak:.2f}' for peak in peaks)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    command_line(
        __doc__,
        run_full,
        quick=(run_quick, "fit and labels at 1000 rows of 10 columns, about 10 seconds"),
        table=(lambda: print(table()), "print the table of the saved results"),
    )
