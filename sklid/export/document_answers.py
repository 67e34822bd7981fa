r"""The embedding of a document, E[z | x], from the numbers of its words."""

from typing import Any

import torch
from torch import Tensor, nn

from ..nn.sequences import SequenceModel
from ..nn.sequences.tokens import bag_of_words
from .frozen import frozen

__all__ = ["DocumentMean"]


class DocumentMean(nn.Module):
    """E[z | x] of documents by their bags of words: ``(N, T) -> (N, K)``, computed in single precision.

    Parameters
    ----------
    model : SequenceModel
    method : str
        That is asked for; "transform" alone is answered.

    Raises
    ------
    TypeError
        For another method, and an encoder that reads words in their order.
    """

    def __init__(self, model: SequenceModel, method: str) -> None:
        super().__init__()
        posterior: Any = model.posterior
        if method != "transform":
            raise TypeError(f'Of an estimator of documents "transform" alone can be exported, and not "{method}".')
        if posterior.reader is not None:
            raise TypeError(
                "An encoder that reads the words of documents in their order cannot be exported. Fit with "
                'encoder="bow", which sees bags of words.'
            )
        self.n_words = posterior.n_words
        self.gaussian = frozen(model, takes_gaps=False).posterior.gaussian

    def forward(self, X: Tensor) -> Tensor:
        counts = bag_of_words(X.float(), self.n_words)
        return self.gaussian(torch.log1p(counts)).mean.to(X.dtype)
