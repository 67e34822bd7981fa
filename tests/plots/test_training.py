"""Training curves are those of the history."""

import numpy as np

from sklid import LIDVAE, plots

from .iris import SMALL, X


def test_training_curves_are_those_of_the_history(model):
    curves = plots.TrainingCurveDisplay.from_estimator(model).curves["LIDVAE"]
    np.testing.assert_array_equal(curves["elbo"], -np.array(model.net_.history[:, "train_loss"]))
    assert set(curves) == {"elbo", "kl", "mi", "au"}
    held_out = LIDVAE(**SMALL, early_stopping=True).fit(X)
    assert set(plots.TrainingCurveDisplay.from_estimator(held_out, "mine").plot().curves["mine"]) == {
        "elbo",
        "validation_elbo",
        "kl",
    }
