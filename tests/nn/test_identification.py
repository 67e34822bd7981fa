"""With one map, a zero-one beta and a known noise, latents are found again as they were: in order, sign and shape."""

import numpy as np
import pytest
import torch

from sklid.metrics import latent_agreement
from sklid.nn import GaussianLikelihood, GaussianPosterior, LatentVariableModel, SectionDecoder, StandardNormal

NOISE = 0.2


class KnownNoise(GaussianLikelihood):
    """A Gaussian whose noise is given and not learned."""

    def __init__(self, n_features, noise):
        super().__init__(n_features)
        super().initialise(noise)
        self.log_noise.requires_grad_(False)

    def initialise(self, noise):
        pass


def simulated(n_rows):
    """Rows of a section with the gradient of a convex function in two columns and waves in two others, and latents."""
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(n_rows, 2, generator=generator)
    bends = torch.tensor([[1.0, -1.0, 0.0], [1.0, 1.0, 2.0]])
    gradient = z + 0.5 * torch.tanh(z @ bends + torch.tensor([0.0, -1.0, 1.0])) @ bends.mT
    waves = torch.stack([torch.sin(z[:, 0]) + z[:, 1] ** 2 / 4, torch.cos(z[:, 1])], dim=1)
    return torch.cat([gradient, waves], dim=1) + NOISE * torch.randn(n_rows, 4, generator=generator), z.numpy()


def latents_found(x, likelihood, seed, n_epochs=12):
    """Posterior means of a model with one map and the zero-one beta, trained with a seed."""
    torch.manual_seed(seed)
    decoder = SectionDecoder(2, 4, width=64, inverse_lipschitz=0.5, embedding="identity", maps=1)
    model = LatentVariableModel(StandardNormal(2), decoder, likelihood, GaussianPosterior(4, 2, width=64))
    model.initialise(x)
    optimizer = torch.optim.Adam((weight for weight in model.parameters() if weight.requires_grad), lr=5e-3)
    for _ in range(n_epochs):
        for batch in x[torch.randperm(len(x))].split(100):
            optimizer.zero_grad()
            (-model(batch).elbo().mean()).backward()
            optimizer.step()
    with torch.no_grad():
        return model.encode(x).mean.numpy()


def by_column(Z, other):
    return np.array([np.corrcoef(*pair)[0, 1] for pair in zip(Z.T, other.T, strict=True)])


@pytest.fixture(scope="module")
def fits():
    """True latents, and those of two fits with the known noise and of one that learns it."""
    x, z = simulated(3_000)
    with torch.random.fork_rng():
        first, second = (latents_found(x, KnownNoise(4, NOISE), seed) for seed in (0, 1))
        return z, first, second, latents_found(x, GaussianLikelihood(4), 2)


def test_jointly_identified_latents_agree_across_seeds_and_with_the_truth_without_any_alignment(fits):
    z, first, second, _ = fits
    assert by_column(first, second).min() > 0.98
    assert by_column(first, z).min() > 0.95
    assert latent_agreement(first, second, alignment="permutation").value > 0.98
    assert latent_agreement(first, z, alignment="permutation").value > 0.95


def test_with_fewer_latents_than_columns_the_noise_need_not_be_known(fits):
    z, first, _, learned = fits
    assert by_column(first, learned).min() > 0.98
    assert by_column(learned, z).min() > 0.95
