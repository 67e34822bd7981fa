"""What the benchmarks share: a CSV of finished cells, the data, where figures come from, and the command line."""

import argparse
import csv
import re
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from sklearn.utils import Bunch

from sklid.datasets import fetch_fashion_mnist, fetch_mnist

__all__ = [
    "Cells",
    "command_line",
    "fashion_mnist",
    "is_row",
    "mnist",
    "numbers_of_process",
    "peak_mb",
    "provenance",
    "spread",
]

ROOT = Path(__file__).parent


class Cells:
    """Rows of measurements in a CSV file, one for each finished cell; a run that was cut short goes on from there.

    Parameters
    ----------
    path : Path
    columns : list of str
    """

    def __init__(self, path: Path, columns: list[str]) -> None:
        self.path = path
        self.columns = columns

    def read(self, **wanted: object) -> list[dict]:
        """The rows with the wanted values."""
        if not self.path.exists():
            return []
        with self.path.open(newline="") as file:
            return [row for row in csv.DictReader(file) if is_row(row, **wanted)]

    def add(self, row: dict) -> None:
        """Append a row."""
        if not self.path.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(",".join(self.columns) + "\n")
        with self.path.open("a", newline="") as file:
            writer = csv.DictWriter(file, self.columns)
            writer.writerow(
                {
                    name: f"{value:.6g}" if isinstance(value, float | np.floating) else value
                    for name, value in row.items()
                }
            )

    def drop(self, **wanted: object) -> None:
        """Remove the rows with the wanted values, if there are any."""
        rows = self.read()
        kept = [row for row in rows if not is_row(row, **wanted)]
        if len(kept) < len(rows):
            rest = Cells(self.path.with_suffix(".part"), self.columns)
            for row in kept:
                rest.add(row)
            if kept:
                rest.path.replace(self.path)
            else:
                self.path.unlink()

    def mean(self, name: str, **wanted: object) -> float:
        """Average of a column over the rows with the wanted values."""
        return float(np.mean([float(row[name]) for row in self.read(**wanted)]))


def is_row(row: dict, **wanted: object) -> bool:
    return all(str(row[name]) == str(value) for name, value in wanted.items())


def spread(figures: list[float], digits: int) -> str:
    """Mean, and standard deviation where there are several; nothing of none."""
    deviation = f" ± {statistics.stdev(figures):.{digits}f}" if len(figures) > 1 else ""
    return f"{statistics.mean(figures):.{digits}f}{deviation}" if figures else ""


def provenance() -> dict:
    """Threads, versions and the commit."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT
    ).stdout.strip()
    versions = {"sklid": version("sklid"), "torch": torch.__version__, "scikit_learn": version("scikit-learn")}
    return {"threads": torch.get_num_threads(), **versions, "commit": commit}


def peak_mb() -> float:
    """Peak of resident memory of this program.

    The system call's figure begins with that of the process that started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return float(re.search(r"VmHWM:\s+(\d+) kB", status.read_text()).group(1)) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def numbers_of_process(module: str, call: str) -> list[float]:
    """The numbers that a call of a benchmark's function prints in a process of its own.

    So its peak of memory is its own, too.
    """
    command = [sys.executable, "-c", f"import {module}; {module}.{call}"]
    return [
        float(word)
        for word in subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.split()
    ]


def fashion_mnist(labels: bool = False, n_train: int = 20_000) -> tuple:
    """First `n_train` training rows and 2000 test rows of seeded permutations, intensities in [0, 1], and their source.

    With labels: training rows, training labels, test rows, test labels, source.
    """
    return some_images(fetch_fashion_mnist, labels, n_train)


def mnist(labels: bool = False, n_train: int = 20_000) -> tuple:
    """As many rows of MNIST, in the same way."""
    return some_images(fetch_mnist, labels, n_train)


def some_images(fetch: Callable[..., Bunch], labels: bool, n_train: int) -> tuple:
    train, test = (
        (data.data[chosen], data.target[chosen], Path(data.source).name)
        for data, n in ((fetch(subset="train"), n_train), (fetch(subset="test"), 2_000))
        for chosen in [np.random.default_rng(0).permutation(len(data.data))[:n]]
    )
    return (*train[:2], *test) if labels else (train[0], test[0], test[2])


def command_line(description: str, full: Callable[[], object], **others: tuple) -> None:
    """Do what the command line asks for: the full run, or another by its option.

    The others are given as in ``quick=(run_quick, "about 10 seconds")``; with a type at the end, as in
    ``minutes=(run, "as many minutes", float)``, the option has a value, which the run gets.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.set_defaults(chosen=full)
    for name, (run, explanation, *kind) in others.items():
        if kind:
            value = {"type": partial(_with_value, run, *kind), "metavar": kind[0].__name__}
        else:
            value = {"action": "store_const", "const": run}
        parser.add_argument(f"--{name}", dest="chosen", help=explanation, **value)
    parser.parse_args().chosen()


def _with_value(run: Callable[..., object], kind: Callable[[str], object], text: str) -> Callable[[], object]:
    return partial(run, kind(text))
