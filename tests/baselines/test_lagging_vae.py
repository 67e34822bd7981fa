"""An encoder that is trained ahead of its decoder."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from skorch.dataset import ValidSplit

from sklid.baselines import VAE, LaggingVAE
from sklid.metrics import amortization_gap
from sklid.nn import GaussianLikelihood, GaussianPosterior, LatentVariableModel, PlainDecoder, StandardNormal
from sklid.training import BoundNet
from sklid.training.aggressive import AggressiveEncoder, encoder_is_ahead

DIGITS = load_digits().data
SMALL = {"n_components": 3, "encoder_width": 16, "decoder_width": 16, "random_state": 0}


def net_of(step, **options):
    model = LatentVariableModel(
        StandardNormal(2), PlainDecoder(2, 4, width=8), GaussianLikelihood(4), GaussianPosterior(4, 2, width=8)
    )
    held = {"train_split": ValidSplit(0.2, random_state=0), "batch_size": 20, "verbose": 0}
    return BoundNet(model, step=step, callbacks=[step], **{**held, **options})


def weights_of(module):
    return torch.cat([weight.detach().flatten().clone() for weight in module.parameters()])


def test_encoder_is_ahead_until_information_no_longer_grows_and_never_again():
    told = iter([1.0, 2.0, 1.5])  # a fourth question would end in StopIteration
    net = net_of(AggressiveEncoder(3, lambda module, rows: next(told)), max_epochs=5).fit(torch.randn(60, 4))
    assert net.history[:, "encoder_ahead"] == [True, True, False, False, False]
    assert net.history[:3, "information"] == [1.0, 2.0, 1.5]


def test_a_later_training_goes_on_where_the_history_ends():
    step = AggressiveEncoder(2, lambda module, rows: 1.0)
    net = net_of(step, max_epochs=3).fit(torch.randn(60, 4))
    assert net.history[:, "encoder_ahead"] == [True, False, False]
    net.partial_fit(torch.randn(60, 4))
    assert net.history[:, "encoder_ahead"] == [True, False, False] + [False] * 3
    assert encoder_is_ahead(net.history) is False
    assert encoder_is_ahead([]) is True


def test_an_encoder_stays_ahead_while_no_rows_are_held_out_to_measure():
    net = net_of(AggressiveEncoder(2, lambda module, rows: 0.0), max_epochs=3, train_split=None)
    assert net.fit(torch.randn(60, 4)).history[:, "encoder_ahead"] == [True, True, True]
    model = LaggingVAE(max_encoder_steps=2, **SMALL).partial_fit(DIGITS[:200])
    assert model.partial_fit(DIGITS[:1]).encoder_ahead_


def test_steps_ahead_move_the_encoder_alone_and_the_step_after_them_the_decoder_alone():
    """At most so many of the first, and each with the gradient of its batch."""
    moved = []

    class Watched(AggressiveEncoder):
        def _encoder_step(self, net, rows, others):
            parts = (net.module_.decoder, net.module_.posterior)
            before = [weights_of(part) for part in parts]
            loss = super()._encoder_step(net, rows, others)
            moved.append([not torch.equal(weights_of(part), each) for part, each in zip(parts, before, strict=True)])
            return loss

        def __call__(self, net, batch):
            self.before = weights_of(net.module_.decoder)
            step = super().__call__(net, batch)
            assert torch.equal(weights_of(net.module_.decoder), self.before)
            assert all(weight.grad is None for weight in net.module_.posterior.parameters())
            assert all(weight.grad is not None for weight in net.module_.decoder.parameters())
            return step

    net_of(Watched(7, lambda module, rows: 1.0), max_epochs=1).fit(torch.randn(60, 4))
    assert moved == [[False, True]] * 7 * 3


def test_information_is_measured_on_rows_that_no_step_uses():
    seen, measured = [], []

    class Watched(AggressiveEncoder):
        def _encoder_step(self, net, rows, others):
            seen.append(rows)
            return super()._encoder_step(net, rows, others)

        def __call__(self, net, batch):
            seen.append(batch[0])
            return super().__call__(net, batch)

    step = Watched(3, lambda module, rows: float(measured.append(rows) or len(measured)))
    from skorch.dataset import ValidSplit

    net_of(step, max_epochs=2, train_split=ValidSplit(0.25, random_state=0)).fit(torch.randn(80, 4))
    rows = {tuple(row.tolist()) for row in torch.cat(seen)}
    assert len(rows) == 60
    assert len(measured) == 2
    assert all(tuple(row.tolist()) not in rows for batch in measured for row in batch)
    assert len(measured[0]) == 20


@pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
def test_inference_lags_less_behind_the_model():
    """The paper's finding: after as many steps of the decoder the posterior is nearer to the exact one."""
    gaps = {}
    for model in (VAE(max_epochs=4, **SMALL), LaggingVAE(max_epochs=4, **SMALL)):
        gaps[type(model)] = amortization_gap(model.fit(DIGITS), DIGITS[:200]).value
    assert gaps[LaggingVAE] < 0.7 * gaps[VAE]


@pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
def test_estimator_says_what_became_of_it():
    model = LaggingVAE(max_epochs=10, max_encoder_steps=10, **SMALL).fit(DIGITS[:300])
    ahead = model.net_.history[:, "encoder_ahead"]
    assert model.encoder_ahead_ is ahead[-1]
    assert ahead == sorted(ahead, reverse=True)
    measured = [epoch["information"] for epoch in model.net_.history if "information" in epoch]
    assert all(np.diff(measured[: ahead.count(True)]) > 0)
    with pytest.raises(ValueError, match="max_encoder_steps"):
        LaggingVAE(max_encoder_steps=0).fit(DIGITS)


@pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
def test_partial_fit_trains_ahead_on_the_rows_at_hand():
    model = LaggingVAE(max_encoder_steps=5, **SMALL)
    for part in np.array_split(DIGITS[:300], 3):
        model.partial_fit(part)
    assert len(model.net_.history) == 3
    assert model.net_.history[:, "encoder_ahead"] == [True] * 3
