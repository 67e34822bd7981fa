"""What displays share: they draw on given axes, guess the shape of images, and leave pyplot alone."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

from sklid import plots

from .iris import CLASSES, X, new_axes


def test_displays_draw_on_the_axes_given(model):
    for display in (
        plots.CollapseDisplay.from_estimator(model, X),
        plots.CollapseDisplay.from_predictions(np.zeros((9, 2)), np.ones((9, 2))),
        plots.LatentSpaceDisplay.from_estimator(model, X, CLASSES, show_uncertainty=True),
        plots.LikelihoodSurfaceDisplay.from_estimator(model, X, n_steps=11),
        plots.DepthCurveDisplay.from_predictions({"a": {1: [0.5, 0.6], 2: [0.4, 0.5]}}, "metric"),
    ):
        ax = new_axes()
        assert display.plot(ax=ax).ax_ is ax
        assert display.figure_ is ax.figure
        display.figure_.canvas.draw()


def test_images_are_guessed_from_square_rows_and_given_shapes_are_checked():
    images = load_digits().data[:3]
    assert plots.ReconstructionDisplay.from_predictions(images, images).plot().axes_.shape == (2, 3)
    assert plots.ReconstructionDisplay.from_predictions(images, images, image_shape=False).plot().axes_.shape == (3,)
    assert plots.ReconstructionDisplay.from_predictions(images, images, image_shape=(4, 16)).plot().axes_.shape == (
        2,
        3,
    )
    with pytest.raises(ValueError, match="has 30 pixels, and a row has 64 features"):
        plots.ReconstructionDisplay.from_predictions(images, images, image_shape=(5, 6)).plot()


def test_pictures_leave_pyplot_alone_unless_the_user_has_it():
    code = (
        "import sys, numpy as np\n"
        "from sklid.plots import CollapseDisplay\n"
        "display = CollapseDisplay.from_predictions(np.eye(3), np.ones((3, 3)))\n"
        "display.plot()\n"
        "print('matplotlib.pyplot' in sys.modules)\n"
        "import matplotlib; matplotlib.use('agg')\n"
        "from matplotlib import pyplot\n"
        "print(pyplot.fignum_exists(display.plot().figure_.number))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
