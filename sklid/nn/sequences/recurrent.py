r"""A recurrent network that reads a document, told a latent variable or not.

.. math:: s_t = RNN(x_{<t}, z)
"""

from typing import Any

import torch
from torch import Tensor, nn

from ..draws import drawing
from .tokens import UNKNOWN, is_token
from .unrolled import unrolled

__all__ = ["History", "RecurrentStates"]

CELLS = {"lstm": nn.LSTM, "gru": nn.GRU}
History = Any
"""What a recurrent network remembers of the words before: a state, or a pair of them."""


class RecurrentStates(nn.Module):
    """States before each word of a document, from the words before it and, if it is told one, a latent variable.

    The latent variable stands beside every word and, by a linear map, in the first state.

    Parameters
    ----------
    n_words : int
        V, the end among them.
    n_components : int
        K; 0 for a network that is told none.
    embedding_size, hidden_size : int
        E and H, numbers for a word and of a state.
    cell : {"lstm", "gru"}, default="lstm"
    dropout : float, default=0.0
        Share of the numbers of words and states that training leaves out.
    word_dropout : float, default=0.0
        Share of the words before that training shows as unknown.

    Attributes
    ----------
    differentiates_twice : bool
        Whether a training needs gradients of gradients, which the fused layers of GPUs lack.
    """

    differentiates_twice = False

    def __init__(
        self,
        n_words: int,
        n_components: int,
        embedding_size: int,
        hidden_size: int,
        cell: str = "lstm",
        dropout: float = 0.0,
        word_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.n_components = n_components
        self.word_dropout = word_dropout
        self.words = nn.Embedding(n_words + 1, embedding_size)  # the last is what stands before the first word
        self.network = CELLS[cell](embedding_size + n_components, hidden_size, batch_first=True)
        self.first = nn.Linear(n_components, (2 if cell == "lstm" else 1) * hidden_size) if n_components else None
        self.dropout = nn.Dropout(dropout)

    @property
    def start(self) -> int:
        """The number of what stands before the first word."""
        return self.words.num_embeddings - 1

    def forward(self, x: Tensor, z: Tensor | None = None) -> Tensor:
        """The state before each word: ``(M, T), (M, K) -> (M, T, H)``; padding is followed by padding alone."""
        before = torch.cat([x.new_full((len(x), 1), self.start), x[:, :-1].clamp_min(0)], dim=1).long()
        if self.training and self.word_dropout:
            with drawing():
                hidden = torch.rand(before.shape, device=x.device) < self.word_dropout
            before = before.masked_fill(hidden & (before != self.start), UNKNOWN)
        return self.read(before, z, None if z is None else self.initial(z))[0]

    def read(self, words: Tensor, z: Tensor | None, history: History) -> tuple[Tensor, History]:
        """States after more words ``(M, T)``, and what is remembered then."""
        inputs = self._dropped(self.words(words))
        if z is not None and self.n_components:
            inputs = torch.cat([inputs, z.unsqueeze(1).expand(-1, inputs.shape[1], -1)], dim=-1)
        if self._lacks_gradients(inputs):
            states, history = unrolled(self.network, inputs, history)
        else:
            states, history = self.network(inputs, history)
        return self._dropped(states), history

    def initial(self, z: Tensor) -> History:
        """What is remembered before the first word: ``(M, K)``; None of a network that is told no latent variable."""
        if self.first is None:
            return None
        parts = torch.tanh(self.first(z)).unsqueeze(0)
        if isinstance(self.network, nn.LSTM):
            return tuple(part.contiguous() for part in parts.chunk(2, dim=-1))
        return parts

    def last(self, x: Tensor) -> Tensor:
        """The state after the last word of each document: ``(M, T) -> (M, H)``."""
        states, _ = self.read(x.clamp_min(0).long(), None, None)
        at = (is_token(x).sum(-1) - 1).clamp_min(0)
        return states[torch.arange(len(x), device=x.device), at]

    def _lacks_gradients(self, inputs: Tensor) -> bool:
        """Whether the fused layer of a GPU has not all the gradients that may be asked for."""
        is_asked = torch.is_grad_enabled() and (self.differentiates_twice or not self.network.training)
        return inputs.is_cuda and is_asked

    def _dropped(self, values: Tensor) -> Tensor:
        if not (self.training and self.dropout.p):
            return values
        with drawing():
            return self.dropout(values)
