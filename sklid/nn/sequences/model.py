r"""A latent-variable model of documents.

.. math:: z \sim N(0, I_K), \qquad p(x \mid z) = \prod_t Cat(x_t \mid \operatorname{softmax} \eta_t(z, x_{<t}))

(Bowman et al., "Generating Sentences from a Continuous Space", CoNLL 2016; Wang, Blei & Cunningham, NeurIPS 2021,
example 2.)
"""

from typing import Any

import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution, constraints, register_kl
from torch.nn import functional as F

from ..likelihoods.base import Likelihood
from ..model import LatentVariableModel
from ..objective import Bound
from ..prior import Prior
from .decoder import SequenceDecoder
from .posterior import DocumentPosterior
from .start import start_of
from .tokens import PADDING, is_token, trimmed

__all__ = ["SequenceModel", "TokenLikelihood", "TokenSequences"]


class TokenSequences(Distribution):
    """Documents word by word, each word given those before, by their logits ``(*, T, V)``.

    The logits are those after the words of one document, so it is the density of that document which is meant, and
    draws and divergences are those of each word after its words. Padding counts for nothing.

    Parameters
    ----------
    logits : Tensor of shape (*, T, V)
    places : bool Tensor of shape (*, T), optional
        Which of them hold words; all by default.
    """

    arg_constraints = {"logits": constraints.independent(constraints.real, 2)}
    support = constraints.independent(constraints.real, 1)

    def __init__(self, logits: Tensor, places: Tensor | None = None) -> None:
        self.logits = logits
        self.places = torch.ones_like(logits[..., 0], dtype=torch.bool) if places is None else places
        super().__init__(logits.shape[:-2], logits.shape[-2:-1], validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-probability of documents in nats: ``(*, T) -> (*,)``; those longer than the logits end in padding."""
        length = self.logits.shape[-2]
        words = value[..., :length].expand(*self.batch_shape, length).long()
        losses = F.cross_entropy(self.logits.flatten(0, -2), words.flatten(), ignore_index=PADDING, reduction="none")
        return -losses.reshape(words.shape).sum(-1)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Each word drawn after the words of the document: ``(*sample_shape, *, T)``."""
        words = Categorical(logits=self.logits, validate_args=False).sample(torch.Size(sample_shape))
        return words.masked_fill(~self.places, PADDING).to(self.logits.dtype)


@register_kl(TokenSequences, TokenSequences)
def _kl_of_sequences(p: TokenSequences, q: TokenSequences) -> Tensor:
    """Divergence of the words of documents, summed over places: of batch shape ``(*,)``."""
    log_p, log_q = p.logits.log_softmax(-1), q.logits.log_softmax(-1)
    return ((log_p.exp() * (log_p - log_q)).sum(-1) * p.places).sum(-1)


class TokenLikelihood(Likelihood):
    """Words of a vocabulary, each of V - 1 natural parameters after every history.

    Parameters
    ----------
    n_words : int
        V, with the end of a document and unknown words.
    """

    name = "words"
    by_column = False

    def __init__(self, n_words: int) -> None:
        super().__init__(n_words)
        self.n_parameters = n_words - 1

    def distribution(self, eta: Tensor) -> TokenSequences:
        return TokenSequences(eta)


class SequenceModel(LatentVariableModel):
    """Prior, decoder of documents and posterior of documents.

    Parameters
    ----------
    prior : nn.Module
    decoder : SequenceDecoder
    posterior : DocumentPosterior
    n_words : int
        V.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn import StandardNormal
    >>> from sklid.nn.sequences import DocumentPosterior, RecurrentStates, SequenceModel, SequenceSection
    >>> _ = torch.manual_seed(0)
    >>> decoder = SequenceSection(RecurrentStates(6, 2, 4, 8), n_words=6, n_components=2, hidden_size=8)
    >>> model = SequenceModel(StandardNormal(2), decoder, DocumentPosterior(6, 2), 6)
    >>> x = torch.tensor([[3.0, 2.0, 0.0], [5.0, 0.0, -1.0]])
    >>> model(x).elbo().shape
    torch.Size([2])
    """

    decoder: SequenceDecoder  # type: ignore[assignment]
    tolerance = 2.0  # of a guard: words that are far less probable than by their shares show a training that diverged

    def __init__(self, prior: Prior, decoder: SequenceDecoder, posterior: DocumentPosterior, n_words: int) -> None:
        super().__init__(prior, decoder, TokenLikelihood(n_words), posterior)  # type: ignore[arg-type]
        self.n_words = n_words

    def forward(self, x: Tensor, noise: Tensor | None = None, seen: Tensor | None = None) -> Bound:
        """The evidence lower bound of each document ``(*, T)``; padding that all share is cut off first."""
        return super().forward(trimmed(x), noise, seen)

    def numbers_per_row(self, n_features: int) -> int:
        """The logits of the words of a document, and a few of their kind."""
        return 4 * n_features * self.n_words

    def seen(self, x: Tensor) -> Tensor:
        """The encoder sees the words."""
        return x

    def given(self, x: Tensor) -> Tensor:
        """Each word is given those before."""
        return x

    def natural_parameters(self, z: Tensor, given: Tensor | None = None) -> Tensor:
        """Logits of each word given those before: ``(*, K), (*, T) -> (*, T, V)``.

        Raises
        ------
        ValueError
            Without words.
        """
        if given is None:
            raise ValueError("Words have a distribution given those before: pass the documents as `given`.")
        x = trimmed(given)
        x = x.expand(*z.shape[:-1], x.shape[-1])
        logits = self.decoder(z.flatten(0, -2), x.flatten(0, -2))
        return logits.unflatten(0, z.shape[:-1])

    def decode(self, z: Tensor, given: Tensor | None = None) -> TokenSequences:
        """Each word of documents given those before: ``(*, K), (*, T)`` to a distribution of batch shape ``(*,)``."""
        logits = self.natural_parameters(z, given)
        return TokenSequences(logits, is_token(trimmed(given)).expand(logits.shape[:-1]))  # type: ignore[arg-type]

    @torch.no_grad()
    def initialise(self, x: Tensor) -> None:
        """Initialise at the principal components of documents ``(N, T)``, and at the words that each makes likely."""
        start = start_of(x, self.n_words, self.prior.n_components)
        self.decoder.initialise(start.log_shares, start.directions, start.slopes)
        self.posterior.initialise(start)  # type: ignore[call-arg, arg-type]
