r"""Data sets that are made, with their truth known."""

from numbers import Real

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state, check_scalar

from ..validation import checked_size

__all__ = ["make_pinwheel"]


def make_pinwheel(
    n_samples: int = 1000,
    *,
    n_arms: int = 5,
    radial_std: float = 0.3,
    tangential_std: float = 0.05,
    rate: float = 0.25,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    r"""Curved arms around the origin: clusters that no Gaussian fits.

    A point of arm c has a radius :math:`\rho \sim N(1, s_r^2)` and an offset :math:`\tau \sim N(0, s_t^2)` across it,
    and is turned by the angle :math:`2 \pi c / C + a e^\rho`, so that the arms bend the more the further out.

    Parameters
    ----------
    n_samples : int, default=1000
        Spread over the arms as evenly as can be, in random order.
    n_arms : int, default=5
        C.
    radial_std, tangential_std : float, default=0.3 and 0.05
        :math:`s_r` and :math:`s_t`; radii of about 1.
    rate : float, default=0.25
        The a, how much the arms bend, in radians.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : array of shape (n_samples, 2)
    y : int array of shape (n_samples,)
        The arm of each row.

    Raises
    ------
    ValueError
        If a number of rows or arms is not a whole number of at least 1, a spread is negative, or a spread or the rate
        is not finite.

    References
    ----------
    Johnson, Duvenaud, Wiltschko, Datta & Adams, "Composing graphical models with neural networks for structured
    representations and fast inference", NeurIPS 2016, section 5; with these defaults Wang, Blei & Cunningham, NeurIPS
    2021, section 5.

    Examples
    --------
    >>> from sklid.datasets import make_pinwheel
    >>> X, y = make_pinwheel(500, random_state=0)
    >>> X.shape, sorted(set(y.tolist()))
    ((500, 2), [0, 1, 2, 3, 4])
    """
    n_samples, n_arms = checked_size(n_samples), checked_size(n_arms, "n_arms", "arms")
    for name, value in {"radial_std": radial_std, "tangential_std": tangential_std, "rate": rate}.items():
        check_scalar(value, name, Real, min_val=None if name == "rate" else 0)
        if not np.isfinite(value):
            raise ValueError(f"{name}={value} must be a finite number.")
    random = check_random_state(random_state)
    arms = random.permutation(np.arange(n_samples) % n_arms)
    radii = 1 + radial_std * random.standard_normal(n_samples)
    across = tangential_std * random.standard_normal(n_samples)
    angles = 2 * np.pi * arms / n_arms + rate * np.exp(radii)
    cos, sin = np.cos(angles), np.sin(angles)
    return np.column_stack([radii * cos - across * sin, radii * sin + across * cos]), arms
