r"""The family of a clustering's clusters: what of a Gaussian mixture it takes the place of.

.. math:: y \sim Cat(\pi), \qquad w \mid y \sim p(w; \mu_y, \theta_y), \qquad x \mid w \sim EF(x \mid f(w))
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from ..nn import LatentVariableModel, Likelihood, with_positive_latents
from ..surroundings import without_gradients
from ..validation import StrOptions
from .cluster_families import FAMILIES
from .clustering import MixtureMixin
from .declaration import parameter, with_parameters
from .mixture_start import MixtureStart

__all__ = ["FamilyMixin"]


@with_parameters
class FamilyMixin(MixtureMixin):
    """The clusters of `LIDMVAEClustering`."""

    family: str = parameter(
        default="gaussian",
        kind='{"gaussian", "laplace", "student_t", "gamma"}',
        text='Of the clusters. "laplace": independent Laplace distributions along the principal axes. "student_t": a '
        'multivariate t distribution, with its degrees of freedom learned for each cluster. "gamma": positive, '
        'independent latents, under the posterior too; with covariance_type="diag" or "spherical".',
        constraint=[StrOptions(set(FAMILIES))],
        shapes_model=True,
    )

    @property
    @without_gradients()
    def degrees_of_freedom_(self) -> NDArray[np.floating]:
        check_is_fitted(self)
        if self.family != "student_t":
            raise AttributeError(
                f'Clusters of family="{self.family}" have no degrees of freedom; those of family="student_t" have.'
            )
        return self.net_.module_.prior.clusters.standard.degrees_of_freedom().cpu().numpy()

    def _assembled(self, likelihood: Likelihood) -> LatentVariableModel:
        model = super()._assembled(likelihood)
        return with_positive_latents(model) if self.family == "gamma" else model

    def _mixture_start(self) -> MixtureStart:
        return replace(super()._mixture_start(), family=self.family)

    def _check_clusters(self, n_rows: int) -> None:
        """ValueError for parameters that cannot go together, or with so many rows, or with positive latents."""
        super()._check_clusters(n_rows)
        if self.family == "gamma" and self.covariance_type not in ("diag", "spherical"):
            raise ValueError(
                f'covariance_type="{self.covariance_type}" has axes that turn, and the latents of family="gamma" are '
                'positive and independent; use covariance_type="diag" or "spherical".'
            )

    def _check_init(self) -> None:
        """ValueError for given means that are not finite, not one per cluster and latent, or not positive."""
        super()._check_init()
        least = self.scale_bounds[0]
        if self.family == "gamma" and not isinstance(self.init, str) and np.min(self.init) < least:
            raise ValueError(
                f'The latents of family="gamma" are positive and their means are at least scale_bounds[0]={least}, the '
                f"least standard deviation; init has {np.min(self.init):.3g}. Move the means up, or lower the bound."
            )
