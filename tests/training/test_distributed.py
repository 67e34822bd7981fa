"""Two processes that train one model together end where one process ends that has the whole batch."""

import os
import pickle
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scripts import ROOT, load

from sklid import LIDVAE
from sklid.baselines import BNVAE, FreeBitsVAE
from sklid.nn.draws import generators_of, standard_noise
from sklid.training.processes import Processes

together = load(ROOT / "tests/training/together.py")
LAUNCH = ["accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1"]
quiet = pytest.mark.filterwarnings("ignore::sklid.exceptions.CollapseWarning",
                                   "ignore::sklearn.exceptions.ConvergenceWarning")  # fmt: skip


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    """What each of two processes finds."""
    pytest.importorskip("accelerate", reason="Accelerate is not installed")
    folder = tmp_path_factory.mktemp("together")
    command = [sys.executable, "-m", *LAUNCH, "--mixed_precision", "no", "--main_process_port", "0"]
    command += [str(ROOT / "tests/training/together.py"), str(folder)]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert not done.returncode, done.stderr
    return [pickle.loads((folder / f"{process}.pickle").read_bytes()) for process in range(2)]


@quiet
@pytest.mark.parametrize("name", together.FITS)
def test_two_processes_train_as_one_does(name, processes):
    model, data = together.fresh(name)
    alone = together.found(model.fit(data))
    for process in processes:
        np.testing.assert_allclose(process[name]["epochs"], alone["epochs"], atol=1e-4)
        np.testing.assert_allclose(process[name]["weights"], alone["weights"], atol=1e-4)
        assert process[name]["diverged"] == alone["diverged"]


def test_some_fits_end_early_and_some_diverge(processes):
    assert len(processes[0]["early stopping"]["epochs"]) < 40
    assert processes[0]["diverging"]["diverged"]


@pytest.mark.parametrize("name", [*together.FITS, *together.WITH_DROPOUT])
def test_both_have_the_same_weights(name, processes):
    np.testing.assert_array_equal(processes[0][name]["weights"], processes[1][name]["weights"])


@quiet
@pytest.mark.parametrize("name", together.WITH_DROPOUT)
def test_dropout_of_parts_trains_as_dropout_of_batches_about(name, processes):
    model, data = together.fresh(name)
    alone = together.found(model.fit(data))
    np.testing.assert_allclose(processes[0][name]["epochs"], alone["epochs"], rtol=0.2, atol=0.2)


def test_killed_processes_go_on_where_the_file_of_the_main_one_is(processes):
    alone = together.found(together.fresh("LIDVAE")[0].fit(together.rows()))
    for process in processes:
        np.testing.assert_allclose(process["killed"]["weights"], alone["weights"], atol=1e-4)
        assert process["killed"]["files"] == (1, 0)


def test_one_process_warns_and_shows_its_progress(processes):
    assert [process["shown"] for process in processes] == [
        {"warnings": ["CollapseWarning"], "progress": True},
        {"warnings": [], "progress": False},
    ]


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("rows", "do not train the same"),
        ("seeds", "do not train the same"),
        ("batch normalisation", "GroupNorm"),
        ("own weights", "different weights"),
    ],
)
def test_processes_that_would_not_train_one_model_say_so(what, told, processes):
    assert all(told in process["refused"][what] for process in processes)


@pytest.mark.parametrize("model", [BNVAE, FreeBitsVAE])
def test_objectives_that_mix_the_rows_of_a_batch_are_refused(model):
    with pytest.raises(ValueError, match="over a batch"):
        model(2, distributed=True, random_state=0).fit(together.rows())


def test_process_that_was_launched_alone_is_told_how_to_launch():
    pytest.importorskip("accelerate", reason="Accelerate is not installed")
    with pytest.raises(ValueError, match="torchrun"):
        LIDVAE(2, distributed=True, random_state=0).fit(together.rows())


def test_seed_that_processes_could_not_share_is_refused():
    with pytest.raises(ValueError, match="integer random_state"):
        LIDVAE(2, distributed=True).fit(together.rows())


def test_missing_accelerate_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(ImportError, match=r"sklid\[distributed\]"):
        LIDVAE(2, distributed=True, random_state=0).fit(together.rows())


def parts_of(number):
    """Processes that are not there, one after the other."""
    given = {"num_processes": number, "is_main_process": False, "device": torch.device("cpu")}
    return [Processes(SimpleNamespace(process_index=index, **given)) for index in range(number)]


@pytest.mark.parametrize(("n_rows", "number"), [(7, 3), (3, 3), (2, 3), (1, 4), (10, 1)])
def test_parts_of_a_batch_add_up_to_its_mean(n_rows, number):
    x = torch.arange(n_rows, dtype=torch.float64) ** 2
    parts = [(each.part(x, n_rows), each.share(n_rows)) for each in parts_of(number)]
    torch.testing.assert_close(sum(share * part.mean() for part, share in parts), x.mean())
    assert n_rows < number or sum(len(part) for part, _ in parts) == n_rows


def test_draws_of_a_part_differ_by_process_and_step_and_leave_the_common_ones():
    with generators_of(0):
        expected = [standard_noise((3,), torch.zeros(())) for _ in range(2)]
    own = []
    for process in parts_of(2):
        with generators_of(0):
            for noise in expected:
                torch.testing.assert_close(standard_noise((3,), torch.zeros(())), noise, rtol=0, atol=0)
                with process.own_draws():
                    own.append(float(standard_noise((), torch.zeros(()))))
    assert len(set(own)) == 4
