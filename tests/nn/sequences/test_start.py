"""A model of documents starts where its latents already say something about words."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch.distributions import Categorical

from sklid.nn import StandardNormal
from sklid.nn.sequences import DocumentPosterior, RecurrentStates, SequenceModel, SequenceSection, bag_of_words
from sklid.nn.sequences.start import start_of

V, K, H, N = 12, 2, 4, 4_000


@pytest.fixture
def loadings():
    """By how much each of two latents moves the logits of the words."""
    found = torch.randn(K, V, dtype=torch.float64)
    return 0.4 * (found - found.mean(-1, keepdim=True))


@pytest.fixture
def documents(loadings):
    """Words that two latents make likely, without any order."""
    z = torch.randn(N, K, dtype=torch.float64)
    return Categorical(logits=z @ loadings).sample((20,)).T.double()


def made():
    decoder = SequenceSection(RecurrentStates(V, K, 3, H), V, K, H, inverse_lipschitz=0.01)
    return SequenceModel(StandardNormal(K), decoder, DocumentPosterior(V, K), V).double()


def test_directions_span_those_that_the_documents_differ_in(documents, loadings):
    found = start_of(documents, V, K).directions
    torch.testing.assert_close(found @ found.mT, torch.eye(K, dtype=torch.float64))
    assert found.sum(-1).abs().max() < 1e-10
    cosines = torch.linalg.svdvals(torch.linalg.qr(loadings.mT).Q.mT @ found.mT)
    assert cosines.min() > 0.97


def test_slopes_are_those_of_the_documents(documents, loadings):
    found = start_of(documents, V, K).slopes
    expected = torch.linalg.svdvals(loadings)
    assert found.sort(descending=True).values.numpy() == pytest.approx(expected.numpy(), rel=0.25)


def test_the_encoder_starts_at_the_principal_components_and_adds_up_to_the_prior(documents):
    model = made()
    model.initialise(documents)
    q = model.encode(documents)
    scores = PCA(K).fit_transform(torch.log1p(bag_of_words(documents, V)).numpy())
    correlations = np.corrcoef(q.mean.detach().numpy().T, scores.T)[:K, K:]
    assert np.abs(np.diagonal(correlations)) == pytest.approx(1.0, abs=1e-3)
    total = q.mean.var(0) + q.variance.mean(0)
    torch.testing.assert_close(total, torch.ones_like(total), atol=0.01, rtol=0)


def test_components_that_no_documents_differ_in_say_nothing(documents):
    """Else a word that the others always go with would be taken for thousands of standard deviations."""
    few = documents[:20].float()
    start = start_of(few, V, V - 1)
    bags = torch.log1p(bag_of_words(few, V))
    spread = ((bags - start.mean) @ start.components.mT).std(0, correction=0)
    still = spread < 1e-4
    same = start_of(few[:1].expand(20, -1), V, K)
    assert torch.isinf(start.spread).equal(still)
    assert torch.isinf(same.spread).all()
    assert torch.isfinite(same.slopes).all()


def test_the_model_explains_documents_better_by_their_latents_from_the_start(documents):
    model = made()
    model.initialise(documents)
    with torch.no_grad():
        told, untold = (
            model.decode(z, documents).log_prob(documents).mean()
            for z in (model.encode(documents).mean, torch.zeros(N, K, dtype=torch.float64))
        )
    assert told > untold + 1


def test_more_latents_than_the_documents_differ_in_are_still_orthonormal():
    start = start_of(torch.tensor([[2.0, 3, 0]] * 5), V, 6)
    torch.testing.assert_close(start.directions @ start.directions.mT, torch.eye(6), atol=1e-5, rtol=0)
    assert all(values.isfinite().all() for name, values in start._asdict().items() if name != "spread")
    assert not start.spread.isnan().any()
    with pytest.raises(ValueError, match="n_components=13 latents are more than the 12 words"):
        start_of(torch.tensor([[2.0, 3, 0]] * 5), V, V + 1)
