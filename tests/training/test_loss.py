"""The loss: the mean of an objective over rows, whatever the objective is."""

import numpy as np
import pytest
import torch

from sklid.baselines import VAE
from sklid.nn import Bound
from sklid.training import NegativeBound

BOUND = Bound(torch.tensor([-3.0, -5.0]), torch.tensor([[0.5, 0.5], [1.5, 0.5]]))


def free_bits(bound, kl_weight):
    """The bound with at least half a nat allowed to each latent (Kingma et al. 2016, equation 15)."""
    return bound.reconstruction - kl_weight * bound.divergences.mean(0).clamp_min(0.5).sum()


def test_loss_is_the_negative_bound_with_the_weighted_divergence():
    assert NegativeBound(0.5)(BOUND).item() == pytest.approx(4.75)


def test_warm_up_lowers_the_weight_in_training_only():
    criterion, bound = NegativeBound(1.0), Bound(torch.zeros(1), torch.ones(1, 1))
    criterion.warmup_factor = 0.25
    assert criterion.train()(bound).item() == 0.25
    assert criterion.eval()(bound).item() == 1.0


def test_objective_that_is_handed_in_sees_the_divergence_of_each_latent():
    assert NegativeBound(2.0, free_bits)(BOUND).item() == pytest.approx(4.0 + 2.0 * (1.0 + 0.5))


class FreeBitsVAE(VAE):
    def _objective(self):
        return free_bits


@pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
def test_estimator_with_another_objective_keeps_the_divergence_that_it_is_given():
    """On white noise the bound alone drives every divergence to zero."""
    X = np.random.default_rng(0).standard_normal((500, 5))
    sizes = {"n_components": 2, "max_epochs": 60, "decoder_width": 16, "encoder_width": 16, "random_state": 0}
    plain, free = (Estimator(**sizes).fit(X).net_.history[-1, "kl"] for Estimator in (VAE, FreeBitsVAE))
    assert plain < 0.2
    assert free > 0.8
