"""Small fitted models, the tables that they are fitted to, and the same tables with gaps."""

import numpy as np

from sklid.nn import LIKELIHOODS

rng = np.random.default_rng(0)
N_ROWS = 40
WHOLE, UNIT = rng.poisson(2.0, (N_ROWS, 4)).astype(float), rng.random((N_ROWS, 4))
NUMBERS = (rng.standard_normal((N_ROWS, 2)) @ rng.standard_normal((2, 4)) + rng.standard_normal((N_ROWS, 4))) * [
    1.0, 10.0, 0.1, 3.0,
] + [0.0, 50.0, 0.0, -7.0]  # fmt: skip
OF_NUMBERS = {
    "gaussian": NUMBERS,
    "log_normal": np.exp(NUMBERS / 10),
    "bernoulli": (UNIT > 0.5).astype(float),
    "continuous_bernoulli": UNIT,
    "categorical": rng.integers(0, 3, (N_ROWS, 4)).astype(float),
    "ordinal": rng.integers(0, 4, (N_ROWS, 4)).astype(float),
}
TABLES = {name: OF_NUMBERS.get(name, WHOLE) for name in LIKELIHOODS}
EVERY_FAMILY = np.column_stack([table[:, column % 4] for column, table in enumerate(TABLES.values())])
"""One column of each family, in the order of `LIKELIHOODS`."""
FAST = {"n_components": 2, "max_epochs": 1, "encoder_width": 8, "n_importance_samples": 6, "random_state": 0}
SMALL = {**FAST, "decoder_width": 8}


def with_gaps(table):
    """Two thirds of the rows with gaps, some of them in two columns, and none in the others."""
    table = table.copy()
    table[1::3, 1] = np.nan
    table[2::3, 2:4] = np.nan
    return table


def close(found, expected, tolerance=1e-5):
    """To a share of the largest magnitude in each column."""
    expected = np.asarray(expected, dtype=np.float64)
    size = np.abs(expected).max(axis=0) + 1
    return found.shape == expected.shape and bool((np.abs(found - expected) <= tolerance * size).all())
