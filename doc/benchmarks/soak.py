"""Random use of all estimators in one process for an hour: what goes wrong, and does anything grow?

    python doc/benchmarks/soak.py                 full run: an hour on one thread
    python doc/benchmarks/soak.py --minutes 10    another time
    python doc/benchmarks/soak.py --seed 1234     the one action of a seed, which a failure names
    python doc/benchmarks/soak.py --quick         15 seconds
    python doc/benchmarks/soak.py --table         the table of the saved results, in Markdown

Fits on 60 made rows of numbers, counts, sparse counts, mixed frames, Arrow tables and sentences, with their answers;
fits by parts; files of `sklid.save` and joblib; interrupts at any moment of a fit; and tables that are to be refused
(`soak_actions.py`). A warning of another category than those of the package, a changed setting of NumPy, torch,
scikit-learn, matplotlib, `warnings` or the process, an answer that is not finite or not the same as before, and an
error that is no refusal count as failures, with their text in a file of their own. After each minute the memory of the
process is noted after a garbage collection, and its threads, open files and temporary files.
"""

import collections
import gc
import os
import pickle
import random
import re
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import sklearn
import torch
from cells import Cells, command_line, provenance
from sklearn.exceptions import ConvergenceWarning
from soak_actions import ACTIONS, act

from sklid import LIDVAE, exceptions

RESULTS = Path(__file__).parent / "results"
NOTED = ["rss_mb", "own_mb", "open_threads", "open_files", "temporary_files"]
COLUMNS = ["first_seed", "minute", *ACTIONS, "failures", *NOTED, "threads", "sklid", "torch", "scikit_learn", "commit"]
CELLS = Cells(RESULTS / "soak.csv", COLUMNS)
FAILURES = Cells(RESULTS / "soak_failures.csv", ["seed", "text", "commit"])
MOST_GROWTH = 1.0
"""MB a minute, by a line through the second half of the notes."""
EXPECTED = (*(each for each in vars(exceptions).values() if isinstance(each, type) and issubclass(each, Warning)),)
OF_TRAINING = re.compile(r"The training diverged|.* did not converge|.*max_iter")
"""What the package says with scikit-learn's ConvergenceWarning."""


def settings() -> dict[str, Any]:
    """Those that are no one's to change."""
    return {
        "NumPy's generator": pickle.dumps(np.random.mtrand._rand.get_state()),
        "NumPy's errors": np.geterr(),
        "Python's generator": random.getstate(),
        "torch's generator": torch.get_rng_state().numpy().tobytes(),
        "torch's threads": torch.get_num_threads(),
        "torch's default type": torch.get_default_dtype(),
        "gradients": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "scikit-learn's settings": sklearn.get_config(),
        "filters of warnings": list(warnings.filters),
        "matplotlib's backend": matplotlib.get_backend(),
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGALRM)],
        "environment": (dict(os.environ), os.getcwd()),
    }


def prepare() -> None:
    """Load what torch loads at the first fit of a process, which adds a filter of warnings and a variable."""
    matplotlib.use("agg")
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        LIDVAE(1, max_epochs=1).fit(np.eye(4))


def failures(seed: int) -> tuple[str, list[str]]:
    """The name of an action, and what went wrong in it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        before = settings()
        name, wrong = act(seed)
        gc.collect()
        after = settings()
    found = [wrong] if wrong else []
    found += [f"{name} changed {key}" for key, value in before.items() if after[key] != value]
    for warning in caught:
        told = warning.category is ConvergenceWarning and OF_TRAINING.match(str(warning.message))
        if not (told or issubclass(warning.category, EXPECTED)):
            found.append(f"{name}: {warning.category.__name__}: {warning.message}")
    return name, found


def notes() -> dict[str, float]:
    """Memory, all and without pages of files, and what is open."""
    gc.collect()
    status = Path("/proc/self/status").read_text()
    values = {key: int(re.search(rf"{key}:\s+(\d+)", status).group(1)) for key in ("VmRSS", "RssAnon", "Threads")}
    files = [len(os.listdir(folder)) for folder in ("/proc/self/fd", tempfile.gettempdir())]
    return dict(zip(NOTED, [values["VmRSS"] / 1024, values["RssAnon"] / 1024, values["Threads"], *files], strict=True))


def soak(minutes: float, first_seed: int, every: float, saves: bool) -> list[dict]:
    """Notes at times, with the number of each action until then; failures are printed and saved."""
    prepare()
    rows, counts, seed, n_failures, began = [], collections.Counter(), first_seed, 0, time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir = folder
        while len(rows) < round(minutes / every):
            name, found = failures(seed)
            counts[name] += 1
            for text in found:
                print(f"seed {seed}: {text}", flush=True)
                if saves:
                    FAILURES.add({"seed": seed, "text": text, "commit": provenance()["commit"]})
            seed, n_failures = seed + 1, n_failures + len(found)
            if time.monotonic() - began >= 60 * every * (len(rows) + 1):
                done = {"first_seed": first_seed, "minute": every * (len(rows) + 1), "failures": n_failures}
                rows.append(done | {name: counts[name] for name in ACTIONS} | notes())
                print(rows[-1], flush=True)
                if saves:
                    CELLS.add(rows[-1] | provenance())
        tempfile.tempdir = None
    return rows


def growth(rows: list[dict], what: str) -> float:
    """Of what was noted, a minute, in the second half of the time."""
    second = rows[len(rows) // 2 :]
    minutes, values = ([float(row[key]) for row in second] for key in ("minute", what))
    return float(np.polyfit(minutes, values, 1)[0])


def stays(rows: list[dict], what: str) -> bool:
    """Whether there is at the end no more of what was noted than in the middle."""
    return float(rows[-1][what]) <= float(rows[len(rows) // 2][what])


def check(rows: list[dict]) -> None:
    more = [what for what in NOTED[2:] if not stays(rows, what)]
    if rows[-1]["failures"] or more:
        raise SystemExit(f"{rows[-1]['failures']} failures; growing: {', '.join(more) or 'nothing'}.")


def run_full(minutes: float = 60) -> None:
    print(f"{minutes:g} minutes on one thread", flush=True)
    rows = soak(minutes, int.from_bytes(os.urandom(3)), every=1, saves=True)
    check(rows)
    if growth(rows, "rss_mb") > MOST_GROWTH:
        raise SystemExit(f"The memory grows by {growth(rows, 'rss_mb'):.2f} MB a minute.")


def run_quick() -> None:
    check(soak(0.25, first_seed=0, every=0.05, saves=False))


def run_seed(seed: int) -> None:
    prepare()
    sys.exit("\n".join(failures(seed)[1]) or None)


def runs() -> list[list[dict]]:
    """The saved notes of each run."""
    by_seed: dict[str, list[dict]] = {}
    for row in CELLS.read():
        by_seed.setdefault(row["first_seed"], []).append(row)
    return list(by_seed.values())


def table() -> str:
    """The saved notes as a Markdown table: a line for each run."""
    heads = ["minutes", *ACTIONS, "failures", "memory in the middle, MB", "at the end", "growth, MB a minute"]
    heads += [what.replace("open_", "").replace("_", " ") for what in NOTED[2:]]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for rows in runs():
        middle, end = rows[len(rows) // 2], rows[-1]
        numbers = [f"{float(end['minute']):g}", *(end[name] for name in (*ACTIONS, "failures"))]
        numbers += [f"{float(row['rss_mb']):.0f}" for row in (middle, end)] + [f"{growth(rows, 'rss_mb'):.2f}"]
        numbers += [f"{middle[what]}, {end[what]}" for what in NOTED[2:]]
        lines.append(f"| {' | '.join(numbers)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    command_line(
        __doc__,
        run_full,
        minutes=(run_full, "as many in place of 60", float),
        seed=(run_seed, "the one action of a seed", int),
        quick=(run_quick, "15 seconds"),
        table=(lambda: print(table()), "print the table of the saved results"),
    )
