r"""The section decoder: the injective decoder of the paper, with what it repeats left out.

.. math::
    f(z) = \beta^\top g(z) + (I - \beta^\top \beta)\, \gamma h(z), \qquad g = g_n \circ \dots \circ g_1, \qquad
    \beta \beta^\top = I_K

with Brenier maps g_i of R^K and any network h from R^K to R^D. The outer map of Wang, Blei & Cunningham (NeurIPS 2021,
equation 8) is evaluated on the plane :math:`\beta^\top R^K` alone. There, gradients of strongly convex functions on R^D
are the maps :math:`\beta^\top \nabla \phi(u) + (I - \beta^\top \beta) h(u)` with phi strongly convex on R^K and h free:
strong convexity between points of a plane says nothing of components off it. (For h of linear growth and any smaller
modulus there is a strongly convex function with such a gradient: Taylor, Hendrickx & Glineur 2017; Azagra & Mudarra
2017. What follows does not need it.)

Since :math:`\beta f = g`, f is a *section* of the projection beta after g. So for every value of every parameter,

.. math:: |f(z) - f(z')| \ge |g(z) - g(z')| \ge \alpha_1 \cdots \alpha_n |z - z'|,

the product r of the moduli is an inverse-Lipschitz constant of f, and :math:`E(x) = g^{-1}(\beta x)` a left inverse,
which Newton's method finds in K dimensions.
"""

from typing import Any

import torch
from torch import Tensor, nn

from .chain import BrenierChain
from .decoder import LARGEST_AMPLITUDE
from .embedding import OrthogonalEmbedding, embedding_named
from .network import free_network
from .perceptron import perceptron

__all__ = ["Section", "SectionDecoder"]

PRECISION = 50.0
"""Of the prior of the first weights of a section's perceptron."""


class Section(nn.Module):
    r"""Any network R^K -> R^D made injective, with a certified inverse-Lipschitz constant and an exact left inverse.

    .. math:: f(z) = \beta^\top g(z) + (I - \beta^\top \beta)\, \gamma h(z), \qquad |f(z) - f(z')| \ge r |z - z'|

    The guarantee holds for every value of the weights and for every network: convolutions, attention, layers that are
    neither smooth nor deterministic. It costs two thin products beside the network.

    Parameters
    ----------
    network : nn.Module
        The h. For latents ``(n, K)`` it gives `n_outputs` numbers each, in any shape, such as images ``(n, C, height,
        width)``, whose numbers are then laid out in rows.
    n_components, n_outputs : int
        Latent dimension K and number D of natural parameters, K <= D.
    inverse_lipschitz : float, default=1.0
        The constant r, in units of the natural parameter (noise standard deviations for a Gaussian).
    activation : str, default="squareplus"
        Of the Brenier maps, each of which has one hidden layer of 128 units; as in `ConvexPotential`.
    embedding : {"orthogonal", "identity"} or OrthogonalEmbedding, default="orthogonal"
        Beta with learned orthonormal rows, or zero-one; or one that was made.
    maps : int, default=4
        Number n of Brenier maps, at least 1. With 1 beta keeps its initial rows; with a known noise, latents and g are
        then identified together.
    sees_plane : bool, default=False
        Whether the network is given g(z) beside z, so that it takes 2K inputs; in units of the amplitudes that
        `initialise` was given.

    Raises
    ------
    ValueError
        If K > D, as an injective map cannot lower the dimension, or there is no map.

    References
    ----------
    Wang, Blei & Cunningham, NeurIPS 2021, equations 7 and 8. Ballantine, "Products of positive definite matrices",
    1968.

    Examples
    --------
    An image decoder of transposed convolutions, with the guarantee:

    >>> import torch
    >>> from torch import nn
    >>> from sklid.nn import Section
    >>> _ = torch.manual_seed(0)
    >>> network = nn.Sequential(nn.Linear(2, 32), nn.GELU(), nn.Unflatten(1, (8, 2, 2)),
    ...                         nn.ConvTranspose2d(8, 1, kernel_size=4, stride=4))
    >>> f = Section(network, n_components=2, n_outputs=64).double()
    >>> z, other = torch.randn(2, 100, 2, dtype=torch.float64)
    >>> ratio = (f(z) - f(other)).norm(dim=-1) / (z - other).norm(dim=-1)
    >>> bool(ratio.min() >= 1.0), bool((f.inverse(f(z)) - z).abs().max() < 1e-5)
    (True, True)
    """

    scales: Tensor

    def __init__(
        self,
        network: nn.Module,
        n_components: int,
        n_outputs: int,
        inverse_lipschitz: float = 1.0,
        activation: str = "squareplus",
        embedding: str | OrthogonalEmbedding = "orthogonal",
        maps: int = 4,
        sees_plane: bool = False,
    ) -> None:
        super().__init__()
        self.n_components = n_components
        self.inverse_lipschitz = inverse_lipschitz
        self.sees_plane = sees_plane
        self.chain = BrenierChain(n_components, inverse_lipschitz, maps, activation)
        self.embedding = (
            embedding_named(embedding, n_components, n_outputs, trainable=maps > 1)
            if isinstance(embedding, str)
            else embedding
        )
        self.network = free_network(network, n_outputs)
        self.register_buffer("scales", torch.ones(n_components))

    @property
    def fixed_directions(self) -> Tensor | None:
        """The rows of the zero-one beta."""
        return self.embedding.fixed_directions

    @property
    def within(self) -> Tensor | None:
        """Numbers of the natural parameters that the rows of beta keep to, where not to all."""
        return self.embedding.within

    def forward(self, z: Tensor, gain: Tensor | float = 1.0) -> Tensor:
        """Natural parameters f(z): ``(*, K) -> (*, D)``.

        Parameters
        ----------
        z : Tensor of shape (*, K)
        gain : positive Tensor or float, default=1.0
            Scale of what is learned, in the last map and in the network; the constant r does not depend on it.
        """
        beta, along = self.embedding(), self.plane(z, gain)
        off = self.network(torch.cat([z, along / self.scales], dim=-1) if self.sees_plane else z)
        if isinstance(gain, Tensor) or gain != 1.0:  # each pass over (*, D) counts
            off = gain * off
        return off + (along - off @ beta.mT) @ beta

    def plane(self, z: Tensor, gain: Tensor | float = 1.0) -> Tensor:
        """Coordinates of f(z) in the plane of beta, g(z): ``(*, K) -> (*, K)``."""
        return self.chain(z, gain)

    @torch.no_grad()
    def inverse(self, eta: Tensor, gain: Tensor | float = 1.0, tol: float = 1e-6, max_iter: int = 100) -> Tensor:
        """Left inverse E, defined on all of R^D and 1/r-Lipschitz, with E(f(z)) = z: ``(*, D) -> (*, K)``.

        Parameters
        ----------
        eta : Tensor of shape (*, D)
            Natural parameters.
        gain, tol, max_iter
            As in `BrenierMap.inverse`, for each of the maps.

        Raises
        ------
        InversionError
            When a map misses `tol`.
        """
        return self.chain.inverse(eta @ self.embedding().mT, gain, tol, max_iter)

    @torch.no_grad()
    def initialise(self, mean: Tensor, directions: Tensor, amplitudes: Tensor, gain: float = 1.0) -> None:
        """Start near the linear map ``f(z) = mean + (amplitudes * z) @ directions``; the network gives the mean alone.

        Parameters
        ----------
        mean : Tensor of shape (D,)
        directions : Tensor of shape (K, D)
            Orthonormal rows, where beta starts unless it is zero-one.
        amplitudes : Tensor of shape (K,)
            Natural-parameter units per unit of z, taken as at most 8.
        gain : float, default=1.0
            The gain at the start.
        """
        self.embedding.initialise(directions)
        slopes = amplitudes.clamp_max(LARGEST_AMPLITUDE).clamp_min(self.inverse_lipschitz)
        self.scales.copy_(slopes)
        self.chain.initialise(slopes, mean @ self.embedding().mT, gain)
        self.network.silence(mean / gain)


class SectionDecoder(Section):
    r"""The section of a perceptron with GELU units, that sees z and g(z).

    .. math:: f(z) = \beta^\top g(z) + (I - \beta^\top \beta)\, \gamma h(z, g(z)), \qquad |f(z) - f(z')| \ge r |z - z'|

    The weights of its first layer have a prior, N(0, 1/50) each, so that h bends little where there are few rows. The
    estimators maximise the bound of all rows and this prior together; the prior does not grow with the rows.

    Parameters
    ----------
    n_components, n_outputs : int
        Latent dimension K and number D of natural parameters, K <= D.
    depth, width : int, default=2 and 256
        Hidden layers and units of h.
    inverse_lipschitz, activation, embedding, maps
        As in `Section`.

    Raises
    ------
    ValueError
        As `Section`.

    References
    ----------
    Wang, Blei & Cunningham, NeurIPS 2021, equations 7 and 8.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn import SectionDecoder
    >>> _ = torch.manual_seed(0)
    >>> f = SectionDecoder(2, 5, width=16)
    >>> z, other = torch.randn(2, 100, 2)
    >>> ratio = (f(z) - f(other)).norm(dim=-1) / (z - other).norm(dim=-1)
    >>> bool(ratio.min() >= 1.0)
    True
    """

    def __init__(
        self,
        n_components: int,
        n_outputs: int,
        depth: int = 2,
        width: int = 256,
        inverse_lipschitz: float = 1.0,
        activation: str = "squareplus",
        embedding: str | OrthogonalEmbedding = "orthogonal",
        maps: int = 4,
    ) -> None:
        network = perceptron(2 * n_components, n_outputs, depth, width, nn.GELU)
        super().__init__(
            network, n_components, n_outputs, inverse_lipschitz, activation, embedding, maps, sees_plane=True
        )

    def log_prior(self) -> Tensor:
        """Log-density of the network's first weights under their prior, up to a constant: a scalar."""
        first_layer: Any = self.network[0]
        return -PRECISION / 2 * first_layer.weight.square().sum()
