"""The rules of likelihood="auto", the families that are asked for, and what no likelihood takes."""

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine

from sklid.data.column_reader import read_columns
from sklid.data.column_rules import Facts, chosen_family, facts_of
from sklid.data.mixed_table import MixedTable


def family(column, likelihood="auto"):
    """The family of a table of one column."""
    table = MixedTable()
    table.learn(pd.DataFrame({"a": column}), likelihood)
    return table.families[0]


def error(X, likelihood="auto"):
    """The text of the error for a table."""
    with pytest.raises(ValueError, match=".") as found:
        MixedTable().learn(X, likelihood)
    return str(found.value)


def spread(counts):
    """Whole numbers by how often each occurs, in no order that rises."""
    return np.repeat(list(counts), list(counts.values()))[::-1]


TAIL = {0: 50, 1: 20, 2: 10, 3: 6, 4: 4, 5: 3, 7: 2, 9: 2, 14: 1, 23: 1}
CHILDREN = {0: 30, 1: 25, 2: 25, 3: 12, 4: 5, 5: 2, 8: 1}
COLUMNS = {
    "truth values": ([True, False, True], "bernoulli"),
    "truth values with a gap": (pd.array([True, None, False], dtype="boolean"), "bernoulli"),
    "truth values as objects": (pd.Series([True, None, False], dtype=object), "bernoulli"),
    "strings": (["a", "b", None], "categorical"),
    "categories": (pd.Categorical(["a", "b", None]), "categorical"),
    "ordered categories": (pd.Categorical(["a", "b"], ordered=True), "ordinal"),
    "one string": (["a", "a"], "categorical"),
    "numbers with fractions": ([0.5, 1.0, 2.0], "gaussian"),
    "positive numbers with a long tail": (np.exp(np.linspace(-3, 9, 50)), "gaussian"),
    "zeros and ones": ([0, 1, 1], "bernoulli"),
    "zeros and ones in floats with a gap": ([0.0, np.nan, 1.0], "bernoulli"),
    "zeros": ([0.0] * 30, "bernoulli"),
    "one number": ([7] * 30, "gaussian"),
    "ages of adults": (np.tile(np.arange(18, 91), 2), "gaussian"),
    "years": (np.tile(np.arange(1990, 2021), 2), "gaussian"),
    "incomes": ([0, 12_000, 0, 31_500], "gaussian"),
    "the same below the largest count": ([0, 1_200, 0, 3_150], "negative_binomial"),
    "signed": ([-1, 0, 1, 2], "gaussian"),
    "ratings from 1": ([1, 2, 3, 4, 5, 5, 4], "ordinal"),
    "ratings from 1 with a rare top": (spread({1: 5, 2: 40, 3: 60, 4: 40, 5: 2}), "ordinal"),
    "two codes from 1": ([1, 2, 2, 1], "ordinal"),
    "ratings from 0 with a full top": (spread(dict.fromkeys(range(11), 10)), "ordinal"),
    "the same with an empty top": (spread({**dict.fromkeys(range(10), 10), 10: 1}), "negative_binomial"),
    "children": (spread(CHILDREN), "poisson"),
    "children in floats with a gap": ([*spread(CHILDREN), np.nan], "poisson"),
    "words": (spread(TAIL), "negative_binomial"),
    "words from 1": (spread(TAIL) + 1, "negative_binomial"),
    "a scale of 21": (np.tile(np.arange(1, 22), 2) * 1.0, "negative_binomial"),
    "twice the children": (2 * spread(CHILDREN), "negative_binomial"),
    "far counts of small variance": (spread({0: 1, 30: 40, 31: 40}), "gaussian"),
    "no smaller than counts of 2": (spread(TAIL) + 2, "gaussian"),
}


@pytest.mark.parametrize(("column", "expected"), COLUMNS.values(), ids=list(COLUMNS))
def test_each_kind_of_column_has_its_family(column, expected):
    assert family(column) == expected


@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer, load_diabetes])
def test_measurements_of_the_known_tables_are_gaussian(load):
    table = MixedTable()
    table.learn(load().data)
    assert set(table.families) == {"gaussian"}


def test_grey_levels_are_a_scale_where_they_are_often_white_and_else_counts_or_bits():
    X, table = load_digits().data, MixedTable()
    table.learn(X)
    often_white = (X == 16).mean(axis=0) >= 0.05
    assert {family for family, often in zip(table.families, often_white, strict=True) if often} == {"ordinal"}
    others = {family for family, often in zip(table.families, often_white, strict=True) if not often}
    assert others <= {"ordinal", "negative_binomial", "poisson", "bernoulli"}


@pytest.mark.parametrize(
    "dtype", ["int8", "uint16", "int64", "float32", "float64", "Int16", "Float64", "int32[pyarrow]"]
)
def test_the_type_of_whole_numbers_does_not_matter(dtype):
    assert family(pd.Series(spread(CHILDREN), dtype=dtype)) == "poisson"
    assert family(pd.Series([1, 2, 3, 3], dtype=dtype)) == "ordinal"


def test_overdispersion_begins_at_a_variance_of_one_and_a_half_times_the_mean():
    facts = Facts("integer", 100, 8, 0, True, 0.0, 9.0, mean=2.0, variance=3.0, share_of_greatest=0.01)
    assert chosen_family(facts, "'a'").family == "negative_binomial"
    assert chosen_family(facts._replace(variance=2.99), "'a'").family == "poisson"


def test_facts_are_those_that_numpy_finds_column_by_column():
    rng = np.random.default_rng()
    X = rng.poisson(3.0, (40, 7)).astype(float)
    X[rng.random(X.shape) < 0.2] = np.nan
    X[0] = 1.0
    for column, facts in zip(X.T, facts_of(read_columns(X)), strict=True):
        seen = column[~np.isnan(column)]
        assert (facts.n_values, facts.n_distinct) == (len(seen), len(np.unique(seen)))
        assert (facts.least, facts.greatest) == (seen.min(), seen.max())
        assert (facts.mean, facts.variance) == pytest.approx((seen.mean(), seen.var()))
        assert facts.share_of_greatest == pytest.approx((seen == seen.max()).mean())


def test_wide_tables_are_described_in_parts_as_in_one(monkeypatch):
    X = np.random.default_rng().poisson(2.0, (30, 11)).astype(float)
    whole = facts_of(read_columns(X))
    monkeypatch.setattr("sklid.data.column_rules.NUMBERS_AT_ONCE", 60)
    assert facts_of(read_columns(X)) == whole


def test_reasons_are_words_with_the_numbers_that_decided():
    table = MixedTable()
    table.learn(pd.DataFrame({"n": spread(TAIL), "t": ["u", "v", "w"] * 33, "r": [1, 2, 3] * 33}), {"r": "poisson"})
    assert table.reasons[0].startswith("whole numbers from 0 to 23 with a variance of")
    assert table.reasons[1:] == ["3 categories of text", "asked for"]


def test_whole_numbers_that_count_the_rows_are_refused_in_any_order():
    text = error(pd.DataFrame({"x": np.linspace(0, 1, 20), "id": np.arange(100, 120)[::-1]}))
    assert "Column 'id' looks like an identifier: its 20 whole numbers are all different and consecutive" in text
    assert "Leave it out, or name its likelihood, as in likelihood={'id': \"gaussian\"}" in text


def test_whole_numbers_that_rise_from_row_to_row_are_refused_and_others_are_not():
    rising = np.arange(20) * 7.0 + 3
    assert "all different and greater from row to row" in error(pd.DataFrame({"id": rising}))
    assert "greater from row to row" in error(pd.DataFrame({"id": np.insert(rising, 5, np.nan)}))
    assert family(rising[::-1]) == "gaussian"
    assert family(rising[:19]) == "gaussian"
    assert family(np.append(rising, rising[-1])) == "gaussian"
    assert family(rising + 0.5) == "gaussian"


@pytest.mark.parametrize("make", [list, pd.Categorical])
def test_text_that_is_nearly_all_different_is_refused_from_twenty_rows_on(make):
    names = [f"person {number}" for number in range(20)]
    text = error(pd.DataFrame({"name": make(names)}))
    assert "Column 'name' looks like an identifier or free text: its 20 values are all different" in text
    assert "sklid.LIDSVAE" in text
    assert "its 22 values are nearly all different" in error(pd.DataFrame({"name": make([*names, *names[:2]])}))
    assert family(make(names[:19])) == family(make([*names, *names[:3]])) == "categorical"


def test_what_looks_like_an_identifier_is_taken_by_name():
    assert family(np.arange(30), {"a": "gaussian"}) == "gaussian"
    assert family([f"{number}" for number in range(30)], {"a": "categorical"}) == "categorical"
    assert error(np.arange(60).reshape(30, 2)[:, :1]).endswith('likelihood={0: "gaussian"}.')


DATES = {
    "timestamps": pd.to_datetime(["2020-01-01", None]),
    "with a zone": pd.to_datetime(["2020-01-01", None]).tz_localize("UTC"),
    "durations": pd.to_timedelta([1, None], unit="D"),
    "periods": pd.PeriodIndex(["2020-01", "2020-02"], freq="M"),
    "dates of Python": pd.Series([None, datetime.date(2020, 1, 1)], dtype=object),
    "times of Python": pd.Series([datetime.time(1), None], dtype=object),
    "dates of Arrow": pd.Series([datetime.date(2020, 1, 1)], dtype="date32[pyarrow]"),
}


@pytest.mark.parametrize("dates", DATES.values(), ids=list(DATES))
@pytest.mark.parametrize("likelihood", ["auto", "gaussian"])
def test_dates_and_times_are_refused_with_a_remedy(dates, likelihood):
    text = error(pd.DataFrame({"x": [0.5] * len(dates), "when": dates}), likelihood)
    assert text.startswith("Column 'when' holds dates, times or durations")
    assert "days since a date, the month or the weekday" in text


@pytest.mark.parametrize("value", [datetime.date(2020, 1, 1), datetime.time(1), datetime.timedelta(1)])
def test_dates_and_times_of_polars_are_refused_too(value):
    assert error(pl.DataFrame({"when": [value]})).startswith("Column 'when' holds dates, times or durations")


def test_dates_in_arrays_are_refused_by_number():
    assert error(np.array([["2020-01-01"]], dtype="M8[D]")).startswith("Column 0 holds dates")


@pytest.mark.parametrize("value", [1j, [1, 2], {"a": 1}, (1, 2), {1}, object()])
def test_values_that_are_no_numbers_or_text_are_refused(value):
    column = np.empty(2, dtype=object)
    column[1] = value
    text = error(pd.DataFrame({"x": [0.5, 1.0], "odd": column}))
    assert text.startswith("Column 'odd' holds ")
    assert f"of type {type(value).__name__}, which is no number, truth value or text" in text
    assert "Make a column for each number in it, or leave it out" in text


def test_complex_arrays_and_nested_columns_of_polars_are_refused():
    assert "Column 0 holds 1j" in error(np.array([[1j], [0]]))
    assert "Column 'l' holds [1]" in error(pl.DataFrame({"l": [[1], [2]]}))
    assert "Column 's' holds" in error(pl.DataFrame({"s": [{"a": 1}]}))


def test_text_among_numbers_is_refused_with_both():
    text = error([[1, 0.5], ["n/a", 0.5]])
    assert "Column 0 holds 'n/a' and 1, which are of different types. Correct the values that are slips" in text


@pytest.mark.parametrize("likelihood", ["auto", "gaussian", "categorical"])
@pytest.mark.parametrize(
    "gaps", [[np.nan] * 3, [None] * 3, pd.array([None] * 3, dtype="Int64"), pd.Categorical([None] * 3)]
)
def test_columns_without_a_value_are_refused(gaps, likelihood):
    text = error(pd.DataFrame({"x": [0.5, 1.0, 2.0], "void": gaps}), {"x": "gaussian", "void": likelihood})
    assert text == "Column 'void' has no value in any row, so there is nothing to learn of it. Leave it out."


@pytest.mark.parametrize("likelihood", ["auto", "categorical", "poisson"])
@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_numbers_are_refused(value, likelihood):
    assert "X holds " + str(value) + " in column 'a', row 1" in error(pd.DataFrame({"a": [1.0, value]}), likelihood)


OUTSIDE = {
    "negative count": ("poisson", [0.0, -2.0], -2, "the non-negative whole numbers", "gaussian, categorical, ordinal"),
    "fraction": ("negative_binomial", [1, 2.5], 2.5, "the non-negative whole numbers", "gaussian, log_normal, categ"),
    "zero": (
        "log_normal",
        [2.0, 0.0],
        0,
        "the positive numbers, from 1e-38 on",
        "gaussian, poisson, negative_binomial, zero_",
    ),
    "two": ("bernoulli", [0.5, 2.0], 2, "[0, 1]", "gaussian, log_normal, categorical, ordinal"),
    "below 0": ("continuous_bernoulli", [0.5, -0.5], -0.5, "[0, 1]", "gaussian, categorical, ordinal"),
}


@pytest.mark.parametrize(("asked", "column", "value", "support", "others"), OUTSIDE.values(), ids=list(OUTSIDE))
def test_a_value_outside_its_family_is_named_with_its_place_and_the_families_that_fit(
    asked, column, value, support, others
):
    text = error(pd.DataFrame({"x": [0.5, 1.0], "a": column}), {"a": asked})
    assert (
        f"likelihood=\"{asked}\" cannot take the value {value} in column 'a', row 1: it is outside {support}." in text
    )
    assert f"Likelihoods that fit these values: {others}" in text


@pytest.mark.parametrize("asked", ["poisson", "negative_binomial"])
def test_counts_end_where_single_precision_does(asked):
    assert family([3, 2**24], {"a": asked}) == asked
    text = error(pd.DataFrame({"a": [3, 2**24 + 1]}), asked)
    assert "cannot take the value 16777217 in column 'a', row 1: it is beyond the whole numbers that single" in text
    assert 'Take likelihood="log_normal" or "gaussian", or divide' in text


@pytest.mark.parametrize("asked", ["gaussian", "poisson", "negative_binomial", "log_normal", "continuous_bernoulli"])
def test_text_and_categories_are_no_numbers(asked):
    text = error(pd.DataFrame({"a": ["1", "2", "3"]}), asked)
    assert f"likelihood=\"{asked}\" cannot take column 'a', which holds text, such as '1'" in text
    assert text.endswith("Likelihoods that fit these values: categorical.")
    assert error(pd.DataFrame({"a": pd.Categorical([1, 2, 3])}), asked).endswith(": categorical, ordinal.")


def test_two_values_of_text_may_be_bernoulli_and_three_may_not():
    assert family(["no", "yes", None], "bernoulli") == "bernoulli"
    assert 'likelihood="bernoulli" cannot take column' in error(pd.DataFrame({"a": ["no", "yes", "?"]}), "bernoulli")


def test_text_has_no_order_to_be_ordinal_in_and_categories_have():
    text = error(pd.DataFrame({"a": ["low", "high"]}), "ordinal")
    assert "needs an order, and column 'a' holds text" in text
    assert "pandas.Categorical(values, categories=[...], ordered=True)" in text
    assert family(pd.Categorical(["low", "high"], categories=["low", "high"]), "ordinal") == "ordinal"
    assert family([30, 10, 20], "ordinal") == "ordinal"


def test_a_column_has_at_most_4096_categories():
    codes = np.arange(4097)
    assert family(codes[:-1], "categorical") == "categorical"
    assert "Column 'a' has 4097 categories, and a column may have 4096. Merge" in error(
        pd.DataFrame({"a": codes}), "categorical"
    )


def test_families_are_asked_for_by_label_by_number_and_in_a_list():
    X, table = pd.DataFrame({"a": [0.5, 1.5], "b": [1, 2], "c": [1, 2]}), MixedTable()
    for likelihood in ({"b": "poisson"}, {1: "poisson"}, {np.int64(1): "poisson"}, ["auto", "poisson", "auto"]):
        table.learn(X, likelihood)
        assert table.families == ["gaussian", "poisson", "ordinal"]
    table.learn(X.to_numpy(), {1: "poisson", 2: "gaussian"})
    assert table.families == ["gaussian", "poisson", "gaussian"]
    table.learn(X, "log_normal")
    assert table.families == ["log_normal"] * 3


def test_labels_that_are_numbers_are_labels_and_no_places():
    X, table = pd.DataFrame([[1, 2], [2, 1]], columns=[1, 0]), MixedTable()
    table.learn(X, {1: "poisson"})
    assert table.families == ["poisson", "ordinal"]
    X.columns = [10, 20]
    assert "names the column 0, which X does not have; it has the columns 10, 20." in error(X, {0: "poisson"})


def test_unknown_columns_families_and_lengths_are_named():
    X = pd.DataFrame({"a": [1.5, 2.0], "b": [1.5, 2.0]})
    assert "names the column 'c', which X does not have; it has the columns 'a', 'b'." in error(X, {"c": "gaussian"})
    assert "likelihood='gausian' is none of 'auto', 'gaussian'" in error(X, "gausian")
    assert "likelihood='x' is none of" in error(X, {"a": "x"})
    assert "likelihood=None is none of" in error(X, ["gaussian", None])
    assert "likelihood has 1 names, and 2 columns of X are modelled" in error(X, ["gaussian"])
    assert "likelihood=3 must be a name, a dict" in error(X, 3)
    assert len(error(np.ones((2, 500)), {-1: "gaussian"})) < 300


def test_numbers_of_any_type_of_python_are_numbers():
    X = pd.DataFrame({"a": pd.Series([Decimal("1.5"), 2, np.float32(0.25), True], dtype=object)})
    np.testing.assert_array_equal(MixedTable().learn(X)[:, 0], [1.5, 2.0, 0.25, 1.0])
