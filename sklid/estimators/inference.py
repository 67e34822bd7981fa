"""A fitted model from the side of the data: arrays in their own units, in chunks, on one device, in one precision."""

import copy
from collections.abc import Iterator
from functools import cached_property, partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..data.blocks import chunks, tensor_of
from ..data.sparse_rows import Rows, SparseRows
from ..data.table import ModelRows, TableAdapter
from ..nn import InversionError, LatentVariableModel, ball_kl_floor, iwae
from ..nn.gaps import guarded_draws, has_gaps, take_gaps, takes_gaps
from ..randomness import RowNoise
from ..surroundings import ordinary_settings, without_gradients

__all__ = ["Inference"]

N_DRAWS_OF_MEAN = 100
"""Of a posterior mean that has no closed form."""


class Inference:
    """What a fitted model says of data.

    Parameters
    ----------
    model : LatentVariableModel
    table : TableAdapter
        From the units of the data to those of the model, and back.
    device : str
    noise : RowNoise
        Of the importance samples.
    dtype : numpy dtype, default=float32
        float64 works on a copy of the model in double precision.
    """

    def __init__(
        self, model: LatentVariableModel, table: TableAdapter, device: str, noise: RowNoise, dtype: type = np.float32
    ) -> None:
        self.model = copy.deepcopy(model).to(device).double() if dtype == np.float64 else model.to(device)
        self.table = table
        self.device = device
        self.noise = noise
        self.double = dtype == np.float64

    @cached_property
    def noise_of_means(self) -> RowNoise:
        """Of posterior means that have no closed form, whatever the number of importance samples."""
        return self.noise.with_draws(N_DRAWS_OF_MEAN)

    def rows(self, X: NDArray) -> Tensor:
        """Rows of data as the model sees them; from the first gap on it is one that takes them."""
        x = self.table.rows(np.asarray(X)).to(device=self.device, dtype=torch.float64 if self.double else torch.float32)
        if has_gaps(x):
            self._take_gaps()
        return x

    def all_rows(self, X: Rows) -> Tensor | ModelRows:
        """All rows of a table as the model sees them, of a sparse one as they are needed, in single precision."""
        if not isinstance(X, SparseRows):
            return self.rows(X)
        if X.n_missing.any():
            self._take_gaps()
        return ModelRows(X, self.table, self.device)

    def _take_gaps(self) -> None:
        if not takes_gaps(self.model.likelihood):
            self.model = copy.deepcopy(self.model)
            take_gaps(self.model)

    @without_gradients()
    def posterior_means(self, X: NDArray) -> NDArray[np.floating]:
        """E[z | x]: ``(N, P) -> (N, K)``."""
        return self._joined((self._posterior_mean(x) for x in self._blocks(X)), len(X))

    @without_gradients()
    def log_likelihoods(self, X: NDArray) -> NDArray[np.float64]:
        """Importance-weighted bound of each row in nats, in the units of the data: ``(N, P) -> (N,)``."""
        blocks = self._blocks(X, self.noise.n_draws)
        scores = self._joined(map(self._log_likelihood, blocks), len(X))
        return scores.astype(np.float64) - self.table.log_volumes(X)

    @without_gradients()
    def reconstructions(self, X: NDArray) -> NDArray[np.floating]:
        """E[x | z] at the posterior mean of each row, in the units of the data: ``(N, P) -> (N, P)``.

        It is the mean under what the row is conditioned on.
        """
        return self.table.restored(
            self._joined((self._mean(self._posterior_mean(x), self.model.given(x)) for x in self._blocks(X)), len(X))
        )

    @without_gradients()
    def imputed(self, X: NDArray) -> NDArray[np.floating]:
        """Rows with each gap filled by its mean, or most probable code, given what was seen: ``(N, P) -> (N, P)``."""
        blocks = self._blocks(X, self.noise.n_draws)
        expected = self.table.restored(self._joined(map(self._conditional_mean, blocks), len(X)))
        values = self.table.features(X)
        return np.where(np.isnan(values), expected, values)

    @without_gradients()
    def completed(self, X: NDArray, n_samples: int) -> NDArray[np.floating]:
        """Rows with each gap filled by draws given what was seen: ``(N, P) -> (n, N, P)``."""
        blocks = self._blocks(X, self.noise.n_draws + n_samples)
        draws = self._joined((self._completions(x, n_samples).transpose(0, 1) for x in blocks), len(X))
        restored = self.table.restored(draws.reshape(-1, draws.shape[-1])).reshape(draws.shape)
        values = self.table.features(X)
        return np.where(np.isnan(values), restored.swapaxes(0, 1), values)

    @without_gradients()
    def decoded(self, Z: NDArray) -> NDArray[np.floating]:
        """E[x | z] in the units of the data: ``(N, K) -> (N, P)``."""
        blocks = (tensor_of(block).to(self.device) for block in chunks(Z, self.model.numbers_per_row(Z.shape[1])))
        return self.table.restored(self._joined((self._mean(z) for z in blocks), len(Z)))

    @without_gradients()
    def inverted(self, X: NDArray, tol: float, max_iter: int) -> NDArray[np.floating]:
        """The exact left inverse of the decoder at mean X: ``(N, P) -> (N, K)``."""
        return self._joined((self._inverse(x, tol, max_iter) for x in self._blocks(X, 10)), len(X))

    @without_gradients()
    def kl_floors(self, X: NDArray, inverse_lipschitz: float) -> NDArray[np.floating]:
        """Certified least divergence of each row's posterior from the prior, in nats: ``(N, P) -> (N,)``."""
        blocks = self._blocks(X, self.noise.n_draws)
        return self._joined((self._kl_floor(x, inverse_lipschitz) for x in blocks), len(X))

    @ordinary_settings()
    def min_fisher_eigenvalues(self, X: NDArray) -> NDArray[np.floating]:
        """Least eigenvalue of the Fisher information of the latent at each row's posterior mean: ``(N, P) -> (N,)``."""
        copies = 4 * self.model.prior.n_components
        return self._joined((self._min_fisher_eigenvalue(x) for x in self._blocks(X, copies)), len(X))

    @without_gradients()
    def sample(self, n_samples: int) -> NDArray[np.float64]:
        """Draws from the model in the units of the data: ``(n, P)``."""
        x, _ = self.model.sample(n_samples)
        return self.table.restored(x.cpu().double().numpy())

    @without_gradients()
    def label_probabilities(self, X: NDArray) -> NDArray[np.floating]:
        """q(y | x) of a model with labels: ``(N, P) -> (N, C)``."""
        copies = 16 * self.noise.n_draws * self.model.prior.n_labels * self.model.prior.n_components
        blocks = chunks(X, self.model.numbers_per_row(X.shape[1]) + copies)
        answers = (self.model.label_probabilities(x, self.noise(x)) for x in map(self.rows, blocks))
        return self._joined(answers, len(X))

    @without_gradients()
    def sample_with_labels(self, n_samples: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Draws from a model with labels, in the units of the data, and the labels: ``(n, P), (n,)``."""
        w, labels = self.model.prior.sample_with_labels(n_samples)
        return self.table.restored(self.model.decode(w).sample().cpu().double().numpy()), labels.cpu().numpy()

    def _inverse(self, x: Tensor, tol: float, max_iter: int) -> Tensor:
        likelihood = self.model.likelihood
        eta = likelihood.parameters_of_mean(x)
        lost = int((~torch.isfinite(eta)).any(-1).sum())
        if lost:
            raise InversionError(
                f"{lost} of {len(x)} rows hold a value at the edge of the means of a {likelihood.name} likelihood, or "
                "beyond, such as category codes are: no finite natural parameter has it, so no latent decodes to it. "
                "Pass means such as inverse_transform gives, clip them inside, or ask transform for the posterior."
            )
        return self.model.decoder.inverse(eta, likelihood.gain(), tol, max_iter)

    def _mean(self, z: Tensor, given: Tensor | None = None) -> Tensor:
        return self.model.likelihood.mean(self.model.natural_parameters(z, given))

    def _log_likelihood(self, x: Tensor) -> Tensor:
        """In the units of the model: ``(N, P) -> (N,)``; 0, whatever the draws, of a row in which nothing was seen."""
        is_empty = torch.isnan(self.model.features(x)).all(-1)
        return iwae(self._log_weights(x, self.noise(x))).masked_fill(is_empty, 0.0)

    def _log_weights(self, x: Tensor, noise: Tensor) -> Tensor:
        """Log-weights of draws for each row; guarded ones where it has gaps: ``(N, P), (S, N, K) -> (S, N)``."""
        gaps = torch.isnan(x).any(-1)
        if not gaps.any():
            return self.model.log_weights(x, noise)
        log_weights = noise.new_empty(noise.shape[:2])
        log_weights[:, gaps] = guarded_draws(self.model, x[gaps], noise[:, gaps])[1]
        if not gaps.all():
            log_weights[:, ~gaps] = self.model.log_weights(x[~gaps], noise[:, ~gaps])
        return log_weights

    def _conditional_mean(self, x: Tensor) -> Tensor:
        z, log_weights = guarded_draws(self.model, x, self.noise(x))
        eta = self.model.natural_parameters(z, self.model.given(x))
        return self.model.likelihood.averaged(eta, log_weights.softmax(0))

    def _completions(self, x: Tensor, n_samples: int) -> Tensor:
        """Whole rows drawn at latents that are resampled by their weights (Rubin 1987): ``(N, P) -> (n, N, P)``."""
        z, log_weights = guarded_draws(self.model, x, self.noise(x))
        chosen = torch.multinomial(log_weights.softmax(0).mT, n_samples, replacement=True).mT
        return self.model.decode(torch.take_along_dim(z, chosen.unsqueeze(-1), dim=0), self.model.given(x)).sample()

    def _posterior_mean(self, x: Tensor) -> Tensor:
        q = self.model.encode(x)
        try:
            return q.mean
        except NotImplementedError:  # a flow has no closed form
            return self.model.draw(q, self.noise_of_means(x))[0].mean(0)

    def _min_fisher_eigenvalue(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            z = self._posterior_mean(x)
        with torch.enable_grad():
            z.requires_grad_()
            eta = self.model.natural_parameters(z, self.model.given(x))
            information = _jacobians(eta, z).mT @ _jacobians(self.model.likelihood.expected_statistic(eta), z)
        return torch.linalg.eigvalsh((information + information.mT) / 2)[..., 0]

    def _kl_floor(self, x: Tensor, r: float) -> Tensor:
        """By the images of draws in the plane where r holds; by the draws alone where moments are not known."""
        model, q, noise = self.model, self.model.encode(x), self.noise(x)
        z, _ = model.draw(q, noise)
        try:
            mean, variance = q.mean, q.variance.sum(-1).double()
        except NotImplementedError:
            centre = model.draw(q, torch.zeros_like(noise[:1]))[0][0]
            of_ball = partial(model.prior.ball_probability, centre=centre)
            return ball_kl_floor((z - centre).double().norm(dim=-1), of_ball).float()
        decoded, middle = (model.decoder.plane(point, model.likelihood.gain()).double() for point in (z, mean))
        spread = (decoded - middle).square().sum(-1).mean(0)
        return model.prior.kl_floor(torch.maximum(spread, r**2 * variance), mean.double(), r).float()

    def _blocks(self, X: NDArray, copies: int = 1) -> Iterator[Tensor]:
        return (self.rows(block) for block in chunks(X, copies * self.model.numbers_per_row(X.shape[1])))

    def _joined(self, parts: Iterator[Tensor], n_rows: int) -> NDArray[np.floating]:
        """Answers block by block, in one array that is there from the first block on.

        Small results kept between large temporaries would keep these from being given back.
        """
        first = next(parts).cpu().numpy()
        joined = np.empty((n_rows, *first.shape[1:]), dtype=first.dtype)
        joined[: len(first)] = first
        start = len(first)
        for part in parts:
            joined[start : start + len(part)] = part.cpu().numpy()
            start += len(part)
        return joined


def _jacobians(outputs: Tensor, z: Tensor) -> Tensor:
    """Jacobian of each row, ``(N, D), (N, K) -> (N, D, K)``, column by column.

    A product J'u with a vector is linear in u, so its slope is J.
    """
    u = torch.zeros_like(outputs, requires_grad=True)
    pulled = torch.autograd.grad(outputs, z, u, create_graph=True)[0]
    columns = [torch.autograd.grad(pulled[:, k].sum(), u, retain_graph=True)[0] for k in range(z.shape[1])]
    return torch.stack(columns, dim=-1)
