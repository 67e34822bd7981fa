"""A report as a table, a frame, a dictionary and HTML."""

import json

import numpy as np
import pytest

from sklid import LIDVAE
from sklid.metrics import collapse_report

from ..models import linear_data, linear_model

pytestmark = pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")


def test_a_report_is_a_table_a_frame_a_dictionary_and_html():
    rows, W = linear_data(300, [3.0, 2.0])
    report = collapse_report(linear_model(W), rows)
    frame = report.to_frame()
    assert list(frame.index) == [0, 1, "all"]
    assert frame.loc["all", "kl"] == pytest.approx(frame["kl"][:2].sum())
    assert str(report).splitlines()[0] == "VariationalModel, 300 rows: HEALTHY"
    assert len(str(report).splitlines()[-1].split()) > 2
    back = json.loads(json.dumps(report.to_dict()))
    assert back["latents"]["kl"] == frame["kl"][:2].tolist()
    assert back["latents"]["floor"] == [None, None]
    assert back["verdict"] == "healthy"
    assert report._repr_html_().count("<tr>") == 4


def test_a_report_shows_the_floor_of_a_model_that_has_one():
    X = np.random.default_rng(0).standard_normal((200, 5)) @ np.random.default_rng(1).standard_normal((5, 5))
    report = collapse_report(LIDVAE(n_components=2, max_epochs=5, random_state=0).fit(X), X)
    assert report.totals.floor == pytest.approx(np.log(2))
    np.testing.assert_allclose(report.latents.floor, np.log(2) / 2)
    assert "floor under the model" in str(report)


def test_a_floor_above_the_information_of_the_rows_is_said_to_be_one_under_the_model():
    rng = np.random.default_rng(0)
    report = collapse_report(LIDVAE(n_components=4, max_epochs=5, random_state=0).fit(rng.standard_normal((300, 12))),
                             rng.standard_normal((300, 12)))  # fmt: skip
    assert report.totals.mutual_information < report.totals.floor
    assert "The floor of 1.39 nats is one under the model" in " ".join(str(report).split())


def test_what_a_report_does_not_know_is_not_a_number_and_parts_that_it_lacks_are_none():
    of_labels = collapse_report([[1.0, 0.0], [0.0, 1.0]])
    assert (of_labels.latents, of_labels.labels.n_used) == (None, 2)
    assert np.isnan(of_labels.totals).all()
    assert list(of_labels.to_frame().index) == ["all"]
    assert json.loads(json.dumps(of_labels.to_dict()))["labels"]["most"] == pytest.approx(np.log(2))
    of_posteriors = collapse_report(np.eye(3), np.ones((3, 3)))
    assert of_posteriors.labels is None
    assert np.isnan(of_posteriors.totals.informative_units)
    assert np.isnan(of_posteriors.latents.gain).all()
    assert of_posteriors.to_frame().shape == (4, len(of_posteriors.latents._fields))
