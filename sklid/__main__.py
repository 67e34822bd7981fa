"""Fit the models of the package beside classical ones and show what latents and clusters are worth.

Run ``python -m sklid [data.csv]``. The VAE is fitted twice: with its classical encoder, and with the encoder of LIDVAE,
where the decoder alone differs. So it does in GMVAE.
"""

import argparse
import re
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
from .data.numeric_table import check_values
from .data.scale import fitted_scaler
from .estimators.base import LatentVariableEstimator
from .estimators.lidgmvae import LIDGMVAEClustering
from .estimators.lidvae import LIDVAE
from .exceptions import CappedEstimateWarning, silenced
from .metrics import active_units, cluster_mutual_information, clustering_accuracy, kl_divergence, mutual_information
from .nn import LIKELIHOODS
from .plots import ComparisonDisplay
from .plots.picture_file import check_picture_file, save_picture

HEADER = ("", "test log-likelihood", "KL", "active units", "mutual information", "seconds", "certificate")
CLUSTER_HEADER = ("", "accuracy", "information of the labels", "clusters used", "test log-likelihood", "seconds")
MOST_TEST_ROWS = 2_000
DEFAULT_CLUSTERS, MOST_CLUSTERS = 5, 50
FEWEST_ROWS = 4
MOST_SEED = 2**32 - 1
INTERRUPTED = 130


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
    """Run the command line; 0 when all went well, 2 for input that cannot be used, 130 after Ctrl-C."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except ValueError as error:
        _complain(str(error))
        return 2
    except KeyboardInterrupt:
        _complain("interrupted.")
        return INTERRUPTED


def _run(options: argparse.Namespace) -> int:
    _try_picture(options.out)
    split, shared, k = _setting(options)
    models = _fit_models(split, shared)
    clusterings = _fit_clusterings(split, shared, k)
    print(_layout([HEADER, *(outcome.row for outcome in models)]))
    print(_layout([("",) * len(CLUSTER_HEADER), CLUSTER_HEADER, *(outcome.row for outcome in clusterings)]))
    print(
        "Log-likelihood, KL and information in nats per row, on held-out rows; "
        "accuracy by the best matching of clusters to labels."
    )
    for note in [note for outcome in (*models, *clusterings) for note in outcome.notes]:
        print(f"Note, on the rows that were fitted: {note}")
    return _draw(options.out, models, clusterings, split)


def _complain(message: str) -> None:
    print(f"sklid: {' '.join(message.split())}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    description = (
        "Fit LIDVAE beside a VAE, and LIDGMVAEClustering beside a GMVAE, "
        "of the same likelihood, depth, width and budget."
    )
    parser = argparse.ArgumentParser(prog="python -m sklid", description=description)
    add = parser.add_argument
    add("data", nargs="?", type=Path, help="a numeric table: .csv, .tsv, .npy, .npz or .parquet (default: the digits)")
    latents = "latent dimensions (default: 10, or three quarters of the columns if fewer)"
    add("--n-components", type=_whole_number(1), help=latents)
    clusters = f"clusters (default: the number of different labels, or {DEFAULT_CLUSTERS} without labels)"
    add("--k", type=_whole_number(2), help=clusters)
    likelihood = "of a row given its latent (default: gaussian; bernoulli for the digits)"
    add("--likelihood", choices=sorted(LIKELIHOODS), help=likelihood)
    add("--label-column", help="column left out of the table, for the accuracy of the clusters and the colours")
    add("--leave-out", action="append", default=[], metavar="NAME", help="column to leave out; may be given repeatedly")
    add("--no-header", action="store_true", help="the first line of a .csv or .tsv file is a row, without titles")
    picture = Path("sklid-comparison.png")
    add("--out", type=Path, default=picture, help="file of the picture (default: %(default)s)")
    seed = "of the split and of the fits (default: %(default)s)"
    add("--seed", type=_whole_number(0, MOST_SEED), default=0, help=seed)
    add("--epochs", type=_whole_number(1), default=100, help="passes over the training rows (default: %(default)s)")
    return parser


def _whole_number(least: int, most: int | None = None) -> Callable[[str], int]:
    """The type of an argument that is a whole number in a range."""
    wanted = f"a whole number of {least} or more" if most is None else f"a whole number from {least} to {most}"

    def whole_number(text: str) -> int:
        value = int(text) if re.fullmatch(r"[+-]?\d{1,18}", text) else least - 1
        if value < least or (most is not None and value > most):
            raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}")
        return value

    return whole_number


def _try_picture(path: Path) -> None:
    """Find out before the fits that the picture cannot be written."""
    try:
        check_picture_file(path)
    except ImportError:
        print('No picture: it needs matplotlib, pip install "sklid[plots]".')


def _setting(options: argparse.Namespace) -> tuple[Split, dict, int]:
    """Three quarters of the rows to fit and the others to test, what all models share, and the number of clusters."""
    table = _table(options)
    likelihood = options.likelihood or ("bernoulli" if options.data is None else "gaussian")
    train, test = train_test_split(np.arange(len(table.rows)), random_state=options.seed)
    check_values(table, likelihood, train)
    test = test[:MOST_TEST_ROWS]
    k = _n_clusters(options.k, table.labels, len(train))
    print(
        f"{_source(options)}: {len(train)} rows to fit, {len(test)} to test, {table.rows.shape[1]} columns, "
        f"{likelihood} likelihood",
        flush=True,
    )
    shared = {
        "likelihood": likelihood,
        "n_components": options.n_components,
        "max_epochs": options.epochs,
        "random_state": options.seed,
        "verbose": 1,
    }
    labels = None if table.labels is None else table.labels[test]
    return Split(table.rows[train], table.rows[test], labels), shared, k


def _source(options: argparse.Namespace) -> str:
    return "digits" if options.data is None else options.data.name


def _table(options: argparse.Namespace) -> Table:
    """The user's table, after a line that says what was read; or the digits."""
    if options.data is None:
        if options.label_column or options.leave_out or options.no_header:
            raise ValueError("--label-column, --leave-out and --no-header are about a file; name one.")
        return _digits()
    table = read_table(options.data, options.label_column, options.leave_out, not options.no_header)
    print("\nNote: ".join([f"{_source(options)}: {table.summary()}", *table.notes]), flush=True)
    if len(table.rows) < FEWEST_ROWS:
        raise TableError(f"{options.data}: has {len(table.rows)} rows; {FEWEST_ROWS} are needed to fit and to test.")
    return table


def _n_clusters(asked: int | None, labels: np.ndarray | None, n_rows: int) -> int:
    n_labels = 0 if labels is None else len(np.unique(labels))
    k = asked or (n_labels if 2 <= n_labels <= min(MOST_CLUSTERS, n_rows) else min(DEFAULT_CLUSTERS, n_rows))
    if k > n_rows:
        raise ValueError(f"--k {k}: there are fewer rows to fit, {n_rows}; give at most as many clusters as rows.")
    return k


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
    with silenced(CappedEstimateWarning):  # shown as a range
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
    k = model.n_clusters_
    information = f"{cluster_mutual_information(model.predict_proba(split.test)):.2f} of {np.log(k):.2f}"
    return accuracy, information, f"{len(np.unique(labels))}/{k}", f"{model.score(split.test):.2f}", seconds


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
        save_picture(display.figure_, path, dpi=150)
    except ImportError:
        return 0
    print(f"Picture: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
