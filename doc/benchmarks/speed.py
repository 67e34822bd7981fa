"""What `LIDVAE` costs: ratios of times, memory, and how time grows.

    python doc/benchmarks/speed.py            full run: about 60 minutes on two cores; goes on where it stopped
    python doc/benchmarks/speed.py --quick    a training step of each decoder, about 10 seconds
    python doc/benchmarks/speed.py --plot     the picture of the saved results
    python doc/benchmarks/speed.py --table    the tables of the saved results, in Markdown

Each ratio is that of medians over at least five runs of both sides, by turns in one process. Rows are Fashion-MNIST
images, 784 features, and where nothing else is said 512 units, 10 latents, batches of 256 and a Bernoulli likelihood.
pythae is timed where it is installed. Growth is the exponent of the time of a fit in its last three sizes, medians of
three runs, to memory maps of numbers drawn at random.
"""

import contextlib
import itertools
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from cells import Cells, command_line, fashion_mnist, numbers_of_process, peak_mb, provenance
from sides import SIDES, THREADS, all_ratios, steps

from sklid import LIDVAE
from sklid.plots.style import COLOURS, axes_grid

RESULTS = Path(__file__).parent / "results"
PROVENANCE = ["threads", "sklid", "torch", "scikit_learn", "commit"]
RATIOS = Cells(
    RESULTS / "speed.csv", ["what", "side", "against", "depth", "ratio", "least", "most", "n_pairs", *PROVENANCE]
)
GROWTH = Cells(RESULTS / "speed_growth.csv", ["side", "quantity", "value", "seconds", "relative", *PROVENANCE])
PICTURE = RESULTS / "speed.png"
N_FIT_ROWS = 5_120
GROWTHS = {
    "rows": (1_000, 10_000, 100_000, 1_000_000), "features": (64, 256, 1_024, 4_096, 16_384),
    "latents": (2, 8, 32, 128, 256), "depth": (1, 3, 5, 7, 9), "width": (64, 128, 256, 512, 1_024),
    "batch": (32, 64, 128, 256, 512),
}  # fmt: skip
LARGE = (1_000_000, 784)


def paired(side: Callable[[], object], other: Callable[[], object], n_pairs: int) -> dict:
    """Times of both by turns after one run of each: the ratio of medians, and the range of the ratios of pairs."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(n_pairs + 1):
        for run, found in zip((side, other), times, strict=True):
            start = time.perf_counter()
            run()
            if number:
                found.append(time.perf_counter() - start)
    ratios = [a / b for a, b in zip(*times, strict=True)]
    return {
        "ratio": statistics.median(times[0]) / statistics.median(times[1]),
        "least": min(ratios),
        "most": max(ratios),
        "n_pairs": n_pairs,
    }


def run_ratios(images: np.ndarray) -> None:
    for ratio in all_ratios(images):
        if RATIOS.read(**ratio.key()):
            continue
        torch.set_num_threads(ratio.threads)
        RATIOS.add(ratio.key() | paired(ratio.run, ratio.other, ratio.n_pairs) | provenance())
        print(RATIOS.read(**ratio.key())[0], flush=True)


@contextlib.contextmanager
def normal_rows(n_rows: int, n_features: int) -> Iterator[Path]:
    """A file of standard normal rows in single precision."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npy"
        X, rng = np.lib.format.open_memmap(path, "w+", np.float32, (n_rows, n_features)), np.random.default_rng(0)
        for block in np.array_split(X, -(-n_rows // 10_000)):
            block[:] = rng.standard_normal(block.shape, dtype=np.float32)
        X.flush()
        del X, block
        yield path


def growth_fit(quantity: str, value: int) -> float:
    """Median seconds of three fits of one epoch to a memory map, all quantities but one at their usual values."""
    usual = {"rows": 4_000, "features": 128, "latents": 8, "depth": 2, "width": 128, "batch": 256} | {quantity: value}
    usual["features"] = max(usual["features"], usual["latents"])
    widths = {"encoder_width": usual["width"], "decoder_width": usual["width"], "decoder_depth": usual["depth"]}
    model = LIDVAE(usual["latents"], max_epochs=1, batch_size=usual["batch"], random_state=0, **widths)
    seconds = []
    with normal_rows(usual["rows"], usual["features"]) as path:
        for _ in range(3):
            start = time.perf_counter()
            model.fit(np.load(path, mmap_mode="r"))
            seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def run_growth() -> None:
    torch.set_num_threads(1)
    for quantity, values in GROWTHS.items():
        for value in values:
            if GROWTH.read(quantity=quantity, value=value):
                continue
            seconds = growth_fit(quantity, value)
            first = GROWTH.read(quantity=quantity, value=values[0])
            relative = seconds / float(first[0]["seconds"]) if first else 1.0
            GROWTH.add(
                {"side": "LIDVAE", "quantity": quantity, "value": value, "seconds": seconds, "relative": relative}
                | provenance()
            )
            print(quantity, value, f"{relative:.2f}", flush=True)


def run_memory() -> None:
    """Peak of resident memory of fit and transform of a memory map, in a process of its own."""
    if RATIOS.read(what="memory"):
        return
    with normal_rows(*LARGE) as path:
        (peak,) = numbers_of_process("speed", f"print_peak({str(path)!r})")
    key = {"what": "memory", "side": "LIDVAE", "against": "1 GB", "depth": 2}
    RATIOS.add(key | {"ratio": peak / 1000, "least": peak / 1000, "most": peak / 1000, "n_pairs": 1} | provenance())


def print_peak(path: str) -> None:
    torch.set_num_threads(1)
    X = np.load(path, mmap_mode="r")
    LIDVAE(max_epochs=1, encoder_width=64, decoder_width=64, random_state=0).fit(X).transform(X)
    print(peak_mb())


def exponent(quantity: str) -> float:
    """Slope of log time over log size over the three largest sizes, where what does not grow counts least."""
    rows = GROWTH.read(quantity=quantity)[-3:]
    sizes, seconds = (np.log([float(row[name]) for row in rows]) for name in ("value", "seconds"))
    return float(np.polyfit(sizes, seconds, 1)[0])


def run_full() -> None:
    print("about 60 minutes on two cores, less what is done", flush=True)
    warnings.simplefilter("ignore")
    images = fashion_mnist()[0][:N_FIT_ROWS]
    run_ratios(images)
    run_growth()
    run_memory()


def run_quick() -> None:
    """The direction of the claim: written-out gradients are cheaper than a double backward pass."""
    torch.set_num_threads(1)
    for ratio in steps(2, 256):
        found = paired(ratio.run, ratio.other, 5)
        print(f"{ratio.side} over {ratio.against}: {found['ratio']:.2f}")
        if not found["ratio"] < 1:
            raise SystemExit("The written-out gradient should be cheaper than the double backward pass; see above.")


def table() -> str:
    lines = ["| what | side | over | hidden layers | one thread | two threads |", "|---|---|---|---|---|---|"]
    keys = dict.fromkeys((row["what"], row["side"], row["against"], row["depth"]) for row in RATIOS.read())
    for what, side, against, depth in keys:
        found = [
            RATIOS.read(what=what, side=side, against=against, depth=depth, threads=threads) for threads in THREADS
        ]
        cells = [
            f"{float(rows[0]['ratio']):.2f} ({float(rows[0]['least']):.2f} to {float(rows[0]['most']):.2f})"
            if rows
            else ""
            for rows in found
        ]
        lines.append(f"| {what} | {side} | {against} | {depth if depth != '0' else ''} | {cells[0]} | {cells[1]} |")
    lines += ["", "| grows with | from | to | exponent |", "|---|---|---|---|"]
    lines += [f"| {name} | {values[0]} | {values[-1]} | {exponent(name):.2f} |" for name, values in GROWTHS.items()]
    return "\n".join(lines)


def plot() -> None:
    figure, grid = axes_grid(1, 2, (5.4, 3.8))
    rows = [row for side in SIDES for row in RATIOS.read(what="fit", side=side, threads=1)]
    names = [f"{row['side']} / {row['against']}, {row['depth']} layers" for row in rows]
    colours = [COLOURS[SIDES.index(row["side"])] for row in rows]
    grid[0, 0].barh(names, [float(row["ratio"]) for row in rows], color=colours)
    grid[0, 0].axvline(1, color="black", linewidth=1)
    grid[0, 0].invert_yaxis()
    grid[0, 0].set(xlabel="time of a fit over the other's, one thread")
    for (quantity, values), colour in zip(GROWTHS.items(), itertools.cycle(COLOURS)):
        relative = [float(row["relative"]) for row in GROWTH.read(quantity=quantity)]
        grid[0, 1].loglog(np.array(values) / values[0], relative, marker="o", color=colour, label=quantity)
    grid[0, 1].set(xlabel="size over the smallest", ylabel="time of a fit over the first")
    grid[0, 1].legend(frameon=False, ncols=2)
    for ax in grid.ravel():
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(PICTURE, dpi=110)


def main() -> None:
    command_line(
        __doc__,
        run_full,
        quick=(run_quick, "a training step of each decoder, about 10 seconds"),
        plot=(plot, "draw the picture of the saved results"),
        table=(lambda: print(table()), "print the tables of the saved results"),
    )


if __name__ == "__main__":
    main()
