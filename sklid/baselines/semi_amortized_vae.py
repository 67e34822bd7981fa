r"""A classical autoencoder whose posterior is refined for each row, in training and after.

.. math:: q(z \mid x) = N(\lambda_T(x)), \qquad \lambda_0 = \text{encoder}(x)
"""

from numbers import Real
from typing import cast

from ..estimators.declaration import parameter, with_parameters
from ..nn import GaussianPosterior, Likelihood, StandardNormal
from ..nn.refined_model import RefinedModel, Refinement
from ..validation import POSITIVE_INTEGER, POSITIVE_REAL, Interval
from .gaussian_posterior import GaussianPosteriorMixin
from .vae import VAE

__all__ = ["SemiAmortized", "SemiAmortizedVAE"]


@with_parameters
class SemiAmortized:
    """The refinement of a posterior, and what it cannot go with."""

    n_refinements: int = parameter(
        default=20, kind="int", text="Steps T for each row.", constraint=POSITIVE_INTEGER, shapes_model=True
    )
    refinement_rate: float = parameter(
        default=0.1,
        kind="float",
        text="Length of a step per unit of the gradient.",
        constraint=POSITIVE_REAL,
        shapes_model=True,
    )
    refinement_momentum: float = parameter(
        default=0.5,
        kind="float",
        text="Share of the last step that the next one keeps.",
        constraint=[Interval(Real, 0, 1, closed="left")],
        shapes_model=True,
    )
    refinement_clip: float = parameter(
        default=5.0,
        kind="float",
        text="Largest norm of the gradient of a row's bound, in nats per unit; a longer one is shortened to it.",
        constraint=POSITIVE_REAL,
        shapes_model=True,
    )

    def _check_objective(self) -> None:
        self._check_elbo(type(self).__name__)
        self._check_one_draw(type(self).__name__)
        if self.compile:
            raise ValueError(
                f"{type(self).__name__} differentiates as it encodes, which cannot be compiled; use compile=False."
            )

    def _refinement(self) -> Refinement:
        return Refinement(self.n_refinements, self.refinement_rate, self.refinement_momentum, self.refinement_clip)


@with_parameters
class SemiAmortizedVAE(SemiAmortized, GaussianPosteriorMixin, VAE):
    r"""SA-VAE: a `VAE` whose encoder says where a few steps of gradient ascent on the bound of each row begin.

    .. math:: v_{t+1} = \mu v_t + \nabla_\lambda \, \text{ELBO}(\lambda_t, x), \qquad
        \lambda_{t+1} = \lambda_t + \eta v_{t+1}, \qquad q(z \mid x) = N(\lambda_T)

    for :math:`\lambda` the means and the logarithms of the scales. Decoder and encoder are trained by the gradient of
    the final bound through all steps; the paper approximates it by finite differences, and adds the gradient of the
    bound at :math:`\lambda_0` for the encoder. Everything that is asked of a fitted model takes the steps, too. A fit
    takes some 3 T times as long as that of a `VAE`.

    Attributes
    ----------
    n_components_, n_features_in_, feature_names_in_, scale_, scaler_, net_
        As in `LIDVAE`.
    interrupted_, converged_, n_iter_, lower_bound_
        As in `LIDVAE`. There is no certificate.

    References
    ----------
    Kim, Wiseman, Miller, Sontag & Rush, "Semi-Amortized Variational Autoencoders", ICML 2018, algorithm 1.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklid.baselines import SemiAmortizedVAE
    >>> X = load_iris().data
    >>> SemiAmortizedVAE(n_components=2, max_epochs=20, random_state=0).fit_transform(X).shape
    (150, 2)
    """

    def _assembled(self, likelihood: Likelihood) -> RefinedModel:
        return RefinedModel(
            StandardNormal(self.n_components_),
            self._decoder(self.n_components_, likelihood),
            likelihood,
            cast(GaussianPosterior, self._posterior(likelihood)),
            self._refinement(),
        )
