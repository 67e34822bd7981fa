"""The table adapter: rows as a model sees them, and the way back to the units of the data."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import BaseEstimator
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler

from sklid.data.table import TableAdapter
from sklid.nn import LIKELIHOODS

WINE = load_wine().data


def learned(likelihood, X):
    table = TableAdapter(likelihood)
    table.learn(X, "global")
    return table


def test_gaussian_rows_are_standardised_and_restored():
    table = learned("gaussian", WINE)
    rows = table.rows(WINE)
    np.testing.assert_array_equal(rows, StandardScaler().fit_transform(WINE))
    np.testing.assert_allclose(table.restored(rows.numpy()), WINE, rtol=1e-12)


def test_log_volume_is_what_the_change_of_units_adds_to_a_density():
    table = learned("gaussian", WINE)
    jacobian = (table.rows(WINE[:1] + np.eye(13)) - table.rows(WINE[:1])).numpy()
    assert table.log_volume == pytest.approx(-np.linalg.slogdet(jacobian).logabsdet)


@pytest.mark.parametrize("likelihood", [name for name in LIKELIHOODS if name != "gaussian"])
def test_other_likelihoods_see_the_data_as_they_are(likelihood):
    X = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    table = learned(likelihood, X)
    np.testing.assert_array_equal(table.rows(X), X)
    assert table.restored(X) is X
    assert table.log_volume == 0.0


def test_training_rows_are_those_rows_in_single_precision():
    table = TableAdapter("gaussian")
    rows, likelihood = table.learn(WINE, "global")
    assert rows.dtype == torch.float32
    torch.testing.assert_close(rows, table.rows(WINE).float(), rtol=0, atol=0)
    torch.testing.assert_close(table.training_rows(WINE), rows, rtol=0, atol=0)
    assert likelihood.n_features == 13


def test_values_let_in_are_those_of_the_family_and_after_learning_those_seen():
    table, owner = TableAdapter("categorical"), BaseEstimator()
    codes = np.array([[0.0, 2.0], [1.0, 0.0]])
    table.checked(owner, np.full((2, 2), 7.0), reset=True)
    table.learn(codes, "global")
    with pytest.raises(ValueError, match="value 3 in column 1, row 1: it is outside the codes 0 to 2 seen in fit"):
        table.checked(owner, np.array([[0.0, 2.0], [0.0, 3.0]]), reset=True)


def test_error_names_the_column_the_row_and_the_likelihoods_that_fit():
    frame = pd.DataFrame({"a": [0.1, 0.2], "b": [0.5, 1.7]})
    with pytest.raises(
        ValueError,
        match=r"1.7 in column 1 \('b'\), row 1: it is outside \[0, 1\]. Likelihoods that fit these values: gaussian, "
        r"log_normal\.",
    ):
        TableAdapter("bernoulli").checked(BaseEstimator(), frame, reset=True)


def test_codes_that_are_identifiers_are_refused_with_their_column():
    """Ten thousands of categories would be a square of as many logits."""
    codes = np.column_stack([np.arange(6.0) % 3, [10115.0, 1000.0, 99999.0] * 2])
    with pytest.raises(ValueError, match="column 1 holds the code 99999.*OrdinalEncoder"):
        learned("categorical", codes)


@pytest.mark.parametrize(("likelihood", "value"), [("gaussian", 1e200), ("poisson", 1e40)])
def test_values_beyond_the_precision_of_a_model_are_refused(likelihood, value):
    X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, value]])
    with pytest.raises(ValueError, match="[Cc]olumn 1.*beyond (double|single) precision. Divide"):
        learned(likelihood, X)
    with pytest.raises(ValueError, match="value 1e.* in column 1, .*beyond single precision"):
        learned(likelihood, X[:2]).rows(X)


@pytest.mark.parametrize("likelihood", ["poisson", "negative_binomial", "zero_inflated_poisson"])
def test_counts_are_those_that_single_precision_holds(likelihood):
    X, table = np.array([[1.0, 2.0**24], [0.0, 3.0]]), TableAdapter(likelihood)
    assert table.checked(BaseEstimator(), X, reset=True).max() == 2**24
    X[1, 1] = 1e9
    with pytest.raises(ValueError, match="cannot take the value 1e[+]09 in column 1, row 1: .* up to 16777216"):
        table.checked(BaseEstimator(), X, reset=True)


def test_later_values_are_to_be_corrected_as_the_likelihood_is_given():
    table = TableAdapter("poisson")
    table.checked(estimator := BaseEstimator(), np.array([[0.0, 1.0], [3.0, 2.0]]), reset=True)
    with pytest.raises(ValueError, match="value -1 in column 1, row 0: .* non-negative.* correct the value") as told:
        table.checked(estimator, np.array([[0.0, -1.0]]), reset=False)
    assert "gaussian" not in str(told.value)


def test_a_column_whose_variance_underflows_is_said_to_be_taken_as_constant():
    X = np.random.default_rng(0).standard_normal((20, 2)) * [1.0, 1e-170]
    with pytest.warns(UserWarning, match="Column 1 varies by so little that its variance is 0"):
        learned("gaussian", X)
    learned("gaussian", X * [1.0, 0.0])


def test_large_values_of_one_size_are_a_matter_of_units():
    X = np.random.default_rng(0).standard_normal((20, 2))
    torch.testing.assert_close(learned("gaussian", X * 1e150).rows(X * 1e150), learned("gaussian", X).rows(X))


def test_rows_are_restored_in_units_beyond_single_precision():
    X = np.random.default_rng(0).standard_normal((20, 2)) * 1e100
    table = learned("gaussian", X)
    np.testing.assert_allclose(table.restored(table.rows(X).numpy().astype(np.float32)), X, rtol=1e-4)
