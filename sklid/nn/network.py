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
from .skip import SkipPerceptron

__all__ = ["AnyNetwork", "FreeNetwork", "check_network", "free_network"]

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
    TypeError, ValueError
        When called, if the module gives no tensor, or another number of outputs.
    """

    def __init__(self, network: nn.Module, n_outputs: int) -> None:
        super().__init__()
        self.network = network
        self.strength = nn.Parameter(torch.full((1,), 1 / PACE))
        self.offset = nn.Parameter(torch.zeros(n_outputs))

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs in rows: ``(*, n_inputs) -> (*, n_outputs)``."""
        rows = inputs.reshape(-1, inputs.shape[-1]).clone()  # a module may write over what it is given
        outputs = self.checked(self.outputs(rows), rows).reshape(*inputs.shape[:-1], -1)
        return torch.addcmul(self.offset, self.strength, outputs, value=PACE)

    def checked(self, outputs: Any, rows: Tensor) -> Tensor:
        """What the module gives for some rows, if it is one tensor of the right size."""
        if not isinstance(outputs, Tensor):
            raise TypeError(f"The network of a decoder must give one tensor, and it gave a {type(outputs).__name__}.")
        if outputs.numel() != len(rows) * len(self.offset):
            raise ValueError(
                f"The network of a decoder must give n_outputs={len(self.offset)} numbers for each latent; for latents "
                f"of shape {tuple(rows.shape)} it gave an output of shape {tuple(outputs.shape)}."
            )
        return outputs

    def outputs(self, rows: Tensor) -> Tensor:
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


@torch.no_grad()
def check_network(network: nn.Module, n_inputs: int, n_outputs: int) -> None:
    """Try a module as the network of a decoder, in evaluation mode.

    Raises
    ------
    TypeError, ValueError
        If it fails, or as `AnyNetwork` does, or gives numbers that are not finite.
    """
    was_training, rows, tried = network.training, torch.zeros(2, n_inputs), AnyNetwork(network, n_outputs)
    network.eval()
    try:
        outputs = tried.outputs(rows)
    except Exception as error:  # of whatever kind the user's own code raises
        shape = tuple(rows.shape)
        raise ValueError(
            f"The network of a decoder fails at latents of shape {shape}, {rows.dtype}: {error}"
        ) from error
    finally:
        network.train(was_training)
    if not torch.isfinite(tried.checked(outputs, rows)).all():
        raise ValueError("The network of a decoder gives numbers that are not finite at its first weights.")


def free_network(network: nn.Module, n_outputs: int) -> Any:
    """The `FreeNetwork` of a module: itself if it is a perceptron."""
    return network if isinstance(network, Perceptron | SkipPerceptron) else AnyNetwork(network, n_outputs)
