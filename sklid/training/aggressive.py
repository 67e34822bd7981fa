r"""Training an encoder ahead of its decoder, for as long as that makes the latent variables tell more of the rows.

Before each step of the decoder, the encoder alone takes steps on other batches until the bound no longer rises. This
ends for good when the mutual information of rows and latent variables, measured after each epoch on rows that are held
out, no longer grows (He, Spokoyny, Neubig & Berg-Kirkpatrick, "Lagging Inference Networks and Posterior Collapse in
Variational Autoencoders", ICLR 2019, algorithm 1).
"""

import math
from collections.abc import Callable, Iterator
from itertools import count, islice
from typing import Any

from skorch import NeuralNet
from skorch.callbacks import Callback
from skorch.history import History
from skorch.utils import to_tensor
from torch import Tensor, nn

from .batches import BatchIterator
from .callbacks import GradientClip

__all__ = ["AggressiveEncoder", "encoder_is_ahead"]

WINDOW = 10
"""Steps over which the bound is averaged to see whether it rises."""
MOST_ROWS = 1000


class AggressiveEncoder(Callback):
    """A step of training, and the callback that tells when the encoder no longer needs to be ahead.

    Hand it to a `BoundNet` as both. A training that holds no rows out leaves the encoder ahead if it was.

    Parameters
    ----------
    n_steps : int
        Of the encoder before each step of the decoder, at most.
    information : callable
        From the module and rows ``(N, P)`` to the mutual information of rows and latents, in nats.

    Attributes
    ----------
    is_ahead_ : bool
        Whether the encoder is trained ahead. With the information of each epoch it goes into the history, from which a
        later training goes on.
    """

    def __init__(self, n_steps: int, information: Callable[[nn.Module, Tensor], float]) -> None:
        self.n_steps = n_steps
        self.information = information

    def on_train_begin(self, net: NeuralNet, **kwargs: Any) -> None:
        self.is_ahead_ = encoder_is_ahead(net.history)
        self.most_ = max((epoch.get("information", -math.inf) for epoch in net.history), default=-math.inf)

    def on_epoch_begin(self, net: NeuralNet, dataset_train: Any = None, **kwargs: Any) -> None:
        self.batches_ = self._without_end(dataset_train, net.batch_size)

    def on_epoch_end(self, net: NeuralNet, dataset_valid: Any = None, **kwargs: Any) -> None:
        if self.is_ahead_ and dataset_valid is not None:
            rows = next(iter(BatchIterator(dataset_valid, MOST_ROWS)))[0]
            net._set_training(False)
            information = self.information(net.module_, to_tensor(rows, device=net.device))
            self.is_ahead_ = information > self.most_
            self.most_ = max(self.most_, information)
            net.history.record("information", information)
        net.history.record("encoder_ahead", self.is_ahead_)

    def on_train_end(self, net: NeuralNet, **kwargs: Any) -> None:
        del self.batches_

    def __call__(self, net: NeuralNet, batch: Any, **fit_params: Any) -> dict[str, Any]:
        """The gradients of a batch: of all weights, or of all but the encoder's if that was trained ahead."""
        if not self.is_ahead_:
            return NeuralNet.train_step_single(net, batch, **fit_params)
        self._get_ahead(net)
        net.optimizer_.zero_grad(set_to_none=True)
        step = NeuralNet.train_step_single(net, batch, **fit_params)
        for weight in net.module_.posterior.parameters():
            weight.grad = None
        return step

    def _get_ahead(self, net: NeuralNet) -> None:
        """Steps of the encoder until the objective, averaged over some of them, is no better than before."""
        net._set_training(True)
        encoders = set(net.module_.posterior.parameters())
        others = [weight for weight in net.module_.parameters() if weight not in encoders]
        worst, losses = math.inf, []
        for rows, _ in islice(self.batches_, self.n_steps):
            losses.append(self._encoder_step(net, rows, others))
            if len(losses) == WINDOW:
                if not sum(losses) < worst:
                    return
                worst, losses = sum(losses), []

    def _encoder_step(self, net: NeuralNet, rows: Any, others: list[nn.Parameter]) -> float:
        """One step of the encoder's weights, and the loss before it."""
        net.optimizer_.zero_grad(set_to_none=True)
        criterion = net.criterion_
        weight = criterion.kl_weight * criterion.warmup_factor
        loss = -net.objective(net.infer(rows), weight).mean()
        loss.backward()
        for parameter in others:
            parameter.grad = None
        loss = net.averaged(loss.detach(), len(rows))
        GradientClip().on_grad_computed(net)
        net.optimizer_.step()
        return loss.item()

    def _without_end(self, dataset: Any, batch_size: int) -> Iterator[tuple[Tensor, None]]:
        """Batches of the rows, in one random order after the other."""
        batches = BatchIterator(dataset, batch_size, shuffle=True)
        return (batch for _ in count() for batch in batches)


def encoder_is_ahead(history: History) -> bool:
    """Whether an encoder is to be trained ahead, after the epochs of a history."""
    told = [epoch["encoder_ahead"] for epoch in history if "encoder_ahead" in epoch]
    return told[-1] if told else True
