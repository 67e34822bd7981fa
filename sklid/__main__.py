"""Fit LIDVAE beside the classical VAE and show what their latents are worth: ``python -m sklid`` or ``python -m sklid data.csv``.

The VAE is fitted twice: with its classical encoder, and with the encoder of LIDVAE, where the decoder alone differs.
"""

import argparse
import sys
import time
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from ._base import LatentVariableEstimator
from .baselines import VAE
from .lidvae import LIDVAE
from .metrics import active_units, kl_divergence, mutual_information
from .nn import LIKELIHOODS
from .plots import ComparisonDisplay
from .tables import Table, TableError, read_table

HEADER = ("", "test log-likelihood", "KL", "active units", "mutual information", "seconds", "certificate")
MOST_TEST_ROWS = 2_000


class Outcome(NamedTuple):
    """A fitted model and its name, its row of the table, and what was said while it was fitted."""

    name: str
    model: LatentVariableEstimator
    row: tuple[str, ...]
    notes: list[str]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 0 when all went well, 2 for input that cannot be used."""
    options = _parser().parse_args(arguments)
    try:
        outcomes, table, test = _compare(options)
    except (TableError, ValueError) as error:
        print(f"sklid: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    print(_layout([HEADER, *(outcome.row for outcome in outcomes)]))
    print("Log-likelihood, KL and information in nats per row, on held-out rows.")
    for note in [note for outcome in outcomes for note in outcome.notes]:
        print(f"Note: {note}")
    return _draw(options.out, outcomes, table.rows[test], None if table.labels is None else table.labels[test])


def _parser() -> argparse.ArgumentParser:
    description = "Fit LIDVAE beside a VAE of the same likelihood, depth, width and budget."
    parser = argparse.ArgumentParser(prog="python -m sklid", description=description)
    parser.add_argument("data", nargs="?", type=Path, help="a numeric table: .csv, .npz or .parquet; without it, scikit-learn's digits")
    parser.add_argument("--n-components", type=int, help="latent dimensions (default: 10, or the number of columns if smaller)")
    parser.add_argument("--likelihood", choices=sorted(LIKELIHOODS), help="of a row given its latent (default: gaussian; bernoulli for the digits)")
    parser.add_argument("--label-column", help="column left out of the table that colours the picture")
    parser.add_argument("--out", type=Path, default=Path("sklid-comparison.png"), help="file of the picture (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the split and of the fits (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=100, help="passes over the training rows (default: %(default)s)")
    return parser


def _compare(options: argparse.Namespace) -> tuple[list[Outcome], Table, np.ndarray]:
    """The models fitted on three quarters of the rows and measured on the others."""
    table = _digits() if options.data is None else read_table(options.data, options.label_column)
    likelihood = options.likelihood or ("bernoulli" if options.data is None else "gaussian")
    source = "digits" if options.data is None else options.data.name
    train, test = train_test_split(np.arange(len(table.rows)), random_state=options.seed)
    test = test[:MOST_TEST_ROWS]
    print(f"{source}: {len(train)} rows to fit, {len(test)} to test, {table.rows.shape[1]} columns, {likelihood} likelihood", flush=True)
    shared = {
        "n_components": options.n_components,
        "likelihood": likelihood,
        "max_epochs": options.epochs,
        "random_state": options.seed,
        "verbose": 1,
    }
    models = {"LIDVAE": LIDVAE(**shared), "VAE": VAE(**shared), "VAE, same encoder": VAE(encoder="principal", **shared)}
    return [_fit(name, model, table.rows[train], table.rows[test]) for name, model in models.items()], table, test


def _digits() -> Table:
    images, labels = load_digits(return_X_y=True)
    return Table(images / 16, [f"pixel {number}" for number in range(images.shape[1])], labels)


def _fit(name: str, model: LatentVariableEstimator, train: np.ndarray, test: np.ndarray) -> Outcome:
    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(train)
    seconds = time.perf_counter() - start
    notes = [f"{name}: {warning.message}" for warning in caught]
    q = model.encode(test)
    loc, scale = q.mean.numpy(), q.stddev.numpy()
    units, information = active_units(loc), mutual_information(loc, scale)
    figures = (f"{model.score(test):.2f}", f"{kl_divergence(loc, scale).sum():.2f}", f"{units.count}/{len(units.variances)}")
    certificate = _certificate(model) if isinstance(model, LIDVAE) else "none"
    shared = f"{information.lower:.1f} to {information.upper:.1f}" if information.capped else f"{information.value:.2f}"
    return Outcome(name, model, (name, *figures, shared, f"{seconds:.1f}", certificate), notes)


def _certificate(model: LIDVAE) -> str:
    """The inverse-Lipschitz constant r, and the least information it guarantees where the likelihood lets it."""
    constant = f"injective, r = {model.inverse_lipschitz_:g}"
    return constant if model.mutual_information_lower_bound_reason_ else f"{constant}, information >= {model.mutual_information_lower_bound_:.2f}"


def _layout(rows: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def _draw(path: Path, outcomes: list[Outcome], rows: np.ndarray, labels: np.ndarray | None) -> int:
    try:
        display = ComparisonDisplay.from_estimators({outcome.name: outcome.model for outcome in outcomes}, rows, labels).plot()
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
