"""The bound of a document is exact, alone or padded beside longer ones."""

import pytest
import torch
from torch.distributions import Categorical

from sklid.nn import StandardNormal
from sklid.nn.sequences import (
    PADDING,
    DocumentPosterior,
    PlainSequenceDecoder,
    RecurrentStates,
    SequenceModel,
    SequenceSection,
    TokenSequences,
    bag_of_words,
)

V, K, H = 7, 2, 5
X = torch.tensor(
    [[3.0, 2, 0, -1, -1], [2, 2, 5, 6, 0], [0, -1, -1, -1, -1], [6, 4, 0, -1, -1]], dtype=torch.float64
)  # fmt: skip


def made(decoder="section", bag=True, reader=True):
    states = RecurrentStates(V, K, 3, H)
    f = SequenceSection(states, V, K, H) if decoder == "section" else PlainSequenceDecoder(states, V, H)
    posterior = DocumentPosterior(V, K, bag, RecurrentStates(V, 0, 3, H) if reader else None, H, width=4)
    return SequenceModel(StandardNormal(K), f, posterior, V).double()


@pytest.mark.parametrize("decoder", ["section", "plain"])
@pytest.mark.parametrize(("bag", "reader"), [(True, False), (False, True), (True, True)])
def test_documents_have_the_same_bound_padded_beside_others_as_alone(decoder, bag, reader):
    model, noise = made(decoder, bag, reader), torch.randn(3, len(X), K, dtype=torch.float64)
    together = model.log_weights(X, noise)
    alone = [model.log_weights(row[row != PADDING][None], noise[:, i : i + 1]) for i, row in enumerate(X)]
    torch.testing.assert_close(together, torch.cat(alone, dim=1))
    bounds = model(X, noise).elbo()
    torch.testing.assert_close(bounds, torch.cat([model(X[i : i + 1], noise[:, i : i + 1]).elbo() for i in range(4)]))


def test_the_log_probability_of_a_document_is_the_sum_of_those_of_its_words():
    logits = torch.randn(2, len(X), 5, V, dtype=torch.float64)
    found = TokenSequences(logits).log_prob(X)
    expected = Categorical(logits=logits).log_prob(X.clamp_min(0)).masked_fill(X == PADDING, 0.0).sum(-1)
    torch.testing.assert_close(found, expected)


def test_a_bag_of_words_counts_words_and_no_padding():
    expected = torch.tensor([[1.0, 0, 1, 1, 0, 0, 0], [1, 0, 2, 0, 0, 1, 1]], dtype=torch.float64)
    torch.testing.assert_close(bag_of_words(X[:2], V), expected)


def test_a_decoder_asked_for_words_without_those_before_says_what_it_needs():
    with pytest.raises(ValueError, match="pass the documents as `given`"):
        made().decode(torch.zeros(1, K, dtype=torch.float64))


def test_a_posterior_that_sees_nothing_is_refused():
    with pytest.raises(ValueError, match="sees their bags of words, reads them, or both"):
        DocumentPosterior(V, K, bag=False)
