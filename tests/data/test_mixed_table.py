"""The border of a table of numbers, categories, counts and gaps: codes, gaps, and the way back to the container."""

import pickle
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from pandas.testing import assert_frame_equal
from polars.testing import assert_frame_equal as assert_polars_equal

from sklid.data.mixed_table import MixedTable
from sklid.exceptions import UnknownCategoryWarning

WHOLE = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
NULLABLE = ["Int8", "Int32", "Int64", "UInt8", "UInt64", "Float32", "Float64", "int64[pyarrow]", "double[pyarrow]"]
TEXT = ["str", "string", "string[python]", "string[pyarrow]", object]
PANDAS = {
    **{dtype: pd.Series([3, 50, 50, 7], dtype=dtype) for dtype in [*WHOLE, "float32", "float64"]},
    **{f"{dtype} with gap": pd.Series([3, None, 50, 7], dtype=dtype) for dtype in [*NULLABLE, "float32", "float64"]},
    **{f"text as {dtype}": pd.Series(["b", None, "a", "b"], dtype=dtype) for dtype in TEXT},
    "bool": pd.Series([True, False, False, True]),
    "boolean": pd.Series([True, None, False, True], dtype="boolean"),
    "bool of Arrow": pd.Series([True, None, False, True], dtype="bool[pyarrow]"),
    "truth values as objects": pd.Series([True, None, False, True], dtype=object),
    "whole numbers as objects": pd.Series([3, None, 50, 7], dtype=object),
    "numbers as objects": pd.Series([3.5, None, 50.0, 7.0], dtype=object),
    "categories": pd.Series(pd.Categorical(["z", None, "b", "z"], categories=["z", "none", "b"])),
    "ordered": pd.Series(pd.Categorical(["lo", None, "hi", "mid"], categories=["lo", "mid", "hi"], ordered=True)),
    "numbers as categories": pd.Series(pd.Categorical([3, None, 1, 3], categories=[3, 1])),
    "intervals as categories": pd.Series(pd.cut([1, 2, 3, 4], 2)),
    "dates as categories": pd.Series(pd.Categorical(pd.to_datetime(["2020-01-01", None, "2021-01-01", "2020-01-01"]))),
    "sparse": pd.Series(pd.arrays.SparseArray([0, 0, 3, 50])),
}
POLARS_WHOLE = [pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64]
POLARS = {
    **{str(dtype): pl.Series([3, None, 50, 7], dtype=dtype) for dtype in [*POLARS_WHOLE, pl.Float32, pl.Float64]},
    "Boolean": pl.Series([True, None, False, True]),
    "String": pl.Series(["b", None, "a", "b"]),
    "Categorical": pl.Series(["b", None, "a", "b"], dtype=pl.Categorical),
    "Enum": pl.Series(["b", None, "a", "b"], dtype=pl.Enum(["c", "b", "a"])),
    "Decimal": pl.Series([Decimal("1.5"), None, Decimal("2.5"), Decimal("3.5")], dtype=pl.Decimal(10, 1)),
}


def learned(X, likelihood="auto"):
    table = MixedTable()
    table.learn(X, likelihood)
    return table


@pytest.mark.parametrize("column", PANDAS.values(), ids=list(PANDAS))
def test_a_pandas_column_comes_back_with_its_type(column):
    X = pd.DataFrame({"a": column})
    table = learned(X)
    assert_frame_equal(table.decode(table.encode(X)), X)


@pytest.mark.parametrize("column", PANDAS.values(), ids=list(PANDAS))
def test_a_pandas_column_of_codes_comes_back_with_its_type(column):
    X = pd.DataFrame({"a": column})
    table = MixedTable()
    codes = table.learn(X, "categorical")
    assert set(codes[~np.isnan(codes)]) == set(range(len(table.categories[0])))
    assert_frame_equal(table.decode(codes), X)


def test_a_pandas_frame_of_all_types_comes_back_as_it_was():
    X = pd.DataFrame(PANDAS)
    table = MixedTable()
    rows = table.learn(X)
    assert rows.dtype == np.float64
    np.testing.assert_array_equal(rows, table.encode(X))
    np.testing.assert_array_equal(np.isnan(rows), X.isna())
    assert_frame_equal(table.decode(rows), X)
    assert_frame_equal(table.decode(rows[::-1]), X[::-1].reset_index(drop=True))


@pytest.mark.parametrize("column", POLARS.values(), ids=list(POLARS))
@pytest.mark.parametrize("likelihood", ["auto", "categorical"])
def test_a_polars_column_comes_back_with_its_type(column, likelihood):
    X = pl.DataFrame({"a": column})
    table = learned(X, likelihood)
    np.testing.assert_array_equal(np.isnan(table.encode(X)[:, 0]), X["a"].is_null())
    assert_polars_equal(table.decode(table.encode(X)), X)


def test_a_polars_frame_of_all_types_comes_back_as_it_was():
    X = pl.DataFrame(POLARS)
    table = MixedTable()
    assert_polars_equal(table.decode(table.learn(X)), X)


@pytest.mark.parametrize("dtype", ["int64", "uint8", "float32", "float64"])
def test_arrays_of_numbers_come_back_in_double_precision(dtype):
    X = np.array([[3, 5], [50, 7]], dtype=dtype)
    table = learned(X)
    back = table.decode(table.encode(X))
    np.testing.assert_array_equal(back, X)
    assert back.dtype == np.float64


def test_arrays_of_truth_values_come_back_as_truth_values():
    X = np.array([[True, False], [False, False]])
    back = learned(X).decode(X.astype(float))
    np.testing.assert_array_equal(back, X)
    assert back.dtype == bool


@pytest.mark.parametrize("make", [list, lambda rows: np.array(rows, dtype=object)])
def test_rows_of_objects_come_back_as_an_array_of_objects(make):
    rows = [["b", 1.5, 7, True, None], [None, 2.5, 9, False, "u"], ["a", np.nan, 9, None, "u"]]
    table = learned(make(rows))
    assert table.kinds == ["text", "float", "integer", "boolean", "text"]
    back = table.decode(table.encode(make(rows)))
    assert back.dtype == object
    pd.testing.assert_frame_equal(pd.DataFrame(back), pd.DataFrame(np.array(rows, dtype=object)))
    assert [type(value) for value in back[0]] == [str, float, int, bool, type(None)]


def test_arrays_of_strings_are_categories():
    X = np.array([["b", "1"], ["a", "2"], ["b", "2"]])
    table = learned(X)
    assert table.families == ["categorical", "categorical"]
    np.testing.assert_array_equal(table.decode(table.encode(X)), X.astype(object))


GAPS = [None, np.nan, float("nan"), pd.NA, pd.NaT, np.float32("nan"), np.datetime64("NaT"), Decimal("NaN")]


@pytest.mark.parametrize("gap", GAPS, ids=lambda gap: f"{type(gap).__name__} {gap}")
def test_every_missing_value_is_a_gap_in_text_and_in_numbers(gap):
    X = np.array([["a", 1.5], [gap, gap], ["b", 2.5]], dtype=object)
    np.testing.assert_array_equal(MixedTable().learn(X), [[0.0, 1.5], [np.nan, np.nan], [1.0, 2.5]])


def test_nan_and_null_of_polars_are_gaps():
    X = pl.DataFrame({"a": [1.5, None, float("nan")]})
    np.testing.assert_array_equal(MixedTable().learn(X)[:, 0], [1.5, np.nan, np.nan])


def test_masked_values_are_gaps():
    X = np.ma.masked_array([[1, 2], [3, 4]], mask=[[False, True], [False, False]])
    np.testing.assert_array_equal(MixedTable().learn(X), [[1.0, np.nan], [3.0, 4.0]])


def test_codes_follow_sorted_text_declared_categories_sizes_and_truth():
    X = pd.DataFrame(
        {
            "text": ["b", "a", "c"],
            "declared": pd.Categorical(["x", "z", "x"], categories=["z", "absent", "x"]),
            "numbers": [10115, 20095, 1067],
            "truth": [True, False, True],
        }
    )
    table = MixedTable()
    rows = table.learn(X, {"numbers": "categorical", "truth": "categorical"})
    np.testing.assert_array_equal(rows, [[1, 1, 1, 1], [0, 0, 2, 0], [2, 1, 0, 1]])
    assert [found.tolist() for found in table.categories] == [
        ["a", "b", "c"],
        ["z", "x"],
        [1067, 10115, 20095],
        [False, True],
    ]


def test_columns_that_a_model_sees_as_they_are_have_no_categories():
    table = learned(pd.DataFrame({"a": [0.5, 1.5], "b": [True, False], "c": [0, 1]}))
    assert table.categories == [None, None, None]


def test_unknown_categories_are_gaps_with_one_warning_that_names_columns_and_values():
    X = pd.DataFrame({"a": ["u", "v", "u"], "b": [1, 2, 3], "c": [0.5, 1.5, 2.5]})
    table = learned(X)
    later = pd.DataFrame({"a": ["w", "u", None], "b": [9, 2, 3], "c": [0.5, 1.5, 2.5]})
    with pytest.warns(UnknownCategoryWarning) as caught:
        rows = table.encode(later)
    np.testing.assert_array_equal(rows, [[np.nan, np.nan, 0.5], [0, 1, 1.5], [np.nan, 2, 2.5]])
    (warning,) = caught
    assert "taken as missing: column 'a': 'w'; column 'b': 9." in str(warning.message)
    assert warning.filename == __file__


def test_many_unknown_categories_are_told_in_a_short_line():
    X = pd.DataFrame({f"column {number}": ["a", "b"] for number in range(50)})
    with pytest.warns(UnknownCategoryWarning, match="'w0', .* and 95 more; .* and 45 more columns") as caught:
        learned(X).encode(pd.DataFrame({name: [f"w{row}" for row in range(100)] for name in X}))
    assert len(str(caught[0].message)) < 500


def test_later_tables_may_have_other_types_for_the_same_values():
    table = learned(
        pd.DataFrame({"a": ["u", "v", "u"], "b": [1, 2, 3], "c": [True, False, True], "d": [0.5, 1.0, 9.0]})
    )
    expected = [[1.0, 0.0, 1.0, 2.0]]
    categories = pd.Categorical(["v"], categories=["x", "v"])
    np.testing.assert_array_equal(
        table.encode(pd.DataFrame({"a": categories, "b": [1.0], "c": [1], "d": pd.Series([2], dtype="Int8")})), expected
    )
    np.testing.assert_array_equal(table.encode(pl.DataFrame({"a": ["v"], "b": [1], "c": [True], "d": [2]})), expected)
    np.testing.assert_array_equal(table.encode([["v", 1, True, 2]]), expected)
    void = pd.DataFrame({"a": [None], "b": [np.nan], "c": [None], "d": pd.Categorical([None])})
    assert np.isnan(table.encode(void)).all()


def test_later_tables_have_the_columns_of_the_fit():
    table = learned(pd.DataFrame({"a": ["u", "v"], "b": [0.5, 1.5]}))
    with pytest.raises(ValueError, match="X has 1 features, but MixedTable is expecting 2 features as input"):
        table.encode(pd.DataFrame({"a": ["u"]}))
    with pytest.raises(ValueError, match="column 0 is 'b', and was 'a'"):
        table.encode(pd.DataFrame({"b": [0.5], "a": ["u"]}))
    with pytest.raises(ValueError, match="Column 'b' holds 'u', and held numbers in fit. Turn it into numbers"):
        table.encode([["u", "u"]])


def test_later_values_are_in_the_family_of_their_column():
    table = learned(pd.DataFrame({"n": [0, 4, 4], "b": [False, True, True]}), {"n": "poisson"})
    with pytest.raises(ValueError, match="value -1 in column 'n', row 1: it is outside the non-neg.* correct the"):
        table.encode(pd.DataFrame({"n": [1, -1], "b": [True, True]}))
    with pytest.raises(ValueError, match="cannot take the value 7 in column 'b', row 0"):
        table.encode(pd.DataFrame({"n": [1], "b": [7]}))
    with pytest.raises(ValueError, match="X holds inf in column 'n', row 0"):
        table.encode(pd.DataFrame({"n": [np.inf], "b": [1]}))
    with pytest.raises(ValueError, match="beyond the whole numbers .* 16777216. The model was fitted"):
        table.encode(pd.DataFrame({"n": [1e9], "b": [1]}))
    with pytest.raises(ValueError, match="Column 'b' holds 'yes', and held truth values in fit. Turn it into truth"):
        table.encode(pd.DataFrame({"n": [1], "b": ["yes"]}))


def test_whole_numbers_and_truth_values_are_rounded_within_their_type():
    X = pd.DataFrame({"small": pd.Series([3, 9, 200], dtype="uint8"), "truth": [True, False, True]})
    back = learned(X).decode([[-4.0, 0.4], [7.6, 0.6], [300.0, 1.0]])
    assert_frame_equal(
        back, pd.DataFrame({"small": pd.Series([0, 8, 255], dtype="uint8"), "truth": [False, True, True]})
    )


@pytest.mark.parametrize("dtype", ["int64", "uint64", "Int64"])
def test_numbers_beyond_the_longest_type_become_its_ends(dtype):
    table = learned(pd.DataFrame({"a": pd.Series([30, 90, 40], dtype=dtype)}))
    low, high = map(int, table.decode([[-1e30], [1e30]])["a"])
    limits = np.iinfo(dtype.lower())
    assert low == limits.min
    assert high == pytest.approx(limits.max, rel=1e-15)
    assert high <= limits.max


def test_means_stay_numbers_and_labels_stay_labels():
    X = pd.DataFrame({"n": [3, 50, 7], "b": [True, False, True], "t": ["u", "v", "u"], "f": np.float32([1, 2.5, 3])})
    back = learned(X).decode([[3.25, 0.75, 0.6, 2.0]], rounded=False)
    assert_frame_equal(back, pd.DataFrame({"n": [3.25], "b": [0.75], "t": ["v"], "f": np.float32([2.0])}))
    frame = pl.DataFrame({"n": [3, 50, 7], "b": [True, False, True]})
    assert_polars_equal(learned(frame).decode([[3.25, 0.75]], rounded=False), pl.DataFrame({"n": [3.25], "b": [0.75]}))


def test_gaps_in_columns_that_had_none_get_the_type_of_that_width_that_has():
    X = pd.DataFrame({"n": pd.Series([3, 50], dtype="int16"), "b": [True, False], "f": [0.5, 1.0], "t": ["u", "v"]})
    back = learned(X).decode([[np.nan, np.nan, np.nan, np.nan], [4.0, 1.0, 2.0, 1.0]])
    expected = {"n": pd.array([None, 4], dtype="Int16"), "b": pd.array([None, True], dtype="boolean")}
    assert_frame_equal(back, pd.DataFrame({**expected, "f": [np.nan, 2.0], "t": [None, "v"]}))


def test_sparse_columns_with_gaps_become_dense():
    X = pd.DataFrame({"a": pd.arrays.SparseArray([0, 0, 3, 50])})
    assert_frame_equal(learned(X).decode([[np.nan], [2]]), pd.DataFrame({"a": pd.array([None, 2], dtype="Int64")}))


def test_an_array_is_to_be_had_of_any_container_and_no_other_frame():
    for X in (pd.DataFrame({"a": ["u", "v"], "b": [3, 50]}), pl.DataFrame({"a": ["u", "v"], "b": [3, 50]})):
        table = MixedTable()
        back = table.decode(table.learn(X), container="array")
        assert back.tolist() == [["u", 3], ["v", 50]]
        assert type(table.decode([[0, 3]], container=table.container.name)) is type(X)
        with pytest.raises(ValueError, match='must be "array" or what the table of the fit was'):
            table.decode([[0, 3]], container="excel")


def test_rows_of_a_pandas_frame_may_have_an_index():
    X = pd.DataFrame({"a": ["u", "v"], "b": [3, 50]}, index=["first", "second"])
    table = MixedTable()
    assert_frame_equal(table.decode(table.learn(X), index=X.index), X)


def test_rows_of_another_shape_and_codes_of_no_category_are_refused():
    table = learned(pd.DataFrame({"a": ["u", "v"], "b": [3, 50]}))
    for rows in ([[0.0]], [0.0, 1.0]):
        with pytest.raises(ValueError, match="are not of the 2 columns seen in fit"):
            table.decode(rows)
    for code in (-1.0, 2.0):
        with pytest.raises(ValueError, match="Column 'a' has the codes 0 to 1 alone"):
            table.decode([[code, 3.0]])


LABELS = {
    "numbers": [3, 1],
    "tuples": [("a", 1), ("b", 2)],
    "mixed": ["a", 7],
    "twice the same": ["a", "a"],
    "gaps": [None, np.nan],
    "dates": pd.to_datetime(["2020-01-01", "2020-01-02"]),
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=list(LABELS))
def test_labels_of_any_type_come_back(labels):
    X = pd.DataFrame([[0.5, 3], [1.5, 50], [2.5, 3]]).astype({0: "category"})
    X.columns = labels
    table = learned(X)
    assert_frame_equal(table.decode(table.encode(X)), X)
    assert [type(name) for name in table.names] == [str, str]


def test_columns_without_names_are_called_by_their_number():
    assert learned([["u", 1.5], ["v", 2.0]]).names == ["column 0", "column 1"]
    assert learned(pl.DataFrame({"x": [0.5]})).names == ["x"]


def test_a_pickled_border_is_the_same():
    for X in (pd.DataFrame(PANDAS), pl.DataFrame(POLARS)):
        table = learned(X)
        again = pickle.loads(pickle.dumps(table))
        np.testing.assert_array_equal(again.encode(X), table.encode(X))
        assert again.decode(table.encode(X)).equals(table.decode(table.encode(X)))


def test_the_border_keeps_no_rows():
    X = pd.DataFrame(np.random.default_rng().standard_normal((20_000, 3)))
    assert len(pickle.dumps(learned(X))) < 10_000
    assert len(pickle.dumps(learned(pl.DataFrame(X.to_numpy())))) < 10_000


@pytest.mark.parametrize("X", [np.zeros((3, 2)), pd.DataFrame(np.zeros((3, 2))), pl.DataFrame(np.zeros((3, 2)))])
def test_the_rows_of_a_user_are_left_alone(X):
    before = X.clone() if isinstance(X, pl.DataFrame) else X.copy()
    table = MixedTable()
    for rows in (table.learn(X), table.encode(X)):
        rows[:] = 7.0
    assert np.array_equal(np.asarray(X), np.asarray(before))


def test_constant_columns_are_kept():
    X = pd.DataFrame({"t": ["u"] * 25, "n": [7] * 25, "f": [0.5] * 25, "b": [True] * 25})
    table = MixedTable()
    assert_frame_equal(table.decode(table.learn(X)), X)


@pytest.mark.parametrize("X", [[1.5, 2.0], pd.Series([1.5]), "text", None, np.zeros((2, 2, 2)), [[1.5], [1.5, 2.0]]])
def test_what_is_no_table_is_refused(X):
    with pytest.raises(ValueError, match="Expected 2D array, got [013]D array instead: .* of type"):
        MixedTable().learn(X)


@pytest.mark.parametrize("X", [np.zeros((0, 2)), np.zeros((2, 0)), pd.DataFrame({"a": []}), pl.DataFrame()])
def test_tables_without_rows_or_columns_are_refused_and_later_ones_may_have_no_rows(X):
    with pytest.raises(ValueError, match="Found array with"):
        MixedTable().learn(X)
    table = learned(pd.DataFrame({"a": ["u", "v"], "b": [3, 50]}))
    rows = table.encode(pd.DataFrame({"a": pd.Series([], dtype="str"), "b": pd.Series([], dtype="int64")}))
    assert rows.shape == (0, 2)
    assert table.decode(rows).shape == (0, 2)
