r"""The linear case of a latent-identifiable model: Brenier maps that are gradients of strictly convex quadratics.

.. math::
    T(u) = \tfrac12 |A u|^2, \quad g(u) = A^\top A u + \alpha u, \qquad
    z \sim N(0, I_K), \quad x \mid z \sim N\big( s\, g_2(\beta^\top g_1(z)), s^2 I_D \big)

Every matrix of full rank is such a decoder: with the polar decomposition :math:`V = P \beta`, P positive definite, g1
is P and g2 the identity. The model is probabilistic PCA; its posterior is known, so the evidence lower bound can be
tight, and training it must reach the closed form of Tipping & Bishop (1999). With the weight b on the divergence the
best posterior is that of the noise :math:`b s^2`, and latent i collapses exactly when :math:`b s^2 \ge \lambda_i`
(Wang & Ziyin, "Posterior Collapse of a Linear Latent Variable Model", NeurIPS 2022, theorem 1).
"""

import math

import torch
from torch import Tensor, nn

from .brenier import BrenierMap
from .embedding import OrthogonalEmbedding
from .objective import Bound

__all__ = ["LinearDecoder", "LinearModel", "QuadraticPotential"]

LEAST_SLOPE = 1e-4
"""Strong convexity of g1: the least loading in noise units, since a latent of loading zero is not identified."""


class QuadraticPotential(nn.Module):
    r"""The convex quadratic :math:`T(u) = |A u|^2 / 2`, with A of shape ``(rank, d)``.

    Parameters
    ----------
    n_features : int
        Dimension d.
    rank : int
        Rows of A.
    scale : float, default=1.0
        Standard deviation of the image of a standard normal u under A, each entry, at the start.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn import BrenierMap, QuadraticPotential
    >>> g = BrenierMap(QuadraticPotential(3, 2), 3)
    >>> torch.allclose(g(torch.zeros(3)), torch.zeros(3))
    True
    """

    def __init__(self, n_features: int, rank: int, scale: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(scale * torch.randn(rank, n_features) / math.sqrt(n_features))

    def forward(self, u: Tensor) -> Tensor:
        """T(u): ``(*, d) -> (*,)``."""
        return 0.5 * (u @ self.weight.mT).square().sum(-1)

    def gradient(self, u: Tensor, embedding: Tensor | None = None) -> Tensor:
        """The gradient A'A u, ``(*, d) -> (*, d)``.

        When an embedding ``(K, d)`` is given, at ``u @ embedding``, ``(*, K) -> (*, d)``.
        """
        inputs = self.weight.mT if embedding is None else embedding @ self.weight.mT
        return u @ inputs @ self.weight


class LinearDecoder(nn.Module):
    r"""The linear injective decoder :math:`f(z) = g_2(\beta^\top g_1(z))` with f(0) = 0, in noise units.

    Parameters
    ----------
    n_components, n_outputs : int
        K and D, K <= D.
    """

    def __init__(self, n_components: int, n_outputs: int) -> None:
        super().__init__()
        self.inner = BrenierMap(QuadraticPotential(n_components, n_components), n_components, LEAST_SLOPE)
        self.embedding = OrthogonalEmbedding(n_components, n_outputs)
        self.outer = BrenierMap(QuadraticPotential(n_outputs, n_components, scale=0.1), n_outputs, 1.0)
        for part in (self.inner, self.outer):
            part.bias.requires_grad_(False)  # rows are centred

    def forward(self, z: Tensor) -> Tensor:
        """f(z): ``(*, K) -> (*, D)``."""
        return self.outer(self.inner(z), embedding=self.embedding())

    @torch.no_grad()
    def initialise(self, directions: Tensor, amplitude: float) -> None:
        """Start with beta at orthonormal rows ``(K, D)`` and loadings of about one amplitude in noise units along each.

        Equal ones, since a positive map leaves zero slowly.
        """
        self.embedding.initialise(directions)
        nn.init.orthogonal_(self.inner.potential.weight, gain=math.sqrt(amplitude))

    def loadings(self) -> Tensor:
        """The matrix V of f, ``(K, D)``: f(z) = z V."""
        return self(
            torch.eye(
                self.embedding.columns.shape[1],
                dtype=self.embedding.columns.dtype,
                device=self.embedding.columns.device,
            )
        )


class LinearModel(nn.Module):
    r"""Probabilistic PCA of centred rows as a latent-identifiable model with its best posterior.

    The forward pass is the bound of each row.

    Parameters
    ----------
    n_components, n_features : int
        K and D, K <= D.
    noise : float, default=1.0
        Noise standard deviation s, at the start or for good.
    learn_noise : bool, default=True
    kl_weight : float, default=1.0
        Weight b of the divergence that the posterior is best for: :math:`q(z \mid x) \propto p(z)\, p(x \mid z)^{1/b}`.
        With 1 the bound is the log-likelihood.

    Examples
    --------
    >>> import torch
    >>> from torch.distributions import MultivariateNormal
    >>> from sklid.nn import LinearModel
    >>> _ = torch.manual_seed(0)
    >>> model, x = LinearModel(2, 5), torch.randn(7, 5)
    >>> V = model.decoder.loadings()
    >>> exact = MultivariateNormal(torch.zeros(5), V.mT @ V + torch.eye(5)).log_prob(x)
    >>> torch.allclose(model(x).elbo(), exact, atol=1e-5)
    True
    """

    def __init__(
        self, n_components: int, n_features: int, noise: float = 1.0, learn_noise: bool = True, kl_weight: float = 1.0
    ) -> None:
        super().__init__()
        self.decoder = LinearDecoder(n_components, n_features)
        self.log_noise = nn.Parameter(torch.tensor(math.log(noise)), requires_grad=learn_noise)
        self.kl_weight = kl_weight

    def forward(self, x: Tensor) -> Bound:
        """Reconstruction and divergence of each row: ``(*, D)`` to a `Bound` of batch shape ``(*,)``."""
        V = self.decoder.loadings()
        rows = x * torch.exp(-self.log_noise)
        identity = torch.eye(len(V), dtype=V.dtype, device=V.device)
        gram = V @ V.mT
        factor = torch.linalg.cholesky(identity + gram / self.kl_weight)
        covariance = torch.cholesky_inverse(factor)
        mean = rows @ V.mT @ covariance / self.kl_weight
        spread = (covariance * gram).sum() + x.shape[-1] * (2 * self.log_noise + math.log(2 * math.pi))
        reconstruction = -0.5 * ((rows - mean @ V).square().sum(-1) + spread)
        volume = 2 * torch.diagonal(factor).log().sum() + covariance.trace() - len(V)
        return Bound(reconstruction, 0.5 * (mean.square().sum(-1) + volume).unsqueeze(-1))
