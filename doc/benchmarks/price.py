"""What the guarantee of an injective decoder costs in likelihood, against the constant r that is asked for.

    python doc/benchmarks/price.py            full run: about 50 minutes on two cores; goes on where it stopped
    python doc/benchmarks/price.py --quick    two constants on some digits, about 10 seconds
    python doc/benchmarks/price.py --plot     the picture of the saved results
    python doc/benchmarks/price.py --table    the table of the saved results, in Markdown

Each model is fitted to the same rows of six data sets, with three seeds, and its log-likelihood is that of other rows.
`LIDVAE` has the section decoder or that of the paper ("brenier"); `VAE` has the same encoder, ``"principal"``, and a
perceptron of the same width and depth. Of the counts the 1000 genes of largest variance are taken, and the other files
are read whole or, of Fashion-MNIST, 10 000 rows. Files are read from ``$SKLID_DATA``.
"""

import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from cells import Cells, command_line, fashion_mnist, provenance
from scipy.sparse import csr_matrix
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import train_test_split

from sklid import LIDVAE, CollapseWarning
from sklid.baselines import VAE
from sklid.metrics import active_units, mutual_information
from sklid.plots.style import COLOURS, axes_grid

RESULTS = Path(__file__).parent / "results"
CELLS = Cells(
    RESULTS / "price.csv",
    ["data", "method", "r", "seed", "ll", "au", "mi", "floor", "seconds", "n_train", "n_test", "epochs",
     "threads", "sklid", "torch", "scikit_learn", "commit"],
)  # fmt: skip
PICTURE = RESULTS / "price.png"
CONSTANTS, SEEDS = (0.01, 0.1, 0.3, 1, 3), (0, 1, 2)
DECODERS = ("section", "brenier")
N_GENES = 1_000


class Data(NamedTuple):
    """Rows to fit and others to score, the parameters of the models, and the name that is shown."""

    rows: Callable[[], tuple[np.ndarray, np.ndarray]]
    parameters: dict
    title: str


def split(X: np.ndarray, n_test: int) -> tuple[np.ndarray, np.ndarray]:
    return tuple(train_test_split(X, test_size=n_test, random_state=0))


def file(name: str) -> dict[str, np.ndarray]:
    with np.load(Path(os.environ.get("SKLID_DATA", "")) / name) as arrays:
        return dict(arrays)


def satimage() -> tuple[np.ndarray, np.ndarray]:
    arrays = file("satimage.npz")
    return arrays["X_train"], arrays["X_test"]


def fashion() -> tuple[np.ndarray, np.ndarray]:
    train, test, _ = fashion_mnist()
    return train[:10_000], test


def bladder() -> tuple[np.ndarray, np.ndarray]:
    arrays = file("mouse_bladder_counts.npz")
    counts = csr_matrix((arrays["data"], arrays["indices"], arrays["indptr"]), shape=arrays["shape"]).toarray()
    chosen = np.argsort(counts.astype(float).var(0))[-N_GENES:]
    return split(counts[:, np.sort(chosen)].astype(np.float32), 500)


DATA = {
    "digits": Data(lambda: split(load_digits().data, 500), {"n_components": 8, "max_epochs": 60}, "digits, Gaussian"),
    "digits_bernoulli": Data(
        lambda: split(load_digits().data / 16, 500),
        {"n_components": 8, "max_epochs": 60, "likelihood": "bernoulli"},
        "digits, Bernoulli",
    ),
    "satimage": Data(satimage, {"n_components": 6, "max_epochs": 60}, "satimage, Gaussian"),
    "fashion_mnist": Data(
        fashion, {"n_components": 10, "max_epochs": 12, "likelihood": "bernoulli"}, "Fashion-MNIST, Bernoulli"
    ),
    "bladder": Data(
        bladder, {"n_components": 10, "max_epochs": 40, "likelihood": "poisson"}, "bladder counts, Poisson"
    ),
    "breast_cancer": Data(
        lambda: split(load_breast_cancer().data, 169), {"n_components": 5}, "breast cancer, Gaussian"
    ),
}


def measure(model: LIDVAE | VAE, train: np.ndarray, test: np.ndarray) -> dict:
    """One fit and its figures on the test rows."""
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollapseWarning)
        model.fit(train)
    seconds = time.perf_counter() - start
    q = model.encode(test)
    loc, scale = q.mean.numpy(), q.stddev.numpy()
    return {
        "ll": model.score(test),
        "au": active_units(loc).fraction,
        "mi": mutual_information(loc, scale).value,
        "floor": getattr(model, "mutual_information_lower_bound_", float("nan")),
        "seconds": seconds,
    }


def record(name: str, method: str, constant: float | str, seed: int, rows: tuple[np.ndarray, np.ndarray]) -> None:
    """Measure one cell and append its row, unless it is there."""
    key = {"data": name, "method": method, "r": constant, "seed": seed}
    if CELLS.read(**key):
        return
    parameters = {**DATA[name].parameters, "random_state": seed}
    if method == "VAE":
        model = VAE(encoder="principal", **parameters)
    else:
        model = LIDVAE(decoder=method, inverse_lipschitz=constant, **parameters)
    row = key | measure(model, *rows)
    epochs = model.max_epochs
    CELLS.add(row | {"n_train": len(rows[0]), "n_test": len(rows[1]), "epochs": epochs} | provenance())
    print({name: row[name] for name in ("data", "method", "r", "seed", "ll", "au", "mi", "seconds")}, flush=True)


def run_full() -> None:
    torch.set_num_threads(1)
    cells = len(DATA) * len(SEEDS) * (len(DECODERS) * len(CONSTANTS) + 1)
    print(f"{cells - len(CELLS.read())} fits to do, about 15 seconds each on one thread", flush=True)
    for name, data in DATA.items():
        rows = data.rows()
        for seed in SEEDS:
            record(name, "VAE", "", seed, rows)
            for constant in CONSTANTS:
                for decoder in DECODERS:
                    record(name, decoder, constant, seed, rows)


def run_quick() -> None:
    """A section asked for little is as likely as a VAE, and one asked for much is not."""
    torch.set_num_threads(1)
    rows = split(load_digits().data, 500)
    shared = {"n_components": 8, "max_epochs": 15, "random_state": 0}
    little, much = (measure(LIDVAE(inverse_lipschitz=r, **shared), *rows) for r in (1.0, 10.0))
    free = measure(VAE(encoder="principal", **shared), *rows)
    print(f"r = 1 {little}\nr = 10 {much}\nVAE {free}")
    if not (little["ll"] > free["ll"] - 1 and little["ll"] > much["ll"] + 1 and much["floor"] > little["floor"]):
        raise SystemExit("A section of r = 1 should be as likely as a VAE, and more than one of r = 10.")


def table() -> str:
    """Mean log-likelihood over the seeds less that of the VAE, in nats, as a Markdown table."""
    heads = [f"{constant:g}" for constant in CONSTANTS]
    lines = [f"| data | decoder | {' | '.join(heads)} |", "|---" * (2 + len(heads)) + "|"]
    for name, data in DATA.items():
        free = CELLS.mean("ll", data=name, method="VAE")
        for decoder in DECODERS:
            prices = [CELLS.mean("ll", data=name, method=decoder, r=constant) - free for constant in CONSTANTS]
            lines.append(f"| {data.title} | {decoder} | {' | '.join(f'{price:+.1f}' for price in prices)} |")
    return "\n".join(lines)


def plot() -> None:
    """Log-likelihood against r, a panel for each data set, the range over the seeds shaded."""
    figure, axes = axes_grid(2, 3, (4.2, 3.2))
    for (name, data), panel in zip(DATA.items(), axes.ravel(), strict=True):
        free = [float(row["ll"]) for row in CELLS.read(data=name, method="VAE")]
        panel.axhspan(min(free), max(free), color=COLOURS[2], alpha=0.3, lw=0)
        panel.axhline(np.mean(free), color=COLOURS[2], label="VAE principal")
        for decoder, colour in zip(DECODERS, COLOURS, strict=False):
            rows = [CELLS.read(data=name, method=decoder, r=constant) for constant in CONSTANTS]
            ll = np.array([[float(row["ll"]) for row in seeds] for seeds in rows])
            panel.fill_between(CONSTANTS, ll.min(1), ll.max(1), color=colour, alpha=0.3, lw=0)
            panel.plot(CONSTANTS, ll.mean(1), "o-", color=colour, label=decoder)
        panel.set(title=data.title, xscale="log", xlabel="r", ylabel="nats")
    axes[0, 0].legend(frameon=False)
    figure.savefig(PICTURE, dpi=110)


if __name__ == "__main__":
    command_line(
        __doc__,
        run_full,
        quick=(run_quick, "two constants on some digits, about 10 seconds"),
        plot=(plot, "draw the saved results"),
        table=(lambda: print(table()), "print the table of the saved results"),
    )
