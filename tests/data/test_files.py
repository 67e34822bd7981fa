"""Tables from files: every column of numbers is a feature, and every other one has a reason in words."""

import sys

import numpy as np
import pytest

from sklid.data.files import TableError, read_table

FILES = 'pip install "sklid[files]"'


@pytest.fixture
def written(tmp_path):
    """Function that writes a file of text or bytes."""

    def write(content, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_quotes_and_a_byte_order_mark(written, separator):
    pytest.importorskip("pandas")
    text = '\ufeff"height; cm";kind;weight\r\n1.5;"a;b";2\r\n3;c;-4e1\r\n'.replace(";", separator)
    table = read_table(written(text), "kind")
    assert table.names == [f"height{separator} cm", "weight"]
    assert table.rows.tolist() == [[1.5, 2], [3, -40]]
    assert table.labels.tolist() == [f"a{separator}b", "c"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a,a,b\n1,2,3\n4,5,6\n", ["a", "a.1", "b"]),
        (",,\n1,2,3\n4,5,6\n", ["Unnamed: 0", "Unnamed: 1", "Unnamed: 2"]),
        ("400,402,404\n1,2,3\n4,5,6\n", ["400", "402", "404"]),
    ],
)
def test_every_column_is_kept_under_repeated_missing_and_numeric_titles(written, text, names):
    pytest.importorskip("pandas")
    table = read_table(written(text))
    assert table.names == names
    assert table.rows.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert table.left_out == {}


def test_titles_that_are_numbers_get_a_note_and_rows_without_titles_are_read_as_such(written):
    pytest.importorskip("pandas")
    path = written("5.1,3.5,setosa\n4.9,3.0,setosa\n")
    assert "--no-header" in " ".join(read_table(path).notes)
    table = read_table(path, "column 2", has_titles=False)
    assert table.names == ["column 0", "column 1"]
    assert table.rows.tolist() == [[5.1, 3.5], [4.9, 3.0]]
    assert table.notes == ()


@pytest.mark.parametrize("first", ["1,,3", "1,NA,3", ",,3"])
def test_first_line_of_numbers_and_gaps_is_not_taken_for_titles(written, first):
    pytest.importorskip("pandas")
    with pytest.raises(TableError, match="--no-header if it is a row"):
        read_table(written(f"{first}\n4,5,6\n"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('"","a","b"\n"1",0.1,0.2\n"2",0.4,0.5\n', "Unnamed: 0"),
        (",a,b\n0,0.1,0.2\n1,0.4,0.5\n", "Unnamed: 0"),
        ("\ufeff,a,b\n0,0.1,0.2\n1,0.4,0.5\n", "Unnamed: 0"),
        ("a\tb\nfirst\t0.1\t0.2\nsecond\t0.4\t0.5\n", "first column"),
        ("a\tb\n0\t0.1\t0.2\n1\t0.4\t0.5\n", "first column"),
    ],
)
def test_names_of_rows_are_no_feature(written, text, reason):
    pytest.importorskip("pandas")
    table = read_table(written(text))
    assert table.names == ["a", "b"]
    assert table.rows.tolist() == [[0.1, 0.2], [0.4, 0.5]]
    assert table.left_out == {reason: "names of the rows"}


def test_what_was_read_and_left_out_is_said_in_one_line(written):
    pytest.importorskip("pandas")
    text = "a,city,day,empty,yes,drop,y,y\n1,Rome,2020-01-01,,True,7,u,u\n2,Oslo,2020-01-02,,False,x,v,v\n"
    table = read_table(written(text), "y", ["drop"])
    assert table.rows.tolist() == [[1, 1], [2, 0]]
    assert table.summary() == (
        "2 rows, features: 'a', 'yes' (2); labels: 'y'; left out: 'y.1' (title of the labels), 'drop' (--leave-out), "
        "'city' (no numbers, such as 'Rome'), 'day' (no numbers, such as '2020-01-01'), 'empty' (empty)"
    )


@pytest.mark.parametrize("separator", [";", "\t"])
def test_decimal_commas_are_read_where_commas_do_not_separate(written, separator):
    pytest.importorskip("pandas")
    text = "a;b\n1,5;2\n-3,25;4,125\n".replace(";", separator)
    assert read_table(written(text)).rows.tolist() == [[1.5, 2], [-3.25, 4.125]]


def test_comma_among_decimal_points_is_not_taken_for_one(written):
    pytest.importorskip("pandas")
    table = read_table(written("a;b\n0.5;1,234\n0.25;5,678\n"))
    assert table.names == ["a"]
    assert table.left_out == {"b": "no numbers, such as '1,234'"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("a,b\n", "has no rows"),
        ("a,b\n1,2\n1,2,3\n", "Expected 2 fields in line 3, saw 3"),
        ('a,b\n"1,2\n', "EOF inside string"),
        ("a\n1,5\n2,5\n", "has 1 titles in the first line and 2 values in the second"),
        ("a,b\n1,2,3,4\n", "has 2 titles in the first line and 4 values in the second"),
        ("a,b\n1,2,\n3,4,\n", "has 2 titles in the first line and 3 values in the second"),
        ("a,b\n1,é\n".encode("latin-1"), "not UTF-8"),
        (b"a,b\n" + b"1,2\n" * 100_000 + "é,2\n".encode("latin-1"), "not UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "not UTF-8"),
        ("a,b\n" + "1" * 200_000 + ",2\n", "field larger than field limit"),
        ("a,b\n1,5\n2,Paris\n", "'b' holds 'Paris' in row 2, which is not a number, among numbers; correct it"),
        ("a,b\nx,y\n", "no column of numbers is left to model; left out: 'a' (no numbers, such as 'x'), 'b'"),
    ],
)
def test_text_that_is_no_table_says_why(written, content, message):
    pytest.importorskip("pandas")
    with pytest.raises(TableError) as caught:
        read_table(written(content))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("label", "leave_out"), [("c", []), (None, ["c"])])
def test_column_that_is_not_there_is_answered_with_those_that_are(written, label, leave_out):
    pytest.importorskip("pandas")
    with pytest.raises(TableError, match=r"no column 'c'; the columns are 'a', 'b'\."):
        read_table(written("a,b\n1,2\n"), label, leave_out)


def test_columns_with_gaps_are_all_named_with_counts_and_rows_of_the_file(written):
    pytest.importorskip("pandas")
    path = written("a,b,c\n1,,1\n2,3,inf\n,,1\n")
    with pytest.raises(TableError) as caught:
        read_table(path)
    assert "'a' (1, first in row 3), 'b' (2, first in row 1), 'c' (1, first in row 2) of 3 rows" in str(caught.value)
    assert "--leave-out" in str(caught.value)


def test_rows_without_a_label_are_counted(written):
    pytest.importorskip("pandas")
    with pytest.raises(TableError, match="2 rows have no label in 'y', the first is row 2"):
        read_table(written("a,y\n1,u\n2,\n3,\n"), "y")


def test_index_that_pandas_stores_in_parquet_is_no_feature_but_can_be_the_labels(tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pandas.DataFrame({"a": [1.0, 2.0, 3.0], "b": [4, 5, 6]})
    path = tmp_path / "table.parquet"
    for stored in (frame, frame.iloc[[2, 0, 1]], frame[frame.a > 1]):
        stored.to_parquet(path)
        table = read_table(path)
        assert table.names == ["a", "b"]
        assert table.rows.tolist() == stored.to_numpy().tolist()
    frame.set_index(pandas.Index([7, 3, 9], name="id")).to_parquet(path)
    assert read_table(path).left_out == {"id": "index"}
    table = read_table(path, "id")
    assert (table.names, table.labels.tolist(), table.left_out) == (["a", "b"], [7, 3, 9], {})


def test_types_of_parquet_that_are_no_numbers_are_left_out(tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    columns = {
        "whole": pandas.array([1, 2], dtype="Int64"),
        "truth": [True, False],
        "day": pandas.to_datetime(["2020-01-01", "2020-01-02"]),
        "kind": pandas.Categorical(["u", "v"]),
        "list": [[1], [2]],
    }
    pandas.DataFrame(columns).to_parquet(tmp_path / "table.parquet")
    table = read_table(tmp_path / "table.parquet", "kind")
    assert table.rows.tolist() == [[1, 1], [2, 0]]
    assert list(table.left_out) == ["day", "list"]
    assert table.labels.tolist() == ["u", "v"]


def test_parquet_that_is_damaged_or_repeats_a_title_says_so(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pandas")
    from pyarrow import parquet

    path = tmp_path / "table.parquet"
    parquet.write_table(pyarrow.Table.from_arrays([pyarrow.array([1.0]), pyarrow.array([2.0])], names=["a", "a"]), path)
    with pytest.raises(TableError, match="two columns have the title 'a'"):
        read_table(path)
    parquet.write_table(pyarrow.table({"a": np.arange(50.0)}), path)
    whole = path.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], whole[:100] + b"\xff" * 200 + whole[300:], b"a,b\n1,2\n"):
        path.write_bytes(damaged)
        with pytest.raises(TableError, match="is damaged, or no Parquet file"):
            read_table(path)


@pytest.mark.parametrize("name", ["table.csv", "table.tsv", "table.parquet"])
def test_files_that_need_pandas_name_the_extra_without_it(written, monkeypatch, name):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(TableError) as caught:
        read_table(written("a,b\n1,2\n", name))
    assert FILES in str(caught.value)


def test_numpy_files_need_no_pandas(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    np.save(tmp_path / "rows.npy", np.eye(2))
    assert read_table(tmp_path / "rows.npy").rows.tolist() == [[1, 0], [0, 1]]


def test_paths_that_are_no_file_of_a_known_kind(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    for name, message in (
        ("none.csv", "there is no such file"),
        ("folder.csv", "is a folder"),
        ("table.xlsx", "cannot read a .xlsx file; give one of .csv, .tsv, .npy, .npz, .parquet"),
        ("table", "cannot read a file whose name has no ending"),
        (".", "is a folder"),
    ):
        with pytest.raises(TableError, match=message):
            read_table(tmp_path / name)


@pytest.mark.parametrize("name", ["table.npz", "table.parquet"])
def test_titles_are_denied_to_text_alone(tmp_path, name):
    with pytest.raises(TableError, match="--no-header is for files of text"):
        read_table(tmp_path / name, has_titles=False)
