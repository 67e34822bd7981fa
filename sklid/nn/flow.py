r"""Amortised flow posterior: a Gaussian pushed through RealNVP layers that see an encoding of x.

.. math:: z = \tau_x(u), \qquad
    \log q(z \mid x) = \log N(u; \mu(x), \sigma^2(x)) - \log |\det \partial \tau_x / \partial u|

(Dinh, Sohl-Dickstein & Bengio, "Density estimation using Real NVP", ICLR 2017.) The layers are zuko's, the extra
``sklid[flow]``.
"""

from torch import Tensor, nn
from torch.distributions import Distribution

from .perceptron import perceptron
from .posterior import EncoderNetwork, GaussianPosterior

_checks = Distribution._validate_args
import zuko  # noqa: E402
from zuko.distributions import NormalizingFlow  # noqa: E402

Distribution.set_default_validate_args(_checks)  # zuko switches torch's checks off, for all

__all__ = ["FlowPosterior"]

HIDDEN_WIDTH = 128


class FlowPosterior(nn.Module):
    r"""RealNVP layers, conditioned on an encoding of x, over a Gaussian posterior.

    .. math:: z = \tau_x(u), \qquad u \sim N(\mu(x), \operatorname{diag} \sigma^2(x))

    The layers start at the identity, so that the posterior starts at its Gaussian.

    Parameters
    ----------
    n_inputs, n_components : int
        D and K, with K at least 2: a coupling layer needs two halves.
    depth, width, linear, network
        Of the Gaussian, as in `GaussianPosterior`; the encoding that the layers see is from a network of the same kind,
        depth and width.
    transforms : int, default=4
        Coupling layers.

    Raises
    ------
    ValueError
        If K < 2.
    """

    def __init__(
        self,
        n_inputs: int,
        n_components: int,
        depth: int = 2,
        width: int = 256,
        linear: bool = True,
        network: EncoderNetwork = perceptron,
        transforms: int = 4,
    ) -> None:
        super().__init__()
        if n_components < 2:
            raise ValueError(
                "A flow posterior couples two halves of the latent and needs n_components >= 2; "
                'use posterior="gaussian".'
            )
        self.base = GaussianPosterior(n_inputs, n_components, depth, width, linear, network)
        self.context = nn.Sequential(network(n_inputs, HIDDEN_WIDTH, depth - 1, width), nn.ReLU())
        self.flow = zuko.flows.RealNVP(
            n_components, context=HIDDEN_WIDTH, transforms=transforms, hidden_features=(HIDDEN_WIDTH,)
        )
        for layer in self.flow.transform.transforms:
            nn.init.zeros_(layer.hyper[-1].weight)
            nn.init.zeros_(layer.hyper[-1].bias)

    def forward(self, inputs: Tensor) -> Distribution:
        """q(z | x): ``(*, D)`` to a distribution of batch shape ``(*,)`` and event shape ``(K,)``.

        Its moments have no closed form.
        """
        return NormalizingFlow(self.flow.transform(self.context(inputs)), self.base(inputs))

    def initialise(self, mean: Tensor, directions: Tensor, amplitudes: Tensor, noise: float) -> None:
        """Start the Gaussian near the posterior of a probabilistic PCA."""
        self.base.initialise(mean, directions, amplitudes, noise)

    def draw(self, q: NormalizingFlow, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Latents and their log-density, by pushing draws of the Gaussian through the layers."""
        u, log_base = self.base.draw(q.base, noise)
        z, log_det = q.transform.inv.call_and_ladj(u)
        return z, log_base - log_det
