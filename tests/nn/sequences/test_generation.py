"""Documents that are generated are those that the model gives probability to."""

import itertools
import math

import pytest
import torch

from sklid.nn.sequences import END, PADDING, UNKNOWN, RecurrentStates, SequenceSection, TokenSequences
from sklid.nn.sequences.generation import drawn, most_probable

V, K, H = 4, 2, 6


def decoder(cell="lstm"):
    f = SequenceSection(RecurrentStates(V, K, 3, H, cell), V, K, H).double()
    with torch.no_grad():
        for parameter in f.parameters():
            parameter.normal_(std=0.7)
    return f


def log_prob(f, z, row):
    x = torch.tensor([row], dtype=torch.float64)
    return TokenSequences(f(z, x)).log_prob(x).item()


def all_documents(n_most):
    """Every document of words 2 and 3, ended within so many words or cut off."""
    for length in range(n_most):
        yield from ([*words, END] for words in itertools.product(range(2, V), repeat=length))
    yield from map(list, itertools.product(range(2, V), repeat=n_most))


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_beam_as_wide_as_there_are_documents_finds_the_most_probable_one(cell):
    f, z = decoder(cell), torch.randn(3, K, dtype=torch.float64)
    for row, found in zip(z, most_probable(f, z, 3, beam_size=200), strict=True):
        best = max(all_documents(3), key=lambda words: log_prob_known(f, row[None], words))
        assert [int(word) for word in found if word != PADDING] == best


def log_prob_known(f, z, words):
    """Log-probability where unknown words have none."""
    x = torch.tensor([words], dtype=torch.float64)
    logits = f(z, x)
    logits[..., UNKNOWN] = -math.inf
    return TokenSequences(logits).log_prob(x).item()


def test_each_word_of_a_greedy_search_is_the_most_probable_after_those_before():
    f, z = decoder(), torch.randn(5, K, dtype=torch.float64)
    rows = most_probable(f, z, 6)
    logits = f(z, rows)
    logits[..., UNKNOWN] = -math.inf
    kept = rows != PADDING
    assert torch.equal(logits.argmax(-1)[kept], rows[kept].long())
    assert all(END not in row[:-1] or (row[row.tolist().index(END) + 1 :] == PADDING).all() for row in rows)


def test_documents_are_drawn_as_often_as_the_model_has_them():
    f, z = decoder(), torch.randn(1, K, dtype=torch.float64)
    n = 4000
    rows = drawn(f, z.expand(n, -1), 2)
    for words in ([END], [2, END], [3, 2], [UNKNOWN, END]):
        row = torch.tensor(words + [PADDING] * (rows.shape[1] - len(words)), dtype=torch.float64)
        share = (rows == row).all(-1).double().mean().item()
        expected = math.exp(log_prob(f, z, words))
        assert share == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / n))


def test_at_a_low_temperature_draws_are_the_most_probable_words():
    f, z = decoder(), torch.randn(4, K, dtype=torch.float64)
    cold = drawn(f, z, 5, temperature=1e-6)
    logits = f(z, cold)
    kept = cold != PADDING
    assert torch.equal(logits.argmax(-1)[kept], cold[kept].long())
