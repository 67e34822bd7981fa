r"""Where a model of documents starts: the principal components of bags of words, and the words that each makes likely.

.. math:: u = \text{scores of } \log(1 + c(x)) \text{ in units of their spread}, \qquad
    \log p(w \mid u) \approx \log p_w + \sum_k B_{kw} u_k, \qquad
    B_{kw} = \frac{\sum_n u_{nk} (c_{nw} - T_n p_w)}{a + p_w \sum_n T_n u_{nk}^2}

B is a step of Fisher's scoring from the words' shares p for each score alone, with T words in a document and a prior of
a words; without it, these are the coordinates of correspondence analysis (Benzécri 1973). A decoder that starts there
says from its first step what a latent variable is about, and a recurrent network beside it learns the rest; from any
other start the network learns it sooner. Scores of few words are noisy, and B takes their noise for meaning: the start
says more than the documents do, and training takes back what does not help.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from ..principal import probabilistic_pca
from .tokens import bag_of_words

__all__ = ["DocumentStart", "start_of"]

MOST_NUMBERS = 50_000_000
"""In the bags of words."""
PRIOR_WORDS = 20.0
"""As many words, expected of a score, halve what is learnt from them."""
LEAST_SLOPE = 1e-3
"""Of a component that no document has."""


LEAST_SPREAD = 3e-4
"""Of the largest standard deviation: what is smaller is rounding, in single precision."""


class DocumentStart(NamedTuple):
    """What a decoder and an encoder start at.

    Attributes
    ----------
    log_shares : Tensor of shape (V,)
        Logarithms of the words' shares.
    directions : Tensor of shape (K, V)
        Orthonormal directions of the logits, which sum to 0.
    slopes : Tensor of shape (K,)
        How far a latent moves the logits along each, in logits for a standard deviation.
    mean : Tensor of shape (V,)
        Of log(1 + c(x)).
    components : Tensor of shape (K, V)
        Orthonormal principal directions of log(1 + c(x)).
    spread : Tensor of shape (K,)
        Standard deviations along them; infinite along those in which no documents differ, which say nothing.
    precision : Tensor of shape (K,)
        Of the posterior of a document of average length, at least 1.
    """

    log_shares: Tensor
    directions: Tensor
    slopes: Tensor
    mean: Tensor
    components: Tensor
    spread: Tensor
    precision: Tensor


@torch.no_grad()
def start_of(x: Tensor, n_words: int, n_components: int) -> DocumentStart:
    """Of documents ``(N, T)``, of the first of them if there are very many words.

    Raises
    ------
    ValueError
        For more latents than words.
    """
    if n_components > n_words:
        raise ValueError(
            f"n_components={n_components} latents are more than the {n_words} words that documents have, the end and "
            "unknown ones among them. Lower n_components, or let more words in."
        )
    x = x[: max(1, MOST_NUMBERS // n_words)]
    counts = bag_of_words(x, n_words)
    shares = (counts.sum(0) + 1) / (counts.sum() + n_words)
    bags = torch.log1p(counts)
    mean = bags.mean(0)
    components = probabilistic_pca(bags, n_components).directions
    scores = (bags - mean) @ components.mT
    spread = scores.std(0, correction=0)
    spread = spread.masked_fill(spread <= LEAST_SPREAD * spread.max(), torch.inf)
    directions, slopes = _orthonormal(_log_slopes(scores / spread, counts, shares) + LEAST_SLOPE * components)
    variances = directions.square() @ shares - (directions @ shares).square()
    precision = 1 + counts.sum(-1).mean() * slopes.square() * variances
    return DocumentStart(shares.log(), directions, slopes, mean, components, spread, precision)


def _log_slopes(scores: Tensor, counts: Tensor, shares: Tensor) -> Tensor:
    """By how much each score raises the logarithm of each word's probability: ``(N, K), (N, V), (V,) -> (K, V)``."""
    lengths = counts.sum(-1, keepdim=True)
    surplus = scores.mT @ (counts - lengths * shares)
    return surplus / (PRIOR_WORDS + (scores.square().mT @ lengths) * shares)


def _orthonormal(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Orthonormal rows that sum to 0, each near one of those given, and how long it was along it: ``(K, V), (K,)``."""
    columns = (rows - rows.mean(-1, keepdim=True)).mT
    found, lengths = torch.linalg.qr(columns)
    lengths = lengths.diagonal()
    return (found * torch.ones_like(lengths).copysign(lengths)).mT, lengths.abs()
