"""Memory maps: the same model as from memory, the same errors, and little memory."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from joblib import dump, load

import sklid
from sklid import LIDVAE, LIDGMVAEClustering
from sklid.baselines import GMVAE, VAE
from sklid.data import blocks, memory_map
from sklid.data.memory_map import MappedRows, is_large_map
from sklid.data.table import TableAdapter
from sklid.metrics import collapse_report

from .errors import text_of_error

FAST = {"n_components": 2, "max_epochs": 2, "decoder_width": 8, "encoder_width": 8, "random_state": 0}
N_ROWS, N_FEATURES = 3000, 6
pytestmark = pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
every = pytest.mark.parametrize("Estimator", [LIDVAE, VAE, LIDGMVAEClustering, GMVAE])


def fast(Estimator):
    """One of little work: mixtures start at k-means."""
    return Estimator(**FAST, **({} if Estimator in (LIDVAE, VAE) else {"n_init": 1}))


@pytest.fixture(autouse=True)
def every_map_is_large(monkeypatch):
    monkeypatch.setattr(memory_map, "LARGEST_LOADED", 0)


@pytest.fixture
def in_parts(monkeypatch):
    """Blocks of 1000 rows, and pages given back after each reading."""
    monkeypatch.setattr(blocks, "CHUNK_NUMBERS", 4 * N_FEATURES * 1000)
    monkeypatch.setattr(memory_map, "MOST_RESIDENT", -(1 << 40))


def table(likelihood="gaussian", dtype=np.float32):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N_ROWS, 2)) @ rng.standard_normal((2, N_FEATURES)) + 0.5 * rng.standard_normal(
        (N_ROWS, N_FEATURES)
    )
    shares = 1 / (1 + np.exp(-X))
    counts, codes = rng.poisson(3 * shares), np.minimum(3 * shares // 1, 2)
    made = {
        "gaussian": 5 + 3 * X,
        "poisson": counts,
        "zero_inflated_negative_binomial": counts,
        "categorical": codes,
        "ordinal": codes,
    }
    return made.get(likelihood, shares).astype(dtype)


@pytest.fixture
def mapped(tmp_path):
    """The array, in a file and mapped from there."""

    def save_and_map(X, mode="r"):
        np.save(tmp_path / "rows.npy", X)
        return np.load(tmp_path / "rows.npy", mmap_mode=mode)

    return save_and_map


def weights(model):
    return torch.cat([weight.detach().ravel() for weight in model.net_.module_.parameters()]).numpy()


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_model_and_answers_are_those_of_the_array_in_memory(Estimator, dtype, mapped):
    X = table(dtype=dtype)
    on_disk = mapped(X)
    one, other = fast(Estimator).fit(X), fast(Estimator).fit(on_disk)
    np.testing.assert_array_equal(weights(one), weights(other))
    for question in ("transform", "predict", "score_samples"):
        of_array, of_map = getattr(one, question)(X[:500]), getattr(other, question)(on_disk[:500])
        np.testing.assert_array_equal(of_array, of_map)
        assert of_array.dtype == of_map.dtype
    if hasattr(one, "labels_"):
        np.testing.assert_array_equal(one.labels_, other.labels_)


@pytest.mark.parametrize(
    "likelihood",
    [
        "bernoulli",
        "continuous_bernoulli",
        "poisson",
        "zero_inflated_negative_binomial",
        "log_normal",
        "categorical",
        "ordinal",
    ],
)
def test_every_likelihood_trains_alike(likelihood, mapped, in_parts):
    X = table(likelihood)
    one, other = (LIDVAE(likelihood=likelihood, **FAST).fit(rows) for rows in (X, mapped(X)))
    np.testing.assert_array_equal(weights(one), weights(other))


def test_standardisation_in_parts_differs_by_rounding_alone(mapped, in_parts):
    X = table()
    one, other = (LIDVAE(**FAST).fit(rows) for rows in (X, mapped(X)))
    np.testing.assert_allclose(other.scaler_.mean_, one.scaler_.mean_, rtol=1e-12)
    np.testing.assert_allclose(other.scaler_.scale_, one.scaler_.scale_, rtol=1e-12)
    np.testing.assert_allclose(weights(other), weights(one), rtol=0, atol=1e-3)


def test_held_out_rows_are_those_of_the_array_in_memory(mapped):
    X = table()
    one, other = (LIDVAE(early_stopping=True, **FAST).fit(rows) for rows in (X, mapped(X)))
    assert one.net_.history[:, "valid_loss"] == other.net_.history[:, "valid_loss"]
    np.testing.assert_array_equal(weights(one), weights(other))


@every
def test_partial_fit_and_fit_transform_take_maps(Estimator, mapped):
    X = table()
    on_disk = mapped(X)
    one, other = (fast(Estimator).partial_fit(rows).partial_fit(rows[:100]) for rows in (X, on_disk))
    np.testing.assert_array_equal(weights(one), weights(other))
    np.testing.assert_array_equal(fast(Estimator).fit_transform(X), fast(Estimator).fit_transform(on_disk))


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, ">f4"])
def test_other_types_of_number_count_as_float64(dtype, mapped):
    X = table("poisson", dtype)
    on_disk = mapped(X)
    one, other = (LIDVAE(**FAST).fit(rows) for rows in (X, on_disk))
    np.testing.assert_array_equal(weights(one), weights(other))
    assert other.predict(on_disk[:50]).dtype == one.predict(X[:50]).dtype == np.float64


def test_questions_that_need_all_rows_at_once_get_them(mapped, in_parts):
    X = table()[:1100]
    on_disk, model = mapped(X), LIDVAE(**FAST).fit(X)
    np.testing.assert_array_equal(model.encode(on_disk).mean, model.encode(X).mean)
    np.testing.assert_array_equal(model.view(on_disk).rows, model.view(X).rows)
    np.testing.assert_array_equal(model.kl_lower_bound(on_disk[:100]), model.kl_lower_bound(X[:100]))
    assert collapse_report(model, on_disk).summary() == collapse_report(model, X).summary()


@pytest.mark.parametrize(
    ("likelihood", "value"),
    [
        ("gaussian", np.inf),
        ("bernoulli", 1.7),
        ("poisson", 0.5),
        ("poisson", -1.0),
        ("categorical", 0.5),
    ],
)
def test_errors_are_those_of_the_array_in_memory(likelihood, value, mapped, in_parts):
    X = table(likelihood)
    X[2500, 3] = value
    model = LIDVAE(likelihood=likelihood, **FAST)
    assert text_of_error(model, mapped(X)) == text_of_error(model, X)


def test_maps_of_no_table_are_refused_as_arrays_are(mapped):
    for X in (np.arange(3.0), np.empty((3, 2), dtype="U1"), np.ones((3, 2)) * 1j, np.ones((1, 3))):
        assert text_of_error(LIDVAE(**FAST), mapped(X)) == text_of_error(LIDVAE(**FAST), X)


def test_rows_come_as_they_are_asked_for(mapped, in_parts):
    X = table(dtype=np.float64)
    adapter = TableAdapter("gaussian")
    expected, _ = adapter.learn(X, "global")
    on_disk = mapped(X)
    for rows, array in ((on_disk, X), (on_disk[::2], X[::2]), (on_disk[:, 1:4], X[:, 1:4])):
        rows = MappedRows(rows)
        assert len(rows) == len(array)
        for chosen in (slice(2, 7), slice(None), np.array([5, 1, 1]), torch.tensor([900, 0])):
            np.testing.assert_array_equal(
                rows[chosen], array[np.asarray(chosen) if not isinstance(chosen, slice) else chosen]
            )
    batch = adapter.training_rows(MappedRows(on_disk))[torch.tensor([7, 3])]
    assert torch.equal(batch, expected[[7, 3]])


def test_views_of_maps_are_known_and_copies_and_columns_are_loaded(mapped, tmp_path):
    on_disk = mapped(table())
    dump(np.asarray(on_disk), tmp_path / "rows.joblib")
    for view in (on_disk, on_disk[::3], np.asarray(on_disk)[:, 1:], load(tmp_path / "rows.joblib", mmap_mode="r")):
        assert is_large_map(view)
    for other in (
        on_disk[[1, 2]],
        on_disk + 1,
        on_disk[:, ::2],
        mapped(np.asfortranarray(on_disk)),
        table(),
        table().tolist(),
    ):
        assert not is_large_map(other)


@pytest.mark.parametrize("mode", ["r+", "c"])
def test_changes_of_a_writable_map_are_seen_and_kept(mode, mapped, in_parts):
    on_disk = mapped(table(), mode)
    on_disk[:1000] += 7
    changed = np.array(on_disk)
    model = LIDVAE(**FAST).fit(on_disk)
    np.testing.assert_array_equal(model.transform(on_disk), model.transform(changed))
    np.testing.assert_array_equal(on_disk, changed)


def test_small_maps_are_loaded(mapped, monkeypatch):
    monkeypatch.undo()
    assert not is_large_map(mapped(table()))


PEAK_OF_FITS = """
import sys
from pathlib import Path
import numpy as np
from sklid import LIDVAE

def peak():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024

def answer(rows):
    for likelihood in ("gaussian", "bernoulli"):
        LIDVAE(2, likelihood=likelihood, max_epochs=1, batch_size=4096, decoder_width=8,
               encoder_width=8, random_state=0).fit(rows).transform(rows)

on_disk = np.memmap(sys.argv[1], np.float32, "r", shape=(200_000, 400))
answer(np.array(on_disk[:10_000]))
before = peak()
answer(on_disk)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of resident memory is read from /proc")
def test_peak_memory_stays_far_below_the_size_of_the_file(tmp_path):
    rng = np.random.default_rng(0)
    rows = 1 / (1 + np.exp(-rng.standard_normal((10_000, 2)) @ rng.standard_normal((2, 400))))
    (tmp_path / "rows").write_bytes(20 * rows.astype(np.float32).tobytes())
    command = [sys.executable, "-W", "ignore", "-c", PEAK_OF_FITS, str(tmp_path / "rows")]
    out = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=Path(sklid.__file__).parents[1]
    ).stdout
    assert float(out) < 170, "MB more, for a file of 320 MB"
