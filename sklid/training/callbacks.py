"""What happens around the training steps: schedule, warm-up, early stopping, progress, and records of collapse.

Losses are negative log-likelihoods of densities and may well be negative, so early stopping compares them by absolute
differences.
"""

from typing import Any

from skorch import NeuralNet
from skorch.callbacks import Callback, EarlyStopping, LRScheduler
from skorch.utils import noop
from torch.nn.utils import clip_grads_with_norm_, get_total_norm
from torch.optim.lr_scheduler import CosineAnnealingLR
from tqdm.auto import tqdm

__all__ = ["DivergenceRecord", "KLWarmup", "TrainingBar", "training_callbacks"]

GRADIENT_CLIP = 100.0


class GradientClip(Callback):
    """Scales gradients down to a norm of at most `GRADIENT_CLIP`.

    On a CPU those within it, nearly all, are left without another pass over them.
    """

    def on_grad_computed(self, net: NeuralNet, **kwargs: Any) -> None:
        trained = [
            weight for group in net.optimizer_.param_groups for weight in group["params"] if weight.grad is not None
        ]
        norm = get_total_norm([weight.grad for weight in trained])
        if norm.is_cuda or norm > GRADIENT_CLIP:
            clip_grads_with_norm_(trained, GRADIENT_CLIP, norm)


class WeightPrior(Callback):
    """Adds the gradient of the log-prior of the module's weights, if it has one, in nats per row of the training.

    The loss stays the negative bound. What a prior is worth falls with the number of rows.
    """

    def on_epoch_begin(self, net: NeuralNet, dataset_train: Any = None, **kwargs: Any) -> None:
        self.n_rows_ = len(dataset_train)

    def on_grad_computed(self, net: NeuralNet, **kwargs: Any) -> None:
        log_prior = getattr(net.module_, "log_prior", lambda: None)()
        if log_prior is not None:
            (log_prior / -self.n_rows_).backward()


class KLWarmup(Callback):
    """Linear rise of the divergence's weight, from a share of it, over the first `steps` training batches."""

    def __init__(self, steps: int, start: float = 0.0) -> None:
        self.steps = steps
        self.start = start

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        self.step_ = 0

    def on_batch_begin(self, net: NeuralNet, training: bool = False, **kwargs: Any) -> None:
        if training:
            done = min(1.0, self.step_ / self.steps) if self.steps else 1.0
            net.criterion_.warmup_factor = self.start + (1 - self.start) * done
            self.step_ += 1


class DivergenceRecord(Callback):
    """Writes the mean divergence of posterior from prior over each epoch's training rows to the history, as ``kl``."""

    def on_epoch_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        net.criterion_.reset_kl()

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        net.history.record("kl", net.mean_kl())


class TrainingBar(Callback):
    """One progress bar over the epochs of a training, with the current bound in nats.

    Parameters
    ----------
    label : str
        What stands before the bar.
    """

    def __init__(self, label: str) -> None:
        self.label = label

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        self.bar_ = tqdm(total=net.max_epochs, unit="epoch", desc=self.label)

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        self.bar_.set_postfix(elbo=f"{-net.history[-1, 'train_loss']:.2f}", refresh=False)
        self.bar_.update()

    def on_train_end(self, net: NeuralNet, **kwargs: Any) -> None:
        self.bar_.close()
        self.bar_ = None


def training_callbacks(
    n_steps: int | None = None,
    kl_warmup: float = 0.0,
    kl_start: float = 0.0,
    patience: int | None = None,
    tol: float = 0.0,
    progress: str | None = None,
) -> list[tuple[str, Callback]]:
    """The callbacks of a training.

    Parameters
    ----------
    n_steps : int, optional
        Optimiser steps of the whole training: the period of the cosine schedule. None is for a training of unknown
        length: the learning rate stays constant, and weights have no prior, as nothing says how many rows it is worth.
    kl_warmup : float, default=0.0
        Fraction of the steps over which the weight of the divergence rises; needs `n_steps`.
    kl_start : float, default=0.0
        Share of the weight from which it rises.
    patience : int, optional
        Epochs without improvement of the validation loss before training stops and the best weights come back. None
        never stops.
    tol : float, default=0.0
        Least improvement in nats per row that counts.
    progress : str, optional
        Label of a progress bar; None shows none.
    """
    chosen: list[tuple[str, Callback]] = [("clip", GradientClip())]
    if n_steps is not None:
        chosen.insert(0, ("weight_prior", WeightPrior()))
        chosen.append(
            (
                "schedule",
                LRScheduler(CosineAnnealingLR, T_max=n_steps, last_epoch=-1, step_every="batch", event_name=None),
            )
        )
        chosen.append(("kl_warmup", KLWarmup(round(kl_warmup * n_steps), kl_start)))
    if patience is not None:
        chosen.append(
            (
                "early_stopping",
                EarlyStopping(patience=patience, threshold=tol, threshold_mode="abs", load_best=True, sink=noop),
            )
        )
    if progress is not None:
        chosen.append(("bar", TrainingBar(progress)))
    return chosen
