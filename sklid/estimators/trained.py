r"""What all estimators that are trained share: how a fit goes, from its parameters to a net, whatever its rows are.

A subclass says what lets its data in and which model is initialised at them.
"""

from contextlib import nullcontext
from numbers import Integral
from typing import Any, Self

from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from skorch.callbacks import Callback

from ..exceptions import CollapseWarning, silenced, warn_user
from ..metrics import View
from ..metrics.report import collapse_summary, rows_to_screen
from ..nn import LatentVariableModel
from ..nn.draws import generators_of
from ..randomness import available_device
from ..surroundings import ordinary_settings
from ..training import BoundNet
from ..training.checkpoint import Checkpoints
from ..training.phases import Phase, Settings, train
from ..training.processes import Processes, launched_processes
from ..validation import restored_on_error
from .answers import AnswersMixin
from .objective import ObjectiveMixin
from .parameters import TrainingParameters

__all__ = ["TrainedEstimator"]


class TrainedEstimator(AnswersMixin, BaseEstimator, TrainingParameters, ObjectiveMixin):
    """Base of the estimators with a net; not for direct use."""

    _warning_names_cause = True
    _mixes_rows = ""  # what makes of a batch more than the mean over its rows

    def _adapter(self) -> Any:
        """What lets data in, and out."""
        raise TypeError(f"{type(self).__name__} has no data of its own; use LIDVAE or VAE.")

    def _initialised(self, table: Any, X: Any, seed: int, incremental: bool) -> tuple[LatentVariableModel, Any]:
        """An untrained model initialised at the rows X, and the rows as it sees them."""
        raise TypeError(f"{type(self).__name__} has no model of its own; use LIDVAE or VAE.")

    def _resumed(self, table: Any, X: Any) -> tuple[LatentVariableModel, Any]:
        """The model that training goes on with, and the rows as it sees them."""
        return self.net_.module_, table.training_rows(X)

    def _fitted(self, X: Any, incremental: bool = False) -> Self:
        """The estimator after a fit to X, or after an epoch more; as it was if that ends in an error."""
        with restored_on_error(self), ordinary_settings():
            processes = self._processes()
            if not (incremental or self.warm_start):
                self.net_ = None
            with nullcontext() if processes is None or processes.is_main else silenced(UserWarning):
                self._train(X, incremental, 1 if incremental else 2, processes)
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

    def _train(self, X: Any, incremental: bool, least_rows: int, processes: Processes | None) -> None:
        """Initialise the model unless there is one, train it, and see to what follows a training."""
        self._check_objective()
        started = self.__sklearn_is_fitted__()
        if started:
            self._check_same_architecture()
        table = self._table if started else self._adapter()
        X = table.checked(self, X, reset=not started, ensure_min_samples=least_rows)
        checkpoints = None if incremental else self._checkpoints(writes=processes is None or processes.is_main)
        seed = check_random_state(self.random_state).randint(2**30)
        seed += len(self.net_.history) if started else 0  # other draws than in the epochs before
        with generators_of(seed):
            if started:
                model, x = self._resumed(table, X)
            else:
                model, x = self._initialised(table, X, seed, incremental)
            settings = _shared(self._settings(seed)._replace(checkpoints=checkpoints), processes)
            self.net_ = self._optimised(model, x, settings, incremental)
        self.interrupted_ = self.net_.interrupted_
        self._conclude(X, x, incremental)
        if checkpoints is not None and not self.interrupted_:
            checkpoints.clear()
        if self.interrupted_ and self.on_interrupt == "raise":
            raise KeyboardInterrupt

    def _optimised(self, model: LatentVariableModel, x: Any, settings: Settings, incremental: bool) -> BoundNet:
        """The net of the model after training on the rows x."""
        return train(model, x, self._main_phase(incremental), settings, resumed=getattr(self, "net_", None))

    def _main_phase(self, incremental: bool, n_earlier: int = 0) -> Phase:
        """The training of the whole objective, after some earlier epochs; incremental, one epoch at a constant rate."""
        name = type(self).__name__
        if incremental:
            return Phase(1, self._divergence_weight(), anneals=False, name=name)
        n_epochs = self.max_epochs - n_earlier
        weight, warmup = self._divergence_weight(), self.kl_warmup or 0.0
        return Phase(n_epochs, weight, anneals=True, name=name, kl_warmup=warmup, stops_early=self.early_stopping)

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
            validation=self._validation(),
            n_draws=self.n_samples_train,
            augmentation=self._augmentation(self._table),
        )

    def _checkpoints(self, writes: bool) -> Checkpoints | None:
        """Where a fit that is killed goes on, if it is to; ValueError where it would not be the same fit."""
        if self.checkpoint is None:
            return None
        self._check_seed("checkpoint", "a fit that goes on is to draw as the one that was killed", None)
        return Checkpoints(self.checkpoint, writes)

    def _processes(self) -> Processes | None:
        """Those that train together, if several are to; ValueError where they cannot."""
        device = available_device(self.device)
        if not self.distributed:
            return None
        self._check_seed("distributed=True", "all processes are to draw the same", False)
        if self._mixes_rows:
            raise ValueError(
                f"distributed=True, and {type(self).__name__} has {self._mixes_rows} over a batch, of which each "
                "process would see a part. Use distributed=False."
            )
        return launched_processes(device)

    def _check_seed(self, asked: str, reason: str, without: Any) -> None:
        """ValueError without a seed that is the same in every run."""
        if isinstance(self.random_state, bool) or not isinstance(self.random_state, Integral):
            raise ValueError(
                f"{asked} needs an integer random_state, and it is {self.random_state!r}: {reason}. Set "
                f"random_state=0, or leave {asked.partition('=')[0]} at {without}."
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

    def _conclude(self, X: Any, x: Any, incremental: bool) -> None:
        """After a training on rows X, which the model sees as x: warn of what has collapsed."""
        if not incremental:
            self._warn_if_collapsed(x)

    def _warn_if_collapsed(self, x: Any, probabilities: NDArray | None = None) -> None:
        """CollapseWarning with numbers, cause and what to change when latents or labels hardly depend on the data."""
        try:
            rows = rows_to_screen(x)[:].to(next(self.net_.module_.parameters()).device)
            screened = None if probabilities is None else rows_to_screen(probabilities)
            view = View(self.net_.module_, rows, self._table.log_volume)
            text = collapse_summary(view, screened, self, causes=self._warning_names_cause)
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


def _shared(settings: Settings, processes: Processes | None) -> Settings:
    """The settings of one of several processes, of which the main one shows the progress."""
    if processes is None:
        return settings
    shown = settings.shows_progress and processes.is_main
    return settings._replace(processes=processes, device=processes.device, shows_progress=shown)
