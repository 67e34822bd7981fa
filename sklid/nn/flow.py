r"""Amortised flow posterior: q(z | x) is a RealNVP flow whose layers see an encoding of x.

.. math:: z = \tau_x(\varepsilon), \qquad \log q(z \mid x) = \log N(\varepsilon; 0, I) - \log |\det \partial \tau_x / \partial \varepsilon|

(Dinh, Sohl-Dickstein & Bengio, "Density estimation using Real NVP", ICLR 2017.) The layers are zuko's, the extra ``sklid[flow]``.
"""

import torch
import zuko
from torch import Tensor, nn
from torch.distributions import Distribution
from zuko.distributions import NormalizingFlow

from .perceptron import perceptron

__all__ = ["FlowPosterior"]

HIDDEN_WIDTH = 128


class FlowPosterior(nn.Module):
    """RealNVP posterior conditioned on an encoding of x.

    Parameters
    ----------
    n_inputs, n_components : int
        D and K, with K at least 2: a coupling layer needs two halves.
    depth, width : int, default=2 and 256
        Hidden layers and units of the encoder.
    transforms : int, default=4
        Coupling layers.

    Raises
    ------
    ValueError
        If K < 2.
    """

    def __init__(self, n_inputs: int, n_components: int, depth: int = 2, width: int = 256, transforms: int = 4) -> None:
        super().__init__()
        if n_components < 2:
            raise ValueError('A flow posterior couples two halves of the latent and needs n_components >= 2; use posterior="gaussian".')
        self.encoder = nn.Sequential(perceptron(n_inputs, width, max(depth - 1, 0), width), nn.ReLU())
        self.flow = zuko.flows.RealNVP(n_components, context=width, transforms=transforms, hidden_features=(HIDDEN_WIDTH,))

    def forward(self, inputs: Tensor) -> Distribution:
        """q(z | x): ``(*, D)`` to a distribution of batch shape ``(*,)`` and event shape ``(K,)``; its moments have no closed form."""
        return self.flow(self.encoder(inputs))

    def draw(self, q: NormalizingFlow, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Latents and their log-density, by pushing the noise through the flow."""
        z, log_det = q.transform.inv.call_and_ladj(noise)
        return z, torch.distributions.Normal(0.0, 1.0).log_prob(noise).sum(-1) - log_det
