r"""A deep latent-variable model assembled from its four parts.

.. math:: z \sim p(z), \qquad x \mid z \sim EF(x \mid f(z)), \qquad q(z \mid x) \approx p(z \mid x)

The prior, the decoder f, the likelihood EF and the posterior q are handed in; LIDVAE and the classical VAE differ in
the decoder and in nothing else.
"""

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from .decoder import Decoder
from .draws import standard_noise
from .likelihoods.base import Likelihood
from .objective import Bound
from .posterior import Posterior
from .principal import expected_rows, probabilistic_pca
from .prior import Prior

__all__ = ["LatentVariableModel"]


class LatentVariableModel(nn.Module):
    """Prior, decoder, likelihood and posterior, with the bound of a batch as the forward pass.

    Parameters
    ----------
    prior : nn.Module
        A `Prior`: called without arguments, gives p(z).
    decoder : nn.Module
        A `Decoder`: latents to natural parameters.
    likelihood : Likelihood
        Natural parameters to p(x | z).
    posterior : nn.Module
        A `Posterior`: what the encoder sees to q(z | x).

    Attributes
    ----------
    augmentation : nn.Module or None
        What it sees in training in place of a row, such as a `RandomShift`: ``(*, D) -> (*, D)``. Every q gives a
        bound, and the likelihood scores the row itself.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn import (GaussianLikelihood, GaussianPosterior, InjectiveDecoder,
    ...                       LatentVariableModel, StandardNormal)
    >>> _ = torch.manual_seed(0)
    >>> model = LatentVariableModel(StandardNormal(2), InjectiveDecoder(2, 5, width=16),
    ...                             GaussianLikelihood(5), GaussianPosterior(5, 2))
    >>> x = torch.randn(7, 5)
    >>> model(x).elbo().shape, model.log_weights(x, torch.randn(100, 7, 2)).shape
    (torch.Size([7]), torch.Size([100, 7]))
    """

    noise_axis = 1
    """Along which `noise_for` has the rows of a batch."""
    prior: Prior
    decoder: Decoder
    likelihood: Likelihood
    posterior: Posterior

    def __init__(self, prior: Prior, decoder: Decoder, likelihood: Likelihood, posterior: Posterior) -> None:
        super().__init__()
        self.prior = prior
        self.decoder = decoder
        self.likelihood = likelihood
        self.posterior = posterior
        self.augmentation: nn.Module | None = None

    def forward(self, x: Tensor, noise: Tensor | None = None, seen: Tensor | None = None) -> Bound:
        """The evidence lower bound of each row, from draws of z made of noise, by default one of `noise_for`.

        Parameters
        ----------
        x : Tensor of shape (*, P)
        noise : Tensor of shape (S, *, K), optional
            Standard normal.
        seen : Tensor of shape (*, D), optional
            What the encoder sees of the rows, by default that of `seen`.

        Returns
        -------
        bound : Bound
            Of batch shape ``(*,)``.
        """
        q = self.encode(x) if seen is None else self.posterior(seen)
        return self.bound(q, x, self.noise_for(x) if noise is None else noise)

    def bound(self, q: Distribution, x: Tensor, noise: Tensor) -> Bound:
        """The evidence lower bound of the rows x ``(*, P)`` under a posterior, from noise ``(S, *, K)``."""
        z, log_q = self.draw(q, noise)
        log_p = self.decode(z, self.given(x)).log_prob(self.features(x))
        return Bound(log_p.mean(0), self.prior.divergences(q, z, log_q))

    def noise_for(self, x: Tensor) -> Tensor:
        """Standard normal noise of one forward pass: ``(*, P) -> (1, *, K)``."""
        return standard_noise((1, *x.shape[:-1], self.prior.n_components), x)

    @torch.no_grad()
    def initialise(self, x: Tensor) -> None:
        """Initialise at the probabilistic PCA of the rows x ``(N, P)``, as far as each part can.

        This sets noise, mean, directions and amplitudes.
        """
        self.likelihood.observe(x)
        inputs = self.likelihood.initial_inputs(x, self.prior.n_components)
        pca = probabilistic_pca(inputs, self.prior.n_components, self.decoder.fixed_directions, self.decoder.within)
        directions, amplitudes, noise = pca
        self.likelihood.initialise(noise)
        self.likelihood.settle(x, expected_rows(inputs, pca))
        mean = self.likelihood.mean_parameters(x)
        self.decoder.initialise(mean, directions, self.likelihood.slopes(amplitudes), float(self.likelihood.gain()))
        self.posterior.initialise(inputs.mean(0), directions, amplitudes, noise)

    def numbers_per_row(self, n_features: int) -> int:
        """About how many numbers a pass of a row of so many features holds: the widest layer, and a few of its kind."""
        return 4 * max(max(weight.shape) for weight in self.parameters())

    def log_prior(self) -> Tensor | None:
        """Log-density of the decoder's weights under their prior, up to a constant, if it has one: a scalar."""
        log_prior = getattr(self.decoder, "log_prior", None)
        return None if log_prior is None else log_prior()

    def encode(self, x: Tensor) -> Distribution:
        """q(z | x): ``(*, P)`` to a distribution of batch shape ``(*,)``."""
        return self.posterior(self.seen(x))

    def seen(self, x: Tensor) -> Tensor:
        """What the encoder sees of rows: ``(*, P) -> (*, D)``."""
        inputs = self.likelihood.inputs(x)
        return inputs if self.augmentation is None else self.augmentation(inputs)

    def draw(self, q: Distribution, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Latents made of standard normal noise, and their log-density under q: ``(S, *, K) -> (S, *, K), (S, *)``."""
        return self.posterior.draw(q, noise)

    def given(self, x: Tensor) -> Tensor | None:
        """What a row's distribution is conditioned on, such as its exposure: ``(*, P) -> (*, C)``, or None."""
        return self.likelihood.given(x)

    def features(self, x: Tensor) -> Tensor:
        """The part of rows that p(x | z) is a distribution of, without what they are conditioned on."""
        return self.likelihood.features(x)

    def natural_parameters(self, z: Tensor, given: Tensor | None = None) -> Tensor:
        """f(z), and what a condition makes of it: ``(*, K), (*, C) -> (*, D)``."""
        return self.likelihood.conditioned(self.decoder(z, self.likelihood.gain()), given)

    def decode(self, z: Tensor, given: Tensor | None = None) -> Distribution:
        """p(x | z), or p(x | z, given): ``(*, K), (*, C)`` to a distribution of batch shape ``(*,)``."""
        return self.likelihood(self.natural_parameters(z, given))

    def log_weights(self, x: Tensor, noise: Tensor) -> Tensor:
        """Log p(x, z) - log q(z | x) for latents made of standard normal noise: ``(*, P), (S, *, K) -> (S, *)``."""
        z, log_q = self.draw(self.encode(x), noise)
        return self.decode(z, self.given(x)).log_prob(self.features(x)) + self.prior().log_prob(z) - log_q

    def sample(self, n_samples: int) -> tuple[Tensor, Tensor]:
        """Draws of x ``(n, P)`` and of the latents z ``(n, K)`` behind them."""
        z = self.prior().sample(torch.Size([n_samples]))
        return self.decode(z).sample(), z
