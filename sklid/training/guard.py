"""A guard against trainings that diverge: it tells when one has, and keeps weights to go back to.

A training has diverged when a loss is not finite, when a matrix of weights has lost its rank, or when the model that it
leaves explains the rows far worse than the one it began with. The last needs a look at the model itself: the loss of a
batch is that of the weights before its step, so a last step can ruin a model whose losses all were good.
"""

import math
from contextlib import nullcontext
from typing import Any

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback
from torch import Tensor

from ..nn.draws import drawing, generators_of

__all__ = ["DIVERGED", "DivergedError", "DivergenceGuard"]

N_ROWS = 64
"""Rows at which a model is looked at."""
TOLERANCE = 1000.0
"""How much worse than at the start the objective may be in the end: this many times its size there and 1 nat, unless a
module has a `tolerance` of its own."""


class DivergedError(ArithmeticError):
    """A training that has diverged."""


DIVERGED = (DivergedError, torch.linalg.LinAlgError)
"""How a training fails; the second is torch's word for a matrix of weights without full rank."""


class DivergenceGuard(Callback):
    """Raises `DivergedError` at a loss that is not finite or a model that is ruined in the end; keeps earlier weights.

    Attributes
    ----------
    objective_ : float
        At some of the rows, in nats, before training.
    """

    @torch.no_grad()
    def on_train_begin(self, net: NeuralNet, X: Any = None, **kwargs: Any) -> None:
        chosen = torch.linspace(0, len(X) - 1, min(N_ROWS, len(X))).long()
        self.rows_ = X[chosen].to(net.device)
        self.objective_ = self._objective(net)
        self.best_loss_ = math.inf
        self.first_weights_: Any = [tensor.clone() for tensor in _state(net)]
        self.best_weights_: Any = [tensor.clone() for tensor in _state(net)]

    def on_batch_end(self, net: NeuralNet, training: bool = False, **kwargs: Any) -> None:
        if training and not math.isfinite(net.history[-1, "batches", -1, "train_loss"]):
            raise DivergedError

    @torch.no_grad()
    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        if net.history[-1, "train_loss"] < self.best_loss_:
            self.best_loss_ = net.history[-1, "train_loss"]
            torch._foreach_copy_(self.best_weights_, _state(net))

    @torch.no_grad()
    def on_train_end(self, net: NeuralNet, **kwargs: Any) -> None:
        if self.rows_ is None:  # the end of a training that was given up
            return
        if self._is_ruined(net):
            raise DivergedError
        self._forget()

    @torch.no_grad()
    def restore(self, net: NeuralNet) -> None:
        """Put the best weights back, or the first where those after the best epoch are ruined.

        Raises
        ------
        ValueError
            If the model is not finite at its first weights either.
        """
        torch._foreach_copy_(_state(net), self.best_weights_)
        if self._is_ruined(net):
            torch._foreach_copy_(_state(net), self.first_weights_)
        self._forget()
        if not math.isfinite(self.objective_):
            raise ValueError(
                "The model is not finite at the start of training: its natural parameters are not finite, or so large "
                "that the likelihood of the rows overflows. Scale the data, lower what can be lowered of "
                "inverse_lipschitz, refinement_rate and delta, or look at what a decoder_network of your own gives."
            )

    def _is_ruined(self, net: NeuralNet) -> bool:
        """Whether weights are not finite or the model is far worse than at the start."""
        if not all(torch.isfinite(tensor).all() for tensor in _state(net)):
            return True
        worst = self.objective_ - getattr(net.module_, "tolerance", TOLERANCE) * (1 + abs(self.objective_))
        return not self._objective(net) >= (worst if math.isfinite(worst) else -math.inf)

    def _objective(self, net: NeuralNet) -> float:
        """What training maximises, at the rows that are looked at; -inf where a weight matrix has lost its rank."""
        was_training, criterion = net.module_.training, net.criterion_
        draws_itself = hasattr(net.module_, "noise_for")  # as `drawing`, which slows all else in its block down
        net.module_.eval()
        try:
            with generators_of(0), nullcontext() if draws_itself else drawing():
                bound = net.module_.forward(self.rows_)  # not the compiled call, which would compile once more
            return float(criterion.objective(bound, criterion.kl_weight).mean())
        except torch.linalg.LinAlgError:
            return -math.inf
        finally:
            net.module_.train(was_training)

    def _forget(self) -> None:
        self.rows_ = self.first_weights_ = self.best_weights_ = None


def _state(net: NeuralNet) -> list[Tensor]:
    """What training changes in the module: its parameters, and buffers such as running averages."""
    return [*net.module_.parameters(), *net.module_.buffers()]
