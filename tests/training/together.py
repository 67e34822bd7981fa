"""Fits by one process or several; as a script, those of one of several processes, saved in the folder that is named."""

import contextlib
import io
import pickle
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from skorch.callbacks import Callback
from torch import nn

from sklid import LIDSVAE, LIDVAE, LIDGMVAEClustering
from sklid.baselines import VAE, LaggingVAE, SemiAmortizedVAE

WIDTHS = {"decoder_width": 8, "encoder_width": 8, "encoder_depth": 1}
SMALL = {**WIDTHS, "max_epochs": 4, "batch_size": 33, "random_state": 0}  # the last of 100 rows is a batch by itself
NETWORK = SMALL | {"decoder_width": 256}  # that of a perceptron is left alone
TEXTS = {"hidden_size": 8, "embedding_size": 4, "max_epochs": 3, "batch_size": 33, "random_state": 0}


class KilledError(RuntimeError):
    """As a kill."""


class Killer(Callback):
    """Ends a training in its third epoch."""

    def on_batch_end(self, net, training=False, **kwargs):
        if len(net.history) == 3:
            raise KilledError


def rows(n=100):
    random = np.random.default_rng(0)
    return random.standard_normal((n, 2)) @ random.standard_normal((2, 16)) + 0.3 * random.standard_normal((n, 16))


def texts(n=100):
    random = np.random.default_rng(0)
    return [" ".join(random.choice(list("abcdef"), random.integers(1, 6))) for _ in range(n)]


def normalised(n_inputs, n_outputs):
    return nn.Sequential(nn.Linear(n_inputs, 8), nn.BatchNorm1d(8), nn.Linear(8, n_outputs))


def dropping(n_inputs, n_outputs):
    return nn.Sequential(nn.Linear(n_inputs, 8), nn.Dropout(0.5), nn.Linear(8, n_outputs))


FITS = {
    "LIDVAE": (LIDVAE(2, **SMALL), rows),
    "early stopping": (LIDVAE(2, early_stopping=True, n_iter_no_change=2, **SMALL | {"max_epochs": 40}), rows),
    "warm-up and draws": (LIDVAE(2, kl_warmup=0.5, n_samples_train=3, **SMALL), rows),
    "importance weights": (LIDVAE(2, objective="iwae", n_samples_train=3, early_stopping=True, **SMALL), rows),
    "shifted images": (LIDVAE(2, encoder="conv", image_shape=(4, 4), augment="shift", **SMALL), rows),
    "clusters": (LIDGMVAEClustering(2, n_components=2, n_init=1, **SMALL), rows),
    "posterior by label": (LIDGMVAEClustering(2, n_components=2, n_init=1, inference="joint", **SMALL), rows),
    "documents": (LIDSVAE(2, dropout=0.0, **TEXTS), texts),
    "lagging encoder": (LaggingVAE(2, max_encoder_steps=3, **SMALL), rows),
    "semi-amortised": (SemiAmortizedVAE(2, **SMALL), rows),
    "diverging": (LIDVAE(2, **SMALL | {"learning_rate": 1e3}), rows),
}
WITH_DROPOUT = {
    "dropout": (LIDSVAE(2, dropout=0.2, word_dropout=0.2, **TEXTS), texts),
    "network with dropout": (LIDVAE(2, decoder_network=dropping, **NETWORK), rows),
}


def fresh(name, **parameters):
    model, data = (FITS | WITH_DROPOUT)[name]
    return type(model)(**model.get_params() | parameters), data()


def found(model):
    """Of a fit: its weights, the losses and divergences of its epochs."""
    weights = torch.cat([value.double().flatten() for value in model.net_.module_.state_dict().values()])
    names = ("train_loss", "kl", "valid_loss")
    epochs = [[epoch[name] for name in names if name in epoch] for epoch in model.net_.history]
    return {"weights": weights.numpy(), "epochs": epochs, "diverged": model.net_.diverged_}


def ordinary(name):
    warnings.simplefilter("ignore")
    model, data = fresh(name, distributed=True)
    return found(model.fit(data))


def killed(folder):
    """A fit that goes on where it was killed, and the files there were and are."""
    model, data = fresh("LIDVAE", distributed=True, checkpoint=folder, callbacks=[Killer()])
    with contextlib.suppress(KilledError):
        model.fit(data)
    from accelerate import PartialState

    PartialState().wait_for_everyone()
    files = len(list(folder.iterdir()))
    PartialState().wait_for_everyone()
    whole = found(fresh("LIDVAE", distributed=True, checkpoint=folder)[0].fit(data))
    PartialState().wait_for_everyone()
    return whole | {"files": (files, len(list(folder.iterdir())))}


def shown():
    """The warnings of a fit that collapses, and whether it shows its progress."""
    noise = np.random.default_rng(0).standard_normal((100, 4))
    with warnings.catch_warnings(record=True) as given, contextlib.redirect_stderr(io.StringIO()) as progress:
        warnings.simplefilter("always")
        VAE(2, kl_weight=10, verbose=1, distributed=True, **SMALL | {"max_epochs": 10, "learning_rate": 0.01}).fit(
            noise
        )
    named = [each.category.__name__ for each in given if "sklid" in each.category.__module__]
    return {"warnings": named, "progress": "epoch" in progress.getvalue()}


def refused(process):
    """What the processes are told of fits that would not be one."""
    told = {}
    fits = {
        "rows": (LIDVAE(2, distributed=True, **SMALL), rows()[process:]),
        "seeds": (LIDVAE(2, distributed=True, **SMALL | {"random_state": process}), rows()),
        "batch normalisation": (LIDVAE(2, decoder_network=normalised, distributed=True, **NETWORK), rows()),
        "own weights": (LIDVAE(2, callbacks=[Meddler(process)], distributed=True, **SMALL), rows()),
    }
    for name, (model, data) in fits.items():
        try:
            model.fit(data)
        except (ValueError, RuntimeError) as error:
            told[name] = str(error)
    return told


class Meddler(Callback):
    """Changes the weights of one process."""

    def __init__(self, process):
        self.process = process

    def on_batch_end(self, net, **kwargs):
        with torch.no_grad():
            for weight in net.module_.parameters():
                weight.mul_(1 + 0.1 * self.process)


def main(folder):
    from accelerate import PartialState

    process = PartialState(cpu=True).process_index
    results = {name: ordinary(name) for name in (*FITS, *WITH_DROPOUT)}
    (folder / "checkpoints").mkdir(exist_ok=True)
    results |= {"killed": killed(folder / "checkpoints"), "shown": shown(), "refused": refused(process)}
    (folder / f"{process}.pickle").write_bytes(pickle.dumps(results))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
