"""What is measured on which rows, and the summary after a fit."""

import numpy as np
import pandas
import pytest
import torch
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from torch.distributions import Independent, Laplace, Normal

from sklid import LIDVAE, CollapseWarning
from sklid.baselines import VAE
from sklid.data.memory_map import MappedRows
from sklid.metrics import collapse_report
from sklid.metrics.report import collapse_summary, rows_to_screen
from sklid.metrics.sources import view_of

from ..models import frozen_at_the_prior, linear_data, linear_model


def test_a_report_does_not_depend_on_what_was_drawn_before():
    rows, W = linear_data(300, [3.0, 2.0])
    first = collapse_report(linear_model(W), rows)
    torch.rand(7)
    assert str(collapse_report(linear_model(W), rows)) == str(first)


def test_a_prior_that_no_latent_can_be_taken_out_of_leaves_the_other_measurements():
    rows, W = linear_data(300, [3.0, 2.0])
    origin = torch.zeros(2, dtype=W.dtype)
    report = collapse_report(
        linear_model(W)._replace(prior=lambda: Independent(Laplace(origin, torch.ones_like(origin)), 1)), rows
    )
    assert report.verdict == "healthy"
    assert np.isnan(report.totals.informative_units)


def test_rows_beyond_five_thousand_are_drawn_at_random_from_tensors_and_tables():
    rows, W = linear_data(6000, [3.0, 2.0])
    assert collapse_report(linear_model(W), rows).n_rows == 5000
    table = pandas.DataFrame(rows.numpy())
    assert collapse_report(PCA(2).fit(table), table).n_rows == 5000


def test_the_summary_after_a_fit_speaks_of_collapse_alone():
    rows, W = linear_data(300, [3.0, 2.0])
    assert collapse_summary(view_of(linear_model(W), rows)) is None
    text = collapse_summary(view_of(linear_model(W, encode=frozen_at_the_prior(2)), rows))
    assert text.startswith("2 of 2 latents collapsed")
    assert "Cause: inference" in text
    assert "Use a larger encoder" in text


def test_the_summary_after_a_fit_speaks_of_labels_that_collapse_though_all_latents_are_active():
    rows, W = linear_data(300, [3.0, 2.0])
    view, uniform = view_of(linear_model(W), rows), np.full((300, 3), 1 / 3)
    assert collapse_summary(view, np.eye(3)[np.arange(300) % 3]) is None
    assert collapse_summary(view, uniform).startswith("The labels share 0 of 1.10 nats with the rows, 1 of 3 are used")


def test_rows_to_screen_are_the_same_of_arrays_frames_tensors_and_memory_maps(tmp_path):
    table = np.arange(6000.0).reshape(3000, 2)
    mapped = np.memmap(tmp_path / "rows", dtype=float, mode="w+", shape=table.shape)
    mapped[:] = table
    expected = rows_to_screen(table)
    assert expected.shape == (1000, 2)
    assert (np.diff(expected[:, 0]) > 0).all()
    for same in (pandas.DataFrame(table), torch.from_numpy(table), MappedRows(mapped)):
        np.testing.assert_array_equal(np.asarray(rows_to_screen(same)), expected)
    assert rows_to_screen(table[:1000]).shape == (1000, 2)


def test_one_row_is_no_basis_for_a_report():
    pca = PCA(1).fit(load_iris().data)
    with pytest.raises(ValueError, match="1 row was given. Pass at least two rows"):
        collapse_report(pca, load_iris().data[:1])


def test_nothing_is_no_basis_for_a_report():
    with pytest.raises(
        TypeError, match=r"got None where it measures a model and rows X, a pair .* arrays \(loc, scale\)"
    ):
        collapse_report(None, load_iris().data)


def test_weak_latents_are_measured_on_as_many_rows_as_they_need():
    """A direction of strength .25 is worth (.25 - log 1.25) / 2 = .013 nats, a standard error on 256 rows."""
    rows, W = linear_data(4000, [0.5, 0.5])
    report = collapse_report(linear_model(W), rows)
    assert (report.verdict, report.totals.informative_units) == ("healthy", 2)


@pytest.mark.usefixtures("with_causes")
def test_the_warning_after_a_fit_names_parameters_of_the_estimator():
    X = np.random.default_rng(0).standard_normal((200, 4)) @ np.random.default_rng(1).standard_normal((4, 4))
    with pytest.warns(CollapseWarning, match=r"inference: .* Start at principal components with encoder=\"principal\""):
        VAE(2, max_epochs=2, kl_weight=50.0, random_state=0).fit(X)


@pytest.mark.parametrize("error", [ValueError, FloatingPointError, RuntimeError])
def test_a_diagnosis_never_breaks_a_fit(error, monkeypatch):
    def fails(*_, **__):
        raise error("eigenvalues did not converge")

    monkeypatch.setattr("sklid.estimators.trained.collapse_summary", fails)
    with pytest.warns(CollapseWarning, match="could not be measured: eigenvalues did not converge"):
        model = LIDVAE(1, max_epochs=1, random_state=0).fit(np.random.default_rng(0).standard_normal((20, 2)))
    assert model.n_components_ == 1


@pytest.mark.parametrize("shift", [np.nan, np.inf, 1e30])
def test_a_model_that_overflows_has_an_undecided_verdict(shift):
    rows, W = linear_data(100, [1.0])
    decode = lambda z: Independent(Normal(z @ W * shift, 1.0, validate_args=False), 1, validate_args=False)  # noqa: E731
    report = collapse_report(linear_model(W, encode=frozen_at_the_prior(1))._replace(decode=decode), rows)
    assert report.verdict == "undecided"
    assert report.remedy.startswith("Pass rows that were not fitted, and more of them")
