"""One model trained by two processes beside the same by one: the time of a fit, on as many cores as there are.

    python doc/benchmarks/processes.py            full run: about 2 minutes on two free cores; goes on where it stopped
    python doc/benchmarks/processes.py --quick    one short fit of each kind, under 30 seconds
    python doc/benchmarks/processes.py --table    the table of the saved results, in Markdown

Each process computes on one thread. The ratio is of wall-clock times of fits that are taken in turn, by the same two
processes, of which one waits while the other fits alone: 0.5 is perfect, 1 is no gain. What else runs on the machine
counts, so the load of its cores is saved beside.
"""

import os
import statistics
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from cells import ROOT, Cells, command_line, provenance

from sklid import LIDVAE

COLUMNS = ["rows", "features", "width", "batch", "rows_a_second", "ratio", "least", "most", "load", "threads", "sklid",
           "torch", "scikit_learn", "commit"]  # fmt: skip
CELLS = Cells(Path(__file__).parent / "results" / "processes.csv", COLUMNS)
N_REPEATS = 5


class Size(NamedTuple):
    """Of a table, of the networks and of a batch."""

    rows: int
    features: int
    width: int
    batch: int
    epochs: int


SIZES = (Size(5_120, 20, 256, 256, 4), Size(5_120, 784, 512, 256, 2), Size(5_120, 784, 512, 1_024, 2))
QUICK = Size(1_000, 20, 64, 250, 1)


def print_seconds(*size: int, n_repeats: int) -> None:
    """In one of two processes: the seconds of a fit alone and of one together, several times, from the main one."""
    from accelerate import PartialState

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    processes, size = PartialState(cpu=True), Size(*size)
    X = np.random.default_rng(0).standard_normal((size.rows, size.features)).astype(np.float32)
    for _ in range(n_repeats + 1):
        found = []
        for distributed in (False, True):
            processes.wait_for_everyone()
            start = time.perf_counter()
            if distributed or processes.is_main_process:
                LIDVAE(
                    max_epochs=size.epochs,
                    batch_size=size.batch,
                    decoder_width=size.width,
                    encoder_width=size.width,
                    distributed=distributed,
                    random_state=0,
                ).fit(X)
            found.append(time.perf_counter() - start)
        if processes.is_main_process:
            print(*found, flush=True)


def seconds(size: Size, n_repeats: int) -> np.ndarray:
    """Of fits alone and together ``(n_repeats, 2)``, after a pair that does not count."""
    call = f"import processes; processes.print_seconds(*{tuple(size)}, n_repeats={n_repeats})"
    launch = ["torch.distributed.run", "--standalone", "--nproc_per_node", "2", "--no-python"]
    command = [sys.executable, "-m", *launch, sys.executable, "-c", call]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    return np.array([list(map(float, line.split())) for line in done.stdout.splitlines()])[1:]


def run_full() -> None:
    print("about 2 minutes on two free cores, less what is done", flush=True)
    for size in SIZES:
        key = {"rows": size.rows, "features": size.features, "width": size.width, "batch": size.batch}
        if not CELLS.read(**key):
            found = seconds(size, N_REPEATS)
            ratios = found[:, 1] / found[:, 0]
            row = key | {
                "rows_a_second": size.rows * size.epochs / statistics.median(found[:, 0]),
                "ratio": statistics.median(ratios),
                "least": min(ratios),
                "most": max(ratios),
                "load": os.getloadavg()[1] / os.cpu_count(),
            }
            print(row, flush=True)
            CELLS.add(row | provenance())


def run_quick() -> None:
    (found,) = seconds(QUICK, 1)
    if not 0.3 < found[1] / found[0] < 30:  # the machine may be busy, and a short fit is mostly waiting
        raise SystemExit(f"A fit by two processes took {found[1] / found[0]:.1f} times one alone.")


def table() -> str:
    """The saved ratios as a Markdown table."""
    lines = [
        "| table | units | batch | two processes over one | programs that wait for a core |",
        "|---|---|---|---|---|",
    ]
    for row in CELLS.read():
        size = f"{int(row['rows']):,} x {row['features']} | {row['width']} | {row['batch']}".replace(",", " ")
        ratio = f"{float(row['ratio']):.2f} ({float(row['least']):.2f} to {float(row['most']):.2f})"
        lines.append(f"| {size} | {ratio} | {float(row['load']):.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    command_line(
        __doc__,
        run_full,
        quick=(run_quick, "one short fit of each kind, under 30 seconds"),
        table=(lambda: print(table()), "print the table of the saved results"),
    )
