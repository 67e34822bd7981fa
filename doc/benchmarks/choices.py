"""What a user may choose for LIDGMVAEClustering, and what it does to the clusters of six data sets.

    python doc/benchmarks/choices.py            full run: about 20 minutes on one thread; goes on where it stopped
    python doc/benchmarks/choices.py --quick    scales on three kinds of digits, about 10 seconds
    python doc/benchmarks/choices.py --table    the table of the saved results, in Markdown

Each choice differs from the defaults in one parameter, or two for images; all have the whole weight of the divergence
from the first step of the second phase on (``kl_warmup=0``). All rows are fitted and measured, with three
seeds; labels serve to measure. "auto" for k says how many clusters were found.
"""

import statistics
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from cells import Cells, command_line, provenance
from clustering import measure
from clustering_data import DATA, Rows
from sklearn.datasets import load_digits

from sklid import LIDGMVAEClustering

CHOICES = {
    "defaults": {},
    'scale="column"': {"scale": "column"},
    'scale="table"': {"scale": "table"},
    'likelihood="bernoulli"': {"likelihood": "bernoulli"},
    'init="gmm"': {"init": "gmm"},
    'init="kmeans"': {"init": "kmeans"},
    'encoder="conv"': {"encoder": "conv"},
    'encoder="conv", augment="shift"': {"encoder": "conv", "augment": "shift"},
    'k="auto"': {"k": "auto"},
}
OF_IMAGES = {'likelihood="bernoulli"', 'encoder="conv"', 'encoder="conv", augment="shift"'}
"""Choices that only rows of pixels have."""
NAMES, SEEDS = ("digits", "pinwheel", "satimage", "wine", "cancer", "iris"), (0, 1, 2)
FIGURES = ["accuracy", "purity", "nmi", "ari", "clusters", "mi_y", "ll", "seconds", "cpu_seconds"]
COLUMNS = ["data", "choice", "seed", *FIGURES, "n_train", "threads", "sklid", "torch", "scikit_learn",
           "commit"]  # fmt: skip
CELLS = Cells(Path(__file__).parent / "results" / "choices.csv", COLUMNS)
SECONDS = {"digits": 15, "pinwheel": 6, "satimage": 35, "wine": 2, "cancer": 5, "iris": 2}
"""Of a fit on one thread, roughly."""


def planned() -> Iterator[tuple[str, str, int]]:
    """The cells of a run: data, choice, seed."""
    for name in NAMES:
        for choice in CHOICES:
            if choice not in OF_IMAGES or name == "digits":
                yield from ((name, choice, seed) for seed in SEEDS)


def measured(name: str, choice: str, seed: int, rows: Rows) -> dict:
    """One fit and its figures; a success probability is a share of the greatest intensity."""
    told = {"k": DATA[name].k, "kl_warmup": 0.0, "random_state": seed, **CHOICES[choice]}
    if told.get("likelihood") == "bernoulli":
        images = rows.train / rows.train.max()
        rows = Rows(images, images, rows.classes)
    return measure(LIDGMVAEClustering(**told), rows)


def run_full() -> None:
    torch.set_num_threads(1)
    todo = [cell for cell in planned() if not is_done(cell)]
    print(f"{len(todo)} cells to do, about {sum(SECONDS[name] for name, *_ in todo) / 60:.0f} minutes", flush=True)
    loaded = {name: DATA[name].load() for name in {name for name, *_ in todo}}
    for name, choice, seed in todo:
        row = {"data": name, "choice": choice, "seed": seed} | measured(name, choice, seed, loaded[name])
        CELLS.add(row | {"n_train": len(loaded[name].train)} | provenance())
        print({column: row.get(column) for column in COLUMNS[:11]}, flush=True)


def is_done(cell: tuple[str, str, int]) -> bool:
    return bool(CELLS.read(**dict(zip(("data", "choice", "seed"), cell, strict=True))))


def run_quick() -> None:
    """Pixels that are almost blank are as loud as strokes when each column has its own unit."""
    torch.set_num_threads(1)
    images, classes = load_digits(n_class=3, return_X_y=True)
    small = {"k": 3, "max_epochs": 25, "encoder_width": 64, "decoder_width": 64, "random_state": 0}
    found = {
        scale: measure(LIDGMVAEClustering(**small, scale=scale), Rows(images, images, classes))
        for scale in ("table", "column")
    }
    for scale, figures in found.items():
        print(scale, figures)
    if not (found["table"]["accuracy"] > 0.9 and found["table"]["accuracy"] >= found["column"]["accuracy"]):
        raise SystemExit("Three kinds of digits should be told apart with one unit for all pixels; see above.")


def table() -> str:
    """The saved results as a Markdown table: accuracy, or for k="auto" the numbers of clusters."""
    names = [name for name in NAMES if CELLS.read(data=name)]
    lines = ["| choice | " + " | ".join(DATA[name].title for name in names) + " |", "|---|" + "---|" * len(names)]
    for choice, told in CHOICES.items():
        cells = [cell_of(CELLS.read(data=name, choice=choice), "k" in told) for name in names]
        lines.append(f"| `{choice}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def cell_of(rows: list[dict], counts: bool) -> str:
    """Mean accuracy and its least, or the numbers of clusters."""
    if not rows:
        return ""
    if counts:
        return ", ".join(row["clusters"] for row in rows)
    accuracies = [float(row["accuracy"]) for row in rows]
    return f"{statistics.mean(accuracies):.3f} ({np.min(accuracies):.3f})"


def print_table() -> None:
    print(table())


if __name__ == "__main__":
    command_line(
        __doc__,
        run_full,
        quick=(run_quick, "scales on three kinds of digits, about 10 seconds"),
        table=(print_table, "print the table of the saved results"),
    )
