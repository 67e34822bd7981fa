"""Randomness and devices: draws that leave the global generators alone, the noise of a row, where a model computes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from torch import Tensor

from .nn.draws import drawing, generators_of
from .surroundings import without_gradients

__all__ = ["RowNoise", "available_device", "from_random_state", "seed_of"]


def available_device(device: str | torch.device, fall_back: bool = False) -> str:
    """The device named, with "auto" resolved; where it is missing, ValueError, or the CPU when told to fall back."""
    name = str(device)
    has_cuda = torch.cuda.is_available()
    if name == "auto":
        return "cuda" if has_cuda else "cpu"
    if fall_back and not has_cuda:
        return "cpu"
    try:
        kind = torch.device(name).type
    except RuntimeError as error:
        raise ValueError(f'device="{name}" is no device of torch; use "cpu", "cuda", "cuda:0" or "auto".') from error
    if kind == "cuda" and not has_cuda:
        raise ValueError(
            f'device="{name}" asks for a CUDA device and torch finds none here; available: "cpu". '
            'Use device="cpu" or "auto".'
        )
    return name


@contextmanager
def from_random_state(random_state: int | np.random.RandomState | None) -> Iterator[None]:
    """Torch's draws in this thread from generators of the seed of a `random_state`, without gradients."""
    with without_gradients(), generators_of(seed_of(random_state)), drawing():
        yield


def seed_of(random_state: int | np.random.RandomState | None) -> int:
    """The seed that scikit-learn's `random_state` gives."""
    return int(check_random_state(random_state).randint(2**31 - 1))


class RowNoise:
    """Standard normal noise that depends on the seed and on a row's own values, as the model sees them, nothing else.

    A pool of 64 noise sets follows from the seed, and a hash of the row's single-precision values names its set. One
    set for all rows would give a mean score an error that no number of rows averages out.

    Parameters
    ----------
    seed : int
    n_draws, n_components : int
        S and K.
    """

    N_SETS = 64
    LAST_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)

    def __init__(self, seed: int, n_draws: int, n_components: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.seed = seed
        self.n_draws = n_draws
        self.pool = torch.randn(self.N_SETS, n_draws, n_components, dtype=torch.float32, generator=generator)

    def __call__(self, x: Tensor) -> Tensor:
        """The noise of each row, on its device and in its type: ``(N, P) -> (S, N, K)``."""
        return self.pool[self.set_of_rows(x)].transpose(0, 1).to(x)

    def with_draws(self, n_draws: int) -> Self:
        """Noise of the same seed for another number of draws."""
        return type(self)(self.seed, n_draws, self.pool.shape[-1])

    @classmethod
    def set_of_rows(cls, x: Tensor) -> NDArray[np.int64]:
        """The number of each row's noise set: ``(N, P) -> (N,)``."""
        words = x.float().cpu().numpy() + np.float32(0.0)  # one zero, not two
        words[np.isnan(words)] = np.nan  # and one nan
        mixed = (words.view(np.uint32) * cls.multipliers(words.shape[1])).sum(axis=1, dtype=np.uint64)
        mixed = (mixed ^ (mixed >> np.uint64(32))) * cls.LAST_MULTIPLIER
        return (mixed >> np.uint64(32)).astype(np.int64) % cls.N_SETS

    @staticmethod
    def multipliers(n_columns: int) -> NDArray[np.uint64]:
        """Odd ones of the hash, one for each column."""
        return np.random.default_rng(0).integers(1, 2**63, size=n_columns, dtype=np.uint64) | np.uint64(1)
