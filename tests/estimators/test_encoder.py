"""Encoders of images: the network of convolutions, the shape of the images, and shifts in training."""

import pickle

import numpy as np
import pytest
import torch
from scipy.ndimage import shift as scipy_shift
from sklearn.base import clone
from sklearn.datasets import load_digits
from skorch.callbacks import Callback

from sklid import LIDVAE, LIDGMVAEClustering
from sklid.baselines import GMVAE, VAE
from sklid.callbacks import CollapseMonitor
from sklid.metrics import active_units
from sklid.nn import ConvolutionalNetwork

X = load_digits().data[:120]
SMALL = {"n_components": 2, "max_epochs": 3, "batch_size": 40, "random_state": 0, "n_importance_samples": 5}
SMALL |= {"encoder_width": 8, "decoder_width": 8}
ESTIMATORS = {"LIDVAE": LIDVAE, "VAE": VAE, "LIDGMVAEClustering": LIDGMVAEClustering, "GMVAE": GMVAE}
OPTIONS = {"LIDGMVAEClustering": {"k": 3}, "GMVAE": {"k": 3, "inference": "joint"}}

pytestmark = pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")


class Seen(Callback):
    """What the posterior, and the second perceptron of a joint model, are given in the forward passes of a training."""

    def on_train_begin(self, net, **kwargs):
        module = net.module_
        self.rows, self.training, self.rows_by_label = [], [], []
        self.hooks = [module.posterior.register_forward_pre_hook(self.keep)]
        if hasattr(module, "labelled"):
            self.hooks.append(module.labelled.register_forward_pre_hook(self.keep_by_label))

    def keep(self, posterior, inputs):
        self.rows.append(inputs[0])
        self.training.append(posterior.training)

    def keep_by_label(self, labelled, inputs):
        self.rows_by_label.append(inputs[0])

    def on_train_end(self, net, **kwargs):
        for hook in self.hooks:
            hook.remove()


def shifts_of(images, rows, reach=1):
    """The shift of each image that is a moved row, as SciPy moves it; None where it is none."""
    grid = range(-reach, reach + 1)
    known = {}
    for row in rows:
        for by in [(0, 0), *((i, j) for i in grid for j in grid)]:
            known.setdefault(scipy_shift(row.reshape(8, 8), by, order=0, mode="nearest").astype(int).tobytes(), by)
    return [known.get(np.rint(image).astype(int).tobytes()) for image in images]


def assert_same_answers(first, second):
    for question in ("transform", "score_samples", "predict"):
        assert np.array_equal(getattr(first, question)(X), getattr(second, question)(X))


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("posterior", ["gaussian", "flow"])
def test_every_estimator_has_convolutions_and_shifts(name, posterior):
    options = OPTIONS.get(name, {}) | ({"inference": "marginal"} if posterior == "flow" and name == "GMVAE" else {})
    model = ESTIMATORS[name](encoder="conv", augment="shift", posterior=posterior, **SMALL, **options).fit(X)
    found = model.net_.module_.posterior
    networks = [found.network] if posterior == "gaussian" else [found.base.network, found.context[0]]
    assert all(isinstance(network, ConvolutionalNetwork) for network in networks)
    assert np.isfinite(model.score(X))
    assert_same_answers(model, pickle.loads(pickle.dumps(model)))
    assert_same_answers(model, clone(model).fit(X))


@pytest.mark.parametrize("encoder", ["principal", "plain", "conv"])
def test_fit_with_shifts_leaves_generators_alone_and_its_answers_do_not_move(encoder):
    before = torch.get_rng_state()
    model = LIDGMVAEClustering(k=3, encoder=encoder, augment="shift", **SMALL).fit(X)
    assert torch.equal(torch.get_rng_state(), before)
    assert model.net_.module_.augmentation is None
    assert np.array_equal(model.predict_proba(X), model.predict_proba(X))
    assert np.allclose(model.transform(X[:7]), model.transform(X)[:7], atol=1e-5)
    assert not np.allclose(model.transform(X), clone(model).set_params(augment=None).fit(X).transform(X))


@pytest.mark.parametrize("options", [{"scale": "table"}, {"scale": None}, {"likelihood": "poisson"}])
def test_encoder_sees_moved_images_in_training_and_the_rows_in_validation(options):
    seen = Seen()
    model = LIDVAE(augment="shift", early_stopping=True, callbacks=[seen], **options, **SMALL).fit(X)

    def shifts(training):
        parts = [rows for rows, was_training in zip(seen.rows, seen.training, strict=True) if was_training == training]
        rows = torch.cat(parts).double().numpy()
        if "likelihood" in options:
            return shifts_of(np.expm1(rows), X)
        return shifts_of(rows if model.scaler_ is None else model.scaler_.inverse_transform(rows), X)

    assert set(shifts(training=True)) == {(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)}
    assert set(shifts(training=False)) == {(0, 0)}


def test_both_networks_of_a_joint_model_see_the_same_moved_images():
    seen = Seen()
    LIDGMVAEClustering(k=3, inference="joint", augment="shift", callbacks=[seen], **SMALL).fit(X)
    assert any(seen.training)
    for rows, rows_by_label in zip(seen.rows, seen.rows_by_label, strict=True):
        assert torch.equal(rows, rows_by_label)


def test_monitor_sees_rows_where_they_are_and_takes_no_shift_from_the_training():
    monitored = LIDVAE(augment="shift", callbacks=[CollapseMonitor(n_rows=len(X))], **SMALL).fit(X)
    assert_same_answers(monitored, LIDVAE(augment="shift", **SMALL).fit(X))
    last = active_units(monitored, X).fraction
    assert monitored.net_.history[-1, "au"] == last


def test_training_goes_on_with_shifts_and_not_with_other_images():
    model = LIDVAE(encoder="conv", warm_start=True, **SMALL).fit(X)
    assert np.isfinite(model.set_params(augment="shift").fit(X).partial_fit(X).score(X))
    with pytest.raises(ValueError, match="image_shape changed"):
        model.set_params(image_shape=(4, 16)).fit(X)
    with pytest.raises(ValueError, match="encoder changed"):
        model.set_params(image_shape=None, encoder="plain").partial_fit(X)


@pytest.mark.parametrize("image_shape", [(4, 16), [2, 4, 8], (1, 64), np.array([8, 8]).tolist()])
def test_images_of_any_shape_with_as_many_numbers_as_columns_are_taken(image_shape):
    model = LIDVAE(encoder="conv", augment="shift", image_shape=image_shape, **SMALL).fit(X)
    assert model.net_.module_.posterior.network.image_shape == (1, *image_shape)[-3:]
    assert clone(model).image_shape == image_shape


@pytest.mark.parametrize("options", [{"encoder": "conv"}, {"augment": "shift"}, {}])
@pytest.mark.parametrize(
    ("image_shape", "said"),
    [
        ((8, 7), "has 56 numbers, and a row of X has 64"),
        ((8,), "must be .height, width."),
        ((8, 8.0), "in whole numbers"),
        ((1, -8, -8), "in whole numbers"),
        ("8x8", "The 'image_shape' parameter"),
    ],
)
def test_shape_that_is_not_that_of_the_rows_is_refused(image_shape, said, options):
    with pytest.raises(ValueError, match=said):
        LIDVAE(image_shape=image_shape, **options, **SMALL).fit(X)


@pytest.mark.parametrize("options", [{"encoder": "conv"}, {"augment": "shift"}])
def test_rows_that_are_no_square_need_a_shape(options):
    with pytest.raises(ValueError, match=r"Rows of 63 numbers are no square images. Pass image_shape"):
        LIDVAE(**options, **SMALL).fit(X[:, 1:])


@pytest.mark.parametrize("options", [{"encoder": "conv"}, {"augment": "shift"}])
def test_categories_are_no_pixels(options):
    with pytest.raises(ValueError, match='sees the values of pixels, and likelihood="categorical"'):
        LIDVAE(likelihood="categorical", **options, **SMALL).fit(X > 8)
