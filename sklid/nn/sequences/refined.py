"""A model of documents whose posterior is refined for each of them."""

from torch import Tensor

from ..objective import Bound
from ..refined_model import Refined
from .model import SequenceModel
from .tokens import trimmed

__all__ = ["RefinedSequenceModel"]


class RefinedSequenceModel(Refined, SequenceModel):
    """A `SequenceModel` with a Gaussian posterior that is refined once `refine` has said how."""

    def forward(self, x: Tensor, noise: Tensor | None = None, seen: Tensor | None = None) -> Bound:
        """The bound of each document ``(*, T)`` under its refined posterior."""
        return super().forward(trimmed(x), noise, seen)
