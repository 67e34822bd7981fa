"""The prior on weights: its gradient is added in nats per row, in a fit, and the loss stays the negative bound."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris

from sklid import LIDVAE
from sklid.baselines import VAE
from sklid.nn import GaussianLikelihood, GaussianPosterior, LatentVariableModel, SectionDecoder, StandardNormal
from sklid.training.callbacks import WeightPrior

pytestmark = pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
SMALL = {"n_components": 2, "max_epochs": 2, "decoder_width": 8, "encoder_width": 8, "random_state": 0}


class Net:
    """What the callback asks of a net."""

    def __init__(self):
        parts = (SectionDecoder(1, 3, width=8), GaussianLikelihood(3), GaussianPosterior(3, 1, width=8))
        self.module_ = LatentVariableModel(StandardNormal(1), *parts)


def test_gradient_is_that_of_the_log_prior_over_the_rows():
    net, callback = Net(), WeightPrior()
    first = net.module_.decoder.network[0].weight
    first.grad = torch.ones_like(first)
    callback.on_epoch_begin(net, dataset_train=np.zeros((40, 3)))
    callback.on_grad_computed(net)
    (expected,) = torch.autograd.grad(-net.module_.log_prior() / 40, first)
    torch.testing.assert_close(first.grad, 1.0 + expected)


def test_rows_kept_for_validation_do_not_count():
    net = LIDVAE(early_stopping=True, validation_fraction=0.2, **SMALL).fit(load_iris().data).net_
    assert dict(net.callbacks_)["weight_prior"].n_rows_ == 120


@pytest.mark.parametrize("model", [VAE(**SMALL), LIDVAE(decoder="brenier", **SMALL)])
def test_other_decoders_have_no_prior(model):
    assert model.fit(load_iris().data).net_.module_.log_prior() is None


def test_batches_whose_number_is_not_known_have_no_prior():
    """A prior as strong for each batch as for a whole table would outweigh the rows of many."""
    X = load_iris().data
    assert "weight_prior" in dict(LIDVAE(**SMALL).fit(X).net_.callbacks_)
    assert "weight_prior" not in dict(LIDVAE(**SMALL).partial_fit(X).net_.callbacks_)
