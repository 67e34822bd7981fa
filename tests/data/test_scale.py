"""Scales: which one the columns of a table ask for, and the rows that each of them makes."""

import numpy as np
import pytest
from scipy.stats import ortho_group
from sklearn.datasets import load_iris, load_wine
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sklid.data import blocks
from sklid.data.memory_map import MappedRows
from sklid.data.scale import fitted_scaler
from sklid.data.table import TableAdapter
from sklid.nn import LIKELIHOODS

from .tables import HIDDEN_UNIT, MIXED_UNITS, ONE_UNIT

IRIS, WINE = load_iris().data, load_wine().data


def chosen(X):
    return fitted_scaler(X, "auto")[1]


def learned(scale, X):
    table = TableAdapter("gaussian", scale)
    table.learn(X, "global")
    return table


def test_there_are_at_least_ten_tables_of_each_kind():
    assert min(len(MIXED_UNITS), len(ONE_UNIT)) >= 10


@pytest.mark.parametrize("name", MIXED_UNITS)
def test_columns_of_mixed_units_have_scales_of_their_own(name):
    assert chosen(MIXED_UNITS[name]()) == "column"


@pytest.mark.parametrize("name", ONE_UNIT)
def test_columns_of_one_unit_have_one_scale(name):
    assert chosen(ONE_UNIT[name]()) == "table"


@pytest.mark.parametrize("name", HIDDEN_UNIT)
def test_columns_whose_unit_does_not_show_have_scales_of_their_own(name):
    assert chosen(HIDDEN_UNIT[name]()) == "column"


@pytest.mark.parametrize("X", [IRIS, WINE, MIXED_UNITS["people"]()], ids=["iris", "wine", "people"])
def test_choice_is_the_same_in_any_unit_and_order(X):
    rng = np.random.default_rng(0)
    for same in (1e-6 * X, 1e6 * X + 3e6, -X, rng.permutation(X), rng.permutation(X, axis=1), X.astype(np.float32)):
        assert chosen(same) == chosen(X)


def test_columns_that_do_not_vary_have_no_say():
    for X in (IRIS, WINE):
        assert chosen(np.hstack([X, np.full((len(X), 9), 1e5), np.full((len(X), 1), 0.1)])) == chosen(X)


def test_a_single_column_and_a_table_that_does_not_vary_are_scaled_by_columns():
    for X in (IRIS[:, :1], np.hstack([IRIS[:, :1], np.ones((150, 1))]), np.full((5, 3), 0.1)):
        assert chosen(X) == "column"


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler()])
def test_columns_that_were_brought_to_equal_sizes_keep_them(scaler):
    assert chosen(scaler.fit_transform(WINE)) == "table"


def test_standardised_columns_give_the_same_rows_by_either_scale():
    X = StandardScaler().fit_transform(WINE)
    by_column, by_table = (learned(scale, X).rows(X) for scale in ("column", "table"))
    np.testing.assert_allclose(by_table, by_column, rtol=1e-12, atol=1e-12)


def test_one_scale_for_the_table_is_the_root_of_the_mean_variance():
    table = learned("table", WINE)
    expected = (WINE - WINE.mean(0)) / np.sqrt(WINE.var(0).mean())
    np.testing.assert_allclose(table.rows(WINE), expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(table.restored(expected), WINE, rtol=1e-10)


def test_one_scale_for_the_table_does_not_change_when_the_table_is_rotated():
    turn = ortho_group.rvs(4, random_state=0)
    turned = learned("table", IRIS @ turn).rows(IRIS @ turn)
    np.testing.assert_allclose(turned, learned("table", IRIS).rows(IRIS).numpy() @ turn, atol=1e-12)


@pytest.mark.parametrize("scale", ["column", "table", None])
def test_log_volume_is_what_the_change_of_units_adds_to_a_density(scale):
    table = learned(scale, WINE)
    jacobian = (table.rows(WINE[:1] + np.eye(13)) - table.rows(WINE[:1])).numpy()
    assert table.log_volume == pytest.approx(-np.linalg.slogdet(jacobian).logabsdet, abs=1e-9)


def test_no_scale_leaves_rows_as_they_are():
    table = learned(None, WINE)
    np.testing.assert_array_equal(table.rows(WINE), WINE)
    assert table.restored(WINE) is WINE
    assert (table.scaler, table.learned_scale) == (None, None)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9])
def test_constant_columns_are_centred_and_otherwise_left_alone(value):
    X = np.hstack([IRIS, np.full((150, 2), value)])
    np.testing.assert_array_equal(learned("column", X).scaler.scale_[4:], 1.0)
    rows = learned("table", X).rows(X).numpy()
    np.testing.assert_allclose(rows[:, :4], (IRIS - IRIS.mean(0)) / np.sqrt(IRIS.var(0).sum() / 6), atol=1e-12)
    np.testing.assert_allclose(rows[:, 4:], 0.0, atol=1e-6)


@pytest.mark.parametrize("scale", ["column", "table"])
@pytest.mark.parametrize("X", [np.zeros((7, 3)), np.full((7, 3), 0.1), np.tile([[1e9], [1e9 + 1e-7]], (50, 3))])
def test_table_that_does_not_vary_but_by_rounding_has_scale_one(scale, X):
    table = learned(scale, X)
    np.testing.assert_array_equal(table.scaler.scale_, 1.0)
    np.testing.assert_allclose(table.rows(X), 0.0, atol=1e-6)


def rising():
    """A wide column that rises and a narrow one that does not: in fifty rows they are about equally wide."""
    return np.c_[np.linspace(0, 1, 200), np.tile([0.4, 0.6], 100)]


@pytest.mark.parametrize("make", [MIXED_UNITS["people"], ONE_UNIT["iris"], rising], ids=["people", "iris", "rising"])
@pytest.mark.parametrize("scale", ["auto", "table"])
def test_memory_map_is_scaled_as_the_array_in_memory(make, scale, tmp_path, monkeypatch):
    """In blocks of fifty rows."""
    X = make()
    of_array, scale_of_array = fitted_scaler(X, scale)
    monkeypatch.setattr(blocks, "CHUNK_NUMBERS", 4 * X.shape[1] * 50)
    np.save(tmp_path / "rows.npy", X)
    of_map, scale_of_map = fitted_scaler(MappedRows(np.load(tmp_path / "rows.npy", mmap_mode="r")), scale)
    assert scale_of_map == scale_of_array
    np.testing.assert_allclose(of_map.scale_, of_array.scale_, rtol=1e-12)
    np.testing.assert_allclose(of_map.mean_, of_array.mean_, rtol=1e-12)


@pytest.mark.parametrize("scale", ["column", "table", None])
@pytest.mark.parametrize("likelihood", [name for name, family in LIKELIHOODS.items() if not family.standardised])
def test_scale_of_a_likelihood_that_has_none_is_refused(likelihood, scale):
    with pytest.raises(ValueError, match=f'scale={scale!r} belongs to.*"{likelihood}" sees the data as they are'):
        TableAdapter(likelihood, scale)
    assert TableAdapter(likelihood).learned_scale is None
