"""Displays store what they draw, take any model, draw on given axes, and leave pyplot alone; the gallery runs."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.distributions import Normal

from sklid import LIDVAE, metrics
from sklid.callbacks import CollapseMonitor

pytest.importorskip("matplotlib", reason="pictures need the extra sklid[plots]")

from sklid import plots

GALLERY = sorted((Path(__file__).parents[1] / "doc/examples").glob("plot_*.py"))
X, CLASSES = load_iris(return_X_y=True)
SMALL = {"n_components": 2, "max_epochs": 10, "decoder_width": 32, "encoder_width": 32, "random_state": 0}


@pytest.fixture(scope="module")
def model():
    with torch.random.fork_rng():
        return LIDVAE(**SMALL, callbacks=[CollapseMonitor()]).fit(X)


def new_axes():
    from matplotlib.figure import Figure

    return Figure().subplots()


def test_every_display_has_a_gallery_example():
    shown = "".join(path.read_text() for path in GALLERY)
    assert all(name in shown for name in plots.__all__ if name != "ComparisonDisplay")  # which the main job draws


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
def test_gallery_examples_run_in_ten_seconds(path):
    from test_docs import load

    start = time.process_time()
    with torch.random.fork_rng():
        made = load(path).main()
    for figure in made if isinstance(made, tuple) else (made,):
        figure.canvas.draw()
    assert time.process_time() - start < 10


def test_examples_without_pictures_run_too():
    from test_docs import load

    found = load(Path(__file__).parents[1] / "doc/examples/collapse_without_networks.py").main()
    assert found["PCA"]["informative components"] == 2
    assert (found["mixtures"]["two groups"].verdict, found["mixtures"]["one group"].verdict) == ("healthy", "data")


def test_collapse_display_shows_what_the_metrics_measure(model):
    display = plots.CollapseDisplay.from_estimator(model, X)
    np.testing.assert_array_equal(display.kl, metrics.kl_divergence(model, X).per_dimension)
    assert display.floor == pytest.approx(np.log(2) / 2)
    heights = sorted(bar.get_height() for bar in display.plot().ax_.patches)
    np.testing.assert_allclose(heights, sorted(display.kl))
    pipeline = make_pipeline(StandardScaler(), LIDVAE(**SMALL)).fit(X)
    assert plots.CollapseDisplay.from_estimator(pipeline, X).floor == pytest.approx(np.log(2) / 2)
    assert np.isnan(plots.CollapseDisplay.from_estimator(PCA(2).fit(X), X).plot(new_axes()).floor)


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


def test_latent_space_takes_arrays_distributions_and_pipelines(model):
    q = model.encode(X)
    first = plots.LatentSpaceDisplay.from_estimator(model, X)
    second = plots.LatentSpaceDisplay.from_predictions(q.mean.numpy(), q.stddev.numpy())
    np.testing.assert_allclose(first.loc, second.loc)
    third = plots.LatentSpaceDisplay.from_predictions(Normal(q.mean[:, :1].expand(-1, 3), q.stddev[:, :1].expand(-1, 3)), latents=(2, 1))
    assert third.latents == (2, 1)
    with pytest.raises(ValueError, match="needs two latents"):
        plots.LatentSpaceDisplay.from_predictions(np.zeros((5, 1)), np.ones((5, 1)))


def test_contours_hold_their_share_of_the_points():
    display = plots.LatentSpaceDisplay.from_predictions(np.zeros((50, 2)), np.ones((50, 2)), latents=(0, 1)).plot()
    for contours in display.ax_.collections:
        radii = [np.linalg.norm(path.vertices, axis=1).mean() for path in contours.get_paths() if len(path.vertices) > 10]
        if len(radii) == 2:  # of a standard normal: 1.18 and 2.15
            np.testing.assert_allclose(sorted(radii), np.sqrt(-2 * np.log([0.5, 0.1])), rtol=0.1)


def test_likelihood_surface_is_the_log_likelihood():
    pca = PCA(2).fit(X)
    display = plots.LikelihoodSurfaceDisplay.from_estimator(pca, X, row=3, n_steps=5, span=1.0)
    gains = np.sqrt(pca.explained_variance_ - pca.noise_variance_)
    mean = pca.mean_ + np.array([display.grid[1], display.grid[4]]) * gains @ pca.components_
    noise = pca.noise_variance_
    expected = -0.5 * (np.sum((X[3] - mean) ** 2) / noise + 4 * np.log(2 * np.pi * noise))
    assert display.surface[1, 4] == pytest.approx(expected)


def test_traversals_decode_one_latent_at_a_time(model):
    display = plots.LatentTraversalDisplay.from_estimator(model, X, latents=[1], n_steps=3, span=1.5)
    places = np.tile(model.transform(X).mean(axis=0), (3, 1))
    places[:, 1] = [-1.5, 0.0, 1.5]
    np.testing.assert_allclose(display.decoded[0], model.inverse_transform(places), rtol=1e-5)
    assert len(display.plot().axes_) == 1


def test_traversals_name_the_columns_that_the_model_sees():
    table = load_iris(as_frame=True).data
    alone = LIDVAE(**{**SMALL, "max_epochs": 2})
    pipeline = make_pipeline(StandardScaler(), LIDVAE(**{**SMALL, "max_epochs": 2}))
    for estimator in (alone, pipeline):
        display = plots.LatentTraversalDisplay.from_estimator(estimator.fit(table), table, latents=[0])
        assert list(display.feature_names) == list(table.columns)
    assert plots.LatentTraversalDisplay.from_estimator(pipeline.fit(X), X, latents=[0]).feature_names is None


def test_images_are_guessed_from_square_rows_and_given_shapes_are_checked():
    images = load_digits().data[:3]
    assert plots.ReconstructionDisplay.from_predictions(images, images).plot().axes_.shape == (2, 3)
    assert plots.ReconstructionDisplay.from_predictions(images, images, image_shape=False).plot().axes_.shape == (3,)
    assert plots.ReconstructionDisplay.from_predictions(images, images, image_shape=(4, 16)).plot().axes_.shape == (2, 3)
    with pytest.raises(ValueError, match="has 30 pixels, and a row has 64 features"):
        plots.ReconstructionDisplay.from_predictions(images, images, image_shape=(5, 6)).plot()


def test_reconstructions_are_the_predictions(model):
    display = plots.ReconstructionDisplay.from_estimator(model, X, n_rows=4)
    np.testing.assert_allclose(display.reconstructions["LIDVAE"], model.predict(X[:4]), rtol=1e-4)


def test_training_curves_are_those_of_the_history(model):
    curves = plots.TrainingCurveDisplay.from_estimator(model).curves["LIDVAE"]
    np.testing.assert_array_equal(curves["elbo"], -np.array(model.net_.history[:, "train_loss"]))
    assert set(curves) == {"elbo", "kl", "mi", "au"}
    held_out = LIDVAE(**SMALL, early_stopping=True).fit(X)
    assert set(plots.TrainingCurveDisplay.from_estimator(held_out, "mine").plot().curves["mine"]) == {"elbo", "validation_elbo", "kl"}


def test_depth_curves_come_from_a_grid_search():
    pipeline = make_pipeline(StandardScaler(), LIDVAE(**{**SMALL, "max_epochs": 2}))
    search = GridSearchCV(pipeline, {"lidvae__decoder_depth": [1, 2]}, cv=2, scoring=metrics.COLLAPSE_SCORERS["active_units"]).fit(X)
    display = plots.DepthCurveDisplay.from_estimator(search, name="mine").plot()
    found = [[search.cv_results_[f"split{fold}_test_score"][place] for fold in range(2)] for place in range(2)]
    assert {at: values.tolist() for at, values in display.values["mine"].items()} == {1.0: found[0], 2.0: found[1]}
    with pytest.raises(ValueError, match="no metric 'r2'"):
        plots.DepthCurveDisplay.from_estimator(search, "r2")


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
