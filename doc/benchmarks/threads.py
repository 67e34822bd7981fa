"""Two fits in two threads beside one fit alone.

    python doc/benchmarks/threads.py            full run: about 1 minute on two cores; goes on where it stopped
    python doc/benchmarks/threads.py --quick    short fits, under 10 seconds
    python doc/benchmarks/threads.py --table    the table of the saved results, in Markdown

Each fit computes on one thread of torch's (`torch.set_num_threads(1)`), so that two have a core each. The ratio is of
wall-clock times that are taken in turn: 1 is perfect, 2 is one after the other.
"""

import statistics
import threading
import time
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from cells import Cells, command_line, provenance

from sklid import LIDVAE, LIDGMVAEClustering

COLUMNS = ["model", "rows", "features", "width", "ratio", "least", "most", "threads", "sklid", "torch", "scikit_learn",
           "commit"]  # fmt: skip
CELLS = Cells(Path(__file__).parent / "results" / "threads.csv", COLUMNS)
MODELS = {"LIDVAE": LIDVAE, "LIDGMVAEClustering": LIDGMVAEClustering}
N_REPEATS = 7


class Size(NamedTuple):
    """Of a table and of the networks."""

    rows: int
    features: int
    width: int
    epochs: int


SIZES = (Size(5_000, 20, 256, 10), Size(5_000, 784, 512, 3))
QUICK = Size(2_000, 20, 256, 3)


def seconds(fit: object, n_threads: int) -> float:
    threads = [threading.Thread(target=fit) for _ in range(n_threads)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


def ratios(model: str, size: Size, n_repeats: int = N_REPEATS) -> list[float]:
    """Of the time of two fits at once to that of one, after a fit that does not count."""
    X = np.random.default_rng(0).standard_normal((size.rows, size.features)).astype(np.float32)
    widths = {"encoder_width": size.width, "decoder_width": size.width}

    def fit() -> None:
        MODELS[model](max_epochs=size.epochs, random_state=0, **widths).fit(X)

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    return [seconds(fit, 2) / seconds(fit, 1) for _ in range(n_repeats + 1)][1:]


def run_full() -> None:
    print("about 1 minute on two cores, less what is done", flush=True)
    for model in MODELS:
        for size in SIZES:
            key = {"model": model, "rows": size.rows, "features": size.features, "width": size.width}
            if not CELLS.read(**key):
                found = ratios(model, size)
                row = key | {"ratio": statistics.median(found), "least": min(found), "most": max(found)}
                print(row, flush=True)
                CELLS.add(row | provenance())


def run_quick() -> None:
    found = statistics.median(ratios("LIDVAE", QUICK, 3))
    if not 0.5 < found < 4:  # the machine may be busy
        raise SystemExit(f"Two fits in two threads took {found:.1f} times one.")


def table() -> str:
    """The saved ratios as a Markdown table."""
    lines = ["| model | table | units | two fits in two threads over one |", "|---|---|---|---|"]
    for row in CELLS.read():
        size = f"{int(row['rows']):,} x {row['features']}".replace(",", " ")
        ratio = f"{float(row['ratio']):.2f} ({float(row['least']):.2f} to {float(row['most']):.2f})"
        lines.append(f"| {row['model']} | {size} | {row['width']} | {ratio} |")
    return "\n".join(lines)


if __name__ == "__main__":
    command_line(
        __doc__,
        run_full,
        quick=(run_quick, "short fits, under 10 seconds"),
        table=(lambda: print(table()), "print the table of the saved results"),
    )
