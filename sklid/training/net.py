r"""Training: a skorch net that maximises the evidence lower bound.

.. math:: \min_{\theta, \phi} \; -\frac1N \sum_n
    \left( E_q[\log p_\theta(x_n \mid z)] - w_t \, KL(q_\phi(z \mid x_n) \| p(z)) \right)

with :math:`w_t` rising linearly to the KL weight over the warm-up. The net is skorch's, with its callbacks; the batches
are parts of one table.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from sklearn.exceptions import ConvergenceWarning
from skorch import NeuralNet
from skorch.callbacks import Callback, EarlyStopping, LRScheduler
from skorch.utils import to_tensor
from torch import Tensor, nn

from ..exceptions import warn_user
from ..nn import Bound
from .batches import BatchIterator
from .callbacks import DivergenceRecord
from .guard import DIVERGED, DivergenceGuard
from .loss import NegativeBound, Objective
from .processes import Processes

__all__ = ["BoundNet", "Step"]

Step = Callable[..., dict[str, Any]]
"""From a net and a batch ``(x, None)`` to the loss and the prediction, with the gradients of the batch left in the
parameters."""


class BoundNet(NeuralNet):
    """The skorch net of a `LatentVariableModel`: any module whose forward pass gives a `Bound`.

    Parameters
    ----------
    module : nn.Module
        Instance; trained in place.
    kl_weight : float, default=1.0
        Weight of the divergence.
    objective : callable, default=sklid.nn.Bound.elbo
        What is maximised, from a batch's `sklid.nn.Bound` and the weight in force to one number a row.
    step : callable, default=skorch.NeuralNet.train_step_single
        ``step(net, (x, None))`` leaves the gradients of a batch in the parameters and gives skorch's dict of ``loss``
        and ``y_pred``. It may take steps of its own before that; a step of the optimiser follows.
    validation : callable, default=skorch.NeuralNet.validation_step
        The same for a batch of rows that are held out, without gradients.
    n_draws : int, default=1
        Noises that the module is given for a batch, one after the other, by its `noise_for`.
    keep_optimizer : bool, default=False
        Whether a pickle carries the state of the optimiser.
    **kwargs
        skorch's own parameters.

    Attributes
    ----------
    processes : Processes or None
        Those that train the module together, each with its part of every batch.
    interrupted_ : bool
        Whether the last training ended with Ctrl-C, which skorch swallows as it does early stopping.
    diverged_ : bool
        Whether it diverged, at a tenth of the learning rate as well.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn import (GaussianLikelihood, GaussianPosterior, InjectiveDecoder,
    ...                       LatentVariableModel, StandardNormal)
    >>> from sklid.training import BoundNet
    >>> _ = torch.manual_seed(0)
    >>> model = LatentVariableModel(StandardNormal(1), InjectiveDecoder(1, 3, width=8),
    ...                             GaussianLikelihood(3), GaussianPosterior(3, 1, width=8))
    >>> x = torch.randn(64, 1) * torch.tensor([1.0, 2.0, 3.0])
    >>> net = BoundNet(model, max_epochs=20, batch_size=32, verbose=0).fit(x)
    >>> bool(net.history[-1, "train_loss"] < net.history[0, "train_loss"])
    True
    """

    processes: Processes | None = None
    is_sharing = False

    def __init__(
        self,
        module: nn.Module,
        *,
        kl_weight: float = 1.0,
        objective: Objective = Bound.elbo,
        step: Step = NeuralNet.train_step_single,
        validation: Step = NeuralNet.validation_step,
        n_draws: int = 1,
        keep_optimizer: bool = False,
        **kwargs: Any,
    ) -> None:
        self.kl_weight = kl_weight
        self.objective = objective
        self.step = step
        self.validation = validation
        self.n_draws = n_draws
        self.keep_optimizer = keep_optimizer
        defaults = {
            "criterion": NegativeBound,
            **({} if "optimizer" in kwargs else {"optimizer": torch.optim.Adam, "optimizer__fused": True}),
            "iterator_train": BatchIterator,
            "iterator_train__shuffle": True,
            "iterator_valid": BatchIterator,
            "train_split": None,
            "callbacks__print_log": None,
        }
        super().__init__(module, **{**defaults, **kwargs})

    @property
    def _default_callbacks(self) -> list[tuple[str, Callback]]:
        return [*super()._default_callbacks, ("divergence", DivergenceRecord()), ("guard", DivergenceGuard())]

    def initialize_criterion(self) -> "BoundNet":
        self.criterion_ = NegativeBound(self.kl_weight, self.objective)
        return self

    def set_params(self, **kwargs: Any) -> "BoundNet":
        super().set_params(**kwargs)
        if getattr(self, "initialized_", False) and not {"kl_weight", "objective"}.isdisjoint(kwargs):
            self.initialize_criterion()
        return self

    def train_step_single(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        """The gradients of a batch, by the step that was handed in."""
        if self.processes is None:
            step = self.step(self, batch, **fit_params)
            self.criterion_.count(step["y_pred"])
            return step
        with self._sharing():
            step = self.step(self, batch, **fit_params)
        n_rows, n_here = len(batch[0]), len(step["y_pred"].reconstruction)
        self.criterion_.count(step["y_pred"], self.processes.share(n_rows) * n_rows / n_here)
        return step | {"loss": self.averaged(step["loss"], n_rows)}

    def validation_step(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        """The loss of a batch that is held out, by the step that was handed in."""
        if self.processes is None:
            return self.validation(self, batch, **fit_params)
        with self._sharing():
            step = self.validation(self, batch, **fit_params)
        return step | {"loss": self.processes.mean(step["loss"], len(batch[0]))}

    def averaged(self, loss: Tensor, n_rows: int) -> Tensor:
        """The loss of a batch of so many rows, and its gradients in the weights, from those of each process."""
        if self.processes is None:
            return loss
        weights = [weight for group in self.optimizer_.param_groups for weight in group["params"]]
        return self.processes.averaged(weights, loss, n_rows)

    def mean_kl(self) -> float:
        """Average divergence of the rows of this epoch so far, in nats."""
        counted = self.criterion_.counted()
        kl, n_rows = (counted if self.processes is None else self.processes.sum(counted)).tolist()
        return kl / max(n_rows, 1)

    def get_loss(self, y_pred: Bound, y_true: Any, X: Any = None, training: bool = False) -> Tensor:
        """The negative bound; there is no target."""
        return self.criterion_(y_pred)

    def infer(self, x: Any, **fit_params: Any) -> Bound:
        """The bound of a batch; in a step of several processes that of its rows here."""
        with self.with_draws(x) as (rows, drawn):
            return super().infer(rows, **{**drawn, **fit_params})

    @contextmanager
    def with_draws(self, x: Any) -> Iterator[tuple[Tensor, dict[str, Tensor]]]:
        """The rows of a batch, and the noise and augmented rows that a module is given: compiled code draws nothing.

        In a step of several processes they are drawn for the whole batch, and those of the rows here are taken.
        """
        x, drawn = to_tensor(x, device=self.device), {}
        if hasattr(self.module_, "noise_for"):
            drawn["noise"] = self.noise_for(x)
        if getattr(self.module_, "augmentation", None) is not None:
            drawn["seen"] = self.module_.seen(x)
        if self.processes is None or not self.is_sharing:
            yield x, drawn
            return
        axes, n_rows = {"noise": getattr(self.module_, "noise_axis", 1)}, len(x)
        parts = {name: self.processes.part(each, n_rows, axes.get(name, 0)) for name, each in drawn.items()}
        with self.processes.own_draws():
            yield self.processes.part(x, n_rows), parts

    def noise_for(self, x: Tensor) -> Tensor:
        """What the module's draws for a batch are made of, `n_draws` of its noises one after the other."""
        return torch.cat([self.module_.noise_for(x) for _ in range(self.n_draws)])

    @contextmanager
    def _sharing(self) -> Iterator[None]:
        """Inside the block a batch is that of all processes, and each works on its part."""
        self.is_sharing = True
        try:
            yield
        finally:
            self.is_sharing = False

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        """See whether the processes still have the same weights."""
        if self.processes is not None:
            self.processes.check_same(self.module_)

    def _set_training(self, training: bool = True) -> None:
        """As skorch's, when the mode changes: it walks through all modules every batch, which shows in small steps."""
        if not self.module_.training == self.criterion_.training == training:
            super()._set_training(training)

    def torch_compile(self, module: nn.Module, name: str) -> nn.Module:
        """Compile in place, so that the module keeps its type, its parameter names and its pickle."""
        if self.compile and name == "module":
            module.compile(**self.get_params_for("compile"))
        return module

    def partial_fit(self, X: Any, y: Any = None, classes: Any = None, **fit_params: Any) -> "BoundNet":
        """Train for `max_epochs` more epochs.

        If it diverges, once more from the best weights at a tenth of the learning rate.
        """
        self.interrupted_ = self.diverged_ = False
        try:
            super().partial_fit(X, y, classes, **fit_params)
        except DIVERGED:
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
            state.update(module=module, module_=module, optimizer_=optimizer, device="cpu", processes=None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def resume(self, earlier: "BoundNet") -> "BoundNet":
        """Take over history and optimiser state of an earlier net of the same module, at this net's learning rate."""
        self.history = earlier.history  # type: ignore[has-type]
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
        except DIVERGED:
            self._restore_best()
            self.diverged_ = True
            warn_user(
                f"The training diverged, and again at a tenth of the learning rate ({self.lr:.1e}); "
                "the best weights are kept. Scale the numbers of a table, lower learning_rate, or lower decoder_depth.",
                ConvergenceWarning,
            )

    def _restore_best(self) -> None:
        """Put the best weights back and end the failed training: callbacks told of its beginning hear of its end."""
        next(callback for _, callback in self.callbacks_ if isinstance(callback, DivergenceGuard)).restore(self)
        self.notify("on_train_end", X=None, y=None)

    def _tidy(self) -> None:
        """Leave the mode of training, and drop what only training needs.

        That is the record of each batch, and the schedule's hold on the optimiser.
        """
        self._set_training(False)
        for _, callback in self.callbacks_:
            if isinstance(callback, LRScheduler):
                callback.lr_scheduler_ = None
        for epoch in self.history:
            epoch["batches"] = []
