"""Records of collapse during training, as a skorch callback: what `sklid.metrics` measures, epoch by epoch."""

from typing import Any

import torch
from skorch import NeuralNet
from skorch.callbacks import Callback

from .exceptions import CappedEstimateWarning, silenced
from .metrics import active_units, mutual_information

__all__ = ["CollapseMonitor"]


class CollapseMonitor(Callback):
    """Writes mutual information and active units of some training rows into each epoch's history, as ``mi``, ``au``.

    Parameters
    ----------
    n_rows : int, default=500
        Rows measured, the first of the training set. The information that so many can show is at most log n_rows.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklid import LIDVAE
    >>> from sklid.callbacks import CollapseMonitor
    >>> monitored = LIDVAE(n_components=2, max_epochs=5, callbacks=[CollapseMonitor()], random_state=0)
    >>> len(monitored.fit(load_iris().data).net_.history[:, "mi"])
    5
    """

    def __init__(self, n_rows: int = 500) -> None:
        self.n_rows = n_rows

    def on_epoch_end(self, net: NeuralNet, dataset_train: Any = None, **kwargs: Any) -> None:
        rows = next(iter(net.iterator_valid(dataset_train, self.n_rows)))[0].to(net.device)
        was_training = net.module_.training
        net.module_.eval()
        with torch.no_grad(), silenced(CappedEstimateWarning):
            q = net.module_.encode(rows)
            net.history.record("mi", mutual_information(q, net.module_.prior()).value)
            net.history.record("au", active_units(q).fraction)
        net.module_.train(was_training)
