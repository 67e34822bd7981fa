r"""What is remembered of the rows of earlier calls, so that a model can be fitted to all of them without keeping any.

Mean and covariance give the model but for the sign of each direction, which is that of the third moments of the scores,

.. math:: \sum_n (u_k \cdot (x_n - m))^3,

each batch being scored by the model of its time.
"""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from .covariance import Moments
from .linear_gaussian import LinearGaussian

__all__ = ["Batches"]


class Batches(NamedTuple):
    """Moments of all rows, their model, and the third moments ``(K,)`` of the scores."""

    moments: Moments
    model: LinearGaussian
    third_moments: NDArray[np.float64]

    def after(self, earlier: Self | None) -> Self:
        """With the third moments of earlier batches added, and the signs that follow.

        Where a direction now points the other way, its earlier third moment counts with the other sign.
        """
        third_moments = self.third_moments.copy()
        if earlier is not None:
            shared = slice(0, min(len(third_moments), len(earlier.third_moments)))
            turned = np.sign((self.model.directions[shared] * earlier.model.directions[shared]).sum(1))
            third_moments[shared] += turned * earlier.third_moments[shared]
        model = self.model.signed(third_moments)
        turned = np.sign((self.model.directions * model.directions).sum(1))
        return self._replace(model=model, third_moments=turned * third_moments)
