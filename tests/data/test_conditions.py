"""Columns that rows are conditioned on: which they are, what they are to a model, and what is wrong with them."""

import numpy as np
import pandas as pd
import pytest

from sklid.data.conditions import Conditions
from sklid.exceptions import UnknownCategoryWarning

FRAME = pd.DataFrame(
    {
        "visits": [1, 4, 2, 0, 3],
        "years": [1.0, 2.0, 0.5, 1.0, 4.0],
        "site": ["b", "a", "b", "b", "c"],
        "treated": [True, False, True, True, False],
        "age": [30, 40, 50, 60, 70],
    }
)


def test_exposures_are_over_their_median_and_multiply():
    rows = np.array([[1.0, 2.0, 5.0], [4.0, 2.0, 1.0], [2.0, 8.0, 2.0]])
    conditions = Conditions([1, "library", 2], None)
    np.testing.assert_allclose(conditions.learn(rows)[:, :2].sum(1), np.log(rows[:, 1] * rows[:, 2] / (2 * 2)))
    assert conditions.uses_library
    assert conditions.rest == [0]


def test_codes_are_standardised_numbers_and_categories_less_their_shares():
    conditions = Conditions(None, ["site", "treated", "age"])
    codes = conditions.learn(FRAME)
    np.testing.assert_allclose(codes.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(codes[:, -1].std(), 1)
    np.testing.assert_allclose(codes[0], [-0.2, 0.4, -0.2, -0.4, 0.4, codes[0, -1]])
    np.testing.assert_allclose(conditions.usual_codes, [-0.2, 0.4, -0.2, -0.4, 0.4, 0.0])


@pytest.mark.parametrize("dtype", ["category", pd.CategoricalDtype(["c", "b", "a"], ordered=True), "string"])
def test_categories_of_any_type_are_covariates(dtype):
    codes = Conditions(None, "site").learn(FRAME.astype({"site": dtype}))
    assert codes.shape == (5, 3)
    same = FRAME["site"].to_numpy()[:, None] == FRAME["site"].to_numpy()
    np.testing.assert_array_equal((codes[:, None] == codes).all(-1), same)


def test_a_category_that_was_not_learned_is_none_with_a_warning():
    conditions = Conditions(None, ["site", "age"])
    conditions.learn(FRAME)
    with pytest.warns(UnknownCategoryWarning, match="column 'site': 'd'"):
        codes = conditions.encode(FRAME.assign(site=["d", *FRAME["site"][1:]]))
    np.testing.assert_array_equal(codes[0, :3], 0)
    np.testing.assert_allclose(codes[1:], conditions.encode(FRAME)[1:])


def test_usual_rows_have_typical_exposure_mean_numbers_and_the_most_frequent_category():
    conditions = Conditions("years", ["site", "treated", "age"])
    conditions.learn(FRAME)
    usual = conditions.usual(2)
    assert usual.iloc[1].to_dict() == {"years": 1.0, "site": "b", "treated": True, "age": 50.0}
    assert usual["treated"].dtype == bool


@pytest.mark.parametrize(
    ("offset", "covariates", "change", "message"),
    [
        ("hours", None, {}, "offset names the column 'hours', which X does not have"),
        (None, ["sex"], {}, "covariates names the column 'sex'"),
        ("years", ["years"], {}, "Column 'years' is named twice"),
        ("years", ["visits", "site", "treated", "age"], {}, "none is left to model"),
        ("years", None, {"years": [1.0, 0.0, 1.0, 1.0, 1.0]}, "The exposure 'years' holds 0 in row 1"),
        ("years", None, {"years": [1.0, np.inf, 1.0, 1.0, 1.0]}, "The exposure 'years' holds inf in row 1"),
        ("years", None, {"years": [1.0, 1.0, 1e-40, 1.0, 1.0]}, "The exposure 'years' holds 1e-40 in row 2"),
        ("years", None, {"years": [1.0, 1.0, 1e300, 1.0, 1.0]}, "holds 1e\\+300 in row 2.* from 1e-30 to 1e\\+30"),
        (None, "age", {"age": [1.0, 2.0, 1e300, 1.0, 3.0]}, "The covariate 'age' holds 1e\\+300 in row 2"),
        ("years", None, {"years": [1.0, 1.0, np.nan, 1.0, 1.0]}, "The exposure 'years' holds nan in row 2"),
        ("site", None, {}, "The exposure 'site' holds 'a'"),
        (None, "site", {"site": ["a", None, "b", "b", "c"]}, "The covariate 'site' is missing in row 1"),
        (None, "age", {"age": [1.0, 2.0, np.nan, 1.0, 3.0]}, "The covariate 'age' is missing in row 2"),
    ],
)
def test_errors_name_the_column_and_the_row(offset, covariates, change, message):
    with pytest.raises(ValueError, match=message):
        Conditions(offset, covariates).learn(FRAME.assign(**change))


def test_text_where_numbers_were_is_an_error():
    conditions = Conditions(None, "age")
    conditions.learn(FRAME)
    with pytest.raises(ValueError, match="The covariate 'age' holds 'old', and held numbers in fit"):
        conditions.encode(FRAME.assign(age=["old", "old", "young", "old", "old"]))


def test_numbers_far_from_those_of_the_fit_are_told():
    """Such as a code for what is missing."""
    frame = pd.DataFrame({"visits": [1, 4, 2, 0], "age": [40.0, 50.0, 60.0, 70.0]})
    conditions = Conditions(None, "age")
    conditions.learn(frame)
    conditions.encode(frame.assign(age=[10.0, 20.0, 90.0, 0.0]))
    with pytest.warns(UserWarning, match="covariate 'age' holds 9999 in row 2, 889 standard deviations from its mean"):
        conditions.encode(frame.assign(age=[10.0, 20.0, 9999.0, 0.0]))


def test_a_column_with_the_name_of_the_sums_is_told_from_them():
    with pytest.raises(ValueError, match="X has a column of that name. .* by its number, 1"):
        Conditions("library", None).learn(FRAME[["visits", "age"]].rename(columns={"age": "library"}))
    conditions = Conditions(1, None)
    conditions.learn(FRAME[["visits", "age"]].rename(columns={"age": "library"}))
    assert conditions.exposures == [1]
