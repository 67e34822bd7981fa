r"""What the estimators with one continuous latent share: how parameters become a model, and how it is trained.

.. math:: z \sim N(0, I_K), \qquad x \mid z \sim EF(x \mid f(z))

A subclass says which decoder f is, and may hand in another objective or another training step. A Gaussian model sees
standardised rows, :math:`x = m + a\,s\,(f(z) + \varepsilon)` with m and a the mean and scale of a `StandardScaler`: one
scale for each column or one for the table, or m = 0 and a = 1 with ``scale=None``.
"""

import math
from typing import Any, Self

import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from skorch.callbacks import Callback
from torch import Tensor, nn

from ..data.memory_map import MappedRows
from ..data.table import ModelRows, TableAdapter
from ..exceptions import CollapseWarning, warn_user
from ..metrics import View
from ..metrics.report import collapse_summary, rows_to_screen
from ..nn import LatentVariableModel, Likelihood, StandardNormal
from ..nn.draws import generators_of
from ..nn.network import check_network
from ..randomness import available_device
from ..surroundings import making_modules, ordinary_settings
from ..training import BoundNet
from ..training.phases import Phase, Settings, train
from ..validation import fit_context, restored_on_error
from .answers import AnswersMixin
from .declaration import architecture
from .encoder import EncoderMixin
from .objective import ObjectiveMixin
from .parameters import ModelParameters, TrainingParameters

__all__ = ["LatentVariableEstimator"]

MOST_INITIAL_ROWS = 10_000
"""Rows that a model is initialised at."""
LARGEST_SHARE = 0.75
"""Latents by default, as a share of the natural parameters: off the plane of the latents a decoder bends freely."""


class LatentVariableEstimator(
    AnswersMixin, BaseEstimator, TrainingParameters, ObjectiveMixin, EncoderMixin, ModelParameters
):
    """Base of `LIDVAE` and `VAE`; not for direct use."""

    def _decoder(self, n_components: int, n_outputs: int) -> nn.Module:
        """The decoder, the one part in which the estimators must differ."""
        raise TypeError("LatentVariableEstimator has no decoder of its own; use LIDVAE or VAE.")

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Fit the model by maximising the evidence lower bound.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            At least two rows of finite numbers in the support of the likelihood. Rows have no weights here, as
            mini-batches cannot give what repeating a row gives exactly: repeat it. A memory map in C order, of
            `numpy.load` with ``mmap_mode="r"`` or `numpy.memmap`, is read as it is needed, so it may be larger than the
            memory.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a value is outside the support of the likelihood, `n_components` exceeds the number of natural
            parameters, `scale` is given for a likelihood other than the Gaussian, rows are not the images that
            `image_shape` says, or the device is missing.

        Warns
        -----
        CollapseWarning
            If the posterior of some latent does not depend on the data.
        ConvergenceWarning
            If the training diverges, and again at a tenth of the learning rate.
        """
        with restored_on_error(self), ordinary_settings():
            if not self.warm_start:
                self.net_ = None
            self._train(X, incremental=False, least_rows=2)
        return self

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
        with restored_on_error(self), ordinary_settings():
            self._train(X, incremental=True, least_rows=1)
        return self

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    def __sklearn_is_fitted__(self) -> bool:
        return getattr(self, "net_", None) is not None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _train(self, X: ArrayLike, incremental: bool, least_rows: int) -> None:
        """Initialise the model unless there is one, train it, and see to what follows a training."""
        available_device(self.device)
        self._check_objective()
        started = self.__sklearn_is_fitted__()
        if started:
            self._check_same_architecture()
        table = self._table if started else TableAdapter(self.likelihood, self.scale)
        X = table.checked(self, X, reset=not started, ensure_min_samples=least_rows)
        seed = check_random_state(self.random_state).randint(2**30)
        seed += len(self.net_.history) if started else 0  # other draws than in the epochs before
        with generators_of(seed):
            if started:
                model, x = self.net_.module_, table.training_rows(X)
            else:
                model, x = self._initialised(table, X, seed, incremental)
            self.net_ = self._optimised(model, x, self._settings(seed), incremental)
        self.interrupted_ = self.net_.interrupted_
        self._conclude(X, x, incremental)
        if self.interrupted_ and self.on_interrupt == "raise":
            raise KeyboardInterrupt

    @making_modules()
    def _initialised(
        self, table: TableAdapter, X: NDArray | MappedRows, seed: int, incremental: bool
    ) -> tuple[LatentVariableModel, Tensor | ModelRows]:
        """An untrained model initialised at the rows X, and the rows as it sees them."""
        self._seed, self._table, self._architecture = seed, table, architecture(self)
        x, likelihood = table.learn(X, self.noise)
        if likelihood.n_parameters == 0:
            raise ValueError(
                "Every column holds a single category, so there is nothing to model; pass columns that vary."
            )
        self._check_images(likelihood)
        self.n_components_ = self.n_components or min(10, math.ceil(LARGEST_SHARE * likelihood.n_parameters))
        model = self._assembled(likelihood)
        model.initialise(x[torch.randperm(len(x))[:MOST_INITIAL_ROWS]])
        if incremental and len(X) <= self.n_components_:
            raise ValueError(
                "The first call of partial_fit initialises the model at its rows and needs at least n_components + 1 = "
                f"{self.n_components_ + 1}, got {len(X)}. Pass more rows first, or lower n_components."
            )
        return model, x

    def _assembled(self, likelihood: Likelihood) -> LatentVariableModel:
        """The model of the estimator's parameters for a likelihood, at random weights."""
        decoder = self._decoder(self.n_components_, likelihood.n_parameters)
        posterior = self._posterior(likelihood.n_parameters)
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

    def _optimised(
        self, model: LatentVariableModel, x: Tensor | ModelRows, settings: Settings, incremental: bool
    ) -> BoundNet:
        """The net of the model after training on the rows x."""
        return train(model, x, self._main_phase(incremental), settings, resumed=getattr(self, "net_", None))

    def _main_phase(self, incremental: bool, n_earlier: int = 0) -> Phase:
        """The training of the whole objective, after some earlier epochs; incremental, one epoch at a constant rate."""
        name = type(self).__name__
        if incremental:
            return Phase(1, self._divergence_weight(), anneals=False, name=name)
        n_epochs = self.max_epochs - n_earlier
        return Phase(n_epochs, self._divergence_weight(), True, name, self.kl_warmup, self.early_stopping)

    def _settings(self, seed: int) -> Settings:
        """How to train, from the parameters."""
        return Settings(
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            validation_fraction=self.validation_fraction,
            n_iter_no_change=self.n_iter_no_change,
            tol=self.tol,
            callbacks=self._checked_callbacks(),
            compile=self.compile,
            device=available_device(self.device),
            seed=seed,
            keep_optimizer=self.warm_start,
            shows_progress=bool(self.verbose),
            objective=self._objective(),
            step=self._step(),
            n_draws=self.n_samples_train,
            augmentation=self._augmentation(self._table),
        )

    def _checked_callbacks(self) -> list[Any]:
        """The user's callbacks; TypeError for what skorch cannot call."""
        for callback in self.callbacks or []:
            named = callback[1] if isinstance(callback, tuple) and len(callback) == 2 else callback
            if not isinstance(named, Callback) and not (isinstance(named, type) and issubclass(named, Callback)):
                raise TypeError(
                    f"callbacks holds {callback!r}, which is no skorch callback: pass instances or classes of "
                    "skorch.callbacks.Callback, or pairs of a name and one."
                )
        return list(self.callbacks or [])

    def _conclude(self, X: NDArray | MappedRows, x: Tensor | ModelRows, incremental: bool) -> None:
        """After a training on rows X, which the model sees as x: warn of what has collapsed."""
        if not incremental:
            self._warn_if_collapsed(x)

    def _warn_if_collapsed(self, x: Tensor | ModelRows, probabilities: NDArray | None = None) -> None:
        """CollapseWarning with numbers, cause and what to change when latents or labels hardly depend on the data."""
        rows = rows_to_screen(x)[:].to(next(self.net_.module_.parameters()).device)
        screened = None if probabilities is None else rows_to_screen(probabilities)
        try:
            text = collapse_summary(View(self.net_.module_, rows, self._table.log_volume), screened, self)
        except Exception as error:  # a diagnosis never breaks a fit
            text = f"Whether the fit has collapsed could not be measured: {error}"
        if text is not None:
            warn_user(text, CollapseWarning)

    def _check_same_architecture(self) -> None:
        """ValueError when a parameter that shapes the model has changed since the model was initialised."""
        for name, value in self._architecture.items():
            if getattr(self, name) != value:
                raise ValueError(
                    f"{name} changed from {value!r} to {getattr(self, name)!r} since the model was initialised, "
                    "and training goes on with the same network. Set it back, or fit with warm_start=False."
                )
