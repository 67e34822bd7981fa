"""LIDGMVAEClustering, GMVAE and KMeans on digits and Fashion-MNIST: accuracy, label information, likelihood, time.

    python doc/benchmarks/clustering.py            full run: about 60 minutes on one thread; goes on where it stopped
    python doc/benchmarks/clustering.py --quick    the direction of the claim on three kinds of digits, under 10 seconds
    python doc/benchmarks/clustering.py --table    the table of the saved results, in Markdown

All models have the likelihood Bernoulli on intensities and the defaults of the package. ClustPy's VaDE has its own
defaults, 100 and 150 epochs, and runs on the digits where the package is installed. "LIDGMVAE brenier" has the decoder
of the paper. "GMVAE" differs from LIDGMVAEClustering in the decoder alone; "GMVAE random" starts everything at random,
without a first phase, as is usual. On the digits all 1797 rows are fitted and measured, with default learning rates. On
Fashion-MNIST 20 000 rows are fitted for 25 epochs and 2 000 test rows are measured; the learning rate comes from one
grid for all, by the log-likelihood of a validation split. Labels serve to measure, never to choose.
"""

import argparse
import statistics
import time
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from cells import Cells, fashion_mnist, provenance
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.metrics import normalized_mutual_info_score
from sklearn.model_selection import train_test_split

from sklid import CollapseWarning, LIDGMVAEClustering
from sklid.baselines import GMVAE
from sklid.metrics import cluster_mutual_information, clustering_accuracy

RANDOM = {"encoder": "plain", "init": "random", "pretrain_fraction": 0.0}
OWN, BRENIER, VADE = "LIDGMVAEClustering", "LIDGMVAE brenier", "ClustPy VaDE"
METHODS = {
    OWN: (LIDGMVAEClustering, {}),
    BRENIER: (LIDGMVAEClustering, {"decoder": "brenier"}),
    "GMVAE": (GMVAE, {}),
    "GMVAE random": (GMVAE, RANDOM),
}
TIMED = (OWN, "GMVAE")
"""Methods that were run by turns, so that their times can be compared."""
SEEDS = {"digits": (0, 1, 2, 3, 4), "fashion": (0, 1, 2)}
VADE_SEEDS = (0, 1, 2)
RATES, DEFAULT_RATE = (1e-3, 3e-3, 5e-3), 3e-3
SHARED = {"k": 10, "likelihood": "bernoulli"}
EPOCHS = {"digits": 100, "fashion": 25}
COLUMNS = ["data", "method", "seed", "learning_rate", "split", "accuracy", "mi_y", "clusters", "nmi", "ll", "seconds",
           "cpu_seconds", "n_train", "n_test", "epochs", "threads", "sklid", "torch", "scikit_learn",
           "commit"]  # fmt: skip
CELLS = Cells(Path(__file__).parent / "results" / "clustering.csv", COLUMNS)
MINUTES = {"digits": 0.25, "fashion": 2.0}


def measure(model: object, train: np.ndarray, test: np.ndarray, classes: np.ndarray) -> dict:
    """One fit and its figures on the test rows."""
    wall, cpu = time.perf_counter(), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollapseWarning)
        model.fit(train)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    labels = model.labels_ if test is train else model.predict(test)
    figures = {"accuracy": clustering_accuracy(classes, labels), "nmi": normalized_mutual_info_score(classes, labels)}
    figures |= {"clusters": len(np.unique(labels)), "seconds": wall, "cpu_seconds": cpu}
    if hasattr(model, "predict_proba"):
        figures |= {"mi_y": cluster_mutual_information(model.predict_proba(test)), "ll": model.score(test)}
    return figures


def model_of(method: str, data: str, seed: int, rate: float, **parameters: object) -> object:
    if method == "KMeans":
        return KMeans(SHARED["k"], n_init=10, random_state=seed)
    if method == VADE:
        from clustpy.deep import VaDE

        return VaDE(SHARED["k"], random_state=seed)
    estimator, own = METHODS[method]
    return estimator(
        **{**SHARED, **own, "max_epochs": EPOCHS[data], "learning_rate": rate, "random_state": seed, **parameters}
    )


def record(
    data: str, method: str, seed: int, rate: float, split: str, train: np.ndarray, test: np.ndarray, classes: np.ndarray
) -> None:
    """Measure one cell and append its row, unless it is there."""
    key = {"data": data, "method": method, "seed": seed, "learning_rate": rate, "split": split}
    if CELLS.read(**key):
        return
    row = key | measure(model_of(method, data, seed, rate), train, test, classes)
    CELLS.add(row | {"n_train": len(train), "n_test": len(test), "epochs": EPOCHS[data]} | provenance())
    print({name: row.get(name) for name in COLUMNS[:11]}, flush=True)


def chosen_rate(method: str) -> float:
    """The learning rate of the grid with the best validation log-likelihood on Fashion-MNIST."""
    rows = CELLS.read(data="fashion", method=method, split="validation")
    return float(max(rows, key=lambda row: float(row["ll"]))["learning_rate"]) if rows else DEFAULT_RATE


def run_full(methods: list[str], data: list[str]) -> None:
    each = sum(MINUTES[name] * (len(SEEDS[name]) + (len(RATES) if name == "fashion" else 0)) for name in data)
    print(f"about {each * len(methods):.0f} minutes on one thread, less what is done", flush=True)
    torch.set_num_threads(1)
    if "digits" in data:
        images, classes = load_digits(return_X_y=True)
        images = (images / 16).astype(np.float32)
        for seed in SEEDS["digits"]:
            for method in methods:
                record("digits", method, seed, DEFAULT_RATE, "all", images, images, classes)
            if find_spec("clustpy") and seed in VADE_SEEDS:
                record("digits", VADE, seed, DEFAULT_RATE, "all", images, images, classes)
    if "fashion" in data:
        run_fashion(methods)


def run_fashion(methods: list[str]) -> None:
    train, train_classes, test, test_classes, _ = fashion_mnist(labels=True)
    fitted, validation, _, validation_classes = train_test_split(train, train_classes, test_size=2_000, random_state=0)
    for rate in RATES:
        for method in set(methods) & set(METHODS):
            record("fashion", method, 0, rate, "validation", fitted, validation, validation_classes)
    for seed in SEEDS["fashion"]:
        for method in methods:
            record("fashion", method, seed, chosen_rate(method), "test", train, test, test_classes)


def run_quick() -> None:
    """Three kinds of digits: the labels say what they are, where a random start leaves them empty."""
    torch.set_num_threads(1)
    images, classes = load_digits(n_class=3, return_X_y=True)
    small = {"k": 3, "max_epochs": 25, "encoder_width": 64, "decoder_width": 64, "n_importance_samples": 20}
    found = {
        method: measure(model_of(method, "digits", 0, DEFAULT_RATE, **small), images / 16, images / 16, classes)
        for method in METHODS
    }
    for method, figures in found.items():
        print(method, figures)
    own, random = found[OWN], found["GMVAE random"]
    if not (own["accuracy"] > 0.9 and own["mi_y"] > 0.9 and own["mi_y"] > random["mi_y"] and own["ll"] > random["ll"]):
        raise SystemExit(
            "LIDGMVAEClustering should find the three digits, "
            "with more information and likelihood than a random start; see above."
        )


def table() -> str:
    """The saved results as a Markdown table: mean and least over seeds."""
    lines = [
        "| data | method | accuracy | least | information, nats | least | log-likelihood | time over GMVAE |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for data, title, split in (("digits", "digits", "all"), ("fashion", "Fashion-MNIST", "test")):
        base = {row["seed"]: float(row["cpu_seconds"]) for row in CELLS.read(data=data, method="GMVAE", split=split)}
        for method in (*METHODS, "KMeans", *([VADE] if data == "digits" else [])):
            rows = CELLS.read(data=data, method=method, split=split)
            accuracy = [float(row["accuracy"]) for row in rows]
            ratio = statistics.median(float(row["cpu_seconds"]) / base[row["seed"]] for row in rows)
            time_shown = f"{ratio:.2f}" if method in TIMED else ""
            cells = [
                title,
                method,
                f"{statistics.mean(accuracy):.3f} ± {statistics.stdev(accuracy):.3f}",
                f"{min(accuracy):.3f}",
            ]
            if method in ("KMeans", VADE):
                cells += ["", "", ""]
            else:
                information, likelihood = ([float(row[name]) for row in rows] for name in ("mi_y", "ll"))
                cells += [f"{statistics.mean(information):.2f}", f"{min(information):.2f}"]
                cells += [f"{statistics.mean(likelihood):.2f} ± {statistics.stdev(likelihood):.2f}"]
            lines.append(f"| {' | '.join([*cells, time_shown])} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="the direction of the claim on three kinds of digits, under 10 seconds"
    )
    parser.add_argument(
        "--methods", nargs="+", choices=[*METHODS, "KMeans"], default=[*METHODS, "KMeans"], help="only these"
    )
    parser.add_argument("--data", nargs="+", choices=SEEDS, default=list(SEEDS), help="only these")
    parser.add_argument("--table", action="store_true", help="print the table of the saved results")
    arguments = parser.parse_args()
    if arguments.table:
        print(table())
    elif arguments.quick:
        run_quick()
    else:
        run_full(arguments.methods, arguments.data)


if __name__ == "__main__":
    main()
