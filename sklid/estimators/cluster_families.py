"""The families that clusters may have: how moments of latents become clusters, and where their means may be."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor, nn

from ..nn import GammaClusters, GaussianClusters, LocationScaleClusters, StandardLaplace, StandardStudentT

__all__ = ["FAMILIES", "Family"]

LEAST_CODE = 0.5
"""Least coordinate of a positive mean that is initialised at rows, so that it has room to fall."""
Bounds = tuple[float, float]


class Family(NamedTuple):
    """A family of clusters.

    Attributes
    ----------
    clusters : callable
        Initial standard deviations, means ``(C, K)``, principal axes or None, and the bounds of standard deviations, to
        a module that fulfils `sklid.nn.Clusters`.
    is_positive : bool
        Whether its latents are.
    """

    clusters: Callable[[Tensor, Tensor, Tensor | None, Bounds], nn.Module]
    is_positive: bool = False

    def least_mean(self, bounds: Bounds) -> float | None:
        """The least that a coordinate of a mean may be: a positive one is at least the least standard deviation."""
        return bounds[0] if self.is_positive else None

    def least_code(self, bounds: Bounds, is_given: bool) -> float | None:
        """The least that it may be at the start, where a user gives it or not."""
        return (bounds[0] if is_given else max(bounds[0], LEAST_CODE)) if self.is_positive else None


def _gaussian(scales: Tensor, means: Tensor, axes: Tensor | None, bounds: Bounds) -> GaussianClusters:
    return GaussianClusters(scales, means.shape[1], axes, bounds)


def _laplace(scales: Tensor, means: Tensor, axes: Tensor | None, bounds: Bounds) -> LocationScaleClusters:
    return LocationScaleClusters(StandardLaplace(), scales, means.shape[1], axes, bounds)


def _student_t(scales: Tensor, means: Tensor, axes: Tensor | None, bounds: Bounds) -> LocationScaleClusters:
    return LocationScaleClusters(StandardStudentT(len(means)), scales, means.shape[1], axes, bounds)


def _gamma(scales: Tensor, means: Tensor, axes: Tensor | None, bounds: Bounds) -> GammaClusters:
    return GammaClusters(scales, means, bounds)


FAMILIES = {
    "gaussian": Family(_gaussian),
    "laplace": Family(_laplace),
    "student_t": Family(_student_t),
    "gamma": Family(_gamma, is_positive=True),
}
