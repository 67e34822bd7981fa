"""Models whose posterior has to be Gaussian."""

from ..nn import Likelihood, Posterior
from .classical import ClassicalModel

__all__ = ["GaussianPosteriorMixin"]


class GaussianPosteriorMixin(ClassicalModel):
    """The refusal of another posterior than the Gaussian that a method constrains or refines."""

    def _posterior(self, likelihood: Likelihood) -> Posterior:
        """The posterior of the estimator's parameters, which has to be Gaussian."""
        if self.posterior != "gaussian":
            raise ValueError(f'{type(self).__name__} works on a Gaussian posterior; use posterior="gaussian".')
        return super()._posterior(likelihood)
