"""Models and posteriors with known answers, to test metrics: probabilistic PCA, Gaussian channels, a VAE by hand."""

import numpy as np
import torch
from torch import nn
from torch.distributions import Independent, MultivariateNormal, Normal

from sklid.metrics import VariationalModel


def linear_data(n_rows, loadings, noise=1.0, seed=0):
    """Rows of x = W z + noise, with orthogonal loadings of the given lengths: rows, and W of shape (K, D)."""
    rng = np.random.default_rng(seed)
    W = np.linalg.qr(rng.standard_normal((8, 8)))[0][: len(loadings)] * np.asarray(loadings)[:, None]
    rows = rng.standard_normal((n_rows, len(loadings))) @ W + noise * rng.standard_normal((n_rows, 8))
    return torch.from_numpy(rows), torch.from_numpy(W)


def linear_model(W, noise=1.0, encode=None):
    """z ~ N(0, I), x = W' z + noise, by default with its exact posterior; W has orthogonal rows, so it factorises."""
    precision = 1 + W.square().sum(1) / noise**2
    exact = lambda x: Independent(Normal(x @ W.T / noise**2 / precision, precision.rsqrt().expand(len(x), -1)), 1)  # noqa: E731
    return VariationalModel(encode or exact, lambda z: Independent(Normal(z @ W, noise), 1))


def frozen_at_the_prior(n_components):
    return lambda x: Normal(x.new_zeros(len(x), n_components), x.new_ones(len(x), n_components))


def exact_log_likelihood(W, noise, rows):
    covariance = W.T @ W + noise**2 * torch.eye(W.shape[1], dtype=W.dtype)
    return MultivariateNormal(torch.zeros(W.shape[1], dtype=W.dtype), covariance).log_prob(rows)


class HandWrittenVAE(nn.Module):
    """The VAE of a tutorial: an encoder to means and log-variances, a decoder to a mean, unit noise."""

    def __init__(self, n_features, n_latents):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(n_features, 32), nn.ReLU(), nn.Linear(32, 2 * n_latents))
        self.decoder = nn.Sequential(nn.Linear(n_latents, 32), nn.ReLU(), nn.Linear(32, n_features))

    def moments(self, x):
        loc, log_variance = self.encoder(x).chunk(2, dim=-1)
        return loc, (0.5 * log_variance).exp()

    def loss(self, x):
        loc, scale = self.moments(x)
        z = loc + scale * torch.randn_like(scale)
        kl = 0.5 * (loc**2 + scale**2 - 1) - scale.log()
        return (0.5 * (x - self.decoder(z)).square().sum(-1) + kl.sum(-1)).mean()

    def fit(self, x, n_steps=300):
        optimizer = torch.optim.Adam(self.parameters(), 1e-2)
        for _ in range(n_steps):
            optimizer.zero_grad()
            self.loss(x).backward()
            optimizer.step()
        return self


def channel(information, n_rows, n_components=4, seed=0):
    """Posteriors of a Gaussian channel: z ~ N(0, 1) observed so that x and z share `information` nats in all."""
    scale = np.exp(-information / n_components)
    loc = np.sqrt(1 - scale**2) * np.random.default_rng(seed).standard_normal((n_rows, n_components))
    return loc, np.full_like(loc, scale)


def as_tensors(arrays):
    return tuple(torch.from_numpy(array) for array in arrays)
