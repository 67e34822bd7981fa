r"""A recurrent language model: the likelihood to beat, without any latent variable.

.. math:: p(x) = \prod_t Cat(x_t \mid \operatorname{softmax}(W s_t + b)), \qquad s_t = RNN(x_{<t})
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from ..estimators.declaration import with_parameters
from ..estimators.sequences import SequenceEstimator
from ..nn.posterior import diagonal_normal
from ..nn.sequences import PlainSequenceDecoder, RecurrentStates
from ..nn.sequences.start import DocumentStart

__all__ = ["LanguageModel"]


@with_parameters
class LanguageModel(SequenceEstimator):
    r"""The recurrent network of `SequentialVAE` by itself.

    .. math:: p(x) = \prod_t Cat(x_t \mid \operatorname{softmax}(W s_t + b))

    It has the questions of `SequentialVAE`, of which `score`, `perplexity` and `sample` say something: for its others
    there is one latent variable that nothing depends on, with its prior as posterior. So its score is exact.
    `n_components`, `encoder` and `kl_warmup` do nothing here and keep their defaults; `n_importance_samples` makes no
    difference, and `transform` gives one column of zeros.

    Attributes
    ----------
    vocabulary_, net_, interrupted_, converged_, n_iter_
        As in `LIDSVAE`.
    lower_bound_ : float
        The log-likelihood in nats that the last epoch attained, mean over the documents.

    References
    ----------
    Mikolov, Karafiat, Burget, Cernocky & Khudanpur, "Recurrent neural network based language model", Interspeech 2010.

    Examples
    --------
    >>> from sklid.baselines import LanguageModel
    >>> texts = [f"the {animal} sees the {thing} ." for animal in ("cat", "dog", "cow") for thing in ("sun", "sea")]
    >>> model = LanguageModel(hidden_size=16, embedding_size=8, learning_rate=1e-2, random_state=0).fit(texts * 20)
    >>> model.perplexity(texts) < 3
    True
    """

    def _divergence_weight(self) -> float:
        return 1.0

    def _check_objective(self) -> None:
        for name in ("n_components", "encoder", "kl_warmup"):
            value, default = getattr(self, name), getattr(type(self), name)
            if value != default:
                raise ValueError(f"A LanguageModel has no latent variable: leave {name}={value!r} at {default!r}.")

    def _number_of_latents(self, n_words: int) -> int:
        return 1

    def _states(self, n_words: int, n_components: int) -> RecurrentStates:
        return super()._states(n_words, 0)

    def _decoder(self, states: RecurrentStates, n_words: int) -> PlainSequenceDecoder:
        return PlainSequenceDecoder(states, n_words, self.hidden_size)

    def _posterior(self, n_words: int) -> "PriorAsPosterior":
        return PriorAsPosterior(self.n_components_)

    def _conclude(self, X: Any, x: Any, incremental: bool) -> None:
        """There is nothing to collapse."""


class PriorAsPosterior(nn.Module):
    """The standard normal, whatever is seen.

    Parameters
    ----------
    n_components : int
        K.
    """

    def __init__(self, n_components: int) -> None:
        super().__init__()
        self.n_components = n_components

    def forward(self, x: Tensor) -> Distribution:
        """The prior for each row: ``(*, T)`` to a distribution of batch shape ``(*,)``."""
        loc = x.new_zeros(*x.shape[:-1], self.n_components)
        return diagonal_normal(loc, torch.ones_like(loc))

    def initialise(self, start: DocumentStart) -> None:
        """Nothing to start."""

    def draw(self, q: Distribution, noise: Tensor) -> tuple[Tensor, Tensor]:
        """The noise itself, and its log-density."""
        return noise, q.log_prob(noise)
