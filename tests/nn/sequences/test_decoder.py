"""Decoders of documents are injective in the latent after every history, and see no word before it came."""

import pytest
import torch

from sklid.nn import helmert_basis
from sklid.nn.sequences import PADDING, PlainSequenceDecoder, RecurrentStates, SequenceBrenier, SequenceSection
from sklid.nn.sequences.brenier import contrasts, from_contrasts

V, K, H = 9, 2, 5


def section(r=1.5, maps=4, **told):
    return SequenceSection(RecurrentStates(V, K, 3, H), V, K, H, inverse_lipschitz=r, maps=maps, **told)


def brenier(r=1.5, **told):
    return SequenceBrenier(RecurrentStates(V, 0, 3, H), V, K, H, width=8, inverse_lipschitz=r, **told)


def plain():
    return PlainSequenceDecoder(RecurrentStates(V, K, 3, H), V, H)


def at_random(f, std=0.6):
    f = f.double()
    with torch.no_grad():
        for parameter in f.parameters():
            parameter.normal_(std=std)
    return f


INJECTIVE = {"section": section, "one map": lambda: section(maps=1), "brenier": brenier}


@pytest.mark.parametrize("name", INJECTIVE)
@pytest.mark.parametrize("std", [0.05, 0.6, 3.0])
def test_latents_move_logits_by_r_times_their_distance_after_every_history(name, std):
    f = at_random(INJECTIVE[name](), std)
    z, other, x = *torch.randn(2, 60, K, dtype=torch.float64), torch.randint(V, (60, 4)).double()
    moved = f(z, x) - f(other, x)
    moved = moved - moved.mean(-1, keepdim=True)  # what a constant does to logits it does not do to the distribution
    assert (moved.norm(dim=-1) >= 1.5 * (z - other).norm(dim=-1, keepdim=True) * (1 - 1e-9)).all()


@pytest.mark.parametrize("name", INJECTIVE)
def test_the_latent_is_found_in_the_logits_of_any_one_word_whatever_constant_is_added(name):
    f = at_random(INJECTIVE[name]())
    z, x = torch.randn(20, K, dtype=torch.float64), torch.randint(V, (20, 3)).double()
    logits = f(z, x)
    for t in range(3):
        found = f.inverse(logits[:, t] + torch.randn(20, 1, dtype=torch.float64), tol=1e-10)
        torch.testing.assert_close(found, z, atol=1e-6, rtol=0)


@pytest.mark.parametrize("make", [section, brenier, plain])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_logits_of_a_word_do_not_depend_on_it_or_on_what_follows(make, cell):
    f = at_random(make())
    z, x = torch.randn(1, K, dtype=torch.float64), torch.randint(V, (1, 5)).double()
    changed = x.clone()
    changed[:, 2:] = (changed[:, 2:] + 1) % V
    torch.testing.assert_close(f(z, changed)[:, :3], f(z, x)[:, :3])
    assert not torch.allclose(f(z, changed)[:, 3:], f(z, x)[:, 3:])


@pytest.mark.parametrize("make", [section, brenier, plain])
def test_padding_changes_nothing_before_it(make):
    f = at_random(make())
    z, x = torch.randn(1, K, dtype=torch.float64), torch.randint(V, (1, 5)).double()
    padded = torch.cat([x, torch.full((1, 3), float(PADDING), dtype=torch.float64)], dim=1)
    torch.testing.assert_close(f(z, padded)[:, :5], f(z, x))


def test_a_section_starts_at_the_shares_of_words_and_near_the_directions_that_it_is_given():
    f, log_shares = section(r=0.5).double(), torch.randn(V, dtype=torch.float64).log_softmax(-1)
    directions = torch.linalg.qr(torch.randn(V, K, dtype=torch.float64) - 0.0).Q.mT
    directions = torch.linalg.qr((directions - directions.mean(-1, keepdim=True)).mT).Q.mT
    with torch.no_grad():
        f.output.weight.zero_()
    f.initialise(log_shares, directions, torch.tensor([2.0, 1.0], dtype=torch.float64))
    nowhere = torch.zeros(1, K, dtype=torch.float64)
    x = torch.zeros(1, 1, dtype=torch.float64)
    torch.testing.assert_close(f(nowhere, x)[0, 0].log_softmax(-1), log_shares, atol=1e-6, rtol=0)
    slopes = torch.autograd.functional.jacobian(lambda z: f(z, x)[0, 0], nowhere)[:, 0]
    coordinates = directions @ slopes
    assert coordinates.diagonal().min() > 0.5
    assert (coordinates - coordinates.diagonal().diag()).abs().max() < 0.3 * coordinates.diagonal().min()


def test_contrasts_are_coordinates_in_the_basis_of_helmert():
    basis, eta = helmert_basis(V).double(), torch.randn(3, V - 1, dtype=torch.float64)
    torch.testing.assert_close(from_contrasts(eta), eta @ basis.mT)
    logits = torch.randn(3, V, dtype=torch.float64)
    torch.testing.assert_close(contrasts(logits), logits @ basis)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SequenceSection(RecurrentStates(3, 3, 2, 4), 3, 3, 4), "n_components=3 latents into the 2 natural"),
        (lambda: SequenceBrenier(RecurrentStates(6, 0, 2, 4), 6, 2, 4), "n_components=2 and hidden_size=4"),
    ],
)
def test_more_latents_than_words_tell_apart_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("maps", [1, 2])
def test_the_folded_decoder_of_the_paper_is_the_one_that_multiplies_everything_out(maps):
    f = at_random(brenier(maps=maps))
    z, states = torch.randn(4, K, dtype=torch.float64), torch.randn(4, 3, H, dtype=torch.float64)
    told = torch.cat([z.unsqueeze(1).expand(-1, 3, -1), states], dim=-1)
    torch.testing.assert_close(f.logits(z, states), f.map(told) @ helmert_basis(V).double().mT)
