"""Rows, settings of a small model, and axes, for the tests of displays."""

from sklearn.datasets import load_iris

X, CLASSES = load_iris(return_X_y=True)
SMALL = {"n_components": 2, "max_epochs": 10, "decoder_width": 32, "encoder_width": 32, "random_state": 0}


def new_axes():
    from matplotlib.figure import Figure

    return Figure().subplots()
