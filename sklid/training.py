r"""Training: a skorch net that maximises the evidence lower bound.

.. math:: \min_{\theta, \phi} \; -\frac1N \sum_n \left( E_q[\log p_\theta(x_n \mid z)] - w_t \, KL(q_\phi(z \mid x_n) \| p(z)) \right)

with :math:`w_t` rising linearly to the KL weight over the warm-up. Losses are negative log-likelihoods of densities and may well be negative, so early
stopping compares them by absolute differences.
"""

import copy
import math
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, EarlyStopping, GradientNormClipping, LRScheduler
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR
from tqdm.auto import tqdm

from .nn.objective import Bound

__all__ = ["BatchIterator", "BoundNet", "KLWarmup", "NegativeElbo", "NonFiniteLossError", "training_callbacks"]

GRADIENT_CLIP = 100.0


class NonFiniteLossError(ArithmeticError):
    """The loss or a weight is no longer finite."""


class NegativeElbo(nn.Module):
    """Mean negative evidence lower bound in nats per row; the weight of the divergence warms up in training and is full in validation.

    Parameters
    ----------
    kl_weight : float, default=1.0
        Weight of KL(q || p); other values than 1 make a beta-VAE.

    Attributes
    ----------
    warmth : float
        Share of the weight in force while training, set by `KLWarmup`.
    """

    def __init__(self, kl_weight: float = 1.0) -> None:
        super().__init__()
        self.kl_weight = kl_weight
        self.warmth = 1.0

    def forward(self, bound: Bound) -> Tensor:
        """The loss of a batch: a scalar."""
        return -bound.elbo(self.kl_weight * (self.warmth if self.training else 1.0)).mean()


class BatchIterator:
    """Mini-batches as slices of one tensor, in a new random order each time when shuffled.

    Parameters
    ----------
    dataset : skorch Dataset or a Subset of one
        Holds the rows as one tensor.
    batch_size : int
    shuffle : bool, default=False
    """

    def __init__(self, dataset: Any, batch_size: int, shuffle: bool = False) -> None:
        subset = hasattr(dataset, "indices")
        self.rows: Tensor = dataset.dataset.X[torch.as_tensor(dataset.indices)] if subset else dataset.X
        self.batch_size = batch_size
        self.shuffle = shuffle

    def __len__(self) -> int:
        return math.ceil(len(self.rows) / self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, None]]:
        if not self.shuffle:
            yield from ((batch, None) for batch in self.rows.split(self.batch_size))
            return
        order = torch.randperm(len(self.rows), device=self.rows.device)
        yield from ((self.rows[chosen], None) for chosen in order.split(self.batch_size))


class KLWarmup(Callback):
    """Linear rise of the divergence's weight over the first `steps` training batches."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        self.step_ = 0

    def on_batch_begin(self, net: NeuralNet, training: bool = False, **kwargs: Any) -> None:
        if training:
            net.criterion_.warmth = min(1.0, self.step_ / self.steps) if self.steps else 1.0
            self.step_ += 1


class FiniteGuard(Callback):
    """Stops at a loss that is not finite, or at weights that are not finite in the end, and keeps the best weights seen."""

    @torch.no_grad()
    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        self.best_loss_ = math.inf
        self.best_weights_ = [weight.clone() for weight in net.module_.parameters()]

    def on_batch_end(self, net: NeuralNet, training: bool = False, **kwargs: Any) -> None:
        if training and not math.isfinite(net.history[-1, "batches", -1, "train_loss"]):
            raise NonFiniteLossError

    @torch.no_grad()
    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        if net.history[-1, "train_loss"] < self.best_loss_:
            self.best_loss_ = net.history[-1, "train_loss"]
            torch._foreach_copy_(self.best_weights_, list(net.module_.parameters()))

    def on_train_end(self, net: NeuralNet, **kwargs: Any) -> None:
        if not all(torch.isfinite(weight).all() for weight in net.module_.parameters()):
            raise NonFiniteLossError
        self.best_weights_ = None

    @torch.no_grad()
    def restore(self, net: NeuralNet) -> None:
        """Put the best weights back."""
        torch._foreach_copy_(list(net.module_.parameters()), self.best_weights_)
        self.best_weights_ = None


class TrainingBar(Callback):
    """One progress bar over the epochs of a training, with the current bound in nats."""

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        self.bar_ = tqdm(total=net.max_epochs, unit="epoch", desc=type(net.module_.decoder).__name__)

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        self.bar_.set_postfix(elbo=f"{-net.history[-1, 'train_loss']:.2f}", refresh=False)
        self.bar_.update()

    def on_train_end(self, net: NeuralNet, **kwargs: Any) -> None:
        self.bar_.close()
        self.bar_ = None


class BoundNet(NeuralNet):
    """The skorch net of a `LatentVariableModel`: any module whose forward pass gives a `Bound`.

    Parameters
    ----------
    module : nn.Module
        Instance; trained in place.
    kl_weight : float, default=1.0
        Weight of the divergence.
    keep_optimizer : bool, default=False
        Whether a pickle carries the state of the optimiser.
    **kwargs
        skorch's own parameters.

    Attributes
    ----------
    interrupted_ : bool
        Whether the last training ended with Ctrl-C, which skorch swallows as it does early stopping.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn import (GaussianLikelihood, GaussianPosterior, InjectiveDecoder,
    ...                       LatentVariableModel, StandardNormal)
    >>> from sklid.training import BoundNet
    >>> _ = torch.manual_seed(0)
    >>> model = LatentVariableModel(StandardNormal(1), InjectiveDecoder(1, 3, width=8),
    ...                             GaussianLikelihood(3), GaussianPosterior(3, 1, width=8))
    >>> net = BoundNet(model, max_epochs=5, batch_size=32, verbose=0).fit(torch.randn(64, 3))
    >>> net.history[-1, "train_loss"] < net.history[0, "train_loss"]
    True
    """

    def __init__(self, module: nn.Module, *, kl_weight: float = 1.0, keep_optimizer: bool = False, **kwargs: Any) -> None:
        self.kl_weight = kl_weight
        self.keep_optimizer = keep_optimizer
        defaults = {
            "criterion": NegativeElbo,
            "optimizer": torch.optim.Adam,
            "optimizer__fused": True,
            "iterator_train": BatchIterator,
            "iterator_train__shuffle": True,
            "iterator_valid": BatchIterator,
            "train_split": None,
            "callbacks__print_log": None,
        }
        super().__init__(module, **{**defaults, **kwargs})

    @property
    def _default_callbacks(self) -> list[tuple[str, Callback]]:
        return [*super()._default_callbacks, ("guard", FiniteGuard())]

    def initialize_criterion(self) -> "BoundNet":
        self.criterion_ = NegativeElbo(self.kl_weight)
        return self

    def get_loss(self, y_pred: Bound, y_true: Any, X: Any = None, training: bool = False) -> Tensor:
        """The negative bound; there is no target."""
        return self.criterion_(y_pred)

    def torch_compile(self, module: nn.Module, name: str) -> nn.Module:
        """Compile in place, so that the module keeps its type, its parameter names and its pickle."""
        if self.compile and name == "module":
            module.compile(**self.get_params_for("compile"))
        return module

    def partial_fit(self, X: Any, y: Any = None, classes: Any = None, **fit_params: Any) -> "BoundNet":
        """Train for `max_epochs` more epochs; once more from the best weights at a tenth of the learning rate if the loss stops being finite."""
        self.interrupted_ = False
        try:
            super().partial_fit(X, y, classes, **fit_params)
        except NonFiniteLossError:
            self._retry(X, y, fit_params)
        self._tidy()
        return self

    def fit_loop(self, *args: Any, **kwargs: Any) -> "BoundNet":
        """As skorch's, recording whether a KeyboardInterrupt was Ctrl-C or early stopping."""
        try:
            return super().fit_loop(*args, **kwargs)
        except KeyboardInterrupt:
            stoppers = [callback for _, callback in self.callbacks_ if isinstance(callback, EarlyStopping)]
            self.interrupted_ = not any(stopper.misses_ == stopper.patience for stopper in stoppers)
            raise

    def __getstate__(self) -> dict[str, Any]:
        """A pickle lives on the CPU and, unless `keep_optimizer`, carries a fresh optimiser."""
        state = vars(self).copy()
        if self.initialized_:
            module = self.module_ if self.device == "cpu" else copy.deepcopy(self.module_).cpu()
            args, kwargs = self.get_params_for_optimizer("optimizer", list(module.named_parameters()))
            optimizer = self.optimizer(*args, **kwargs)
            if self.keep_optimizer:
                optimizer.load_state_dict(self.optimizer_.state_dict())
            state.update(module=module, module_=module, optimizer_=optimizer, device="cpu")
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)

    def resume(self, earlier: "BoundNet") -> "BoundNet":
        """Take over the history and the optimiser state of an earlier net of the same module, at this net's learning rate."""
        self.history = earlier.history
        self.optimizer_.load_state_dict(earlier.optimizer_.state_dict())
        for group in self.optimizer_.param_groups:
            group["lr"] = self.lr
            group.pop("initial_lr", None)
        return self

    def _retry(self, X: Any, y: Any, fit_params: dict[str, Any]) -> None:
        self._restore_best()
        self.set_params(lr=self.lr / 10)
        self.initialize_optimizer()
        try:
            super().partial_fit(X, y, **fit_params)
        except NonFiniteLossError:
            self._restore_best()
            warnings.warn(
                f"The loss became non-finite, and again at a tenth of the learning rate ({self.lr:.1e}); the best finite weights are kept. "
                "Scale the data, lower learning_rate, or lower decoder_depth.",
                ConvergenceWarning,
                stacklevel=2,
            )

    def _restore_best(self) -> None:
        next(callback for _, callback in self.callbacks_ if isinstance(callback, FiniteGuard)).restore(self)

    def _tidy(self) -> None:
        """Drop what only training needs: the record of each batch, and the schedule's hold on the optimiser."""
        for _, callback in self.callbacks_:
            if isinstance(callback, LRScheduler):
                callback.lr_scheduler_ = None
        for epoch in self.history:
            epoch["batches"] = []


def training_callbacks(
    n_steps: int | None = None, kl_warmup: float = 0.0, patience: int | None = None, tol: float = 0.0, verbose: int = 0
) -> list[tuple[str, Callback]]:
    """The callbacks of a training.

    Parameters
    ----------
    n_steps : int, optional
        Optimiser steps of the whole training: the period of the cosine schedule. None keeps the learning rate constant.
    kl_warmup : float, default=0.0
        Fraction of the steps over which the weight of the divergence rises; needs `n_steps`.
    patience : int, optional
        Epochs without improvement of the validation loss before training stops and the best weights come back. None never stops.
    tol : float, default=0.0
        Least improvement in nats per row that counts.
    verbose : int, default=0
        Above 0, a progress bar.
    """
    chosen: list[tuple[str, Callback]] = [("clip", GradientNormClipping(GRADIENT_CLIP))]
    if n_steps is not None:
        chosen.append(("schedule", LRScheduler(CosineAnnealingLR, T_max=n_steps, step_every="batch", event_name=None)))
        chosen.append(("kl_warmup", KLWarmup(round(kl_warmup * n_steps))))
    if patience is not None:
        chosen.append(("early_stopping", EarlyStopping(patience=patience, threshold=tol, threshold_mode="abs", load_best=True, sink=_silent)))
    if verbose:
        chosen.append(("bar", TrainingBar()))
    return chosen


def _silent(text: str) -> None:
    """Sink for skorch's messages; the history tells the same."""
