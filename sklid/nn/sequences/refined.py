"""A model of documents whose posterior is refined for each of them."""

from typing import Self

from torch import Tensor

from ..objective import Bound
from ..refined_model import Refined, Refinement
from .model import SequenceModel
from .tokens import trimmed

__all__ = ["RefinedSequenceModel"]


class RefinedSequenceModel(Refined, SequenceModel):
    """A `SequenceModel` with a Gaussian posterior that is refined once `refine` has said how."""

    def refine(self, refinement: Refinement) -> Self:
        """The model itself, with refinement from now on, which a training differentiates through."""
        self.decoder.states.differentiates_twice = True
        return super().refine(refinement)

    def forward(self, x: Tensor, noise: Tensor | None = None, seen: Tensor | None = None) -> Bound:
        """The bound of each document ``(*, T)`` under its refined posterior."""
        return super().forward(trimmed(x), noise, seen)
