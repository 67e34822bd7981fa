r"""Whether residuals hold what a better model of the same family would explain.

Two questions, each with a level of its own.

*A direction.* A small random effect along u adds :math:`\tfrac12 (\theta - \log(1 + \theta))` nats per row, with
:math:`1 + \theta = u^\top R u` and R the covariance of the residuals (a score test). The largest eigenvalue of their
correlations must exceed those of tables whose columns are shifted along the rows, each by its own random number, which
keeps a column's distribution and its autocorrelation and breaks what columns share (Horn 1965, with shifts in place of
permutations): 39 of them make the level 1 in 40. A direction of strength :math:`\theta` has the eigenvalue
:math:`(1 + \theta)(1 + \gamma / \theta)`, which tells how strong one could be and go unnoticed (Baik & Silverstein
2006).

*A shape.* A latent with finitely many values makes a mixture of shifted copies of the noise. One that is fitted to
blocks of rows must explain the blocks between them better than one Gaussian does: the ring, clusters, the product of
signs, whose covariance is that of noise.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import sklearn
import torch
from numpy.typing import NDArray
from scipy.stats import t as student
from torch import Tensor

from ..mixtures import stopping_mixture
from .residuals import Residuals

__all__ = ["LARGEST_HIDDEN", "Structure", "structure_of"]

N_SHIFTED = 39
LARGEST_HIDDEN = 0.5 * math.log(2)
"""Nats of information of a direction as strong as the noise: one that could go unnoticed must not be stronger."""
FEW_COLUMNS, MOST_EXACT, POWER_STEPS = 32, 128, 20
LEAST_VARIANCE = 1e-3
"""Least variance of a column's residuals for it to count: a pixel that is always blank tells nothing."""
N_BLOCKS = 20
MOST_DIRECTIONS = 12
LEAST_GAIN = 0.01
SHAPE_LEVEL = 0.005
NUMBERS_OF_CLUSTERS, ROWS_PER_DIRECTION = (2, 4, 8), 8
LEAST_SHARE = 20
"""Rows of the fitted blocks for each cluster."""
NARROWEST = 0.05
"""Added to the variances of clusters in units of the residuals' own, so that rounded values make no clusters."""


class Structure(NamedTuple):
    """What residuals hold; nan where it is not known.

    Attributes
    ----------
    direction : float
        Largest eigenvalue over what it must exceed.
    worth : float
        Nats per row that a latent along that direction would gain.
    shape : float
        Nats per row that a mixture gains on rows that it has not seen, at the lower end of its interval.
    hidden : float
        Nats of information of the strongest direction that could go unnoticed.
    n_rows : int
    """

    direction: float
    worth: float
    shape: float
    hidden: float
    n_rows: int

    @property
    def found(self) -> bool:
        """Whether there is a direction or a shape that is worth a hundredth of a nat."""
        return (self.direction > 1 and self.worth > LEAST_GAIN) or self.shape > LEAST_GAIN

    @property
    def excluded(self) -> bool:
        """Whether what there is is worth next to nothing, and a direction as strong as the noise would be seen."""
        negligible = self.direction <= 1 or self.worth <= LEAST_GAIN / 2
        return not self.found and negligible and self.hidden <= LARGEST_HIDDEN

    @property
    def rows_needed(self) -> float:
        """About how many rows would show a direction as strong as the noise, theta falling with their root.

        nan where so many would.
        """
        return math.nan if not self.hidden > LARGEST_HIDDEN else 1.3 * self.n_rows * math.expm1(2 * self.hidden) ** 2


def structure_of(residuals: Residuals, generator: np.random.Generator) -> Structure:
    """The structure in residuals of rows in the order of the table."""
    n_rows, direction, worth, hidden, shape = 0, math.nan, math.nan, math.nan, math.nan
    if residuals.standardised is not None and len(residuals.standardised) > 2:
        table = residuals.standardised - residuals.standardised.mean(0)
        table, n_rows = table[:, (table.var(0) > LEAST_VARIANCE).any(-1)], len(table)
        direction, worth, hidden = (0.0,) * 3 if table.shape[1] < 2 else _direction(table, residuals, generator)
    if residuals.scores is not None and len(residuals.scores) >= 2 * N_BLOCKS:
        shape = _shape(residuals.scores.cpu().numpy(), generator)
    return Structure(direction, worth, shape, hidden, n_rows)


def _direction(table: Tensor, residuals: Residuals, generator: np.random.Generator) -> tuple[float, float, float]:
    """The largest eigenvalue over its bound, its worth, and the information of the strongest that stays below."""
    n_rows, n_columns, n_values = table.shape
    tables = [_correlated(turned) for turned in _turned(table, residuals.has_one_scale, generator)]
    largest = float(np.median([_largest_eigenvalue(each) for each in tables]))
    shifted = (_shifted(tables[number % len(tables)], generator) for number in range(N_SHIFTED))
    edge = max(_largest_eigenvalue(each) for each in shifted)
    n_free = n_columns * max(1, n_values - 1)
    ratio, direction = n_free / n_rows, largest / edge
    strength = _strength_at(_above_the_others(table if residuals.has_one_scale else tables[0], n_free), ratio)
    if not residuals.has_scale:  # a direction must exceed the noise that the family has
        direction = min(direction, _largest_eigenvalue(table))
    hidden = _strength_at(edge * (1 + math.sqrt(2 / n_rows)), ratio)
    return direction, 0.5 * (strength - math.log1p(strength)), 0.5 * math.log1p(hidden)


def _above_the_others(table: Tensor, n_free: int) -> float:
    """The largest eigenvalue over the mean of all others: 1 + theta beside noise of any size."""
    largest, total = _largest_eigenvalue(table), table.square().mean(0).sum().item()
    return largest * (n_free - 1) / max(total - largest, NARROWEST * total)


def _turned(table: Tensor, has_one_scale: bool, generator: np.random.Generator) -> list[Tensor]:
    """The table ``(N, D, 1)`` in random orthonormal bases, so that no column holds a direction alone.

    Columns with noise of their own, and numbers of categories, stay as they are.
    """
    if not has_one_scale:
        return [table]
    n_columns = table.shape[1]
    n_turns = N_SHIFTED if n_columns <= FEW_COLUMNS else 1
    bases = (np.linalg.qr(generator.standard_normal((n_columns, n_columns)))[0] for _ in range(n_turns))
    return [(table.squeeze(-1) @ torch.from_numpy(basis).to(table)).unsqueeze(-1) for basis in bases]


def _correlated(table: Tensor) -> Tensor:
    """Columns over their spread; the numbers of a category are in units of theirs."""
    return table / table.square().mean(0).sqrt() if table.shape[-1] == 1 else table


def _shifted(table: Tensor, generator: np.random.Generator) -> Tensor:
    """Each column of ``(N, D, V)`` turned round along the rows by a random number of them.

    No two turn by the same, as far as there are rows: these would keep what they share.
    """
    n_rows, n_columns, n_values = table.shape
    numbers = np.arange(max(n_rows, n_columns)) % n_rows
    start = torch.from_numpy(generator.choice(numbers, n_columns, replace=False)).to(table.device)
    places = (torch.arange(n_rows, device=table.device).unsqueeze(1) + start) % n_rows
    return table.gather(0, places.unsqueeze(-1).expand(-1, -1, n_values))


def _largest_eigenvalue(table: Tensor) -> float:
    """Of the second moments of ``(N, D, V)``; of large tables by twenty power steps, the same for all."""
    flat = table.flatten(1)
    if flat.shape[1] <= MOST_EXACT:
        return torch.linalg.eigvalsh(flat.T @ flat)[-1].item() / len(flat)
    vector = torch.ones_like(flat[0]) / flat.shape[1] ** 0.5
    for _ in range(POWER_STEPS):
        vector = flat.T @ (flat @ vector)
        vector = vector / vector.norm()
    return (flat @ vector).square().mean().item()


def _strength_at(eigenvalue: float, ratio: float) -> float:
    """The theta whose eigenvalue (1 + theta)(1 + ratio / theta) this is; root of the ratio where all have a larger."""
    half = (eigenvalue - 1 - ratio) / 2
    return half + math.sqrt(half**2 - ratio) if half > 0 and half**2 > ratio else math.sqrt(ratio)


def _shape(scores: NDArray[np.float64], generator: np.random.Generator) -> float:
    """Nats per row that the best mixture gains over one Gaussian on blocks of rows that neither has seen."""
    n_rows, scores = len(scores), scores[:, scores.var(axis=0) > LEAST_VARIANCE]
    if not scores.shape[1]:
        return 0.0
    n_directions = min(MOST_DIRECTIONS, scores.shape[1], n_rows // (2 * ROWS_PER_DIRECTION))
    block = np.arange(n_rows) * N_BLOCKS // n_rows
    scores = sklearn.decomposition.PCA(n_directions, whiten=True, random_state=0).fit_transform(scores)
    fitted, others = scores[block % 2 == 0], scores[block % 2 == 1]
    seed = int(generator.integers(2**31 - 1))
    alone = _mixture(1, fitted, seed).score_samples(others)
    numbers = [k for k in NUMBERS_OF_CLUSTERS if k * LEAST_SHARE <= len(fitted)]
    gains = [_mixture(k, fitted, seed).score_samples(others) - alone for k in numbers]
    return max((_lower_end(gain, block[block % 2 == 1]) for gain in gains), default=math.nan)


def _mixture(k: int, rows: NDArray[np.float64], seed: int) -> Any:
    """Of shifted copies of one noise."""
    mixture = stopping_mixture(
        k, covariance_type="tied", reg_covar=NARROWEST, n_init=1 if k == 1 else 2, max_iter=50, random_state=seed
    )
    return mixture.fit(rows)  # any mixture that explains new rows will do


def _lower_end(gain: NDArray[np.float64], block: NDArray[np.int64]) -> float:
    """Of the interval for the mean, by the means of blocks, whose rows may depend on each other."""
    means = np.array([gain[block == number].mean() for number in np.unique(block)])
    error = means.std(ddof=1) / math.sqrt(len(means))
    return float(means.mean() + student.ppf(SHAPE_LEVEL, len(means) - 1) * error)
