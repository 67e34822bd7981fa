"""LIDVAE and VAE on Fashion-MNIST at decoder depths 1, 2 and 4: test log-likelihood and active units.

    python doc/benchmarks/depth.py            full run: about 50 minutes on one thread; goes on where it stopped
    python doc/benchmarks/depth.py --quick    the same comparison on scikit-learn's digits, under 10 seconds
    python doc/benchmarks/depth.py --table    the table of the saved results, in Markdown

All sides have the same likelihood (Bernoulli on intensities), widths, epochs and optimiser, and each learning rate
comes from the same grid by the log-likelihood of a validation split. "VAE" is the classical one; "VAE principal" has
the encoder of LIDVAE, which starts at the principal components, and differs from LIDVAE in the decoder alone. "LIDVAE
brenier" is the paper's decoder, with narrow layers above the first, and "LIDVAE icnn" has layers of one width there.
"VAE GELU" is "VAE principal" with the activation of LIDVAE's network in place of ReLU.
The images are those of `sklid.datasets.fetch_fashion_mnist`.
"""

import argparse
import statistics
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import torch
from cells import Cells, fashion_mnist, provenance, spread
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklid import LIDVAE, CollapseWarning
from sklid.baselines import VAE
from sklid.metrics import active_units, kl_divergence, mutual_information
from sklid.nn.perceptron import perceptron

METHODS = {
    "LIDVAE": (LIDVAE, {}),
    "LIDVAE brenier": (LIDVAE, {"decoder": "brenier"}),
    "LIDVAE icnn": (LIDVAE, {"decoder": "brenier", "potential": "icnn"}),
    "VAE": (VAE, {}),
    "VAE principal": (VAE, {"encoder": "principal"}),
    "VAE GELU": (VAE, {"encoder": "principal"}),
}
DEPTHS, SEEDS, RATES = (1, 2, 4), (0, 1, 2), (1e-3, 3e-3, 5e-3)
SHARED = {
    "n_components": 10,
    "likelihood": "bernoulli",
    "encoder_width": 512,
    "max_epochs": 12,
    "n_importance_samples": 100,
}
COLUMNS = ["data", "method", "seed", "depth", "learning_rate", "split", "ll", "au", "kl", "mi", "seconds",
           "cpu_seconds", "n_train", "n_test", "epochs", "threads", "sklid", "torch", "scikit_learn",
           "commit"]  # fmt: skip
CELLS = Cells(Path(__file__).parent / "results" / "depth.csv", COLUMNS)
SECONDS_PER_FIT = 50


def measure(method: str, train: np.ndarray, test: np.ndarray, parameters: dict) -> dict:
    """One fit and its figures on the test rows."""
    wall, cpu = time.perf_counter(), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollapseWarning)
        estimator, own = METHODS[method]
        model = estimator(**{**SHARED, **own, **parameters}).fit(train)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    q = model.encode(test)
    loc, scale = q.mean.numpy(), q.stddev.numpy()
    return {
        "ll": model.score(test),
        "au": active_units(loc).fraction,
        "kl": kl_divergence(loc, scale).value,
        "mi": mutual_information(loc, scale).value,
        "seconds": wall,
        "cpu_seconds": cpu,
    }


def decoder(method: str, depth: int) -> dict:
    """The parameters of a decoder of so many hidden layers."""
    width = 512
    if method == "VAE GELU":
        return {"decoder_network": partial(perceptron, depth=depth, width=width, activation=torch.nn.GELU)}
    return {"decoder_depth": depth, "decoder_width": width}


def record(key: dict, data: str, train: np.ndarray, test: np.ndarray) -> None:
    """Measure one cell and append its row, unless it is there."""
    if CELLS.read(**key):
        return
    parameters = {
        "learning_rate": key["learning_rate"],
        "random_state": key["seed"],
        **decoder(key["method"], key["depth"]),
    }
    row = {**key, "data": data, **measure(key["method"], train, test, parameters)}
    CELLS.add(row | {"n_train": len(train), "n_test": len(test), "epochs": SHARED["max_epochs"]} | provenance())
    print(
        {name: row[name] for name in ("method", "depth", "seed", "learning_rate", "split", "ll", "au", "seconds")},
        flush=True,
    )


def chosen_rate(method: str, depth: int) -> float:
    """The learning rate of the grid with the best validation log-likelihood."""
    rows = CELLS.read(method=method, depth=depth, split="validation")
    return float(max(rows, key=lambda row: float(row["ll"]))["learning_rate"])


def run_full(methods: list[str]) -> None:
    done = sum(row["method"] in methods for row in CELLS.read())
    todo = len(methods) * len(DEPTHS) * (len(RATES) + len(SEEDS)) - done
    print(f"{todo} fits to do, about {todo * SECONDS_PER_FIT / 60:.0f} minutes on one thread", flush=True)
    torch.set_num_threads(1)
    train, test, data = fashion_mnist()
    fit_rows, validation = train_test_split(train, test_size=2_000, random_state=0)
    for depth in DEPTHS:
        for rate in RATES:
            for method in methods:
                record(
                    {"method": method, "seed": 0, "depth": depth, "learning_rate": rate, "split": "validation"},
                    data,
                    fit_rows,
                    validation,
                )
    for seed in SEEDS:
        for depth in DEPTHS:
            for method in methods:
                rate = chosen_rate(method, depth)
                record(
                    {"method": method, "seed": seed, "depth": depth, "learning_rate": rate, "split": "test"},
                    data,
                    train,
                    test,
                )


def run_quick() -> None:
    """The direction of the claim on 1 797 small images: as good a likelihood with every latent in use."""
    torch.set_num_threads(1)
    train, test = train_test_split(load_digits().data / 16, random_state=0)
    parameters = {"encoder_width": 64, "decoder_width": 64, "max_epochs": 12, "decoder_depth": 4, "random_state": 0}
    lidvae, vae = (measure(method, train, test, parameters) for method in ("LIDVAE", "VAE"))
    print(f"LIDVAE {lidvae}\nVAE    {vae}")
    if not (lidvae["au"] == 1.0 and vae["au"] < 1.0 and lidvae["ll"] > vae["ll"]):
        raise SystemExit(
            "LIDVAE should use every latent and have the higher log-likelihood at depth 4; see the figures above."
        )


def table() -> str:
    """The saved test results as a Markdown table: mean over seeds, with the standard deviation."""
    lines = ["| hidden layers | method | log-likelihood | active units | KL |", "|---|---|---|---|---|"]
    for depth in DEPTHS:
        for method in METHODS:
            rows = CELLS.read(method=method, depth=depth, split="test")
            ll, au, kl = ([float(row[name]) for row in rows] for name in ("ll", "au", "kl"))
            likelihood = spread(ll, 1)
            lines.append(
                f"| {depth} | {method} | {likelihood} | {statistics.mean(au):.2f} | {statistics.mean(kl):.1f} |"
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="the comparison on scikit-learn's digits, under 10 seconds"
    )
    parser.add_argument(
        "--methods",
        nargs="+",
        choices=METHODS,
        default=list(METHODS),
        help="only these, so that two processes can share the work",
    )
    parser.add_argument("--table", action="store_true", help="print the table of the saved results")
    arguments = parser.parse_args()
    if arguments.table:
        print(table())
    elif arguments.quick:
        run_quick()
    else:
        run_full(arguments.methods)


if __name__ == "__main__":
    main()
