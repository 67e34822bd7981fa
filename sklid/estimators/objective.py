r"""What an estimator maximises: the evidence lower bound, or the importance-weighted one, from so many draws a row.

.. math:: E_q[\log p(x \mid z)] - w \, KL(q(z \mid x) \| p(z)), \qquad
    E \log \frac1S \sum_s \frac{p(x, z_s)}{q(z_s \mid x)}
"""

from numbers import Real

from skorch import NeuralNet

from ..nn import Bound
from ..training.importance import importance_step, importance_validation
from ..training.loss import Objective
from ..training.net import Step
from ..validation import NON_NEGATIVE, POSITIVE_INTEGER, Interval, StrOptions
from .declaration import parameter, with_parameters

__all__ = ["DivergenceWeight", "ObjectiveMixin"]


@with_parameters
class ObjectiveMixin:
    """The bound that training maximises."""

    kl_warmup: float = parameter(
        default=0.0,
        kind="float",
        text="Fraction of the training steps over which the weight of the divergence rises from 0.",
        constraint=[Interval(Real, 0, 1, closed="both")],
    )
    objective: str = parameter(
        default="elbo",
        kind='{"elbo", "iwae"}',
        text='The bound that training maximises. "iwae" is the importance-weighted one of `n_samples_train` draws, by '
        "the doubly reparametrised gradient. It is tighter, so a simple posterior costs the model less, and the "
        "posterior need not come as near to the exact one. It has no weight of the divergence.",
        constraint=[StrOptions({"elbo", "iwae"})],
    )
    n_samples_train: int = parameter(
        default=1,
        kind="int",
        text="Draws of each row in a step of training, of which each takes a pass through the decoder.",
        constraint=POSITIVE_INTEGER,
    )

    def _divergence_weight(self) -> float:
        """The weight of the divergence, from the parameter that says it."""
        raise TypeError(f"{type(self).__name__} has no weight of the divergence of its own; use LIDVAE or VAE.")

    def _objective(self) -> Objective:
        """What training maximises, from the two terms of the bound of each row."""
        return Bound.elbo

    def _step(self) -> Step:
        """How the gradients of a batch come about."""
        return importance_step if self.objective == "iwae" else NeuralNet.train_step_single

    def _validation(self) -> Step:
        """How the loss of rows that are held out comes about."""
        return importance_validation if self.objective == "iwae" else NeuralNet.validation_step

    def _check_objective(self) -> None:
        """ValueError where the parameters contradict each other, or the model."""
        if self.objective == "iwae" and (self._divergence_weight() != 1 or self.kl_warmup):
            raise ValueError(
                'objective="iwae" is a bound without a weight on the divergence: set kl_warmup to 0 and the weight, '
                f'kl_weight or beta, to 1, or use objective="elbo". They are {self.kl_warmup} and '
                f"{self._divergence_weight()}."
            )

    def _check_elbo(self, reason: str) -> None:
        """ValueError where a method that maximises the evidence lower bound is asked for another."""
        if self.objective != "elbo":
            raise ValueError(f'{reason} maximises the evidence lower bound; use objective="elbo".')

    def _check_one_draw(self, reason: str) -> None:
        """ValueError where a method that draws once in training is asked for more."""
        if self.n_samples_train != 1:
            raise ValueError(f"{reason} draws once in training; use n_samples_train=1, not {self.n_samples_train}.")


@with_parameters
class DivergenceWeight:
    """The weight of the divergence, by its usual name."""

    kl_weight: float = parameter(
        default=1.0, kind="float", text="Weight of the divergence in the bound.", constraint=NON_NEGATIVE
    )

    def _divergence_weight(self) -> float:
        return self.kl_weight
