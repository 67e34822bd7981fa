r"""Latent-variable models with labels.

.. math:: y \sim Cat(\pi), \qquad w \mid y \sim N(\mu_y, \Sigma_y), \qquad x \mid w \sim EF(x \mid f(w))

The *marginal* model sums the label out of the prior and needs one decoder pass,

.. math:: \log p(x) \ge E_{q(w|x)}[\log p(x \mid w)] - KL(q(w \mid x) \| p(w)), \qquad
    q(y \mid x) = E_{q(w|x)}[p(y \mid w)].

The *joint* model is the paper's (Wang, Blei & Cunningham, NeurIPS 2021, section 3): a posterior q(y | x) q(w | x, y),
and one decoder pass per label,

.. math:: \log p(x) \ge \sum_y q(y \mid x) \big( E_{q(w|x,y)}[\log p(x \mid w)]
    - KL(q(w \mid x, y) \| p(w \mid y)) \big) - KL(q(y \mid x) \| \pi).
"""

import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution, MixtureSameFamily

from .decoder import Decoder
from .draws import standard_noise
from .likelihoods.base import Likelihood
from .mixture import SeparatedMixture
from .model import LatentVariableModel
from .objective import Bound
from .perceptron import perceptron
from .posterior import LabelledPosterior

__all__ = ["JointMixtureModel", "MixtureModel"]


class MixtureModel(LatentVariableModel):
    """A `LatentVariableModel` under a `SeparatedMixture`, with the label summed out."""

    prior: SeparatedMixture

    @torch.no_grad()
    def relabel(self, order: Tensor, optimizer: torch.optim.Optimizer | None = None) -> None:
        """Number the labels anew: label ``order[c]`` becomes label c ``(C,)``.

        Both the parameters and what an optimiser remembers of them are reordered.
        """
        for tensor in self._tensors_by_label():
            state = {} if optimizer is None else optimizer.state.get(tensor, {})
            for part in (tensor, *(value for value in state.values() if value.shape == tensor.shape)):
                part.copy_(part.unflatten(0, (self.prior.n_labels, -1))[order.to(part.device)].flatten(0, 1))

    def _tensors_by_label(self) -> list[Tensor]:
        """Parameters and buffers whose first axis is the label."""
        every = [*self.prior.parameters(), *self.prior.buffers()]
        return [tensor for tensor in every if tensor.dim() and len(tensor) == self.prior.n_labels]

    def label_probabilities(self, x: Tensor, noise: Tensor) -> Tensor:
        """q(y | x) = E_q(w | x) p(y | w), averaged over latents made of noise: ``(*, P), (S, *, K) -> (*, C)``."""
        w, _ = self.draw(self.encode(x), noise)
        return self.prior.label_probabilities(w).mean(0)


class JointMixtureModel(MixtureModel):
    r"""The same with a posterior over labels, and one over latents for each label.

    .. math:: q(y \mid x) \propto p(y \mid w = \mu(x)) \, e^{t_y(x)}, \qquad
        q(w \mid x, y) = N(\mu(x) + d_y(x), \sigma^2(x) e^{2 e_y(x)})

    with mu and sigma those of the Gaussian posterior handed in, or of the logarithms of a log-normal one, and t, d, e
    from one perceptron that is silent at the start: the model starts at what the posterior and the mixture already
    know.

    Parameters
    ----------
    prior : SeparatedMixture
    decoder, likelihood, posterior
        As in `LatentVariableModel`; the posterior is a `LabelledPosterior`: a `GaussianPosterior`, or the
        `PositivePosterior` of one.
    depth, width : int, default=2 and 256
        Hidden layers and units of the perceptron.
    """

    noise_axis = 0
    posterior: LabelledPosterior

    def __init__(
        self,
        prior: SeparatedMixture,
        decoder: Decoder,
        likelihood: Likelihood,
        posterior: LabelledPosterior,
        depth: int = 2,
        width: int = 256,
    ) -> None:
        super().__init__(prior, decoder, likelihood, posterior)
        n_outputs = prior.n_labels * (2 * prior.n_components + 1)
        self.labelled = perceptron(likelihood.n_inputs, n_outputs, depth, width)
        for parameter in self.labelled[-1].parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor, noise: Tensor | None = None, seen: Tensor | None = None) -> Bound:
        """The evidence lower bound of each row, one draw per label: ``(*, P)`` to a `Bound` of batch shape ``(*,)``.

        The draws are made of noise ``(*, C, K)``, by default that of `noise_for`; what the encoder sees is ``(*, D)``,
        by default that of `seen`.
        """
        labels, latents = self._posteriors(self.seen(x) if seen is None else seen)
        w, _ = self.posterior.draw(latents, self.noise_for(x) if noise is None else noise)
        each = x.unsqueeze(-2)
        reconstruction = (labels.probs * self.decode(w, self.given(each)).log_prob(self.features(each))).sum(-1)
        log_joint = self.prior.expected_log_joint(latents.mean, latents.variance)
        divergence = (labels.probs * (labels.logits - latents.entropy() - log_joint)).sum(-1)
        return Bound(reconstruction, divergence.unsqueeze(-1))

    def noise_for(self, x: Tensor) -> Tensor:
        """Standard normal noise of one forward pass: ``(*, P) -> (*, C, K)``."""
        return standard_noise((*x.shape[:-1], self.prior.n_labels, self.prior.n_components), x)

    def encode(self, x: Tensor) -> MixtureSameFamily:
        """q(w | x), the mixture of the labels' posteriors: ``(*, P)`` to a distribution of batch shape ``(*,)``."""
        return MixtureSameFamily(*self._posteriors(self.seen(x)), validate_args=False)

    def label_probabilities(self, x: Tensor, noise: Tensor) -> Tensor:
        """q(y | x), which needs no noise: ``(*, P) -> (*, C)``."""
        return self._posteriors(self.seen(x))[0].probs

    def draw(self, q: MixtureSameFamily, noise: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Latents and their log-density; a label gets its share of the draws: ``(S, *, K) -> (S, *, K), (S, *)``."""
        quantiles = (torch.arange(len(noise)).to(noise) + 0.5) / len(noise)
        shares = q.mixture_distribution.probs.cumsum(-1)[..., :-1]
        labels = (quantiles.reshape(-1, *[1] * shares.dim()) > shares).sum(-1)[..., None, None]
        each, _ = self.posterior.draw(q.component_distribution, noise.unsqueeze(-2))
        w = torch.take_along_dim(each, labels, dim=-2).squeeze(-2)
        return w, q.log_prob(w)

    def log_weights(self, x: Tensor, noise: Tensor) -> Tensor:
        """Log sum_y p(y) p(x | w_y) p(w_y | y) / q(w_y | x, y): ``(*, P), (S, *, K) -> (S, *)``.

        The latents are made of standard normal noise.
        """
        _, latents = self._posteriors(self.seen(x))
        (w, log_q), each = self.posterior.draw(latents, noise.unsqueeze(-2)), x.unsqueeze(-2)
        log_joint = self.decode(w, self.given(each)).log_prob(self.features(each)) + self.prior.log_joint(w)
        return (log_joint - log_q).logsumexp(-1)

    def _tensors_by_label(self) -> list[Tensor]:
        return [*super()._tensors_by_label(), *self.labelled[-1].parameters()]

    def _posteriors(self, seen: Tensor) -> tuple[Categorical, Distribution]:
        """q(y | x), of batch shape ``(*,)``, and q(w | x, y) for every y, of ``(*, C)``: of what the encoder sees."""
        shared = self.posterior(seen)
        changes = self.labelled(seen).unflatten(-1, (self.prior.n_labels, -1))
        tilt, shift, stretch = changes.split([1, self.prior.n_components, self.prior.n_components], dim=-1)
        labels = Categorical(
            logits=self.prior.log_joint(shared.mean.unsqueeze(-2)) + tilt.squeeze(-1), validate_args=False
        )
        return labels, self.posterior.by_label(shared, shift, stretch)
