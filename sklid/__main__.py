"""Fit the models of the package beside classical ones and show what latents and clusters are worth.

Run ``python -m sklid [data.csv]``. The VAE is fitted twice: with its classical encoder, and with the encoder of LIDVAE,
where the decoder alone differs. So it does in GMVAE.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .baselines import GMVAE, VAE
from .data.files import Table, TableError, read_table
from .data.scale import fitted_scaler
from .estimators.base import LatentVariableEstimator
from .estimators.lidgmvae import LIDGMVAEClustering
from .estimators.lidvae import LIDVAE
from .exceptions import CappedEstimateWarning
from .metrics import active_units, cluster_mutual_information, clustering_accuracy, kl_divergence, mutual_information
from .nn import LIKELIHOODS
from .plots import ComparisonDisplay

HEADER = ("", "test log-likelihood", "KL", "active units", "mutual information", "seconds", "certificate")
CLUSTER_HEADER = ("", "accuracy", "information of the labels", "clusters used", "test log-likelihood", "seconds")
MOST_TEST_ROWS = 2_000
DEFAULT_CLUSTERS, MOST_CLUSTERS = 5, 50


class Outcome(NamedTuple):
    """A fitted model and its name, its row of the table, and what was said while it was fitted."""

    name: str
    model: BaseEstimator
    row: tuple[str, ...]
    notes: list[str]


class Split(NamedTuple):
    """Rows to fit and rows to test, with the labels of these where there are any."""

    train: np.ndarray
    test: np.ndarray
    labels: np.ndarray | None


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 0 when all went well, 2 for input that cannot be used."""
    options = _parser().parse_args(arguments)
    try:
        split, shared, k = _setting(options)
        models = _fit_models(split, shared)
        clusterings = _fit_clusterings(split, shared, k)
    except (TableError, ValueError) as error:
        print(f"sklid: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    print(_layout([HEADER, *(outcome.row for outcome in models)]))
    print(_layout([("",) * len(CLUSTER_HEADER), CLUSTER_HEADER, *(outcome.row for outcome in clusterings)]))
    print(
        "Log-likelihood, KL and information in nats per row, on held-out rows; "
        "accuracy by the best matching of clusters to labels."
    )
    for note in [note for outcome in (*models, *clusterings) for note in outcome.notes]:
        print(f"Note, on the rows that were fitted: {note}")
    return _draw(options.out, models, clusterings, split)


def _parser() -> argparse.ArgumentParser:
    description = (
        "Fit LIDVAE beside a VAE, and LIDGMVAEClustering beside a GMVAE, "
        "of the same likelihood, depth, width and budget."
    )
    parser = argparse.ArgumentParser(prog="python -m sklid", description=description)
    add = parser.add_argument
    add("data", nargs="?", type=Path, help="a numeric table: .csv, .npz or .parquet; without it, scikit-learn's digits")
    add("--n-components", type=int, help="latent dimensions (default: 10, or three quarters of the columns if fewer)")
    clusters = f"clusters (default: the number of different labels, or {DEFAULT_CLUSTERS} without labels)"
    add("--k", type=int, help=clusters)
    likelihood = "of a row given its latent (default: gaussian; bernoulli for the digits)"
    add("--likelihood", choices=sorted(LIKELIHOODS), help=likelihood)
    add("--label-column", help="column left out of the table, for the accuracy of the clusters and the colours")
    picture = Path("sklid-comparison.png")
    add("--out", type=Path, default=picture, help="file of the picture (default: %(default)s)")
    add("--seed", type=int, default=0, help="of the split and of the fits (default: %(default)s)")
    add("--epochs", type=int, default=100, help="passes over the training rows (default: %(default)s)")
    return parser


def _setting(options: argparse.Namespace) -> tuple[Split, dict, int]:
    """Three quarters of the rows to fit and the others to test, what all models share, and the number of clusters."""
    table = _digits() if options.data is None else read_table(options.data, options.label_column)
    likelihood = options.likelihood or ("bernoulli" if options.data is None else "gaussian")
    source = "digits" if options.data is None else options.data.name
    train, test = train_test_split(np.arange(len(table.rows)), random_state=options.seed)
    test = test[:MOST_TEST_ROWS]
    n_labels = 0 if table.labels is None else len(np.unique(table.labels))
    k = options.k or (n_labels if 2 <= n_labels <= MOST_CLUSTERS else min(DEFAULT_CLUSTERS, len(train)))
    if not 2 <= k <= len(train):
        raise ValueError(f"--k {k}: the number of clusters must be between 2 and the {len(train)} rows to fit.")
    print(
        f"{source}: {len(train)} rows to fit, {len(test)} to test, {table.rows.shape[1]} columns, "
        f"{likelihood} likelihood",
        flush=True,
    )
    shared = {
        "likelihood": likelihood,
        "n_components": options.n_components,
        "max_epochs": options.epochs,
        "random_state": options.seed,
    }
    labels = None if table.labels is None else table.labels[test]
    return Split(table.rows[train], table.rows[test], labels), {**shared, "verbose": 1}, k


def _fit_models(split: Split, shared: dict) -> list[Outcome]:
    models = {"LIDVAE": LIDVAE(**shared), "VAE": VAE(**shared), "VAE, same encoder": VAE(encoder="principal", **shared)}
    return [_outcome(name, model, split, _figures) for name, model in models.items()]


def _fit_clusterings(split: Split, shared: dict, k: int) -> list[Outcome]:
    models = {
        "LIDGMVAEClustering": LIDGMVAEClustering(k, **shared),
        "GMVAE": GMVAE(k, **shared),
        "KMeans": _kmeans(split, shared, k),
    }
    return [_outcome(name, model, split, _cluster_figures) for name, model in models.items()]


def _kmeans(split: Split, shared: dict, k: int) -> BaseEstimator:
    """KMeans of rows in the units in which the other models see them; one number for all columns changes nothing."""
    kmeans = KMeans(k, n_init=10, random_state=shared["random_state"])
    by_columns = LIKELIHOODS[shared["likelihood"]].standardised and fitted_scaler(split.train, "auto")[1] == "column"
    return make_pipeline(StandardScaler(), kmeans) if by_columns else kmeans


def _digits() -> Table:
    images, labels = load_digits(return_X_y=True)
    return Table(images / 16, [f"pixel {number}" for number in range(images.shape[1])], labels)


def _outcome(
    name: str, model: BaseEstimator, split: Split, figures: Callable[[BaseEstimator, Split, str], tuple[str, ...]]
) -> Outcome:
    """The model fitted, and its row."""
    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(split.train)
    seconds = f"{time.perf_counter() - start:.1f}"
    return Outcome(
        name, model, (name, *figures(model, split, seconds)), [f"{name}: {warning.message}" for warning in caught]
    )


def _figures(model: LatentVariableEstimator, split: Split, seconds: str) -> tuple[str, ...]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CappedEstimateWarning)  # shown as a range
        units, information = active_units(model, split.test), mutual_information(model, split.test)
    certificate = _certificate(model) if isinstance(model, LIDVAE) else "none"
    shared = f"{information.lower:.1f} to {information.upper:.1f}" if information.capped else f"{information.value:.2f}"
    used = f"{units.count}/{len(units.variances)}"
    return (
        f"{model.score(split.test):.2f}",
        f"{kl_divergence(model, split.test).value:.2f}",
        used,
        shared,
        seconds,
        certificate,
    )


def _cluster_figures(model: BaseEstimator, split: Split, seconds: str) -> tuple[str, ...]:
    labels = model.predict(split.test)
    accuracy = "no labels" if split.labels is None else f"{clustering_accuracy(split.labels, labels):.3f}"
    if not isinstance(model, LatentVariableEstimator):
        return accuracy, "", "", "", seconds
    information = f"{cluster_mutual_information(model.predict_proba(split.test)):.2f} of {np.log(model.k):.2f}"
    return accuracy, information, f"{len(np.unique(labels))}/{model.k}", f"{model.score(split.test):.2f}", seconds


def _certificate(model: LIDVAE) -> str:
    """The inverse-Lipschitz constant r, and the least information it guarantees where the likelihood lets it."""
    constant = f"injective, r = {model.inverse_lipschitz_:g}"
    return (
        constant
        if model.mutual_information_lower_bound_reason_
        else f"{constant}, information >= {model.mutual_information_lower_bound_:.2f}"
    )


def _layout(rows: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def _draw(path: Path, models: list[Outcome], clusterings: list[Outcome], split: Split) -> int:
    fitted, clustered = (
        {outcome.name: outcome.model for outcome in outcomes} for outcomes in (models, clusterings[:2])
    )
    try:
        display = ComparisonDisplay.from_estimators(fitted, split.test, split.labels, clustered).plot()
        display.figure_.savefig(path, dpi=150)
    except ImportError:
        print('No picture: it needs matplotlib, pip install "sklid[plots]".')
        return 0
    except (OSError, ValueError) as error:
        print(f"sklid: cannot write the picture to {path}: {error}", file=sys.stderr)
        return 2
    print(f"Picture: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
