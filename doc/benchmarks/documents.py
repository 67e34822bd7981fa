"""What an identifiable decoder of documents costs a step of training, and the memory that many documents take.

    python doc/benchmarks/documents.py            full run: about 15 minutes on one thread; goes on where it stopped
    python doc/benchmarks/documents.py --quick    both at small sizes, about 10 seconds
    python doc/benchmarks/documents.py --table    the table of the saved results, in Markdown

A step is forward, backward and Adam on a batch of 32 documents of 80 words, with 20 000 words known, an LSTM of 512
units and 32 latent variables; the decoders take turns, and a row of the results is a ratio of medians to the classical
decoder of the same network. Memory is the peak of a process of its own that takes documents of twelve words from a
generator: it fits a small model to 1000 of them, or also to all, or embeds all.
"""

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from cells import Cells, command_line, numbers_of_process, peak_mb, provenance

from sklid import LIDSVAE
from sklid.nn import StandardNormal
from sklid.nn.sequences import (
    DocumentPosterior,
    PlainSequenceDecoder,
    RecurrentStates,
    SequenceBrenier,
    SequenceModel,
    SequenceSection,
)

COLUMNS = ["what", "side", "size", "value", "threads", "sklid", "torch", "scikit_learn", "commit"]
CELLS = Cells(Path(__file__).parent / "results" / "documents.csv", COLUMNS)
PLAIN, SECTION, BRENIER = "classical", "section", "brenier"
SIZES = {"n_words": 20_000, "hidden_size": 512, "n_components": 32, "n_rows": 32, "length": 80}
QUICK = {"n_words": 500, "hidden_size": 64, "n_components": 8, "n_rows": 16, "length": 20}
N_STEPS = 7
DOCUMENTS = (10_000, 100_000)
TASKS = ("fit 1000", "fit", "transform")


def model_of(side: str, n_words: int, hidden_size: int, n_components: int) -> SequenceModel:
    states = RecurrentStates(n_words, 0 if side == BRENIER else n_components, hidden_size, hidden_size)
    if side == PLAIN:
        decoder = PlainSequenceDecoder(states, n_words, hidden_size)
    elif side == SECTION:
        decoder = SequenceSection(states, n_words, n_components, hidden_size)
    else:
        decoder = SequenceBrenier(states, n_words, n_components, hidden_size, width=hidden_size)
    return SequenceModel(StandardNormal(n_components), decoder, DocumentPosterior(n_words, n_components), n_words)


def step_seconds(n_words: int, hidden_size: int, n_components: int, n_rows: int, length: int) -> dict[str, float]:
    """Median seconds of a step of each decoder, which take turns."""
    x = torch.randint(2, n_words, (n_rows, length)).float()
    models = {side: model_of(side, n_words, hidden_size, n_components) for side in (PLAIN, SECTION, BRENIER)}
    optimizers = {side: torch.optim.Adam(model.parameters(), fused=True) for side, model in models.items()}
    seconds: dict[str, list[float]] = {side: [] for side in models}
    for _ in range(N_STEPS):
        for side, model in models.items():
            start = time.process_time()
            optimizers[side].zero_grad(set_to_none=True)
            (-model(x).elbo().mean()).backward()
            optimizers[side].step()
            seconds[side].append(time.process_time() - start)
    return {side: statistics.median(times[1:]) for side, times in seconds.items()}


def texts(n: int) -> Iterator[str]:
    """Documents of twelve words of 2000, the first of which are the most common."""
    random = np.random.default_rng(0)
    for _ in range(n):
        yield " ".join(f"word{number % 2_000}" for number in random.zipf(1.3, 12))


def print_peak(task: str, n: int) -> None:
    """Do a task in this process and print its peak of memory."""
    torch.set_num_threads(1)
    small = {"n_components": 8, "hidden_size": 32, "embedding_size": 16, "max_epochs": 1, "random_state": 0}
    model = LIDSVAE(**small).fit(texts(n if task == "fit" else 1_000))
    if task == "transform":
        model.transform(texts(n))
    print(peak_mb())


def run_full() -> None:
    torch.set_num_threads(1)
    print("about 15 minutes on one thread, less what is done", flush=True)
    if not CELLS.read(what="step"):
        seconds = step_seconds(**SIZES)
        for side, value in seconds.items():
            CELLS.add({"what": "step", "side": side, "size": 1, "value": value / seconds[PLAIN]} | provenance())
        print(seconds, flush=True)
    for task in TASKS:
        for n in DOCUMENTS:
            if not CELLS.read(what="memory", side=task, size=n):
                (peak,) = numbers_of_process("documents", f"print_peak({task!r}, {n})")
                CELLS.add({"what": "memory", "side": task, "size": n, "value": peak} | provenance() | {"threads": 1})
                print(task, n, round(peak), flush=True)


def run_quick() -> None:
    torch.set_num_threads(1)
    seconds = step_seconds(**QUICK)
    (peak,) = numbers_of_process("documents", "print_peak('transform', 3000)")
    print(seconds, peak)
    if not (seconds[SECTION] < 3 * seconds[PLAIN] and peak < 1_000):
        raise SystemExit("A section should cost little beside a recurrent network, and documents little memory.")


def table() -> str:
    """The saved results as Markdown tables."""
    lines = ["| decoder | time of a step over that of the classical one |", "|---|---|"]
    lines += [f"| {row['side']} | {float(row['value']):.2f} |" for row in CELLS.read(what="step")]
    heads = [f"{n:,} documents".replace(",", " ") for n in DOCUMENTS]
    lines += ["", f"| peak memory, MB | {' | '.join(heads)} |", "|---" * (1 + len(heads)) + "|"]
    for task in TASKS:
        peaks = [CELLS.mean("value", what="memory", side=task, size=n) for n in DOCUMENTS]
        lines.append(f"| {task} | {' | '.join(f'{peak:.0f}' for peak in peaks)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    command_line(
        __doc__,
        run_full,
        quick=(run_quick, "both at small sizes, about 10 seconds"),
        table=(lambda: print(table()), "print the table of the saved results"),
    )
