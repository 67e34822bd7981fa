"""Arrays in NumPy's files: X is the table, labels stand beside it, and nothing in a file runs."""

import pickle
import zipfile

import numpy as np
import pytest

from sklid.data.files import TableError, read_table

ROWS = np.arange(6.0).reshape(3, 2)


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parametrize("name", ["y", "labels", "label", "target", "targets"])
def test_labels_beside_the_rows_are_labels_without_being_asked_for(tmp_path, name):
    np.savez(tmp_path / "data.npz", X=ROWS, **{name: np.array(["u", "v", "u"])})
    table = read_table(tmp_path / "data.npz")
    assert table.rows.tolist() == ROWS.tolist()
    assert (table.label_name, table.labels.tolist()) == (name, ["u", "v", "u"])


def test_other_arrays_are_left_out_by_name_and_take_no_columns_place(tmp_path):
    np.savez(tmp_path / "data.npz", X=ROWS, meta={"made": "of objects"}, **{"column 0": np.full(3, 9.0)})
    table = read_table(tmp_path / "data.npz")
    assert table.rows.tolist() == ROWS.tolist()
    assert sorted(table.left_out) == ["column 0", "meta"]
    assert "'meta' (not the array of rows)" in table.summary()


def test_only_array_of_two_dimensions_is_the_table_whatever_its_name(tmp_path):
    np.savez(tmp_path / "data.npz", data=ROWS, target=np.array([[0], [1], [0]]))
    table = read_table(tmp_path / "data.npz")
    assert (table.rows.tolist(), table.labels.tolist()) == (ROWS.tolist(), [0, 1, 0])
    np.savez(tmp_path / "data.npz", A=ROWS, B=ROWS)
    with pytest.raises(TableError, match=r"needs an array X .* holds 'A' of shape \(3, 2\), 'B' of shape \(3, 2\)"):
        read_table(tmp_path / "data.npz")


@pytest.mark.parametrize("name", ["data.npy", "data.npz"])
def test_columns_of_an_array_are_left_out_or_labels_by_their_numbers(tmp_path, name):
    save = np.save if name.endswith("y") else np.savez
    save(tmp_path / name, np.arange(6).reshape(2, 3))
    table = read_table(tmp_path / name, "column 2", ["column 0"])
    assert (table.names, table.rows.tolist(), table.labels.tolist()) == (["column 1"], [[1], [4]], [2, 5])
    with pytest.raises(TableError, match="there is no 'column 3'"):
        read_table(tmp_path / name, "column 3")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (ROWS + 1j, "holds complex128, not real numbers"),
        (np.full((3, 2), "2020-01-01", dtype="M8[D]"), r"holds datetime64\[D\], not real numbers"),
        (ROWS.astype(str), "not real numbers"),
        (ROWS[0], r"has shape \(2,\)"),
        (np.zeros((2, 3, 4)), r"has shape \(2, 3, 4\)"),
        (ROWS[:0], "has no rows"),
        (ROWS[:, :0], "no column of numbers"),
        (np.where(ROWS == 3, np.nan, ROWS), r"'column 1' \(1, first in row 2\) of 3 rows"),
    ],
)
@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_arrays_that_are_no_table_of_real_numbers_say_what_they_are(tmp_path, suffix, rows, message):
    path = tmp_path / f"data.{suffix}"
    np.save(path, rows) if suffix == "npy" else np.savez(path, X=rows)
    with pytest.raises(TableError, match=message):
        read_table(path)


@pytest.mark.parametrize(
    ("labels", "message"),
    [(np.arange(4), r"shape \(4,\) beside 3 rows"), (np.array([0, np.nan, 1]), "1 rows have no label in 'y'")],
)
def test_labels_that_do_not_fit_the_rows(tmp_path, labels, message):
    np.savez(tmp_path / "data.npz", X=ROWS, y=labels)
    with pytest.raises(TableError, match=message):
        read_table(tmp_path / "data.npz", "y")


def test_targets_that_are_no_labels_and_not_asked_for_are_left_out(tmp_path):
    np.savez(tmp_path / "data.npz", X=ROWS, y=ROWS)
    table = read_table(tmp_path / "data.npz")
    assert (table.rows.tolist(), table.labels, table.label_name) == (ROWS.tolist(), None, None)
    assert table.left_out == {"y": "of shape (3, 2), not a label for each row"}


@pytest.mark.parametrize("name", ["data.npy", "data.npz"])
def test_no_file_runs_code(tmp_path, name):
    (tmp_path / name).write_bytes(pickle.dumps(Trap(tmp_path / "ran")))
    with pytest.raises(TableError, match="can run code"):
        read_table(tmp_path / name)
    objects = np.array([[Trap(tmp_path / "ran")]], dtype=object)
    np.save(tmp_path / "objects.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "objects.npz", X=objects)
    for path in (tmp_path / "objects.npy", tmp_path / "objects.npz"):
        with pytest.raises(TableError, match="can run code"):
            read_table(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("suffix", ["npy", "npz"])
@pytest.mark.parametrize("seed", range(40))
def test_damaged_files_end_in_a_table_or_in_one_line(tmp_path, suffix, seed):
    path = tmp_path / f"data.{suffix}"
    np.save(path, ROWS) if suffix == "npy" else np.savez_compressed(path, X=ROWS)
    content, rng = bytearray(path.read_bytes()), np.random.default_rng(seed)
    for place in rng.integers(len(content), size=4):
        content[place] ^= rng.integers(1, 256)
    path.write_bytes(content if seed % 2 else content[: rng.integers(len(content))])
    try:
        said = read_table(path).summary()
    except TableError as error:
        said = str(error)
    assert "\n" not in said


def test_array_that_claims_more_numbers_than_it_holds(tmp_path):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 4), }".ljust(117) + b"\n"
    with zipfile.ZipFile(tmp_path / "data.npz", "w") as archive:
        archive.writestr("X.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(TableError, match="is damaged"):
        read_table(tmp_path / "data.npz")


def test_files_of_another_kind_under_the_suffixes_of_numpy(tmp_path):
    np.save(tmp_path / "one.npy", ROWS)
    np.savez(tmp_path / "many.npz", X=ROWS)
    (tmp_path / "one.npy").rename(tmp_path / "one.npz")
    (tmp_path / "many.npz").rename(tmp_path / "many.npy")
    (tmp_path / "text.npz").write_text("a,b\n1,2\n")
    (tmp_path / "empty.npy").write_bytes(b"")
    for name, message in (
        ("one.npz", "suffix .npy"),
        ("many.npy", "suffix .npz"),
        ("text.npz", "is damaged, is no .npz file"),
        ("empty.npy", "is damaged, is no .npy file"),
    ):
        with pytest.raises(TableError, match=message):
            read_table(tmp_path / name)
