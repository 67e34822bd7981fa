"""Tables that come in parts: the same rows, names and answers as those of the table in memory."""

import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import dataset, parquet

from sklid import LIDVAE, LIDGMVAEClustering
from sklid.data import memory_map, spooled
from sklid.data.memory_map import MappedRows
from sklid.data.spooled import in_parts

SMALL = {"max_epochs": 3, "decoder_width": 8, "encoder_width": 8, "random_state": 0}

pytestmark = pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")


def frame(n=120, seed=0):
    random = np.random.default_rng(seed)
    columns = random.standard_normal((n, 2)) @ random.standard_normal((2, 4)) + 0.3 * random.standard_normal((n, 4))
    table = pd.DataFrame(columns, columns=["a", "b", "c", "d"])
    return table.assign(d=(10 * table["d"]).round().astype(int), e=table["a"] > 0)


@pytest.fixture
def folder(tmp_path):
    """Three files of forty rows each, of two row groups."""
    table = pa.Table.from_pandas(frame(), preserve_index=False)
    for number in range(3):
        parquet.write_table(table.slice(40 * number, 40), tmp_path / f"part{number}.parquet", row_group_size=25)
    return tmp_path


def forms(folder):
    table = pa.Table.from_pandas(frame(), preserve_index=False)
    return {
        "folder": folder,
        "name of a folder": str(folder),
        "dataset": dataset.dataset(folder),
        "table": table,
        "batch": table.to_batches()[0],
        "reader": table.to_reader(max_chunksize=50),
    }


@pytest.mark.parametrize("form", ["folder", "name of a folder", "dataset", "table", "batch", "reader"])
def test_rows_are_those_of_all_parts_in_their_order(form, folder):
    parts = in_parts(forms(folder)[form])
    assert parts.names == list("abcde")
    np.testing.assert_array_equal(parts.rows, frame().to_numpy(float))


def test_nulls_are_gaps_and_single_precision_is_kept():
    table = pa.table({"x": pa.array([1.5, None], pa.float32()), "y": pa.array(np.array([2, 3], np.float16))})
    rows = in_parts(table).rows
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows, [[1.5, 2.0], [np.nan, 3.0]])
    np.testing.assert_array_equal(in_parts(pa.table({"x": [True, None], "y": [1, 2]})).rows, [[1, 1], [np.nan, 2]])


@pytest.mark.parametrize("estimator", [LIDVAE(2, **SMALL), LIDGMVAEClustering(2, n_components=2, n_init=1, **SMALL)])
@pytest.mark.parametrize("largest", [memory_map.LARGEST_LOADED, 100])
def test_fit_and_answers_are_those_of_the_frame(estimator, largest, folder, monkeypatch):
    whole = estimator.fit(frame())
    answers = whole.transform(frame()), whole.score_samples(frame())
    monkeypatch.setattr(memory_map, "LARGEST_LOADED", largest)
    parts = type(estimator)(**estimator.get_params()).fit(folder)
    assert parts.feature_names_in_.tolist() == list("abcde")
    np.testing.assert_allclose(parts.transform(folder), answers[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(parts.score_samples(dataset.dataset(folder)), answers[1], rtol=1e-5)


@pytest.mark.parametrize("form", ["folder", "dataset", "reader"])
def test_fit_transform_reads_a_table_once(form, folder, monkeypatch):
    tables, spool = [], spooled._spooled
    monkeypatch.setattr(spooled, "_spooled", lambda *told: tables.append(spool(*told)) or tables[-1])
    latents = LIDVAE(2, **SMALL).fit_transform(forms(folder)[form])
    assert len(tables) == 1
    np.testing.assert_array_equal(latents, LIDVAE(2, **SMALL).fit(frame()).transform(frame()))
    assert LIDVAE(2, **SMALL).set_output(transform="pandas").fit_transform(forms(folder)[form]).shape == (120, 2)


def test_fit_transform_refuses_parts_that_fit_refuses_before_it_reads_them(folder):
    reader = forms(folder)["reader"]
    with pytest.raises(TypeError, match='likelihood="gaussian", or pass a frame'):
        LIDVAE(1, likelihood="auto", **SMALL).fit_transform(reader)
    assert in_parts(reader).rows.shape == (120, 5)


def test_some_rows_of_a_dataset_are_those(folder):
    kept = dataset.dataset(folder).filter(dataset.field("a") > 0)
    np.testing.assert_array_equal(in_parts(kept).rows, frame().query("a > 0").to_numpy(float))


def test_an_index_that_pandas_stored_is_no_column(tmp_path):
    some = frame().query("a > 0")
    some.iloc[:20].to_parquet(tmp_path / "1.parquet")
    some.iloc[20:].reset_index(drop=True).to_parquet(tmp_path / "2.parquet")
    for X in (tmp_path, dataset.dataset(tmp_path), pa.Table.from_pandas(some)):
        parts = in_parts(X)
        assert parts.names == list("abcde")
        np.testing.assert_array_equal(parts.rows, some.to_numpy(float))


def test_types_of_a_column_may_differ_between_files(tmp_path):
    parquet.write_table(pa.table({"x": [1, 2], "y": pa.array([1, 2], pa.float32())}), tmp_path / "1.parquet")
    parquet.write_table(pa.table({"y": pa.array([3.0], pa.float32()), "x": [1.5]}), tmp_path / "2.parquet")
    np.testing.assert_array_equal(in_parts(tmp_path).rows, [[1, 1], [2, 2], [1.5, 3]])


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    ("other", "error", "message"),
    [
        ({"x": [1.0]}, ValueError, "parquet has no column 'y', which .*parquet has. Write all files with the same"),
        ({"x": [1.0], "Y": [1.0]}, ValueError, "has no column '[yY]', which"),
        ({"x": [1.0], "y": ["1"]}, TypeError, "Column 'y' holds string in .*parquet, and tables in files are to hold"),
    ],
)
def test_files_that_do_not_belong_together_are_refused_by_name(other, error, message, order, tmp_path):
    for name, table in zip(("1", "2")[::order], ({"x": [1.0], "y": [2.0]}, other), strict=True):
        parquet.write_table(pa.table(table), tmp_path / f"{name}.parquet")
    with pytest.raises(error, match=message):
        in_parts(tmp_path)


def test_what_is_no_parquet_file_is_refused_by_name(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty holds no file. Give a Parquet file"):
        in_parts(tmp_path / "empty")
    (tmp_path / "notes.txt").write_text("no table")
    with pytest.raises(ValueError, match=r"notes.txt.* Give one, or a folder that holds nothing else"):
        in_parts(tmp_path / "notes.txt")


def test_files_that_lack_a_column_have_gaps_and_folders_may_name_one(tmp_path):
    whole = pa.table({"x": [1.0, 2.0], "y": [3.0, 4.0]})
    for year, table in ((2001, whole), (2002, whole.drop_columns("y"))):
        (tmp_path / f"year={year}").mkdir()
        parquet.write_table(table, tmp_path / f"year={year}" / "rows.parquet")
    schema = whole.schema.append(pa.field("year", pa.int32()))
    parts = in_parts(dataset.dataset(tmp_path, schema=schema, partitioning="hive"))
    assert parts.names == ["x", "y", "year"]
    np.testing.assert_array_equal(parts.rows, [[1, 3, 2001], [2, 4, 2001], [1, np.nan, 2002], [2, np.nan, 2002]])


def test_files_are_read_a_few_at_a_time(tmp_path, monkeypatch):
    table = pa.table({name: np.random.default_rng(0).standard_normal(600_000) for name in "abcd"})
    for number in range(15):
        parquet.write_table(
            table.slice(40_000 * number, 40_000), tmp_path / f"{number:02}.parquet", use_dictionary=False
        )
    held, before = [], pa.total_allocated_bytes()

    def slowly(parts, *told):
        for _ in parts:
            time.sleep(0.005)
            held.append(pa.total_allocated_bytes() - before)

    monkeypatch.setattr(spooled, "_spooled", slowly)
    in_parts(tmp_path)
    assert len(held) == 15
    assert max(held) < table.nbytes / 2


def test_large_tables_stay_in_their_file(folder, monkeypatch):
    monkeypatch.setattr(memory_map, "LARGEST_LOADED", 100)
    model = LIDVAE(2, **SMALL).fit(folder)
    assert isinstance(model._checked(folder), MappedRows)


def test_columns_are_held_to_those_of_the_fit(folder):
    model = LIDVAE(2, **SMALL).fit(folder)
    with pytest.raises(ValueError, match="feature names should match"):
        model.transform(pa.Table.from_pandas(frame().rename(columns={"a": "z"}), preserve_index=False))


def test_what_holds_no_numbers_is_refused_by_name(tmp_path):
    table = pa.table({"x": [1.0, 2.0], "name": ["a", "b"]})
    with pytest.raises(TypeError, match="Column 'name' holds string"):
        LIDVAE(1, **SMALL).fit(table)
    with pytest.raises(TypeError, match='likelihood="gaussian", or pass a frame'):
        LIDVAE(1, likelihood="auto", **SMALL).fit(table)
    with pytest.raises(FileNotFoundError, match="neither a Parquet file nor a folder"):
        LIDVAE(1, **SMALL).fit(tmp_path / "nothing")
    with pytest.raises(ValueError, match="a table of 0 rows and 2 columns"):
        LIDVAE(1, **SMALL).fit(table.slice(0, 0).drop_columns("name").append_column("y", pa.array([], pa.float64())))


def test_dask_arrays_and_frames_are_read_by_blocks():
    arrays = pytest.importorskip("dask.array", reason="Dask is not installed")
    rows = frame().to_numpy(float)
    parts = in_parts(arrays.from_array(rows, chunks=(50, 2)))
    assert parts.names is None
    np.testing.assert_array_equal(parts.rows, rows)
    whole = LIDVAE(2, **SMALL).fit(rows)
    np.testing.assert_array_equal(
        LIDVAE(2, **SMALL).fit(arrays.from_array(rows)).transform(rows), whole.transform(rows)
    )
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array"):
        in_parts(arrays.from_array(rows[0]))
    frames = pytest.importorskip("dask.dataframe", reason="Dask is not installed with its frames")
    parts = in_parts(frames.from_pandas(frame(), npartitions=3))
    assert parts.names == list("abcde")
    np.testing.assert_array_equal(parts.rows, rows)
    with pytest.raises(TypeError, match="tables of Dask are to hold numbers"):
        in_parts(frames.from_pandas(frame().assign(e="x"), npartitions=1))
