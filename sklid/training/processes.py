r"""Several processes that train one model together, on one machine or many: each takes its part of every batch.

With rows :math:`B` of a batch and those :math:`B_r` of process r, the loss of the batch and its gradient are

.. math:: \ell = \sum_r \frac{|B_r|}{|B|} \, \ell_r, \qquad \nabla \ell = \sum_r \frac{|B_r|}{|B|} \, \nabla \ell_r,

so one sum over the processes, before gradients are clipped, gives every process those of the whole batch. All of them
draw the order of the rows and the noise of the whole batch from the same seed, and take their rows of it. So their
weights are the same after every step, and those of one process that has the whole batch, up to rounding.

The processes, their devices and the sum are Accelerate's. Its mixin in skorch is not used: it wraps the module, hides
what trainings here ask of it, and deals out the rows so that each process draws for itself.
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from ..nn.draws import generator_states, generators_of

__all__ = ["Processes", "launched_processes"]

HOW_TO_LAUNCH = (
    "Launch the script with `torchrun --nproc_per_node 2 script.py`, or on GPUs with `accelerate launch --multi_gpu "
    "--num_processes 2 script.py`, or leave distributed at False."
)
TOLERANCE = 1e-3
"""How far the weights of processes may be apart relative to their size: other machines round otherwise."""


def launched_processes(device: str) -> "Processes":
    """The processes that were launched with this one.

    Parameters
    ----------
    device : str
        "cpu"; or "cuda", for the GPU that a process gets.

    Raises
    ------
    ImportError
        If Accelerate is not installed.
    ValueError
        If nothing has launched several processes, or not so that each has the whole model.
    """
    try:
        from accelerate import Accelerator
        from accelerate.utils import DistributedType
    except ImportError as error:
        raise ImportError('distributed=True needs Accelerate: pip install "sklid[distributed]".') from error
    if device not in ("cpu", "cuda"):
        raise ValueError(
            f'device="{device}" with distributed=True: each process takes a device of its own; use "cpu" or "cuda".'
        )
    accelerator = Accelerator(cpu=device == "cpu", mixed_precision="no")
    if accelerator.distributed_type == DistributedType.NO:
        raise ValueError(f"distributed=True, and this process was launched alone. {HOW_TO_LAUNCH}")
    if accelerator.distributed_type not in (DistributedType.MULTI_CPU, DistributedType.MULTI_GPU):
        raise ValueError(
            f"distributed=True gives every process the whole model, and Accelerate is set to "
            f"{accelerator.distributed_type.value}. {HOW_TO_LAUNCH}"
        )
    return Processes(accelerator)


class Processes:
    """The processes of a training, as one of them sees them.

    Parameters
    ----------
    accelerator : accelerate.Accelerator

    Attributes
    ----------
    number, index : int
        How many there are, and which this is.
    is_main : bool
        Whether it is the one that warns, shows progress and writes files.
    device : str
        Its own.
    """

    def __init__(self, accelerator: Any) -> None:
        self.accelerator = accelerator
        self.number: int = accelerator.num_processes
        self.index: int = accelerator.process_index
        self.is_main: bool = accelerator.is_main_process
        self.device = "cpu" if accelerator.device.type == "cpu" else str(accelerator.device)  # where it says "cpu:0"

    def part(self, tensor: Tensor, n_rows: int, axis: int = 0) -> Tensor:
        """The rows of this process, of a batch of so many; all of them where there are fewer rows than processes."""
        first, last = self._bounds(n_rows)
        return tensor.narrow(axis, first, last - first)

    def share(self, n_rows: int) -> float:
        """What the mean over this process's rows of a batch counts for in the mean over the batch."""
        first, last = self._bounds(n_rows)
        return 1 / self.number if n_rows < self.number else (last - first) / n_rows

    @contextmanager
    def own_draws(self) -> Iterator[None]:
        """Around the pass of a part: what it draws, as dropout does, is of this process alone.

        It leaves the common generators where they are, as parts of unlike sizes draw unlike amounts.
        """
        states = generator_states()
        words = b"".join(states[device].numpy().tobytes() for device in sorted(states))
        with generators_of(zlib.crc32(f"{self.index}".encode() + words)):
            yield

    def mean(self, value: Tensor, n_rows: int) -> Tensor:
        """The mean over a batch of so many rows, from that over the rows of each process."""
        return self.accelerator.reduce(value.detach() * self.share(n_rows), "sum")

    def averaged(self, weights: list[Tensor], loss: Tensor, n_rows: int) -> Tensor:
        """The loss of a batch, with its gradients put in place of those of the rows of this process.

        A weight keeps no gradient if it has none in any process.
        """
        gradients = [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight in weights]
        has_one = loss.new_tensor([weight.grad is not None for weight in weights])
        parts = torch.cat([loss.detach().reshape(1), *(gradient.flatten() for gradient in gradients), has_one])
        parts[: -len(weights)] *= self.share(n_rows)
        sums = self.sum(parts)
        loss, *gradients, has_one = sums.split([1, *(weight.numel() for weight in weights), len(weights)])
        for weight, gradient, given in zip(weights, gradients, has_one.tolist(), strict=True):
            weight.grad = gradient.view_as(weight) if given else None
        return loss[0]

    def sum(self, values: Tensor) -> Tensor:
        """The sum over the processes."""
        return self.accelerator.reduce(values, "sum")

    def agree(self, told: str) -> None:
        """ValueError in every process unless all are told the same: what they train on, how, and from where."""
        from accelerate.utils import gather_object

        if len(set(gather_object([told]))) > 1:
            raise ValueError(
                "The processes of distributed=True do not train the same: rows, parameters or what a checkpoint holds "
                "differ. Let each read the same rows in the same order, and keep checkpoints in a folder that all see."
            )

    @torch.no_grad()
    def spread(self, model: nn.Module) -> None:
        """Give every process the weights of the main one; ValueError for a model that normalises batches."""
        from accelerate.utils import broadcast

        if any(isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d) for part in model.modules()):
            raise ValueError(
                "distributed=True, and the model has batch normalisation, which would see a part of each batch. Use "
                "another normalisation, such as torch.nn.GroupNorm, or distributed=False."
            )
        for tensor in _tensors(model):
            tensor.copy_(broadcast(tensor.contiguous()))

    @torch.no_grad()
    def check_same(self, model: nn.Module) -> None:
        """RuntimeError in every process unless all have the same weights."""
        from accelerate.utils import gather

        sizes = torch.stack([tensor.double().norm().float() for tensor in _tensors(model)])
        each = gather(sizes.unsqueeze(0))
        if ((each - each[0]).abs() > TOLERANCE * each[0].abs()).any():
            raise RuntimeError(
                "The processes of distributed=True have come to different weights, so something in it depends "
                "on the process: a callback, or a network that draws from a generator of its own."
            )

    def _bounds(self, n_rows: int) -> tuple[int, int]:
        """The first row of this process in a batch of so many, and the first of the next."""
        if n_rows < self.number:
            return 0, n_rows
        return n_rows * self.index // self.number, n_rows * (self.index + 1) // self.number


def _tensors(model: nn.Module) -> list[Tensor]:
    """Parameters and buffers; some are views of others."""
    return [tensor for tensor in (*model.parameters(), *model.buffers()) if tensor.numel()]
