"""What `LIDVAE` is timed against: a plain PyTorch loop, pythae's VAE, and the decoder by a double backward pass.

The loop trains the classical VAE.
"""

import contextlib
import io
import itertools
import logging
import tempfile
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sklid.nn import InjectiveDecoder

__all__ = [
    "double_backward_step",
    "folded_step",
    "modules_loop",
    "multiply_adds",
    "perceptron_multiply_adds",
    "plain_loop",
    "pythae_fit",
    "width_of_equal_cost",
]

LATENTS, BATCH, RATE = 10, 256, 3e-3


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Without what a peer prints and logs."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        logging.disable(logging.INFO)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


def perceptron(n_inputs: int, n_outputs: int, width: int, depth: int) -> nn.Sequential:
    sizes = [n_inputs] + [width] * depth
    hidden = [layer for pair in itertools.pairwise(sizes) for layer in (nn.Linear(*pair), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(width, n_outputs))


def negative_bound(logits: Tensor, x: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
    reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)
    return (reconstruction + (0.5 * (mean.square() + scale.square() - 1) - scale.log()).sum(-1)).mean()


def plain_loop(x: Tensor, depth: int, width: int, epochs: int, seed: int = 0) -> None:
    """What one writes by hand: perceptrons, shuffled slices, fused Adam.

    There is no schedule, no clipping, and no record of the loss.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        encoder, decoder = perceptron(x.shape[1], 2 * LATENTS, width, 2), perceptron(LATENTS, x.shape[1], width, depth)
        optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=RATE, fused=True)
        for _ in range(epochs):
            for chosen in torch.randperm(len(x)).split(BATCH):
                rows = x[chosen]
                mean, raw = encoder(rows).chunk(2, -1)
                scale = F.softplus(raw) + 1e-4
                loss = negative_bound(decoder(mean + scale * torch.randn_like(mean)), rows, mean, scale)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()


def modules_loop(model: nn.Module, x: Tensor, batch: int, epochs: int) -> None:
    """A loop by hand over the modules of the package."""
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=True)
    for _ in range(epochs):
        for chosen in torch.randperm(len(x)).split(batch):
            loss = -model(x[chosen]).elbo().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def pythae_fit(x: Tensor, depth: int, width: int, epochs: int) -> None:
    """pythae's VAE and trainer with the networks of `plain_loop`."""
    from pythae.models import VAE, VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.pipelines import TrainingPipeline
    from pythae.trainers import BaseTrainerConfig

    class Encoder(BaseEncoder):
        def __init__(self) -> None:
            super().__init__()
            self.network = perceptron(x.shape[1], 2 * LATENTS, width, 2)

        def forward(self, rows: Tensor) -> ModelOutput:
            mean, log_variance = self.network(rows).chunk(2, -1)
            return ModelOutput(embedding=mean, log_covariance=log_variance)

    class Decoder(BaseDecoder):
        def __init__(self) -> None:
            super().__init__()
            self.network = perceptron(LATENTS, x.shape[1], width, depth)

        def forward(self, z: Tensor) -> ModelOutput:
            return ModelOutput(reconstruction=torch.sigmoid(self.network(z)))

    config = VAEConfig(input_dim=(x.shape[1],), latent_dim=LATENTS, reconstruction_loss="bce")
    with tempfile.TemporaryDirectory() as folder, torch.random.fork_rng(), silence():
        training = BaseTrainerConfig(
            output_dir=folder,
            num_epochs=epochs,
            per_device_train_batch_size=BATCH,
            learning_rate=RATE,
            no_cuda=True,
            steps_saving=None,
        )
        TrainingPipeline(model=VAE(config, encoder=Encoder(), decoder=Decoder()), training_config=training)(
            train_data=x
        )


def folded_step(decoder: nn.Module, z: Tensor, target: Tensor) -> Callable[[], None]:
    """A forward and backward pass of a decoder."""

    def step() -> None:
        decoder.zero_grad()
        (decoder(z) - target).square().mean().backward()

    return step


def double_backward_step(z: Tensor, target: Tensor, width: int, depth: int) -> Callable[[], None]:
    """The pass of the paper's code: zero-padded latents, D -> D potential of leaky ReLUs, gradient by autograd."""
    D = target.shape[1]
    inputs = nn.ParameterList(nn.Parameter(torch.randn(width, D) / D**0.5) for _ in range(depth))
    weights = nn.ParameterList(nn.Parameter(torch.rand(width, width) / width) for _ in range(depth - 1))
    output = nn.Parameter(torch.rand(width) / width)
    parameters = [*inputs, *weights, output]

    def step() -> None:
        u = F.pad(z, (0, D - z.shape[1])).requires_grad_()
        height = F.leaky_relu(F.linear(u, inputs[0]), 0.2)
        for A, W in zip(inputs[1:], weights, strict=True):
            height = F.leaky_relu(F.linear(height, W) + F.linear(u, A), 0.2)
        (gradient,) = torch.autograd.grad((height @ output).sum(), u, create_graph=True)
        for parameter in parameters:
            parameter.grad = None
        (gradient + u - target).square().mean().backward()

    return step


def width_of_equal_cost(decoder: InjectiveDecoder) -> int:
    """Width of the perceptron decoder of the same depth with as many multiply-adds per row as this folded one."""
    candidates = np.arange(16, 4096)
    costs = perceptron_multiply_adds(
        decoder.n_components, decoder.outer.bias.numel(), len(decoder.outer.potential.biases), candidates
    )
    return int(candidates[np.abs(costs - multiply_adds(decoder)).argmin()])


def multiply_adds(decoder: InjectiveDecoder) -> int:
    """Of a row, forward, with beta folded into the first layer once in a batch of `BATCH`."""
    first, upper = decoder.outer.potential.input_weights[0], decoder.outer.potential.root_weights
    n_units, n_outputs = first.shape
    folding = first.numel() * decoder.n_components // BATCH
    return 2 * sum(above.numel() for above in upper) + n_units * (decoder.n_components + n_outputs) + folding


def perceptron_multiply_adds(n_inputs: int, n_outputs: int, depth: int, width: int | np.ndarray) -> int | np.ndarray:
    """Of a perceptron, of a row, forward."""
    return (depth - 1) * width**2 + width * (n_inputs + n_outputs)
