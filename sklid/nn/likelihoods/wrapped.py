"""A likelihood that changes one thing of another, and has all else from it."""

from torch import Tensor
from torch.distributions import Distribution

from .base import Likelihood

__all__ = ["WrappedLikelihood"]


class WrappedLikelihood(Likelihood):
    """Answers as another likelihood does; a subclass changes what it is for.

    Parameters
    ----------
    whole : Likelihood
    """

    def __init__(self, whole: Likelihood) -> None:
        super().__init__(whole.n_features)
        self.whole = whole
        self.name, self.support, self.standardised = whole.name, whole.support, whole.standardised
        self.noise_units, self.by_column = whole.noise_units, whole.by_column
        self.n_parameters, self.n_inputs, self.columns = whole.n_parameters, whole.n_inputs, whole.columns

    @property
    def filler(self) -> float | Tensor:  # type: ignore[override]
        """That of the other."""
        return self.whole.filler

    @property
    def noise_unit_parameters(self) -> Tensor:
        """Those of the other."""
        return self.whole.noise_unit_parameters

    def given(self, x: Tensor) -> Tensor | None:
        return self.whole.given(x)

    def conditioned(self, eta: Tensor, given: Tensor | None) -> Tensor:
        return self.whole.conditioned(eta, given)

    def features(self, x: Tensor) -> Tensor:
        return self.whole.features(x)

    def takes_exposure(self) -> Tensor:
        return self.whole.takes_exposure()

    def observe(self, x: Tensor) -> None:
        self.whole.observe(x)

    def settle(self, x: Tensor, inputs: Tensor, exposure: Tensor | float = 1.0) -> None:
        self.whole.settle(x, inputs, exposure)

    def gain(self) -> Tensor | float:
        return self.whole.gain()

    def initialise(self, noise: float) -> None:
        self.whole.initialise(noise)

    def distribution(self, eta: Tensor) -> Distribution:
        return self.whole.distribution(eta)

    def column_log_probs(self, eta: Tensor, x: Tensor) -> Tensor:
        return self.whole.column_log_probs(eta, x)

    def mean(self, eta: Tensor) -> Tensor:
        return self.whole.mean(eta)

    def averaged(self, eta: Tensor, weights: Tensor) -> Tensor:
        return self.whole.averaged(eta, weights)

    def expected_statistic(self, eta: Tensor) -> Tensor:
        return self.whole.expected_statistic(eta)

    def inputs(self, x: Tensor) -> Tensor:
        return self.whole.inputs(x)

    def initial_inputs(self, x: Tensor, n_components: int) -> Tensor:
        return self.whole.initial_inputs(x, n_components)

    def moments(self, x: Tensor) -> Tensor:
        return self.whole.moments(x)

    def mean_parameters(self, x: Tensor, seen: Tensor | None = None) -> Tensor:
        return self.whole.mean_parameters(x, seen)

    def slopes(self, amplitudes: Tensor) -> Tensor:
        return self.whole.slopes(amplitudes)

    def inside(self, moments: Tensor) -> Tensor:
        return self.whole.inside(moments)

    def parameters_of_mean(self, mean: Tensor) -> Tensor:
        return self.whole.parameters_of_mean(mean)

    def exact_link(self, moments: Tensor) -> Tensor:
        return self.whole.exact_link(moments)
