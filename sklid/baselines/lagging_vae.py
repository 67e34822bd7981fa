r"""A classical autoencoder whose encoder is trained ahead of the decoder at first."""

from typing import Any

import torch
from torch import Tensor

from ..estimators.declaration import parameter, with_parameters
from ..exceptions import CappedEstimateWarning, silenced
from ..metrics import mutual_information
from ..training.aggressive import AggressiveEncoder, encoder_is_ahead
from ..training.phases import Phase, Settings
from ..validation import POSITIVE_INTEGER
from .vae import VAE

__all__ = ["Lagging", "LaggingVAE"]


@torch.no_grad()
def held_information(model: Any, rows: Tensor) -> float:
    """Mutual information of rows and latent variables, in nats."""
    with silenced(CappedEstimateWarning):
        return float(mutual_information(model.encode(rows), model.prior(), random_state=0).value)


@with_parameters
class Lagging:
    """Training with the encoder ahead."""

    max_encoder_steps: int = parameter(
        default=100,
        kind="int",
        text="Steps of the encoder before one of the decoder, at most.",
        constraint=POSITIVE_INTEGER,
    )

    @property
    def encoder_ahead_(self) -> bool:
        return encoder_is_ahead(self._trained().history)

    def _check_objective(self) -> None:
        self._check_elbo(type(self).__name__)

    def _settings(self, seed: int) -> Settings:
        ahead, settings = AggressiveEncoder(self.max_encoder_steps, held_information), super()._settings(seed)
        return settings._replace(step=ahead, callbacks=[ahead, *settings.callbacks])

    def _main_phase(self, incremental: bool, n_earlier: int = 0) -> Phase:
        return super()._main_phase(incremental, n_earlier)._replace(holds_out=not incremental)


@with_parameters
class LaggingVAE(Lagging, VAE):
    r"""`VAE` with aggressive training of the encoder, which else lags behind the decoder.

    Before each step of the decoder the encoder takes steps of its own, on other batches, until the bound no longer
    rises. This ends, for good, after the first epoch in which the mutual information of rows and latent variables did
    not grow; it is measured on `validation_fraction` of the rows, which no step uses. `partial_fit` holds no rows out,
    and leaves the encoder ahead if it was. The learning rate is that of Adam here, for both, where the paper uses
    stochastic gradients. An epoch then costs up to `max_encoder_steps` times as much.

    Attributes
    ----------
    n_components_, n_features_in_, feature_names_in_, scale_, scaler_, net_
        As in `LIDVAE`.
    interrupted_, converged_, n_iter_, lower_bound_
        As in `LIDVAE`. There is no certificate.
    encoder_ahead_ : bool
        Whether the encoder was still to be trained ahead when training ended; ``net_.history`` has it by epoch, and the
        information that was measured, in nats.

    References
    ----------
    He, Spokoyny, Neubig & Berg-Kirkpatrick, "Lagging Inference Networks and Posterior Collapse in Variational
    Autoencoders", ICLR 2019, algorithm 1.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklid.baselines import LaggingVAE
    >>> X = load_iris().data
    >>> LaggingVAE(n_components=2, max_epochs=20, random_state=0).fit_transform(X).shape
    (150, 2)
    """
