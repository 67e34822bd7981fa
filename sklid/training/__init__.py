"""Training by skorch: a net whose module gives the two terms of a bound, its batches, its loss and its callbacks."""

from .batches import BatchIterator
from .loss import NegativeBound
from .net import BoundNet

__all__ = ["BatchIterator", "BoundNet", "NegativeBound"]
