r"""LIDSVAE: a sequential variational autoencoder whose latent is identifiable by construction.

.. math::
    z \sim N(0, I_K), \qquad p(x \mid z) = \prod_t Cat(x_t \mid \operatorname{softmax} \eta_t), \qquad
    \eta_t = \beta^\top g(z) + (I - \beta^\top \beta)(W s_t + b), \quad s_t = RNN(x_{<t}, z)

(Wang, Blei & Cunningham, NeurIPS 2021, example 2, whose g2(beta' g1([z, s_t])) is ``decoder="brenier"``.) After every
history z moves the logits of the next word by at least r times its own distance, so no strong network beside it makes
the likelihood independent of z.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array

from ..data.blocks import tensor_of
from ..nn import ACTIVATIONS
from ..nn.sequences import RecurrentStates, SequenceBrenier, SequenceDecoder, SequenceSection
from ..surroundings import without_gradients
from ..validation import POSITIVE_INTEGER, POSITIVE_REAL, StrOptions
from .declaration import parameter, with_parameters
from .objective import DivergenceWeight
from .sequences import SequenceEstimator

__all__ = ["LIDSVAE"]


@with_parameters
class LIDSVAE(DivergenceWeight, SequenceEstimator):
    r"""Latent-identifiable sequential variational autoencoder: embeddings of documents that cannot collapse.

    .. math:: z \sim N(0, I_K), \qquad p(x \mid z) = \prod_t Cat(x_t \mid \operatorname{softmax} \eta_t(z, x_{<t})),
        \qquad |\eta_t(z) - \eta_t(z')| \ge r |z - z'|

    Attributes
    ----------
    vocabulary_ : list of str, or of int
        The words, most common first.
    n_components_ : int
    inverse_lipschitz_ : float
        The constant r of the fitted decoder, in logits of a word for a standard deviation of z.
    net_ : BoundNet
        The skorch net: ``net_.history``, ``net_.module_``, a `sklid.nn.sequences.SequenceModel`.
    interrupted_ : bool
        Whether the last fit ended with Ctrl-C.
    converged_ : bool
        Whether the last fit ran to its end.
    n_iter_ : int
        Epochs of training.
    lower_bound_ : float
        What the last epoch attained: the evidence lower bound in nats, mean over the documents.

    See Also
    --------
    sklid.baselines.SequentialVAE : The same model with an unconstrained decoder.

    References
    ----------
    Wang, Blei & Cunningham, NeurIPS 2021, example 2. Bowman et al., "Generating Sentences from a Continuous Space",
    CoNLL 2016, for the model.

    Examples
    --------
    >>> from sklid import LIDSVAE
    >>> texts = [f"the {animal} sees the {thing} ." for animal in ("cat", "dog", "cow") for thing in ("sun", "sea")]
    >>> model = LIDSVAE(n_components=2, hidden_size=16, embedding_size=8, max_epochs=20, random_state=0).fit(texts * 20)
    >>> model.transform(["the cat sees the sea ."]).shape
    (1, 2)
    >>> len(model.vocabulary_)
    8
    """

    decoder: str = parameter(
        default="section",
        kind='{"section", "brenier"}',
        text='"section" has Brenier maps in the plane of beta and any network off it: see '
        '`sklid.nn.sequences.SequenceSection`. "brenier" is the g2(beta\' g1([z, s])) of the paper, with the same '
        "constant and fewer states than words.",
        constraint=[StrOptions({"section", "brenier"})],
        shapes_model=True,
    )
    inverse_lipschitz: float = parameter(
        default=1.0,
        kind="float",
        text="The constant r > 0, in logits of a word for a standard deviation of z.",
        constraint=POSITIVE_REAL,
        shapes_model=True,
    )
    activation: str = parameter(
        default="squareplus",
        kind='{"squareplus", "softplus", "leaky_relu"}',
        text="Of the convex potentials.",
        constraint=[StrOptions(set(ACTIVATIONS))],
        shapes_model=True,
    )
    maps: int | None = parameter(
        default=None,
        kind="int",
        text='Number of Brenier maps. None takes 4, or with decoder="brenier" 2, the paper\'s g1 and g2, which are all '
        "it can have.",
        constraint=[None, *POSITIVE_INTEGER],
        shapes_model=True,
    )

    @property
    def inverse_lipschitz_(self) -> float:
        return self._trained().module_.decoder.inverse_lipschitz

    @property
    def mutual_information_lower_bound_(self) -> float:
        self._trained()
        return float("nan")

    @property
    def mutual_information_lower_bound_reason_(self) -> str:
        self._trained()
        return "words have probabilities that vanish at extreme logits, so an injective decoder gives no floor"

    @without_gradients()
    def invert(self, logits: ArrayLike, tol: float = 1e-5, max_iter: int = 100) -> NDArray[np.float64]:
        """The latent of the logits of any one word, whatever words came before: the exact left inverse of the decoder.

        Parameters
        ----------
        logits : array-like of shape (n_samples, n_words)
            As the decoder gives them, or log-probabilities: a constant makes no difference. The end of a document is
            the first of `n_words`, unknown words the second, and the words of `vocabulary_` follow.
        tol : float, default=1e-5
            Largest error of a map.
        max_iter : int, default=100
            Steps of Newton's method for each.

        Returns
        -------
        Z : float64 array of shape (n_samples, n_components)

        Raises
        ------
        sklid.nn.InversionError
            If a map misses `tol`.
        ValueError
            If there are not as many logits as words.
        """
        inference = self._inference(np.float64)
        values = check_array(logits, dtype=np.float64, input_name="logits")
        n_words = len(self._table.vocabulary)
        if values.shape[1] != n_words:
            raise ValueError(f"logits have {values.shape[1]} columns, and there are {n_words} words with the end.")
        found = inference.model.decoder.inverse(tensor_of(values).to(inference.device), tol, max_iter)
        return found.cpu().numpy()

    def _decoder(self, states: RecurrentStates, n_words: int) -> SequenceDecoder:
        sizes = (n_words, self.n_components_, self.hidden_size)
        told: dict[str, Any] = {"inverse_lipschitz": self.inverse_lipschitz, "activation": self.activation}
        if self.decoder == "section":
            return SequenceSection(states, *sizes, maps=4 if self.maps is None else self.maps, **told)
        if self.maps not in (None, 1, 2):
            raise ValueError(
                f'maps={self.maps} is more than the g1 and g2 of decoder="brenier"; use 1 or 2, or decoder="section".'
            )
        alone = self._states(n_words, 0)
        return SequenceBrenier(alone, *sizes, maps=2 if self.maps is None else self.maps, **told)
