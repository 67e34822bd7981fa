"""Tables of which the components are known."""

import numpy as np


def planted(n_rows=300, n_features=8, amplitudes=(4.0, 2.0, 1.5), noise=0.7, seed=1):
    rng = np.random.default_rng(seed)
    W = np.linalg.qr(rng.standard_normal((n_features, len(amplitudes))))[0] * amplitudes
    return (
        rng.gamma(2.0, 0.5**0.5, (n_rows, len(amplitudes))) @ W.T
        + noise * rng.standard_normal((n_rows, n_features))
        + 5
    )


def with_gaps(X, share=0.2, seed=1):
    return np.where(np.random.default_rng(seed).random(X.shape) < share, np.nan, X)


def rows_with_covariance(C, n_rows=500, seed=0):
    """Rows whose sample covariance, with N - 1 degrees of freedom, is C exactly."""
    rows = np.random.default_rng(seed).standard_normal((n_rows, len(C)))
    rows -= rows.mean(0)
    return rows @ np.linalg.inv(np.linalg.cholesky(np.cov(rows.T))).T @ np.linalg.cholesky(C).T
