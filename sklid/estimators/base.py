r"""What the estimators with one continuous latent share: how parameters become a model, and how it is trained.

.. math:: z \sim N(0, I_K), \qquad x \mid z \sim EF(x \mid f(z))

A subclass says which decoder f is, and may hand in another objective or another training step. A Gaussian model sees
standardised rows, :math:`x = m + a\,s\,(f(z) + \varepsilon)` with m and a the mean and scale of a `StandardScaler`: one
scale for each column or one for the table, or m = 0 and a = 1 with ``scale=None``.
"""

import math
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from ..data.blocks import n_initial_rows, row_blocks
from ..data.conditioned_adapter import ConditionedAdapter
from ..data.mixed_adapter import MixedAdapter
from ..data.sparse_rows import Rows
from ..data.spooled import read_once
from ..data.table import ModelRows, TableAdapter
from ..nn import LatentVariableModel, Likelihood, StandardNormal
from ..nn.gaps import gap_likelihood, has_gaps, take_gaps, takes_gaps
from ..nn.network import check_network
from ..surroundings import making_modules
from ..validation import fit_context
from .declaration import architecture
from .encoder import EncoderMixin
from .parameters import ConditionParameters, ModelParameters
from .row_answers import RowAnswersMixin
from .trained import TrainedEstimator

__all__ = ["LatentVariableEstimator"]

LARGEST_SHARE = 0.75
"""Latents by default, as a share of the natural parameters: off the plane of the latents a decoder bends freely."""


class LatentVariableEstimator(RowAnswersMixin, TrainedEstimator, EncoderMixin, ConditionParameters, ModelParameters):
    """Base of `LIDVAE` and `VAE`; not for direct use."""

    def _decoder(self, n_components: int, likelihood: Likelihood) -> nn.Module:
        """The decoder, the one part in which the estimators must differ."""
        raise TypeError("LatentVariableEstimator has no decoder of its own; use LIDVAE or VAE.")

    def _n_free(self, likelihood: Likelihood) -> int:
        """Natural parameters that latents may move by design; all but where an estimator says otherwise."""
        return likelihood.n_parameters

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Fit the model by maximising the evidence lower bound.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            At least two rows of finite numbers in the support of the likelihood; nan is a missing value, which the fit
            needs no guess for: it maximises the bound on the likelihood of what was seen. Rows have no weights here, as
            mini-batches cannot give what repeating a row gives exactly: repeat it. A memory map in C order, of
            `numpy.load` with ``mmap_mode="r"`` or `numpy.memmap`, is read as it is needed, so it may be larger than the
            memory. A sparse matrix, in CSR format or turned into it, is made dense a batch at a time: what it does not
            store is the number 0, and nan that it stores is missing. It takes one `likelihood` for all columns.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        TypeError
            If X is sparse and `likelihood` gives each column a family of its own.
        ValueError
            If a value is outside the support of the likelihood, a column has none, an injective decoder or an encoder
            that starts at principal components has more latents than there are natural parameters, `scale` is given
            for a likelihood other than the Gaussian, rows are not the images that `image_shape` says, an exposure is
            not positive and finite, a covariate has gaps, X lacks a column of `offset` or `covariates`, or the device
            is missing.

        Warns
        -----
        CollapseWarning
            If the posterior of some latent does not depend on the data.
        ConvergenceWarning
            If the training diverges, and again at a tenth of the learning rate.
        """
        return self._fitted(X)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: ArrayLike, y: object = None) -> Self:
        """Train for one epoch on some rows, at a constant learning rate and without warm-up or early stopping.

        The first call fixes the scale, the categories and the principal directions from its rows. The
        optimiser's state lives in memory only.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            In the first call at least ``n_components + 1`` rows.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            As `fit`, and if the first call has too few rows.
        """
        return self._fitted(X, incremental=True)

    def fit_transform(self, X: ArrayLike, y: object = None) -> NDArray[np.float32]:
        """Posterior mean of the latent of the rows that the model is fitted to; a table in parts is read once for both.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        Z : float32 array of shape (n_samples, n_components)
            In standard deviations of the prior.
        """
        if self._has_one_family() and not self._has_conditions():  # others take none
            X = read_once(X)
        return self.fit(X, y).transform(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = self._has_one_family()
        return tags

    def _has_one_family(self) -> bool:
        """Whether all columns have the family that the likelihood names."""
        return isinstance(self.likelihood, str) and self.likelihood != "auto"

    def _has_conditions(self) -> bool:
        """Whether a row has more than the columns that are modelled."""
        return self.offset is not None or self.covariates is not None

    def _adapter(self) -> TableAdapter:
        adapter = (TableAdapter if self._has_one_family() else MixedAdapter)(self.likelihood, self.scale)
        if not self._has_conditions():
            return adapter
        if self.encoder == "conv" or self.augment is not None:
            raise ValueError(
                'encoder="conv" and augment see pixels and nothing else; leave offset and covariates at None, or take '
                'encoder="principal" and augment=None.'
            )
        return ConditionedAdapter(adapter, self.offset, self.covariates)

    @making_modules()
    def _initialised(
        self, table: TableAdapter, X: Rows, seed: int, incremental: bool
    ) -> tuple[LatentVariableModel, Tensor | ModelRows]:
        """An untrained model initialised at the rows X, and the rows as it sees them."""
        self._seed, self._table, self._architecture = seed, table, architecture(self)
        x, likelihood = table.learn(X, self.noise)
        gaps = table.shares_seen < 1
        if gaps.any():
            told = torch.from_numpy(np.flatnonzero(gaps & ~np.array(self._sees_images())))
            likelihood = gap_likelihood(likelihood, row_blocks(x), told)
        if likelihood.n_parameters == 0:
            raise ValueError(
                "Every column holds a single category, so there is nothing to model; pass columns that vary."
            )
        self._check_images(likelihood)
        self.n_components_ = self.n_components or min(10, math.ceil(LARGEST_SHARE * self._n_free(likelihood)))
        model = self._assembled(likelihood)
        model.initialise(x[torch.randperm(len(x))[: n_initial_rows(x.shape[1])]])
        if incremental and len(X) <= self.n_components_:
            raise ValueError(
                "The first call of partial_fit initialises the model at its rows and needs at least n_components + 1 = "
                f"{self.n_components_ + 1}, got {len(X)}. Pass more rows first, or lower n_components."
            )
        return model, x

    def _resumed(self, table: TableAdapter, X: Rows) -> tuple[LatentVariableModel, Tensor | ModelRows]:
        """The same; with the first gap it becomes a model of rows with gaps."""
        model, x = super()._resumed(table, X)
        if not takes_gaps(model.likelihood) and any(map(has_gaps, row_blocks(x))):
            take_gaps(model)
        return model, x

    def _assembled(self, likelihood: Likelihood) -> LatentVariableModel:
        """The model of the estimator's parameters for a likelihood, at random weights."""
        decoder = self._decoder(self.n_components_, likelihood)
        posterior = self._posterior(likelihood)
        return LatentVariableModel(StandardNormal(self.n_components_), decoder, likelihood, posterior)

    def _network(self, n_components: int, n_outputs: int) -> nn.Module | None:
        """The network that the user makes for the decoder, if any."""
        if self.decoder_network is None:
            return None
        for name in ("decoder_depth", "decoder_width"):
            default = getattr(type(self), name)
            if getattr(self, name) != default:
                raise ValueError(
                    f"{name}={getattr(self, name)} belongs to a perceptron, and decoder_network makes another network. "
                    f"Leave {name} at {default}, or decoder_network at None."
                )
        if isinstance(self.decoder_network, nn.Module):
            raise TypeError(
                "decoder_network makes a network of the right size at each fit, and a "
                f"{type(self.decoder_network).__name__} is one already. Pass a function of n_components and n_outputs "
                "that returns it."
            )
        network = self.decoder_network(n_components, n_outputs)
        if not isinstance(network, nn.Module):
            raise TypeError(
                f"decoder_network must return a torch.nn.Module for n_components={n_components} and "
                f"n_outputs={n_outputs}, and it returned {network!r}."
            )
        network = network.float()  # the type of the latents
        check_network(network, n_components, n_outputs)
        return network
