"""Figure 1 of the paper: does LIDGMVAE keep its clusters where the classical GMVAE collapses, at every depth?

    python doc/paper/figure_1.py            full run: about an hour on one thread; goes on where it stopped
    python doc/paper/figure_1.py --quick    few rows of a pinwheel, under 10 seconds
    python doc/paper/figure_1.py --plot     the pictures from the saved results
    python doc/paper/figure_1.py --table    the table of the saved results, in Markdown

The paper claims that it does, and that likelihood is not the price. Panels (a) and (b) ask on a pinwheel of five arms
what the labels and the latents of each model say of the arms: 1000 rows, Gaussian likelihood, five seeds. Panels (c)
and (d) ask on 20 000 rows of Fashion-MNIST, Bernoulli likelihood, 25 epochs, three seeds, how accuracy, information of
the labels and test likelihood go with the depth of the decoder. Of 2000 test rows 1000 serve for the likelihood, with
100 draws each.

"section" is LIDGMVAEClustering, and "brenier" the same with the decoder of the paper. "GMVAE" has a perceptron, with
the same encoder and the same start; "GMVAE random" is the classical one, with a plain encoder, a random mixture and no
first phase. The divergence has its whole weight from the first step of the second phase on (``kl_warmup=0``), which
leaves the plain decoder most room to collapse. All have the same depth and as many multiply-adds: section and
perceptron have the same matrices but for thin products, and on Fashion-MNIST the width of the paper's decoder is chosen
for it. The learning rate is the default; a fit that diverges is repeated at a third of it.
"""

import argparse
import bisect
import statistics
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "benchmarks"))

from cells import Cells, fashion_mnist, provenance  # noqa: E402
from loops import LATENTS, width_of_equal_cost  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402

from sklid import CollapseWarning, LIDGMVAEClustering  # noqa: E402
from sklid.baselines import GMVAE  # noqa: E402
from sklid.datasets import make_pinwheel  # noqa: E402
from sklid.metrics import cluster_mutual_information, clustering_accuracy, majority_vote_accuracy  # noqa: E402
from sklid.nn import InjectiveDecoder  # noqa: E402
from sklid.plots.style import COLOURS, MARKERS, axes_grid, hide_frame, scatter  # noqa: E402

AT_ONCE = {"kl_warmup": 0.0}
SIDES = {
    "section": (LIDGMVAEClustering, AT_ONCE),
    "brenier": (LIDGMVAEClustering, AT_ONCE | {"decoder": "brenier"}),
    "GMVAE": (GMVAE, AT_ONCE),
    "GMVAE random": (GMVAE, {"encoder": "plain", "init": "random", "pretrain_fraction": 0.0}),
}
PINWHEEL, FASHION = "pinwheel", "fashion"
TITLES = {PINWHEEL: "pinwheel", FASHION: "Fashion-MNIST"}
PARAMETERS = {
    PINWHEEL: {"k": 5},
    FASHION: {"k": 10, "likelihood": "bernoulli", "n_components": LATENTS, "max_epochs": 25},
}
DEPTHS = {PINWHEEL: (2,), FASHION: (1, 2, 4, 6, 9)}
SEEDS = {PINWHEEL: (0, 1, 2, 3, 4), FASHION: (0, 1, 2)}
WIDTH, RATES, N_SCORED = 256, (3e-3, 1e-3), 1_000
COLUMNS = ["data", "side", "method", "encoder", "decoder", "seed", "depth", "width", "learning_rate", "accuracy",
           "majority", "mi_y", "clusters", "ll", "seconds", "cpu_seconds", "n_train", "n_test", "epochs", "threads",
           "sklid", "torch", "scikit_learn", "commit"]  # fmt: skip
RESULTS = HERE / "results"
CELLS = Cells(RESULTS / "figure_1.csv", COLUMNS)
FOUND = RESULTS / "figure_1.npz"
"""Labels and latents of the first seed on the pinwheel."""
SECONDS = {(PINWHEEL, 2): 4, (FASHION, 1): 40, (FASHION, 2): 45, (FASHION, 4): 50, (FASHION, 6): 60, (FASHION, 9): 70}
SHOWN = {
    "accuracy": "accuracy, one to one",
    "majority": "accuracy, majority",
    "mi_y": "I(x; y), nats",
    "ll": "test log-likelihood, nats",
}


class Cell(NamedTuple):
    """One fit: of which side to which data, with how many hidden layers, from which seed."""

    data: str
    side: str
    depth: int
    seed: int

    def is_done(self) -> bool:
        return bool(CELLS.read(**self._asdict()))


class Rows(NamedTuple):
    """Rows to fit, and others, or the same, to measure, with their classes."""

    train: np.ndarray
    test: np.ndarray
    classes: np.ndarray


def load(data: str) -> Rows:
    if data == PINWHEEL:
        X, y = make_pinwheel(1000, random_state=0)
        return Rows(X, X, y)
    train, _, test, classes, _ = fashion_mnist(labels=True)
    return Rows(train, test, classes)


def width_of(cell: Cell, n_features: int) -> int:
    """Units of a hidden layer, on images for as many multiply-adds as a perceptron of `WIDTH` units has."""
    if (cell.data, cell.side) != (FASHION, "brenier"):
        return WIDTH
    cost = lambda width: width_of_equal_cost(InjectiveDecoder(LATENTS, n_features, cell.depth, width))  # noqa: E731
    return bisect.bisect_left(range(8 * WIDTH), WIDTH, lo=WIDTH // 8, key=cost)


def fitted(cell: Cell, train: np.ndarray, **others: object) -> LIDGMVAEClustering | GMVAE:
    """The model at the first learning rate at which its training does not diverge."""
    estimator, own = SIDES[cell.side]
    for rate in RATES:
        model = estimator(
            **PARAMETERS[cell.data] | own | {"decoder_depth": cell.depth, "learning_rate": rate} | others,
            random_state=cell.seed,
        ).fit(train)
        if model.converged_ and model.net_.lr == rate:
            break
    return model


def measure(model: LIDGMVAEClustering | GMVAE, rows: Rows) -> dict:
    probabilities = model.predict_proba(rows.test)
    labels = probabilities.argmax(axis=1)
    return {
        "accuracy": clustering_accuracy(rows.classes, labels),
        "majority": majority_vote_accuracy(rows.classes, labels),
        "mi_y": cluster_mutual_information(probabilities),
        "clusters": len(np.unique(labels)),
        "ll": model.score(rows.test[:N_SCORED]),
    }


def record(cell: Cell, rows: Rows, **others: object) -> dict:
    """Measure a cell and append its row."""
    width = width_of(cell, rows.train.shape[1])
    wall, cpu = time.perf_counter(), time.process_time()
    with warnings.catch_warnings():
        for category in (CollapseWarning, ConvergenceWarning):
            warnings.simplefilter("ignore", category)
        model = fitted(cell, rows.train, decoder_width=width, **others)
    times = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    if (cell.data, cell.seed) == (PINWHEEL, 0):
        np.savez_compressed(FOUND, **saved_arrays() | arrays_of(cell.side, model, rows))
    row = cell._asdict() | {"method": type(model).__name__, "encoder": model.encoder, "width": width}
    row |= {"decoder": getattr(model, "decoder", "perceptron"), "learning_rate": model.learning_rate}
    row |= measure(model, rows) | times | {"n_train": len(rows.train), "n_test": len(rows.test)}
    CELLS.add(row | {"epochs": model.max_epochs} | provenance())
    return row


def arrays_of(side: str, model: LIDGMVAEClustering | GMVAE, rows: Rows) -> dict[str, np.ndarray]:
    latents = model.transform(rows.test).astype(np.float32)
    found = {f"{side}, labels": model.predict(rows.test).astype(np.int8), f"{side}, latents": latents}
    return {"rows": rows.test.astype(np.float32), "classes": rows.classes.astype(np.int8)} | found


def saved_arrays() -> dict[str, np.ndarray]:
    if not FOUND.exists():
        return {}
    with np.load(FOUND) as arrays:
        return dict(arrays)


def planned(data: list[str], sides: list[str], seeds: list[int]) -> Iterator[Cell]:
    """The cells of a run, seed by seed, so that a run cut short compares all sides."""
    for name in data:
        for seed in (seed for seed in SEEDS[name] if seed in seeds):
            yield from (Cell(name, side, depth, seed) for depth in DEPTHS[name] for side in sides)


def run_full(data: list[str], sides: list[str], seeds: list[int]) -> None:
    torch.set_num_threads(1)
    todo = [cell for cell in planned(data, sides, seeds) if not cell.is_done()]
    minutes = sum(SECONDS[cell.data, cell.depth] for cell in todo) / 60
    print(f"{len(todo)} fits to do, about {minutes:.0f} minutes on one thread", flush=True)
    rows = {name: load(name) for name in {cell.data for cell in todo}}
    for cell in todo:
        if not cell.is_done():
            row = record(cell, rows[cell.data])
            print({name: row[name] for name in COLUMNS[:16] if name not in ("method", "decoder")}, flush=True)


def run_quick() -> None:
    """On few rows of a pinwheel the section's labels say what the arms are, and as much as the classical ones."""
    torch.set_num_threads(1)
    X, y = make_pinwheel(400, random_state=0)
    small = {"max_epochs": 60, "decoder_width": 64, "encoder_width": 64, "n_importance_samples": 20}
    found = {}
    for side in SIDES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CollapseWarning)
            model = fitted(Cell(PINWHEEL, side, 2, 0), X, **small)
        found[side] = measure(model, Rows(X, X, y))
        print(side, found[side])
    own, random = found["section"], found["GMVAE random"]
    if not (own["mi_y"] > 1.2 and own["accuracy"] > 0.9 and own["mi_y"] >= random["mi_y"]):
        raise SystemExit("The section should keep its five arms, with the information of a random start or more.")


def saved(name: str, **wanted: object) -> list[float]:
    """A figure of every seed."""
    return [float(row[name]) for row in CELLS.read(**wanted)]


def table() -> str:
    """The saved results as a Markdown table: mean and standard deviation over the seeds, and the least."""
    heads = ["data", "hidden layers", "side", "accuracy", "least", "majority", "I(x; y), nats", "least",
             "log-likelihood", "time over section"]  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for data, depth in SECONDS:
        base = saved("cpu_seconds", data=data, depth=depth, side="section")
        for side in SIDES:
            values = {name: saved(name, data=data, depth=depth, side=side) for name in (*SHOWN, "cpu_seconds")}
            if values["accuracy"]:
                lines.append(f"| {TITLES[data]} | {depth} | {side} | {' | '.join(line_of(values, base))} |")
    return "\n".join(lines)


def line_of(values: dict[str, list[float]], base: list[float]) -> list[str]:
    mean = {name: statistics.mean(found) for name, found in values.items()}
    spread = {name: statistics.stdev(found) if len(found) > 1 else 0.0 for name, found in values.items()}
    return [
        f"{mean['accuracy']:.3f} ± {spread['accuracy']:.3f}",
        f"{min(values['accuracy']):.3f}",
        f"{mean['majority']:.3f} ± {spread['majority']:.3f}",
        f"{mean['mi_y']:.2f} ± {spread['mi_y']:.2f}",
        f"{min(values['mi_y']):.2f}",
        f"{mean['ll']:.2f} ± {spread['ll']:.2f}",
        f"{statistics.median(values['cpu_seconds']) / statistics.median(base):.2f}" if base else "",
    ]


def plot() -> None:
    plot_pinwheel()
    plot_depths()


def plot_pinwheel() -> None:
    """The rows by label, and below them the latents by arm."""
    arrays, sides = saved_arrays(), list(SIDES)
    figure, grid = axes_grid(2, 1 + len(sides), (2.6, 2.7))
    scatter(grid[0, 0], *arrays["rows"].T, arrays["classes"])
    grid[0, 0].set_title("arms")
    grid[1, 0].set_axis_off()
    for (top, below), side in zip(grid.T[1:], sides, strict=True):
        scatter(top, *arrays["rows"].T, arrays[f"{side}, labels"])
        scatter(below, *arrays[f"{side}, latents"].T, arrays["classes"])
        (row,) = CELLS.read(data=PINWHEEL, side=side, seed=0)
        accuracy, information = float(row["accuracy"]), float(row["mi_y"])
        top.set_title(f"{side}: labels\naccuracy {accuracy:.2f}, I(x; y) {information:.2f} nats", fontsize=9)
        below.set_title("latents, by arm", fontsize=9)
    for ax in grid.ravel():
        hide_frame(ax)
        ax.set(xticks=[], yticks=[])
    figure.savefig(RESULTS / "figure_1_pinwheel.png", dpi=110)


def plot_depths() -> None:
    """Each figure against the depth, the range over the seeds shaded."""
    figure, grid = axes_grid(1, len(SHOWN), (3.4, 3.1))
    depths = DEPTHS[FASHION]
    for ax, (name, title) in zip(grid[0], SHOWN.items(), strict=True):
        for side, colour, marker in zip(SIDES, COLOURS, MARKERS, strict=False):
            found = [saved(name, data=FASHION, side=side, depth=depth) for depth in depths]
            ax.fill_between(depths, [min(x) for x in found], [max(x) for x in found], color=colour, alpha=0.2, lw=0)
            ax.plot(depths, [statistics.mean(x) for x in found], f"{marker}-", color=colour, label=side)
        ax.set(xlabel="hidden layers of the decoder", xticks=depths)
        ax.set_title(title, fontsize=11)
        hide_frame(ax)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(SIDES), frameon=False)
    figure.savefig(RESULTS / "figure_1_fashion.png", dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few rows of a pinwheel, under 10 seconds")
    parser.add_argument("--plot", action="store_true", help="draw the saved results")
    parser.add_argument("--table", action="store_true", help="print the table of the saved results")
    parser.add_argument("--data", nargs="+", choices=TITLES, default=list(TITLES), help="only these")
    parser.add_argument("--methods", nargs="+", choices=SIDES, default=list(SIDES), help="only these sides")
    parser.add_argument("--seeds", nargs="+", type=int, choices=SEEDS[PINWHEEL], default=SEEDS[PINWHEEL])
    arguments = parser.parse_args()
    if arguments.table:
        print(table())
    elif arguments.quick or arguments.plot:
        (run_quick if arguments.quick else plot)()
    else:
        run_full(arguments.data, arguments.methods, arguments.seeds)


if __name__ == "__main__":
    main()
