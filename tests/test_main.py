"""The command line: the main job, a user's table, and one clear line for a file that is none."""

import re
import subprocess
import sys

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris, load_wine
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklid.__main__ import main
from sklid.data.files import TableError, read_table
from sklid.metrics import clustering_accuracy

pytest.importorskip("matplotlib", reason="the picture needs the extra sklid[plots]")

QUICK = ["--epochs", "3"]


@pytest.fixture
def iris_csv(tmp_path):
    data = load_iris(as_frame=True)
    frame = data.frame.assign(species=data.target_names[data.target]).drop(columns="target")
    frame.to_csv(tmp_path / "iris.csv", index=False)
    return tmp_path / "iris.csv"


def test_main_job_prints_a_table_and_writes_a_picture(tmp_path, capsys):
    assert main([*QUICK, "--out", str(tmp_path / "out.png")]) == 0
    shown = capsys.readouterr()
    assert "digits: 1347 rows to fit, 450 to test, 64 columns, bernoulli likelihood" in shown.out
    for heading in (
        "test log-likelihood",
        "KL",
        "active units",
        "mutual information",
        "seconds",
        "certificate",
        "injective, r = 1",
    ):
        assert heading in shown.out
    for heading in (
        "accuracy",
        "information of the labels",
        "clusters used",
        "LIDGMVAEClustering",
        "GMVAE",
        "KMeans",
        "of 2.30",
        "/10",
    ):
        assert heading in shown.out
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")
    assert "LIDVAE" in shown.err
    assert "3/3" in shown.err


@pytest.mark.parametrize(("load", "columns"), [(load_wine, StandardScaler()), (load_iris, "passthrough")])
def test_kmeans_sees_columns_as_the_gaussian_models_do(load, columns, tmp_path, capsys):
    frame = load(as_frame=True).frame
    frame.to_csv(tmp_path / "rows.csv", index=False)
    assert (
        main([str(tmp_path / "rows.csv"), "--label-column", "target", "--out", str(tmp_path / "out.png"), *QUICK]) == 0
    )
    train, test = train_test_split(frame, random_state=0)
    model = make_pipeline(columns, KMeans(3, n_init=10, random_state=0)).fit(train.drop(columns="target").to_numpy())
    accuracy = clustering_accuracy(test["target"], model.predict(test.drop(columns="target").to_numpy()))
    assert re.search(r"KMeans +(\S+)", capsys.readouterr().out).group(1) == f"{accuracy:.3f}"


def test_a_users_table_with_labels(iris_csv, tmp_path, capsys):
    arguments = [
        str(iris_csv),
        "--label-column",
        "species",
        "--n-components",
        "2",
        "--seed",
        "3",
        "--out",
        str(tmp_path / "out.png"),
        *QUICK,
    ]
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    assert "information >= 0.69" in shown
    assert "of 1.10" in shown
    assert (tmp_path / "out.png").exists()


@pytest.mark.parametrize(("arguments", "expected"), [([], "/5"), (["--k", "4"], "/4")])
def test_a_table_without_labels_is_clustered_all_the_same(tmp_path, capsys, arguments, expected):
    np.savez(tmp_path / "iris.npz", X=load_iris().data)
    assert (
        main(
            [str(tmp_path / "iris.npz"), "--n-components", "2", "--out", str(tmp_path / "out.png"), *arguments, *QUICK]
        )
        == 0
    )
    row = next(line for line in capsys.readouterr().out.splitlines() if line.lstrip().startswith("LIDGMVAEClustering"))
    assert "no labels" in row
    assert expected in row


def test_program_runs_as_a_module_and_exits_with_2_and_one_line(tmp_path):
    done = subprocess.run([sys.executable, "-m", "sklid", str(tmp_path / "none.csv")], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.strip().count("\n") == 0
    assert "there is no such file" in done.stderr


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        ("", [], "is empty"),
        ("a,b\n", [], "has a header and no rows"),
        ("a,b\n1,2\n3\n", [], "row 2 has 1 values where 2 are expected"),
        (
            "a,b\n1,Paris\n3,4\n",
            [],
            "column 'b' holds 'Paris' in row 1, which is not a number; remove the column, encode it, or name it with",
        ),
        ("a,b\n1,nan\n3,4\n", [], "column 'b' has 1 values that are missing or infinite"),
        ("a,b\n1,2\n3,4\n", ["--label-column", "c"], "there is no column 'c'; the columns are a, b"),
        ("a,b\n1,2\n3,4\n5,6\n7,9\n", ["--n-components", "3"], "n_components=3 latents into 2"),
        ("a,b\n1,2\n3,4\n5,6\n7,9\n", ["--likelihood", "bernoulli"], "cannot take the value"),
        ("a\n1\n", [], "n_samples=1"),
        (
            "a,b\n1,2\n3,4\n5,6\n7,9\n",
            ["--k", "1"],
            "--k 1: the number of clusters must be between 2 and the 3 rows to fit",
        ),
        (
            "a,b\n1,2\n3,4\n5,6\n7,9\n",
            ["--k", "9"],
            "--k 9: the number of clusters must be between 2 and the 3 rows to fit",
        ),
    ],
)
def test_bad_tables_get_one_line_and_exit_code_2(tmp_path, capsys, text, arguments, message):
    path = tmp_path / "data.csv"
    path.write_text(text)
    assert main([str(path), *arguments, *QUICK]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("sklid: ")
    assert message in error


def test_picture_that_cannot_be_written_says_so(iris_csv, tmp_path, capsys):
    assert main([str(iris_csv), "--label-column", "species", "--out", str(tmp_path / "no" / "out.png"), *QUICK]) == 2
    assert "cannot write the picture" in capsys.readouterr().err


def test_information_too_large_for_the_rows_is_shown_as_a_range(tmp_path, capsys):
    """Twenty held-out rows show at most log 20 nats, and six directions without noise hold more."""
    directions = np.random.default_rng(0).standard_normal((80, 6))
    np.savez(tmp_path / "exact.npz", X=np.hstack([directions] * 3))
    assert main([str(tmp_path / "exact.npz"), "--n-components", "6", *QUICK, "--out", str(tmp_path / "out.png")]) == 0
    assert " to " in next(line for line in capsys.readouterr().out.splitlines() if line.lstrip().startswith("LIDVAE"))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_with_and_without_a_header(tmp_path, separator):
    path = tmp_path / "data.csv"
    path.write_text(f"1{separator}2\n3{separator}4\n")
    assert read_table(path).rows.tolist() == [[1, 2], [3, 4]]
    path.write_text(f"height{separator}weight\n1{separator}2\n3{separator}4\n")
    table = read_table(path, "weight")
    assert table.names == ["height"]
    assert table.labels.tolist() == ["2", "4"]


def test_npz_and_parquet(tmp_path):
    rows = np.arange(6.0).reshape(3, 2)
    np.savez(tmp_path / "data.npz", X=rows, y=np.array([0, 1, 0]))
    table = read_table(tmp_path / "data.npz", "y")
    assert table.rows.tolist() == rows.tolist()
    assert table.labels.tolist() == [0, 1, 0]
    pyarrow = pytest.importorskip("pyarrow", reason="Parquet needs the extra sklid[parquet]")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"a": [1.0, 2.0], "b": [3, 4]}), tmp_path / "data.parquet")
    assert read_table(tmp_path / "data.parquet").rows.tolist() == [[1, 3], [2, 4]]


@pytest.mark.parametrize("name", ["data.npz", "data.parquet", "data.xlsx", "data.csv"])
def test_files_that_are_something_else(tmp_path, name):
    (tmp_path / name).write_bytes(b"\xff\xfe nonsense")
    with pytest.raises(TableError, match=name):
        read_table(tmp_path / name)
