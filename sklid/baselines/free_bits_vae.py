r"""A classical autoencoder that does not pay for the first nats of each latent variable.

.. math:: E_q[\log p(x \mid z)] - \sum_k \max\big(\lambda, \, \operatorname{mean}_x KL(q(z_k \mid x) \| p(z_k))\big)
"""

from functools import partial

import torch
from torch import Tensor

from ..estimators.declaration import parameter, with_parameters
from ..nn import Bound
from ..training.loss import Objective
from ..validation import NON_NEGATIVE
from .vae import VAE

__all__ = ["FreeBits", "FreeBitsVAE"]


def with_free_bits(bound: Bound, weight: float, free: float) -> Tensor:
    """The bound of each row, less what its batch holds beyond `free` nats, shared out among the parts: ``(*,)``."""
    parts = bound.divergences.flatten(0, -2).mean(0)
    return bound.reconstruction - weight * torch.clamp_min(parts, free / len(parts)).sum()


@with_parameters
class FreeBits:
    """Training with free bits."""

    free_bits: float = parameter(
        default=0.1, kind="float", text="The nats, of each latent variable, that cost nothing.", constraint=NON_NEGATIVE
    )

    _mixes_rows = "free bits"

    def _check_objective(self) -> None:
        self._check_elbo(type(self).__name__)

    def _objective(self) -> Objective:
        return partial(with_free_bits, free=self.free_bits * self.n_components_)


@with_parameters
class FreeBitsVAE(FreeBits, VAE):
    r"""`VAE` trained with free bits: a latent variable may hold so much information without a price.

    .. math:: E_q[\log p(x \mid z)]
        - \sum_k \max\big(\lambda, \, \operatorname{mean}_x KL(q(z_k \mid x) \| p(z_k))\big)

    with the mean over a batch. Below :math:`\lambda` nothing pulls the posterior of a latent variable to the prior, but
    nothing makes the decoder use it, either. A flow has no divergence by latent variable, and then all of them together
    have :math:`K \lambda` nats.

    Attributes
    ----------
    n_components_, n_features_in_, feature_names_in_, scale_, scaler_, net_
        As in `LIDVAE`.
    interrupted_, converged_, n_iter_, lower_bound_
        As in `LIDVAE`; the bound is the one above, with free bits, which is lower. There is no certificate.

    References
    ----------
    Kingma, Salimans, Jozefowicz, Chen, Sutskever & Welling, "Improved Variational Inference with Inverse Autoregressive
    Flow", NeurIPS 2016, with one latent variable in each group.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklid.baselines import FreeBitsVAE
    >>> X = load_iris().data
    >>> FreeBitsVAE(n_components=2, max_epochs=20, random_state=0).fit_transform(X).shape
    (150, 2)
    """
