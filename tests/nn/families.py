"""Mixtures of every family at random parameters, and the truth that bounds and floors are held against."""

import math

import torch
from torch.distributions import Independent, LogNormal, Normal

from sklid.nn import (
    GammaClusters,
    GaussianClusters,
    LocationScaleClusters,
    SeparatedMixture,
    StandardLaplace,
    StandardStudentT,
    separated,
)

C = 3
FAMILIES = ("gaussian", "laplace", "student_t", "gamma")
LEAST, GREATEST, SEPARATION = 0.2, 2.0, 0.5


def mixture(family, K=2, kind="full", seed=0, size=1.0):
    """A mixture of the family in double precision, with parameters of that size."""
    generator = torch.Generator().manual_seed(seed)
    draw = {"generator": generator, "dtype": torch.float64}
    shape = {"diag": (C, K), "spherical": (C, 1), "full": (C, K), "tied": (1, K)}[kind]
    scales = 0.3 + torch.rand(shape, **draw)
    codes = separated(3 + 2 * torch.randn(C, K, **draw), 1.0, LEAST if family == "gamma" else None)
    axes = None
    if kind in ("full", "tied") and family != "gamma":
        axes = torch.linalg.qr(torch.randn(len(scales), K, K, **draw)).Q
    bounds, weights = (LEAST, GREATEST), torch.rand(C, **draw).softmax(0)
    parts = (scales, K, axes, bounds)
    clusters = {
        "gaussian": lambda: GaussianClusters(*parts),
        "laplace": lambda: LocationScaleClusters(StandardLaplace(), *parts),
        "student_t": lambda: LocationScaleClusters(StandardStudentT(C).double(), *parts),
        "gamma": lambda: GammaClusters(scales.expand(C, -1), codes, bounds),
    }[family]()
    least_mean = LEAST if family == "gamma" else None
    prior = SeparatedMixture(codes, clusters, weights, separation=SEPARATION, least_mean=least_mean)
    with torch.no_grad():
        for parameter in prior.parameters():
            parameter.add_(size * torch.randn(parameter.shape, **draw))
    return prior


def posterior(family, loc, scale):
    """Gaussians of these moments, or for positive latents log-normal distributions of these logarithms."""
    each = LogNormal(loc, scale) if family == "gamma" else Normal(loc, scale)
    return Independent(each, 1)


def exact_information(distribution, r, n_points=20_001):
    """I(w; r w + e) in nats of a law on the line, by quadrature of the density of r w + e."""
    spread = float(distribution.stddev)
    grid = torch.linspace(-60 * spread, 60 * spread, n_points, dtype=torch.float64) + float(distribution.mean)
    step = grid[1] - grid[0]
    density = distribution.log_prob(grid.unsqueeze(-1)).exp().nan_to_num(0.0, posinf=0.0)
    density = density / density.sum()
    noise = Normal(0.0, 1 / r).log_prob((torch.arange(n_points) - n_points // 2).double() * step).exp() * step
    size = 2 * n_points
    product = torch.fft.rfft(density, size) * torch.fft.rfft(noise, size)
    blurred = torch.fft.irfft(product, size)[n_points // 2 : n_points // 2 + n_points].clamp_min(1e-300) / step
    entropy = -(blurred * blurred.log()).sum() * step + math.log(r)
    return (entropy - 0.5 * math.log(2 * math.pi * math.e)).item()
