r"""Decoders: the injective one the project exists for, and the plain network it is compared with.

.. math:: f(z) = g_2(\beta^\top g_1(z)), \qquad
    g_1: R^K \to R^K, \; g_2: R^D \to R^D \text{ Brenier maps}, \; \beta \beta^\top = I_K

(Wang, Blei & Cunningham, NeurIPS 2021, equation 8). The moduli multiply,

.. math:: |f(z) - f(z')| \ge \alpha_1 \sigma_{min}(\beta) \, \alpha_2 |z - z'|,

and with orthonormal rows :math:`\sigma_{min}(\beta) = 1`; :math:`\alpha_1 = 1` leaves :math:`\alpha_2` as the
inverse-Lipschitz constant of f, for every value of the parameters. The left inverse is
:math:`E(x) = g_1^{-1}(\beta g_2^{-1}(x))`.
"""

from typing import Protocol

import torch
from torch import Tensor, nn

from .brenier import BrenierMap
from .convex import ConvexPotential
from .embedding import OrthogonalEmbedding, embedding_named
from .network import free_network
from .perceptron import perceptron

__all__ = ["Decoder", "InjectiveDecoder", "PlainDecoder"]

INNER_WIDTH = 64
TAPER, LEAST_UPPER_WIDTH = 8, 16
LEAST_CURVATURE = 0.1
LARGEST_AMPLITUDE = 8.0
"""Cap on the amplitudes at the start: steeper ones are learned better than given."""


class Decoder(Protocol):
    """What a model asks of a decoder."""

    @property
    def fixed_directions(self) -> Tensor | None:
        """Orthonormal directions ``(K, D)`` the decoder starts along whatever the data are, if it does."""

    @property
    def within(self) -> Tensor | None:
        """Numbers of the natural parameters ``(M,)`` that those directions keep to, where not to all."""

    def __call__(self, z: Tensor, gain: Tensor | float = 1.0) -> Tensor:
        """Natural parameters, ``(*, K) -> (*, D)``; `gain` scales the learned part."""

    def initialise(self, mean: Tensor, directions: Tensor, amplitudes: Tensor, gain: float) -> None:
        """Start near ``f(z) = mean + (amplitudes * z) @ directions``, as far as it can: ``(D,), (K, D), (K,)``."""


class InjectiveDecoder(nn.Module):
    r"""Injective f: R^K -> R^D with a certified inverse-Lipschitz constant.

    .. math:: f(z) = g_2(\beta^\top g_1(z)), \qquad |f(z) - f(z')| \ge r |z - z'|

    Parameters
    ----------
    n_components, n_outputs : int
        Latent dimension K and number D of natural parameters, K <= D.
    depth, width : int, default=2 and 256
        Hidden layers and units of g2; g1 is one hidden layer of 64 units.
    inverse_lipschitz : float, default=1.0
        The constant r, in units of the natural parameter (noise standard deviations for a Gaussian).
    activation, skip_connections
        As in `ConvexPotential`.
    potential : {"tapered", "icnn"}, default="tapered"
        Units of g2 above its first layer: an eighth of `width`, at least 16, or `width`.
    embedding : {"orthogonal", "identity"} or OrthogonalEmbedding, default="orthogonal"
        Beta with learned orthonormal rows, or zero-one; or one that was made.
    maps : {2, 1}, default=2
        1 leaves g1 out and keeps beta fixed: f(z) = g2(beta' z), the case in which latents and map are identified
        together.

    Raises
    ------
    ValueError
        If K > D: an injective map cannot lower the dimension.

    References
    ----------
    Wang, Blei & Cunningham, NeurIPS 2021, equations 7 and 8.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn import InjectiveDecoder
    >>> _ = torch.manual_seed(0)
    >>> f = InjectiveDecoder(2, 5, width=16)
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
        skip_connections: bool = False,
        embedding: str | OrthogonalEmbedding = "orthogonal",
        maps: int = 2,
        potential: str = "tapered",
    ) -> None:
        super().__init__()
        self.n_components = n_components
        self.inverse_lipschitz = inverse_lipschitz
        self.inner: BrenierMap | None = None
        if maps == 2:
            self.inner = BrenierMap(ConvexPotential(n_components, INNER_WIDTH, 1, activation), n_components)
        self.embedding = (
            embedding_named(embedding, n_components, n_outputs, trainable=maps == 2)
            if isinstance(embedding, str)
            else embedding
        )
        upper_width = min(width, max(LEAST_UPPER_WIDTH, width // TAPER)) if potential == "tapered" else width
        self.outer = BrenierMap(
            ConvexPotential(n_outputs, width, depth, activation, skip_connections, upper_width),
            n_outputs,
            inverse_lipschitz,
        )

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
            Scale of the learned part of g2; the constant r does not depend on it.
        """
        inner = z if self.inner is None else self.inner(z)
        return self.outer(inner, gain, self.embedding())

    def plane(self, z: Tensor, gain: Tensor | float = 1.0) -> Tensor:
        """Coordinates of f(z) in the plane of beta: ``(*, K) -> (*, K)``.

        On that plane the gradient of T is that of a convex function on R^K with the same modulus, so r holds here too.
        """
        return self(z, gain) @ self.embedding().mT

    @torch.no_grad()
    def inverse(self, eta: Tensor, gain: Tensor | float = 1.0, tol: float = 1e-6, max_iter: int = 100) -> Tensor:
        """Left inverse E, defined on all of R^D and 1/r-Lipschitz, with E(f(z)) = z: ``(*, D) -> (*, K)``.

        Parameters
        ----------
        eta : Tensor of shape (*, D)
            Natural parameters.
        gain, tol, max_iter
            As in `BrenierMap.inverse`.

        Raises
        ------
        InversionError
            When either map misses `tol`.
        """
        u = self.outer.inverse(eta, gain, tol, max_iter)
        projected = u @ self.embedding().mT
        return projected if self.inner is None else self.inner.inverse(projected, tol=tol, max_iter=max_iter)

    @torch.no_grad()
    def initialise(self, mean: Tensor, directions: Tensor, amplitudes: Tensor, gain: float = 1.0) -> None:
        """Start near the linear map ``f(z) = mean + (amplitudes * z) @ directions``.

        The learned part of g2 starts with slope 1 along beta, in natural-parameter units, and g1 supplies what is
        missing of each amplitude.

        Parameters
        ----------
        mean : Tensor of shape (D,)
        directions : Tensor of shape (K, D)
            Orthonormal rows, where beta starts unless it is zero-one.
        amplitudes : Tensor of shape (K,)
            Natural-parameter units per unit of z.
        gain : float, default=1.0
            The gain at the start.
        """
        self.embedding.initialise(directions)
        rows = self.embedding()
        potential = self.outer.potential
        inner_slopes = (amplitudes.clamp_max(LARGEST_AMPLITUDE) / (1.0 + self.inverse_lipschitz)).clamp_min(1.0)
        potential.initialise_inputs(rows, inner_slopes.norm().item())
        potential.rescale(1.0 / gain, rows)
        origin = mean.new_zeros(self.n_components)
        if self.inner is not None:
            self.inner.potential.initialise_curvature((inner_slopes - 1.0).clamp_min(LEAST_CURVATURE))
            self.inner.bias.sub_(self.inner(origin))
        self.outer.bias.add_((mean - self(origin, gain)) / gain)


class PlainDecoder(nn.Module):
    """A multilayer perceptron R^K -> R^D with ReLU units, or any other module: the decoder of the classical VAE.

    Parameters
    ----------
    n_components, n_outputs : int
        K and D.
    depth, width : int, default=2 and 256
        Hidden layers and units of the perceptron.
    network : nn.Module, optional
        In its place, as for `Section`.
    """

    fixed_directions = None
    within = None

    def __init__(
        self,
        n_components: int,
        n_outputs: int,
        depth: int = 2,
        width: int = 256,
        network: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.n_components = n_components
        self.network = free_network(network or perceptron(n_components, n_outputs, depth, width), n_outputs)

    def forward(self, z: Tensor, gain: Tensor | float = 1.0) -> Tensor:
        """Natural parameters: ``(*, K) -> (*, D)``, scaled by `gain`."""
        return gain * self.network(z)

    @torch.no_grad()
    def initialise(self, mean: Tensor, directions: Tensor, amplitudes: Tensor, gain: float = 1.0) -> None:
        """Shift the outputs so that f(0) is `mean` ``(D,)``; a free network has no directions to start."""
        was_training = self.training
        self.eval()  # one latent has no variance to normalise by, and nothing drops out
        self.network.shift((mean - self(mean.new_zeros(self.n_components), gain)) / gain)
        self.train(was_training)
