r"""Random numbers from generators of one's own, in one thread, whoever draws them.

Torch's default generator belongs to the process, so what one thread draws changes what another does. Most of what
draws takes a ``generator``, but initialisers of layers, dropout and distributions do not hand one on. A dispatch mode
sees the operators that they come down to, in its own thread alone, and tells each which generator to use. It also slows
every other operator of its block down, so a training enters it at its draws only.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, _get_current_dispatch_mode, _pop_mode

__all__ = [
    "Draws",
    "between_draws",
    "drawing",
    "generator_states",
    "generators_of",
    "set_generator_states",
    "standard_noise",
]

aten = torch.ops.aten
WITH_GENERATOR = {
    aten.rand.default: aten.rand.generator,
    aten.randn.default: aten.randn.generator,
    aten.randint.default: aten.randint.generator,
    aten.randint.low: aten.randint.low_generator,
    aten.randperm.default: aten.randperm.generator,
}
LIKE = {
    aten.rand_like.default: aten.uniform_,
    aten.randn_like.default: aten.normal_,
    aten.randint_like.default: aten.random_,
    aten.randint_like.low_dtype: aten.random_,
}
_thread = threading.local()


class Draws(TorchDispatchMode):
    """Inside the block, random numbers are from one generator a device, each seeded with `seed`, in this thread alone.

    A draw that is given a generator uses that. The few fused operators of GPUs that take none (attention and recurrent
    layers with dropout) draw from the default generator, seeded for it and put back.

    Parameters
    ----------
    seed : int

    Examples
    --------
    >>> import torch
    >>> from sklid.nn.draws import Draws
    >>> with Draws(0):
    ...     first = torch.nn.Linear(2, 3).weight
    >>> with Draws(0):
    ...     torch.equal(torch.nn.Linear(2, 3).weight, first)
    True
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed
        self.generators: dict[torch.device, torch.Generator] = {}

    @property
    def is_innermost(self) -> bool:
        """Whether operators come here first."""
        return _get_current_dispatch_mode() is self

    def __exit__(self, *error: Any) -> None:
        if self.is_innermost:
            super().__exit__(*error)

    def leave(self) -> None:
        """Leave all blocks, those as well that an interrupt has left open as they were entered or left."""
        while self.is_innermost:
            try:
                super().__exit__(None, None, None)
            except IndexError:  # all that it remembers of earlier blocks is gone: the mode itself is what was left
                _pop_mode()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if torch.Tag.nondeterministic_seeded not in func.tags or kwargs.get("generator") is not None:
            return func(*args, **kwargs)
        generator = self.generator(_device(args, kwargs))
        if func in LIKE:
            return LIKE[func](torch.empty_like(args[0], **kwargs), *args[1:], generator=generator)
        func = WITH_GENERATOR.get(func, func)
        if any(argument.name == "generator" for argument in func._schema.arguments):
            return func(*args, **{**kwargs, "generator": generator})
        if func is aten.native_dropout.default:
            return _dropout(generator, *args)
        return self._composite(func, args, kwargs, generator)

    def generator(self, device: torch.device) -> torch.Generator:
        """That of a device."""
        if device not in self.generators:
            self.generators[device] = torch.Generator(device).manual_seed(self.seed)
        return self.generators[device]

    def _composite(self, func: Any, args: Any, kwargs: Any, generator: torch.Generator) -> Any:
        """An operator made of others, which are seen here in their turn; else one that takes no generator."""
        with self:
            result = func.decompose(*args, **kwargs)
        if result is not NotImplemented:
            return result
        gpu = [generator.device] if generator.device.type == "cuda" else []
        with torch.random.fork_rng(devices=gpu):
            torch.manual_seed(int(torch.randint(2**31 - 1, (), generator=generator, device=generator.device)))
            return func(*args, **kwargs)


@contextmanager
def generators_of(seed: int) -> Iterator[None]:
    """Inside the block, `drawing` in this thread is a `Draws` of the seed."""
    before, draws = getattr(_thread, "draws", None), Draws(seed)
    try:
        _thread.draws = draws
        yield
    finally:
        _thread.draws = before
        draws.leave()


def generator_states() -> dict[str, Tensor]:
    """The states of the generators of the nearest `generators_of`, by device; none where none has drawn."""
    draws = getattr(_thread, "draws", None)
    return {} if draws is None else {str(device): each.get_state() for device, each in draws.generators.items()}


def set_generator_states(states: dict[str, Tensor]) -> None:
    """Put the generators of the nearest `generators_of` into given states."""
    for device, state in states.items():
        _thread.draws.generator(torch.device(device)).set_state(state)


@contextmanager
def drawing() -> Iterator[None]:
    """Around what draws: its random numbers are those of the nearest `generators_of`, without one torch's own."""
    with getattr(_thread, "draws", None) or nullcontext():
        yield


@contextmanager
def between_draws() -> Iterator[None]:
    """Around many operations in a block of `drawing`: at full speed, and only what is `drawing` itself draws as it."""
    draws = getattr(_thread, "draws", None)
    if draws is None or not draws.is_innermost:
        yield
        return
    try:
        draws.__exit__(None, None, None)
        yield
    finally:
        draws.__enter__()


def standard_noise(shape: Sequence[int], like: Tensor) -> Tensor:
    """Standard normal numbers of a shape, in the type and on the device of a tensor."""
    with drawing():
        return torch.randn(shape, dtype=like.dtype, device=like.device)


def _device(args: Any, kwargs: Any) -> torch.device:
    """Where an operator draws, by a name that each device has one of: "cuda" is the current one."""
    tensor = next((argument for argument in args if isinstance(argument, Tensor)), None)
    device = tensor.device if tensor is not None else torch.device(kwargs.get("device") or "cpu")
    if device.type == "cuda" and device.index is None:
        return torch.device("cuda", torch.cuda.current_device())
    return device


def _dropout(generator: torch.Generator, x: Tensor, p: float, train: bool | None) -> tuple[Tensor, Tensor]:
    """As ``native_dropout``: what is kept of x, and which numbers are."""
    if train is False:
        return x, torch.ones_like(x, dtype=torch.bool)
    kept = torch.empty_like(x, dtype=torch.bool).bernoulli_(1 - p, generator=generator)
    return x * kept * (1 / (1 - p) if p < 1 else 0.0), kept
