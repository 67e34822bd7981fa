"""A fit that was killed goes on where its checkpoint left it, and ends as if nothing had happened."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from sklid import LIDSVAE, LIDVAE, LIDGMVAEClustering
from sklid.baselines import BNVAE, LaggingVAE
from sklid.training.checkpoint import CheckpointError

SMALL = {"max_epochs": 6, "batch_size": 32, "decoder_width": 8, "encoder_width": 8, "random_state": 0}

pytestmark = pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")


class KilledError(RuntimeError):
    """As a kill, no code of the training comes after it."""


class Killer(Callback):
    """Ends a training within its n-th batch, counted over all phases; once."""

    def __init__(self, n_batches):
        self.n_batches = n_batches

    def on_batch_end(self, net, training=False, **kwargs):
        self.n_batches -= training
        if not self.n_batches:
            raise KilledError


def rows(n=100):
    random = np.random.default_rng(0)
    return random.standard_normal((n, 2)) @ random.standard_normal((2, 5)) + 0.3 * random.standard_normal((n, 5))


def texts(n=100):
    random = np.random.default_rng(0)
    return [" ".join(random.choice(list("abcdef"), random.integers(1, 6))) for _ in range(n)]


FITS = {
    "LIDVAE": (LIDVAE(2, **SMALL), rows),
    "warm-up, early stopping": (LIDVAE(2, kl_warmup=0.5, early_stopping=True, n_iter_no_change=2, **SMALL), rows),
    "flow": (LIDVAE(2, posterior="flow", **SMALL), rows),
    "clusters": (LIDGMVAEClustering(2, n_components=2, n_init=1, **SMALL), rows),
    "batch normalisation": (BNVAE(2, **SMALL), rows),
    "lagging encoder": (LaggingVAE(2, max_encoder_steps=3, **SMALL), rows),
    "documents": (LIDSVAE(2, hidden_size=8, embedding_size=4, max_epochs=6, batch_size=32, random_state=0), texts),
}


def fresh(name, **parameters):
    model, data = FITS[name]
    return type(model)(**model.get_params() | parameters), data()


def weights(model):
    return torch.cat([value.double().flatten() for value in model.net_.module_.state_dict().values()])


@pytest.mark.parametrize("name", FITS)
def test_killed_fit_goes_on_and_ends_as_one_that_was_not(name, tmp_path):
    model, X = fresh(name)
    whole = model.fit(X)
    for n_batches in (6, 9):
        killed, _ = fresh(name, checkpoint=tmp_path, callbacks=[Killer(n_batches)])
        with pytest.raises(KilledError):
            killed.fit(X)
    resumed = fresh(name, checkpoint=tmp_path)[0].fit(X)
    torch.testing.assert_close(weights(resumed), weights(whole), rtol=0, atol=0)
    np.testing.assert_array_equal(resumed.transform(X), whole.transform(X))
    losses = [[epoch["train_loss"] for epoch in each.net_.history] for each in (whole, resumed)]
    assert losses[0] == losses[1]
    assert not list(tmp_path.iterdir())


def test_epochs_that_are_over_are_not_trained_again(tmp_path):
    model, X = fresh("LIDVAE", checkpoint=tmp_path, callbacks=[Killer(4 * 5 + 1)])
    with pytest.raises(KilledError):
        model.fit(X)
    counter = Killer(1_000)
    fresh("LIDVAE", checkpoint=tmp_path, callbacks=[counter])[0].fit(X)
    assert 1_000 - counter.n_batches == 4


@pytest.mark.parametrize(
    "others", [{"learning_rate": 1e-3}, {"random_state": 1}, {"inverse_lipschitz": 0.5}, {"max_epochs": 7}]
)
def test_another_fit_does_not_go_on_there(others, tmp_path):
    model, X = fresh("LIDVAE", checkpoint=tmp_path, callbacks=[Killer(9)])
    with pytest.raises(KilledError):
        model.fit(X)
    other = fresh("LIDVAE", checkpoint=tmp_path, **others)[0].fit(X)
    torch.testing.assert_close(weights(other), weights(fresh("LIDVAE", **others)[0].fit(X)), rtol=0, atol=0)
    assert len(list(tmp_path.iterdir())) == 1


def test_other_rows_do_not_go_on_there(tmp_path):
    model, X = fresh("LIDVAE", checkpoint=tmp_path, callbacks=[Killer(9)])
    with pytest.raises(KilledError):
        model.fit(X)
    X[50, 0] += 1e-3
    other = fresh("LIDVAE", checkpoint=tmp_path)[0].fit(X)
    torch.testing.assert_close(weights(other), weights(fresh("LIDVAE")[0].fit(X)), rtol=0, atol=0)


@pytest.mark.parametrize("content", [b"", b"no checkpoint", None])
def test_file_that_is_no_checkpoint_is_named(content, tmp_path):
    model, X = fresh("LIDVAE", checkpoint=tmp_path, callbacks=[Killer(9)])
    with pytest.raises(KilledError):
        model.fit(X)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:2_000] if content is None else content)
    with pytest.raises(CheckpointError, match="is no checkpoint of a training.*Remove it"):
        fresh("LIDVAE", checkpoint=tmp_path)[0].fit(X)


def test_file_in_the_place_of_the_folder_is_named(tmp_path):
    path = tmp_path / "checkpoints"
    path.write_text("a file")
    model, X = fresh("LIDVAE", checkpoint=path)
    with pytest.raises(CheckpointError, match="checkpoints' is a file.* Name a folder"):
        model.fit(X)
    assert path.read_text() == "a file"


@pytest.mark.parametrize("random_state", [None, np.random.RandomState(0), True])
def test_fit_that_could_not_be_repeated_is_refused(random_state, tmp_path):
    model, X = fresh("LIDVAE", checkpoint=tmp_path, random_state=random_state)
    with pytest.raises(ValueError, match="checkpoint needs an integer random_state"):
        model.fit(X)


SCRIPT = """
import numpy as np
from sklid import LIDVAE
X = np.random.default_rng(0).standard_normal((200, 5))
model = LIDVAE(2, max_epochs=40, batch_size=16, decoder_width=8, encoder_width=8, random_state=0, checkpoint={folder!r})
print("begun", flush=True)
np.save({answer!r}, model.fit(X).transform(X))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_process_that_is_killed_at_any_moment_leaves_what_the_next_goes_on_from(tmp_path):
    script = SCRIPT.format(folder=str(tmp_path / "states"), answer=str(tmp_path / "answer.npy"))
    command = [sys.executable, "-W", "ignore", "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        while not list((tmp_path / "states").glob("*.pt")):
            time.sleep(0.01)
            assert process.poll() is None
        os.kill(process.pid, signal.SIGKILL)
    subprocess.run(command, check=True)
    X = np.random.default_rng(0).standard_normal((200, 5))
    whole = LIDVAE(2, max_epochs=40, batch_size=16, decoder_width=8, encoder_width=8, random_state=0).fit(X)
    np.testing.assert_allclose(np.load(tmp_path / "answer.npy"), whole.transform(X), atol=1e-5)
