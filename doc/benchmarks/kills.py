"""A fit with a checkpoint is killed again and again: does it end as one that never was, and what is lost at a kill?

    python doc/benchmarks/kills.py            full run: twenty kills, about 3 minutes on one thread
    python doc/benchmarks/kills.py --quick    one kill, about 10 seconds
    python doc/benchmarks/kills.py --table    the table of the saved results, in Markdown

A process of its own fits `LIDVAE` to 1000 made rows, or `LIDGMVAEClustering`, whose fit has two phases; SIGKILL ends it
at a random moment in the first seconds, and the next process fits the same again. The epochs that each process finished
are in a file; lost are those that one process finished and the next did again. The last process is left alone, and the
latents that it finds stand beside those of a fit in this process.
"""

import multiprocessing
import os
import signal
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from cells import Cells, command_line, provenance
from skorch import NeuralNet
from skorch.callbacks import Callback

from sklid import LIDVAE, LIDGMVAEClustering

COLUMNS = ["model", "kills", "most_lost", "mean_lost", "epochs", "difference", "threads", "sklid", "torch",
           "scikit_learn", "commit"]  # fmt: skip
CELLS = Cells(Path(__file__).parent / "results" / "kills.csv", COLUMNS)
MODELS = {"LIDVAE": LIDVAE, "LIDGMVAEClustering": LIDGMVAEClustering}
SIZES = {"n_components": 3, "batch_size": 64, "decoder_width": 16, "encoder_width": 16, "random_state": 0}
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["sklid"])
N_KILLS, N_EPOCHS, LONGEST = 20, 800, 1.0
"""A process is killed at most so many seconds after its first epoch."""


class EpochLog(Callback):
    """Appends the number of each finished epoch to a file."""

    def __init__(self, path: str) -> None:
        self.path = path

    def on_epoch_end(self, net: NeuralNet, **kwargs: object) -> None:
        with open(self.path, "a") as file:
            file.write(f"{os.getpid()} {len(net.history)}\n")


def rows() -> np.ndarray:
    random = np.random.default_rng(0)
    centres = 3 * random.standard_normal((5, 3))
    return (centres[random.integers(5, size=1_000)] + random.standard_normal((1_000, 3))) @ random.standard_normal(
        (3, 8)
    )


def fit(model: str, n_epochs: int, folder: str | None = None) -> np.ndarray:
    """The latents that a fit finds; with a checkpoint and a log in a folder."""
    torch.set_num_threads(1)
    told = {} if folder is None else {"checkpoint": f"{folder}/states", "callbacks": [EpochLog(f"{folder}/log")]}
    Z = MODELS[model](max_epochs=n_epochs, **SIZES, **told).fit(rows()).transform(rows())
    if folder is not None:
        np.save(f"{folder}/latents.npy", Z)
    return Z


def finished(folder: str) -> dict[str, list[int]]:
    """The epochs that each process finished, in their order."""
    epochs: dict[str, list[int]] = {}
    log = Path(folder, "log")
    for line in log.read_text().splitlines() if log.exists() else []:
        process, epoch = line.split()
        epochs.setdefault(process, []).append(int(epoch))
    return epochs


def killed(model: str, n_epochs: int, folder: str, delay: float | None) -> bool:
    """Whether a process was killed so long after its first epoch; without a delay it is left to end."""
    process = PROCESSES.Process(target=fit, args=(model, n_epochs, folder))
    process.start()
    while delay is not None and str(process.pid) not in finished(folder):
        time.sleep(0.01)
        if not process.is_alive():
            break
    if delay is not None:
        process.join(delay)
        process.kill()
    process.join()
    if process.exitcode not in (0, -signal.SIGKILL):
        raise SystemExit(f"A process ended with {process.exitcode}.")
    return process.exitcode != 0


def measured(model: str, n_kills: int, n_epochs: int) -> dict:
    """What was lost at the kills, and how far the latents are from those of a fit that was left alone."""
    random, n_killed = np.random.default_rng(0), 0
    with tempfile.TemporaryDirectory() as folder:
        for delay in random.uniform(0, LONGEST, n_kills):
            n_killed += killed(model, n_epochs, folder, delay)
        killed(model, n_epochs, folder, None)
        epochs = list(finished(folder).values())
        lost = [before[-1] - after[0] + 1 for before, after in pairwise(epochs)]
        difference = float(abs(np.load(f"{folder}/latents.npy") - fit(model, n_epochs)).max())
    return {"kills": n_killed, "most_lost": max(lost), "mean_lost": float(np.mean(lost)), "epochs": n_epochs,
            "difference": difference}  # fmt: skip


def run_full() -> None:
    print("about 3 minutes on one thread", flush=True)
    for model in MODELS:
        if not CELLS.read(model=model):
            row = measured(model, N_KILLS, N_EPOCHS)
            CELLS.add({"model": model} | row | provenance() | {"threads": 1})
            print(model, row, flush=True)


def run_quick() -> None:
    row = measured("LIDVAE", n_kills=1, n_epochs=30)
    print(row)
    if not (row["most_lost"] <= 1 and row["difference"] < 1e-5):
        raise SystemExit("A killed fit should lose one epoch at most, and end as one that was left alone.")


def table() -> str:
    """The saved results as a Markdown table."""
    lines = ["| model | kills | epochs lost at a kill, at most | on average | largest difference of a latent |",
             "|---|---|---|---|---|"]  # fmt: skip
    for row in CELLS.read():
        figures = [row["kills"], row["most_lost"], f"{float(row['mean_lost']):.2f}", f"{float(row['difference']):.1g}"]
        lines.append(f"| {row['model']} | {' | '.join(figures)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    command_line(
        __doc__,
        run_full,
        quick=(run_quick, "one kill, about 10 seconds"),
        table=(lambda: print(table()), "print the table of the saved results"),
    )
