r"""The covariance of rows with gaps that a model expects, given what is observed of them.

.. math:: A = \sum_n w_n \big( \hat x_n \hat x_n^\top + G_n (W M_n^{-1} W^\top + \sigma^2 I) G_n \big)

with :math:`\hat x_n` the centred row, its gaps filled by their expectations, :math:`G_n` the projection on them, and
:math:`M_n^{-1}` the posterior covariance of z. A is only ever multiplied by a few columns, never formed, so time and
memory grow with the number of features and no faster. At the maximum of the likelihood the leading directions of A are
those of W.
"""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from .incomplete import IncompleteRows, Posteriors, posteriors
from .spectrum import Spectrum

__all__ = ["ExpectedScatter"]

ROUNDS = 2
"""Multiplications that turn directions near the leading ones to these."""


class ExpectedScatter(NamedTuple):
    """A of a model with loadings W ``(D, K)`` about its mean, as a product with columns."""

    rows: IncompleteRows
    found: Posteriors
    mean: NDArray[np.float64]
    loadings: NDArray[np.float64]
    noise_variance: float

    @classmethod
    def of(cls, rows: IncompleteRows, mean: NDArray, loadings: NDArray, noise_variance: float) -> Self:
        """With the posteriors of the rows."""
        return cls(rows, posteriors(rows, mean, loadings, noise_variance), mean, loadings, noise_variance)

    @property
    def trace(self) -> float:
        """Sum of the expected squares of all features."""
        spreads = (self.rows.counts[:, None, None] * self.found.covariances).reshape(len(self.rows.counts), -1)
        total = 0.0
        for part, there, values in self.rows.blocks():
            total += float(self.rows.weights @ (self._filled(part, there, values) ** 2).sum(1))
            total += self.noise_variance * float((self.rows.counts @ (1 - there)).sum())
            loadings = self.loadings[part]
            total += float(
                np.vdot((1 - there) @ (loadings[:, :, None] * loadings[:, None, :]).reshape(len(loadings), -1), spreads)
            )
        return total

    def times(self, V: NDArray) -> NDArray[np.float64]:
        """A V: ``(D, k) -> (D, k)``."""
        rows, (n_components, k) = self.rows, (self.loadings.shape[1], V.shape[1])
        projections, spreads = np.zeros((len(rows.values), k)), np.zeros((len(rows.patterns), n_components * k))
        for part, there, values in rows.blocks():
            projections += self._filled(part, there, values) @ V[part]
            products = self.loadings[part, :, None] * V[part, None, :]
            spreads += (1 - there) @ products.reshape(len(products), -1)
        projections *= rows.weights[:, None]
        spreads = self.found.covariances @ spreads.reshape(-1, n_components, k)
        spreads = (rows.counts[:, None, None] * spreads).reshape(len(spreads), -1)
        product = np.empty_like(V)
        for part, there, values in rows.blocks():
            product[part] = self._filled(part, there, values).T @ projections
            product[part] += self.noise_variance * (rows.counts @ (1 - there))[:, None] * V[part]
            back = ((1 - there).T @ spreads).reshape(-1, n_components, k)
            product[part] += np.einsum("dj,djk->dk", self.loadings[part], back)
        return product

    def spectrum(self, near: NDArray) -> Spectrum:
        """Leading variances and directions, beginning at columns ``(D, k)`` near them; all where k is D."""
        basis = np.linalg.qr(near).Q
        for _ in range(ROUNDS):
            basis = np.linalg.qr(self.times(basis)).Q
        variances, turned = np.linalg.eigh(basis.T @ self.times(basis))
        degrees = float(self.rows.weights.sum()) - 1
        directions = (basis @ turned[:, ::-1]).T
        variances = np.maximum(variances[::-1], 0) / degrees
        return Spectrum(variances, lambda k: directions[:k], self.mean, self.trace / degrees, self.rows.pair_weight)

    def _filled(self, part: slice, there: NDArray, values: NDArray) -> NDArray[np.float64]:
        """Centred values of some features, expectations in their gaps: ``(N, d)``."""
        observed = self.rows.by_row(there)
        return values - observed * self.mean[part] + (1 - observed) * (self.found.means @ self.loadings[part].T)
