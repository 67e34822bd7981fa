r"""Positive latents: a posterior and a plain prior on the positive orthant, and a decoder that starts from their mean.

.. math:: w = e^{l + s z}, \quad z \sim N(0, I), \qquad x \mid w \sim EF(x \mid f(w - m \mathbf 1))

with l and s such that w has mean m = 2 and variance 1 in each coordinate: what the start of a decoder and of an encoder
at probabilistic PCA takes latents to have, at the decoder's own origin w = m, where it gives the mean of the data. A
shift of the argument leaves every inverse-Lipschitz constant as it is, so the certificate holds in w.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import (
    AffineTransform,
    Distribution,
    ExpTransform,
    Independent,
    LogNormal,
    TransformedDistribution,
)

from .certificate import mixture_mutual_information_floor, peak_ball_probability, peak_kl_floor
from .decoder import Decoder
from .model import LatentVariableModel
from .objective import kl_estimates
from .posterior import Posterior

__all__ = ["LogNormalPrior", "PositivePosterior", "ShiftedDecoder", "with_positive_latents"]

MEAN = 2.0
"""Of each latent under the plain prior, with variance 1."""
LOG_SCALE = math.sqrt(math.log1p(MEAN**-2))
LOG_MEAN = math.log(MEAN) - LOG_SCALE**2 / 2


class PositivePosterior(nn.Module):
    r"""The exponential of another posterior, in the units of the plain prior.

    .. math:: w = e^{l + s z}, \qquad z \sim q(z \mid x)

    Of a Gaussian it is log-normal, with moments in closed form.

    Parameters
    ----------
    base : Posterior
        That of z, such as a `GaussianPosterior` or a `FlowPosterior`.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn import GaussianPosterior, PositivePosterior
    >>> q = PositivePosterior(GaussianPosterior(8, 2))(torch.zeros(5, 8))
    >>> q.mean.shape, bool((q.sample() > 0).all())
    (torch.Size([5, 2]), True)
    """

    base: Posterior

    def __init__(self, base: Posterior) -> None:
        super().__init__()
        self.base = base

    def forward(self, inputs: Tensor) -> Distribution:
        """q(w | x): ``(*, D)`` to a distribution of batch shape ``(*,)`` and event shape ``(K,)``."""
        q: Any = self.base(inputs)
        if not isinstance(q, Independent):
            steps: Any = [AffineTransform(LOG_MEAN, LOG_SCALE, event_dim=1), ExpTransform()]
            return TransformedDistribution(q, steps, validate_args=False)
        loc, scale = LOG_MEAN + LOG_SCALE * q.mean, LOG_SCALE * q.stddev
        return Independent(LogNormal(loc, scale, validate_args=False), 1, validate_args=False)

    def initialise(self, mean: Tensor, directions: Tensor, amplitudes: Tensor, noise: float) -> None:
        """Start the base near the posterior of a probabilistic PCA."""
        self.base.initialise(mean, directions, amplitudes, noise)

    def draw(self, q: Any, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Latents made of standard normal noise, and their log-density: ``(S, *, K) -> (S, *, K), (S, *)``."""
        if isinstance(q, Independent):
            normal: Any = q.base_dist.base_dist
            logs = normal.loc + normal.scale * noise
            return logs.exp(), (normal.log_prob(logs) - logs).sum(-1)
        z, log_q = self.base.draw(q.base_dist, noise)
        logs = LOG_MEAN + LOG_SCALE * z
        return logs.exp(), log_q - logs.sum(-1) - logs.shape[-1] * math.log(LOG_SCALE)

    def of_moments(self, mean: Tensor, stddev: Tensor) -> Distribution:
        """A log-normal distribution of given means and standard deviations: ``(*, K)`` to batch shape ``(*,)``."""
        scale = (stddev / mean).square().log1p().sqrt()
        return Independent(LogNormal(mean.log() - scale.square() / 2, scale, validate_args=False), 1)

    def by_label(self, q: Any, shift: Tensor, stretch: Tensor) -> Distribution:
        """The posteriors q(w | x, y), that of the row moved and stretched: ``(*, C, K)`` to batch shape ``(*, C)``."""
        logs = q.base_dist.base_dist
        loc, scale = logs.loc.unsqueeze(-2) + LOG_SCALE * shift, logs.scale.unsqueeze(-2) * stretch.exp()
        return Independent(LogNormal(loc, scale, validate_args=False), 1, validate_args=False)


class LogNormalPrior(nn.Module):
    """Independent log-normal latents of mean 2 and variance 1.

    Parameters
    ----------
    n_components : int
        K.
    """

    location: Tensor

    def __init__(self, n_components: int) -> None:
        super().__init__()
        self.n_components = n_components
        self.register_buffer("location", torch.full((n_components,), LOG_MEAN), persistent=False)

    def forward(self) -> Distribution:
        """The distribution, of event shape ``(K,)``."""
        scale = torch.full_like(self.location, LOG_SCALE)
        return Independent(LogNormal(self.location, scale, validate_args=False), 1, validate_args=False)

    def divergences(self, q: Distribution, z: Tensor, log_q: Tensor) -> Tensor:
        """KL(q || p) of each row as one part, ``(*, 1)``: in closed form where there is one, else over the draws."""
        return kl_estimates(q, self(), z, log_q)

    def mutual_information_floor(self, inverse_lipschitz: float) -> float:
        """Least mutual information of w and x in nats behind an inverse-Lipschitz decoder, by the entropy power."""
        effective = torch.full((1, self.n_components), LOG_SCALE * math.exp(LOG_MEAN))
        return mixture_mutual_information_floor(torch.ones(1), effective, inverse_lipschitz)

    def kl_floor(self, decoded_variance: Tensor, mean: Tensor, inverse_lipschitz: float) -> Tensor:
        """Least KL(q || p) of posteriors with the given trace of Cov f(w), ``(*,)``, by the largest density."""
        return peak_kl_floor(decoded_variance, self.n_components, self._log_peak(), inverse_lipschitz)

    def ball_probability(self, radius: Tensor, centre: Tensor) -> Tensor:
        """The most that p gives balls of the given radius, ``(*,)``, wherever they are."""
        return peak_ball_probability(radius, self.n_components, self._log_peak())

    def _log_peak(self) -> float:
        mode = LOG_MEAN - LOG_SCALE**2
        return self.n_components * (-mode - LOG_SCALE**2 / 2 - math.log(LOG_SCALE) - 0.5 * math.log(2 * math.pi))


class ShiftedDecoder(nn.Module):
    """A decoder with the mean of positive latents in place of the origin, f(w - m).

    Parameters
    ----------
    decoder : Decoder
        f, injective or not; what it certifies of its latents holds for w.
    """

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder: Any = decoder

    @property
    def fixed_directions(self) -> Tensor | None:
        """Those of the decoder."""
        return self.decoder.fixed_directions

    @property
    def within(self) -> Tensor | None:
        """Those of the other."""
        return self.decoder.within

    @property
    def inverse_lipschitz(self) -> float:
        """The constant r of an injective decoder."""
        return self.decoder.inverse_lipschitz

    def forward(self, w: Tensor, gain: Tensor | float = 1.0) -> Tensor:
        """Natural parameters: ``(*, K) -> (*, D)``."""
        return self.decoder(w - MEAN, gain)

    def plane(self, w: Tensor, gain: Tensor | float = 1.0) -> Tensor:
        """Coordinates of an injective decoder's values in the plane of beta: ``(*, K) -> (*, K)``."""
        return self.decoder.plane(w - MEAN, gain)

    @torch.no_grad()
    def inverse(self, eta: Tensor, gain: Tensor | float = 1.0, tol: float = 1e-6, max_iter: int = 100) -> Tensor:
        """Left inverse of an injective decoder: ``(*, D) -> (*, K)``; positive where some w decodes to eta."""
        return self.decoder.inverse(eta, gain, tol, max_iter) + MEAN

    def initialise(self, mean: Tensor, directions: Tensor, amplitudes: Tensor, gain: float = 1.0) -> None:
        """Start near ``f(w) = mean + (amplitudes * (w - m)) @ directions``, as far as the decoder can."""
        self.decoder.initialise(mean, directions, amplitudes, gain)

    def log_prior(self) -> Tensor | None:
        """That of the decoder's weights, if they have one."""
        log_prior = getattr(self.decoder, "log_prior", None)
        return None if log_prior is None else log_prior()


def with_positive_latents(model: LatentVariableModel) -> LatentVariableModel:
    """The model of positive latents that is made of the parts of one of real latents, before it is initialised."""
    parts = (ShiftedDecoder(model.decoder), model.likelihood, PositivePosterior(model.posterior))
    return LatentVariableModel(LogNormalPrior(model.prior.n_components), *parts)
