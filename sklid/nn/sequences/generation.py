"""Documents from latent variables: word by word, the most probable or drawn ones, or by a search with a beam.

A document ends with its end, or after so many words. Searches give no unknown words; draws, which are those of the
model, may.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Categorical

from .decoder import SequenceDecoder
from .recurrent import History
from .tokens import END, PADDING, UNKNOWN

__all__ = ["drawn", "most_probable"]


@torch.no_grad()
def drawn(decoder: SequenceDecoder, z: Tensor, n_most: int, temperature: float = 1.0) -> Tensor:
    """Documents drawn from p(x | z), of at most so many words, padded: ``(M, K) -> (M, T)``.

    At temperatures below 1 probable words are drawn more often than the model has them.
    """
    return _word_by_word(decoder, z, n_most, lambda logits: Categorical(logits=_at(temperature, logits)).sample())


@torch.no_grad()
def most_probable(decoder: SequenceDecoder, z: Tensor, n_most: int, beam_size: int = 1) -> Tensor:
    """Documents of high probability given z, of at most so many words, padded: ``(M, K) -> (M, T)``.

    With a beam of 1 each word is the most probable one; a wider beam goes on with so many documents at a time.
    """
    if beam_size == 1:
        return _word_by_word(decoder, z, n_most, lambda logits: _known(logits).argmax(-1))
    return _by_beam(decoder, z, n_most, beam_size)


def _word_by_word(decoder: SequenceDecoder, z: Tensor, n_most: int, choose: Callable[[Tensor], Tensor]) -> Tensor:
    words = torch.full((len(z),), decoder.states.start, device=z.device)
    history, ended, rows = decoder.states.initial(z), torch.zeros(len(z), dtype=torch.bool, device=z.device), []
    for _ in range(n_most):
        states, history = decoder.states.read(words.unsqueeze(1), z, history)
        words = choose(decoder.logits(z, states)[:, 0])
        rows.append(words.masked_fill(ended, PADDING))
        ended = ended | (words == END)
        if ended.all():
            break
    return torch.stack(rows, dim=1).to(z.dtype)


def _at(temperature: float, logits: Tensor) -> Tensor:
    """Logits over a temperature; next to 0 it leaves the most probable words."""
    if temperature == 1:
        return logits
    below = logits - logits.max(dim=-1, keepdim=True).values
    return below / max(temperature, torch.finfo(logits.dtype).tiny)


def _by_beam(decoder: SequenceDecoder, z: Tensor, n_most: int, n_beams: int) -> Tensor:
    """The best of the documents that a beam ends with."""
    n_rows = len(z)
    z = z.repeat_interleave(n_beams, dim=0)
    history, words = decoder.states.initial(z), torch.full((len(z),), decoder.states.start, device=z.device)
    scores = torch.full((n_rows, n_beams), -math.inf, device=z.device, dtype=z.dtype)
    scores[:, 0] = 0.0  # all beams of a document begin alike
    rows = torch.empty(len(z), 0, dtype=torch.long, device=z.device)
    first = n_beams * torch.arange(n_rows, device=z.device).unsqueeze(1)
    for _ in range(n_most):
        states, history = decoder.states.read(words.clamp_min(0).unsqueeze(1), z, history)
        steps = _continued(_known(decoder.logits(z, states)[:, 0]).log_softmax(-1), words)
        n_words = steps.shape[-1]
        totals = (scores.unsqueeze(-1) + steps.unflatten(0, (n_rows, n_beams))).flatten(1)
        scores, places = totals.topk(n_beams, dim=-1)
        came = (first + places // n_words).flatten()
        words = (places % n_words).flatten().masked_fill(_is_over(words)[came], PADDING)
        rows = torch.cat([rows[came], words.unsqueeze(1)], dim=1)
        history = _reordered(history, came)
        if _is_over(words).all():
            break
    return rows[first[:, 0] + scores.argmax(-1)].to(z.dtype)


def _continued(log_probs: Tensor, words: Tensor) -> Tensor:
    """Log-probabilities of next words ``(M, V)``; after the end there is one continuation, which costs nothing."""
    nothing = torch.full_like(log_probs, -math.inf)
    nothing[:, END] = 0.0
    return torch.where(_is_over(words).unsqueeze(1), nothing, log_probs)


def _is_over(words: Tensor) -> Tensor:
    return (words == END) | (words == PADDING)


def _reordered(history: History, rows: Tensor) -> History:
    if isinstance(history, tuple):
        return tuple(part[:, rows] for part in history)
    return history[:, rows]


def _known(logits: Tensor) -> Tensor:
    """Logits of which unknown words have no probability."""
    return logits.index_fill(-1, torch.tensor([UNKNOWN], device=logits.device), -math.inf)
