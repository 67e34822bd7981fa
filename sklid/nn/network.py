r"""Any torch module as the network of a decoder.

A decoder asks two things of its network before training: to shift its outputs, so that the decoder begins at the mean
of the data, and to begin as a constant. A perceptron does both in its last layer. For other modules h there is

.. math:: z \mapsto m + s \, h(z),

with a learned offset m and a learned strength s, which is 0 where the network is to begin as a constant (Bachlechner et
al., "ReZero is All You Need", UAI 2021). Adam moves every number at the same pace, so s is a multiple of the number
that it moves.
"""

from typing import Any, Protocol

import torch
from torch import Tensor, nn

from .draws import drawing
from .perceptron import Perceptron

__all__ = ["AnyNetwork", "FreeNetwork", "free_network"]

PACE = 10.0
"""Strength per unit of its parameter: at 1 a network of few steps is never heard."""


class FreeNetwork(Protocol):
    """What a decoder asks of a network that nothing constrains."""

    def __call__(self, inputs: Tensor) -> Tensor:
        """Outputs in rows: ``(*, n_inputs) -> (*, n_outputs)``."""

    def shift(self, by: Tensor) -> None:
        """Add ``(n_outputs,)`` to every output."""

    def silence(self, value: Tensor) -> None:
        """Make every output `value`, ``(n_outputs,)``, until training changes it."""


class AnyNetwork(nn.Module):
    r"""A module of any kind as a `FreeNetwork`.

    .. math:: z \mapsto m + s \, h(z)

    Parameters
    ----------
    network : nn.Module
        The h: for inputs ``(n, n_inputs)`` it gives `n_outputs` numbers each, in any shape, such as images ``(n, C,
        height, width)``.
    n_outputs : int

    Raises
    ------
    ValueError
        When called, if the module gives another number of outputs.
    """

    def __init__(self, network: nn.Module, n_outputs: int) -> None:
        super().__init__()
        self.network = network
        self.strength = nn.Parameter(torch.full((1,), 1 / PACE))
        self.offset = nn.Parameter(torch.zeros(n_outputs))

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs in rows: ``(*, n_inputs) -> (*, n_outputs)``."""
        rows = inputs.reshape(-1, inputs.shape[-1])
        outputs, n_outputs = self._outputs(rows), len(self.offset)
        if outputs.numel() != len(rows) * n_outputs:
            raise ValueError(
                f"The network of a decoder must give n_outputs={n_outputs} numbers for each latent; for latents "
                f"of shape {tuple(rows.shape)} it gave an output of shape {tuple(outputs.shape)}."
            )
        return torch.addcmul(self.offset, self.strength, outputs.reshape(*inputs.shape[:-1], n_outputs), value=PACE)

    def _outputs(self, rows: Tensor) -> Tensor:
        """What the module gives; it may draw, as dropout does."""
        if torch.compiler.is_compiling():
            return self.network(rows)
        with drawing():
            return self.network(rows)

    @torch.no_grad()
    def shift(self, by: Tensor) -> None:
        """Add ``(n_outputs,)`` to every output."""
        self.offset.add_(by)

    @torch.no_grad()
    def silence(self, value: Tensor) -> None:
        """Make every output `value`, ``(n_outputs,)``, until the strength is learned."""
        self.strength.zero_()
        self.offset.copy_(value)


def free_network(network: nn.Module, n_outputs: int) -> Any:
    """The `FreeNetwork` of a module: itself if it is a perceptron."""
    return network if isinstance(network, Perceptron) else AnyNetwork(network, n_outputs)
