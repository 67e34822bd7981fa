"""The skorch net: its loss, its batches, and what happens when training goes wrong or is stopped."""

import pickle
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from skorch import NeuralNet
from skorch.callbacks import Callback, EarlyStopping, LRScheduler
from skorch.dataset import Dataset, ValidSplit

from sklid.callbacks import CollapseMonitor
from sklid.metrics import active_units
from sklid.nn import (
    GaussianLikelihood,
    GaussianPosterior,
    InjectiveDecoder,
    LatentVariableModel,
    RandomShift,
    StandardNormal,
)
from sklid.training import BatchIterator, BoundNet
from sklid.training.callbacks import GRADIENT_CLIP, GradientClip, training_callbacks
from sklid.training.guard import DivergedError

X = torch.randn(100, 3, generator=torch.Generator().manual_seed(0))


def model():
    return LatentVariableModel(
        StandardNormal(1), InjectiveDecoder(1, 3, width=8), GaussianLikelihood(3), GaussianPosterior(3, 1, width=8)
    )


def net_of(module=None, **kwargs):
    return BoundNet(module or model(), **{"max_epochs": 3, "batch_size": 32, "verbose": 0, **kwargs})


def test_warm_up_rises_linearly_over_its_fraction_of_the_steps():
    weights = []

    class Record(Callback):
        def on_batch_end(self, net, **kwargs):
            weights.append(net.criterion_.warmup_factor)

    net_of(callbacks=[*training_callbacks(n_steps=12, kl_warmup=0.5), Record()]).fit(X)
    np.testing.assert_allclose(weights, [*np.arange(6) / 6, *np.ones(6)])


def test_batches_are_all_rows_once_in_an_order_that_changes():
    iterator = BatchIterator(Dataset(X), 32, shuffle=True)
    one, other = (torch.cat([x for x, _ in iterator]) for _ in range(2))
    assert len(iterator) == 4
    assert not torch.equal(one, other)
    assert torch.equal(one.sort(0).values, X.sort(0).values)


def test_batches_of_a_subset_are_its_rows_in_order():
    subset = torch.utils.data.Subset(Dataset(X), np.array([5, 1, 7]))
    ((batch, _),) = BatchIterator(subset, 32)
    assert torch.equal(batch, X[[5, 1, 7]])


def test_schedule_ends_at_zero():
    rates = []

    class Record(Callback):
        def on_batch_end(self, net, **kwargs):
            rates.append(net.optimizer_.param_groups[0]["lr"])

    net_of(lr=0.01, callbacks=[Record(), *training_callbacks(n_steps=12)]).fit(X)
    expected = 0.005 * (1 + np.cos(np.pi * np.arange(12) / 12))
    np.testing.assert_allclose(rates, expected, atol=1e-12)


def test_early_stopping_improves_on_negative_losses_and_restores_the_best():
    """skorch's relative threshold counts a fall from -10 to -11 as none; the absolute one does not."""
    losses = iter([-10.0, -11.0, -12.0, -11.5, -11.5, -11.5])
    weights = []

    class Scripted(Callback):
        def on_epoch_end(self, net, **kwargs):
            net.history.record("valid_loss", next(losses))
            weights.append(net.module_.likelihood.log_noise.item())

    stop = dict(training_callbacks(n_steps=1000, patience=2, tol=0.1))["early_stopping"]
    net = net_of(
        max_epochs=6, callbacks=[("scripted", Scripted()), ("stop", stop)], train_split=ValidSplit(0.2, random_state=0)
    ).fit(X)
    assert len(net.history) == 5
    assert net.module_.likelihood.log_noise.item() == weights[2]
    assert not net.interrupted_


def test_ctrl_c_is_told_from_early_stopping():
    class Interrupt(Callback):
        def on_epoch_end(self, net, **kwargs):
            raise KeyboardInterrupt

    net = net_of(callbacks=[Interrupt(), EarlyStopping(patience=5)], train_split=ValidSplit(0.2, random_state=0)).fit(X)
    assert net.interrupted_


class Break(Callback):
    """Makes a weight NaN after an epoch, as often as told."""

    def __init__(self, times):
        self.times = times

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) % 3 == 2 and self.times > 0:
            self.times -= 1
            net.module_.likelihood.log_noise.data.fill_(torch.nan)


def test_non_finite_loss_is_retried_once_at_a_tenth_of_the_rate():
    net = net_of(lr=0.01, callbacks=[Break(1), *training_callbacks(n_steps=12)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.fit(X)
    assert net.lr == pytest.approx(0.001)
    assert torch.isfinite(net.module_(X).elbo()).all()


def test_second_non_finite_loss_keeps_the_best_weights_and_warns():
    with pytest.warns(ConvergenceWarning, match="lower learning_rate"):
        net = net_of(callbacks=[Break(2), *training_callbacks(n_steps=12)]).fit(X)
    assert torch.isfinite(net.module_(X).elbo()).all()


def test_progress_bars_of_failed_trainings_are_closed_and_the_net_pickles():
    with pytest.warns(ConvergenceWarning):
        net = net_of(callbacks=[Break(2), *training_callbacks(progress="fit")]).fit(X)
    assert dict(net.callbacks_)["bar"].bar_ is None
    pickle.loads(pickle.dumps(net))


def test_weights_broken_by_the_last_step_are_noticed():
    class BreakAtTheEnd(Callback):
        def on_epoch_end(self, net, **kwargs):
            if net.lr == 0.01 and len(net.history) == 3:
                net.module_.likelihood.log_noise.data.fill_(torch.nan)

    net = net_of(lr=0.01, callbacks=[BreakAtTheEnd()]).fit(X)
    assert torch.isfinite(net.module_(X).elbo()).all()


@pytest.mark.parametrize("keep_optimizer", [False, True])
def test_pickle_carries_the_optimiser_only_when_asked(keep_optimizer):
    net = net_of(keep_optimizer=keep_optimizer).fit(X)
    loaded = pickle.loads(pickle.dumps(net))
    assert bool(loaded.optimizer_.state) == keep_optimizer
    assert loaded.history[:, "train_loss"] == net.history[:, "train_loss"]


def test_history_keeps_epochs_and_drops_batches():
    net = net_of().fit(X)
    assert len(net.history) == 3
    assert all(epoch["batches"] == [] for epoch in net.history)


def test_resumed_net_starts_again_at_its_own_learning_rate():
    first = net_of(lr=0.01, callbacks=training_callbacks(n_steps=12)).fit(X)
    second = net_of(first.module_, lr=0.02, callbacks=training_callbacks(n_steps=12)).initialize().resume(first)
    assert second.optimizer_.param_groups[0]["lr"] == 0.02
    second.partial_fit(X)
    assert len(second.history) == 6


@pytest.mark.parametrize("augmentation", [None, RandomShift((1, 1, 3))])
def test_compiled_training_gives_the_same_weights_and_a_pickle(augmentation):
    def fit(compile):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            module = model()
            module.augmentation = augmentation
            return net_of(module, compile=compile, compile__backend="aot_eager", max_epochs=1).fit(X)

    plain, compiled = fit(False), fit(True)
    assert pickle.loads(pickle.dumps(compiled)).module_.state_dict().keys() == plain.module_.state_dict().keys()
    for a, b in zip(plain.module_.parameters(), compiled.module_.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_history_keeps_the_mean_divergence_of_each_epoch():
    """The last epoch's value is the divergence of the trained posterior from N(0, 1).

    It is so up to what the weights moved within the epoch.
    """
    module = model()
    net = net_of(module, max_epochs=40, lr=1e-2).fit(X)
    q = module.encode(X)
    exact = torch.distributions.kl_divergence(q, module.prior()).mean().item()
    assert len(net.history[:, "kl"]) == 40
    assert net.history[-1, "kl"] == pytest.approx(exact, rel=0.1)


def test_monitor_records_information_and_active_units_and_changes_nothing_else():
    losses = []
    for callbacks in ([], [CollapseMonitor(n_rows=50)]):
        torch.manual_seed(0)
        net = net_of(model(), callbacks=callbacks).fit(X)
        losses.append(net.history[:, "train_loss"])
    assert losses[0] == losses[1]
    assert all(0 <= value <= np.log(50) for value in net.history[:, "mi"])
    assert net.history[:, "au"] == [active_units(net.module_, X[:50]).fraction] * 3


def test_monitor_sees_training_rows_alone_when_some_are_held_out():
    net = net_of(model(), callbacks=[CollapseMonitor()], train_split=ValidSplit(0.2, random_state=0)).fit(X)
    assert len(net.history[:, "mi"]) == 3


def test_training_step_that_is_handed_in_may_take_steps_of_its_own():
    """A lagging encoder: three steps of the posterior alone before each step of everything (He et al. 2019)."""
    module, changes = model(), []
    encoder = torch.optim.SGD(module.posterior.parameters(), lr=1e-2)

    def lagging(net, batch):
        for _ in range(3):
            before = [parameter.clone() for parameter in module.parameters()]
            encoder.zero_grad()
            (-module(batch[0]).elbo().mean()).backward()
            encoder.step()
            changes.append(
                [
                    name
                    for (name, new), old in zip(module.named_parameters(), before, strict=True)
                    if not torch.equal(new, old)
                ]
            )
        net.optimizer_.zero_grad()
        return NeuralNet.train_step_single(net, batch)

    net = net_of(module, max_epochs=2, step=lagging).fit(X)
    assert len(changes) == 3 * 2 * 4
    assert all(names and all(name.startswith("posterior.") for name in names) for names in changes)
    assert net.history[-1, "train_loss"] < net.history[0, "train_loss"]


def with_batch_normalisation():
    module = model()
    module.posterior.network = torch.nn.Sequential(torch.nn.BatchNorm1d(3), module.posterior.network)
    return module


def test_buffers_of_a_failed_training_come_back_with_its_weights():
    class BreakBuffers(Callback):
        def on_epoch_end(self, net, **kwargs):
            if len(net.history) == 2:
                net.module_.posterior.network[0].running_var.fill_(torch.nan)
                net.module_.likelihood.log_noise.data.fill_(torch.nan)

    net = net_of(with_batch_normalisation(), callbacks=[BreakBuffers()]).fit(X)
    assert torch.isfinite(net.module_.posterior.network[0].running_var).all()
    assert torch.isfinite(net.module_(X).elbo()).all()


def test_trained_module_is_left_in_the_mode_of_evaluation():
    module = net_of(with_batch_normalisation()).fit(X).module_
    torch.testing.assert_close(module.encode(X[:1]).mean, module.encode(X).mean[:1])


def test_failed_training_goes_back_to_its_best_weights_and_not_to_others():
    """The rows of the second epoch are the easy ones: its loss is the least, so its weights come back."""
    kept, best = [], []

    class Scripted(Callback):
        def on_epoch_end(self, net, **kwargs):
            if len(net.history) <= 3:
                net.history.record("train_loss", [5.0, 2.0, 3.0][len(net.history) - 1])
                kept.append(net.module_.decoder.outer.bias.detach().clone())

    class Fail(Callback):
        def on_epoch_begin(self, net, **kwargs):
            if len(net.history) == 4:
                raise DivergedError

        def on_train_begin(self, net, **kwargs):
            if len(net.history) >= 3:
                best.append(net.module_.decoder.outer.bias.detach().clone())

    class Net(BoundNet):
        @property
        def _default_callbacks(self):
            *others, guard = super()._default_callbacks
            return [*others, ("scripted", Scripted()), guard]

    Net(model(), max_epochs=4, batch_size=32, verbose=0, callbacks=[Fail()]).fit(X)
    assert torch.equal(best[0], kept[1])
    assert not torch.equal(kept[1], kept[2])


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_gradients_beyond_the_limit_are_scaled_to_it_and_others_left_alone(factor):
    parameters = [torch.nn.Parameter(torch.zeros(3)), torch.nn.Parameter(torch.zeros(2, 2))]
    for parameter in parameters:
        parameter.grad = factor * torch.ones_like(parameter)
    before = torch.cat([parameter.grad.flatten().clone() for parameter in parameters])
    net = SimpleNamespace(optimizer_=torch.optim.SGD(parameters, lr=1.0))
    GradientClip().on_grad_computed(net)
    after = torch.cat([parameter.grad.flatten() for parameter in parameters])
    torch.testing.assert_close(after, before * min(1.0, GRADIENT_CLIP / before.norm().item()))


def test_schedule_of_a_resumed_net_begins_at_its_own_rate():
    """A schedule that multiplies the initial rate, which the optimiser's state of the earlier net would carry along."""
    rates = []

    class Record(Callback):
        def on_batch_end(self, net, **kwargs):
            rates.append(net.optimizer_.param_groups[0]["lr"])

    def schedule():
        return LRScheduler(
            torch.optim.lr_scheduler.LambdaLR, lr_lambda=lambda step: 0.5, last_epoch=-1, step_every="batch"
        )

    first = net_of(lr=0.01, callbacks=[schedule()]).fit(X)
    net_of(first.module_, lr=0.02, callbacks=[Record(), schedule()]).initialize().resume(first).partial_fit(X)
    assert set(rates) == {0.01}


def test_objective_and_weight_set_after_a_fit_are_those_of_the_next():
    net, calls = net_of().fit(X), []

    def counted(bound, kl_weight):
        calls.append(kl_weight)
        return bound.elbo(kl_weight)

    net.set_params(objective=counted, kl_weight=0.25).partial_fit(X)
    assert set(calls) == {0.25}
