r"""What estimators with an injective decoder can do and others cannot: certificates, and the exact inverse.

.. math:: f(z) = \beta^\top g(z) + (I - \beta^\top \beta) h(z), \qquad |f(z) - f(z')| \ge r |z - z'|
"""

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from ..nn import ACTIVATIONS, InjectiveDecoder, Likelihood, OrthogonalEmbedding, Section, SectionDecoder
from ..validation import POSITIVE_INTEGER, POSITIVE_REAL, StrOptions
from .declaration import parameter, with_parameters

__all__ = ["InjectiveMixin"]


@with_parameters
class InjectiveMixin:
    """The injective decoder of `LIDVAE` and `LIDGMVAEClustering`, and what follows from it."""

    decoder: str = parameter(
        default="section",
        kind='{"section", "brenier"}',
        text='"section" has Brenier maps in the plane of beta and any network off it: see `sklid.nn.SectionDecoder`. '
        '"brenier" is the g2(beta\' g1(z)) of the paper, with the same constant.',
        constraint=[StrOptions({"section", "brenier"})],
        shapes_model=True,
    )
    inverse_lipschitz: float = parameter(
        default=1.0,
        kind="float",
        text="The constant r > 0: in noise standard deviations for a Gaussian likelihood, "
        "in natural-parameter units otherwise.",
        constraint=POSITIVE_REAL,
        shapes_model=True,
    )
    potential: str = parameter(
        default="tapered",
        kind='{"tapered", "icnn"}',
        text='Input-convex network of g2, with decoder="brenier". "tapered" has layers above the first of an eighth of '
        'its width, at least 16 units, which cost next to nothing; "icnn", the paper\'s, has all layers of the same '
        "width.",
        constraint=[StrOptions({"tapered", "icnn"})],
        shapes_model=True,
    )
    skip_connections: bool = parameter(
        default=False,
        kind="bool",
        text='Whether every layer of g2 sees its input; with decoder="brenier".',
        constraint=["boolean"],
        shapes_model=True,
    )
    activation: str = parameter(
        default="squareplus",
        kind='{"squareplus", "softplus", "leaky_relu"}',
        text="Of the convex potentials. Leaky ReLU is the paper's and makes the decoder discontinuous.",
        constraint=[StrOptions(set(ACTIVATIONS))],
        shapes_model=True,
    )
    embedding: str = parameter(
        default="orthogonal",
        kind='{"orthogonal", "gaussian", "identity"}',
        text="Beta with learned orthonormal rows, initialised at the principal directions, or the zero-one beta. The "
        'rows of "gaussian" keep to the Gaussian and log-normal columns of a table of several kinds, and the latents, '
        "no more than these columns, have the floors in nats of such columns alone.",
        constraint=[StrOptions({"orthogonal", "gaussian", "identity"})],
        shapes_model=True,
    )
    maps: int | None = parameter(
        default=None,
        kind="int",
        text='Number of Brenier maps. None takes 4, or with decoder="brenier" 2, the paper\'s g1 and g2. 1 keeps beta '
        "at its initial rows: the case in which latents and map are identified together.",
        constraint=[None, *POSITIVE_INTEGER],
        shapes_model=True,
    )

    @property
    def inverse_lipschitz_(self) -> float:
        return self._fitted_decoder().inverse_lipschitz

    @property
    def mutual_information_lower_bound_(self) -> float:
        if self.mutual_information_lower_bound_reason_:
            return float("nan")
        return self.net_.module_.prior.mutual_information_floor(self.inverse_lipschitz_)

    @property
    def mutual_information_lower_bound_reason_(self) -> str:
        self._fitted_decoder()
        likelihood, in_units = self.net_.module_.likelihood, self.net_.module_.likelihood.noise_unit_parameters
        within = self.net_.module_.decoder.within
        moved = torch.arange(likelihood.n_parameters, device=in_units.device) if within is None else within
        if torch.isin(moved, in_units).all():
            return ""
        if likelihood.name == "mixed":
            return (
                "not all columns have a Gaussian likelihood, and the noise of others vanishes at extreme parameters; "
                'embedding="gaussian" has the floor of those that have'
            )
        return (
            f'likelihood="{self.likelihood}" has noise that vanishes at extreme natural parameters, '
            "so an injective decoder gives no floor"
        )

    def min_fisher_eigenvalue(self, X: ArrayLike) -> NDArray[np.float32]:
        r"""Least eigenvalue of the Fisher information of the latent, at each row's posterior mean.

        .. math:: \lambda_{\min}\big( J^\top A''(f(z)) J \big), \qquad J = \partial f / \partial z

        with A the log-normaliser of the likelihood. It is at least r^2 where there is a floor, as for a Gaussian
        likelihood. For the others it is the diagnostic: near 0 the latent has a direction along
        which the likelihood hardly changes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        eigenvalues : float32 array of shape (n_samples,)
            In squared standard deviations of the prior, inverted: 1 halves the posterior variance of the least
            determined direction.
        """
        return self._inference().min_fisher_eigenvalues(self._checked(X))

    def kl_lower_bound(self, X: ArrayLike) -> NDArray[np.float32]:
        r"""Least KL(q(z | x) || p(z)) of each row, from how well its latent reconstructs.

        With :math:`c = E_q |g(z) - g(E_q z)|^2` in the plane of beta, and :math:`h(t) = t - 1 - \log t`,

        .. math:: KL \ge \tfrac K2 h(c / r^2 K) + \tfrac12 |E_q z|^2, \qquad
            KL \ge \tfrac K2 (\log(\tau^2 r^2 K / c) - 1)

        under a standard normal prior and under a mixture whose clusters have standard deviations of at least tau. c is
        estimated from `n_importance_samples` draws, and is at least :math:`r^2 \operatorname{tr} Cov_q z`, which is
        known for Gaussian posteriors and mixtures of them: so the bound is never above the divergence, however few the
        draws are. The moments of a flow are not known. There the bound comes from balls that hold many draws of z and
        are rare under the prior (`sklid.nn.ball_kl_floor`); it is above the divergence in at most one of a thousand
        rows, and with few draws says little.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        bound : float32 array of shape (n_samples,)
            In nats; nan where `mutual_information_lower_bound_reason_` says why.
        """
        X = self._checked(X)
        if self.mutual_information_lower_bound_reason_:
            return np.full(len(X), np.nan, dtype=np.float32)
        return self._inference().kl_floors(X, self.inverse_lipschitz_)

    def invert(self, X: ArrayLike, tol: float = 1e-5, max_iter: int = 100) -> NDArray[np.float64]:
        r"""Exact left inverse of the decoder: the latent z with E[x | z] = X, where there is one.

        .. math:: E(x) = g^{-1}(\beta \, \eta(x)), \qquad E(x) = g_1^{-1}(\beta \, g_2^{-1}(\eta(x)))

        of a section and of the paper's decoder, with eta(x) the natural parameter of mean x. It is defined for every
        row and 1/r-Lipschitz in eta. Unlike
        `transform` it does not pass through the encoder.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of means in the units of the data, such as `inverse_transform` gives. In double precision means of a
            Bernoulli tell logits apart up to about 30. Codes of categories are no means and have no inverse. With an
            `offset` or `covariates` the latent is the one that decodes to these means given those of the row;
            ``offset="library"`` is not in means, which are taken to be those of a typical library.
        tol : float, default=1e-5
            Largest residual of the inverse of each Brenier map, in natural-parameter units.
        max_iter : int, default=100
            Cap on the Newton steps of each.

        Returns
        -------
        Z : float64 array of shape (n_samples, n_components)

        Raises
        ------
        InversionError
            If a residual stays above `tol`; or if a value is at the edge of the means of its likelihood, as a
            probability of 0 or 1 and a count of 0 are, where no latent decodes to it.
        """
        check_is_fitted(self)
        return self._inference(np.float64).inverted(self._table.checked_means(self, X), tol, max_iter)

    def _n_free(self, likelihood: Likelihood) -> int:
        """Natural parameters that the rows of beta keep to."""
        return len(likelihood.noise_unit_parameters) if self.embedding == "gaussian" else likelihood.n_parameters

    def _embedding(self, n_components: int, likelihood: Likelihood, trainable: bool) -> str | OrthogonalEmbedding:
        if self.embedding != "gaussian":
            return self.embedding
        within = likelihood.noise_unit_parameters
        if not len(within):
            raise ValueError(
                'embedding="gaussian" keeps latents to columns with a Gaussian or log-normal likelihood, and there are '
                'none. Use embedding="orthogonal".'
            )
        return OrthogonalEmbedding(n_components, likelihood.n_parameters, trainable, within)

    def _decoder(self, n_components: int, likelihood: Likelihood) -> InjectiveDecoder | Section:
        size, maps = (n_components, likelihood.n_parameters), self.maps or (2 if self.decoder == "brenier" else 4)
        shared = {
            "inverse_lipschitz": self.inverse_lipschitz,
            "activation": self.activation,
            "embedding": self._embedding(n_components, likelihood, trainable=maps > 1),
            "maps": maps,
        }
        perceptron = {"depth": self.decoder_depth, "width": self.decoder_width}
        if self.decoder == "brenier":
            self._check_brenier()
            of_potential = {"potential": self.potential, "skip_connections": self.skip_connections}
            return InjectiveDecoder(*size, **perceptron, **shared, **of_potential)
        self._check_section()
        network = self._network(*size)
        if network is None:
            return SectionDecoder(*size, **perceptron, **shared)
        return Section(network, *size, **shared)

    def _check_brenier(self) -> None:
        """ValueError for options of a section, which g2 does not have."""
        if self.maps not in (None, 1, 2):
            raise ValueError(
                f'maps={self.maps} is more than the g1 and g2 of decoder="brenier"; use 1 or 2, or decoder="section".'
            )
        if self.decoder_network is not None:
            raise ValueError(
                'decoder_network has no place in decoder="brenier", whose g2 is the gradient of a convex network; '
                'use decoder="section", or leave decoder_network at None.'
            )

    def _check_section(self) -> None:
        """ValueError for options of g2, which a section does not have."""
        for name in ("potential", "skip_connections"):
            default = getattr(type(self), name)
            if getattr(self, name) != default:
                raise ValueError(
                    f'{name}={getattr(self, name)!r} belongs to decoder="brenier"; '
                    f'leave it at {default!r} with decoder="section".'
                )

    def _fitted_decoder(self) -> InjectiveDecoder | Section:
        check_is_fitted(self)
        return self.net_.module_.decoder
