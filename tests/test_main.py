"""The command line: the main job, a user's table, and one clear line for a file that is none."""

import re
import signal
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
    assert "iris.csv: 150 rows, features: 'sepal length (cm)', " in shown
    assert "(4); labels: 'species'" in shown
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
        ("a,b\n1,2\n3,4\n5,6\n7,9\n", ["--n-components", "3"], "n_components=3 latents into 2"),
        ("a\n1\n2\n3\n", [], "has 3 rows; 4 are needed"),
        ("a,b\n1,2\n3,4\n5,6\n7,9\n", ["--k", "9"], "--k 9: there are fewer rows to fit, 3"),
        ("a,b\n1,2\n3,\n5,6\n7,9\n", [], "missing or infinite in 'b' (1, first in row 2)"),
    ],
)
def test_bad_tables_get_one_line_and_exit_code_2(tmp_path, capsys, text, arguments, message):
    path = tmp_path / "data.csv"
    path.write_text(text)
    assert main([str(path), *arguments, *QUICK, "--out", str(tmp_path / "out.png")]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("sklid: ")
    assert message in error


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("likelihood", ["bernoulli", "poisson"])
def test_value_outside_the_likelihood_is_named_by_its_row_of_the_file(tmp_path, capsys, likelihood, seed):
    rows = np.zeros((12, 2))
    rows[6, 1] = -7
    np.save(tmp_path / "rows.npy", rows)
    arguments = ["--likelihood", likelihood, "--seed", str(seed), "--out", str(tmp_path / "out.png")]
    assert main([str(tmp_path / "rows.npy"), *arguments, *QUICK]) == 2
    assert "cannot take the value -7 of column 'column 1' in row 7" in capsys.readouterr().err


def test_category_that_only_rows_of_the_test_have_is_named_by_its_row_of_the_file(tmp_path, capsys):
    tested = train_test_split(np.arange(12), random_state=0)[1][1]
    rows = np.arange(24).reshape(12, 2) % 2
    rows[tested, 0] = 3
    np.save(tmp_path / "rows.npy", rows)
    arguments = ["--likelihood", "categorical", "--out", str(tmp_path / "out.png")]
    assert main([str(tmp_path / "rows.npy"), *arguments, *QUICK]) == 2
    error = capsys.readouterr().err
    assert f"the value 3 of column 'column 0' in row {tested + 1}: it is outside the codes 0 to" in error
    assert "another --seed" in error


@pytest.mark.parametrize(
    "arguments",
    [
        ["--k", "0"],
        ["--k", "1"],
        ["--seed", "-1"],
        ["--seed", str(2**32)],
        ["--epochs", "0"],
        ["--epochs", "1.5"],
        ["--n-components", "0"],
        ["--n-components", "two"],
    ],
)
def test_numbers_out_of_range_are_errors_of_the_argument(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert f"argument {arguments[0]}: {arguments[1]!r} is not a whole number" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--label-column", "y"], ["--leave-out", "y"], ["--no-header"]])
def test_options_about_a_file_need_one(tmp_path, capsys, arguments):
    assert main([*arguments, "--out", str(tmp_path / "out.png")]) == 2
    assert "are about a file; name one" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["no/out.png", "out.doc"])
def test_picture_that_cannot_be_written_is_told_before_the_fits(tmp_path, capsys, monkeypatch, name):
    monkeypatch.setattr("sklid.__main__._fit_models", lambda *_: pytest.fail("fitted"))
    assert main(["--out", str(tmp_path / name), *QUICK]) == 2
    assert "cannot write the picture" in capsys.readouterr().err


HEARS_INTERRUPTS = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
"""A job in the background of a shell ignores Ctrl-C, and so do the programs that it starts."""


def test_interrupt_ends_in_one_line_and_status_130(tmp_path):
    code = f"{HEARS_INTERRUPTS}; import runpy; runpy.run_module('sklid', run_name='__main__')"
    command = [sys.executable, "-c", code, "--epochs", "1000000", "--out", str(tmp_path / "out.png")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        error = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert error.splitlines()[-1] == "sklid: interrupted."
    assert "Traceback" not in error
    assert list(tmp_path.iterdir()) == []


def test_information_too_large_for_the_rows_is_shown_as_a_range(tmp_path, capsys):
    """Twenty held-out rows show at most log 20 nats, and six directions without noise hold more."""
    directions = np.random.default_rng(0).standard_normal((80, 6))
    np.savez(tmp_path / "exact.npz", X=np.hstack([directions] * 3))
    assert main([str(tmp_path / "exact.npz"), "--n-components", "6", *QUICK, "--out", str(tmp_path / "out.png")]) == 0
    assert " to " in next(line for line in capsys.readouterr().out.splitlines() if line.lstrip().startswith("LIDVAE"))
