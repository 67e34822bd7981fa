"""The flow posterior is a density, and its draws have it."""

import pytest
import torch

pytest.importorskip("zuko", reason="the flow posterior needs the extra sklid[flow]")

from sklid.nn.flow import FlowPosterior


def test_density_of_draws_equals_the_density_of_the_distribution():
    posterior = FlowPosterior(4, 3, width=16).double()
    q = posterior(torch.randn(5, 4, dtype=torch.float64))
    z, log_q = posterior.draw(q, torch.randn(7, 5, 3, dtype=torch.float64))
    torch.testing.assert_close(q.log_prob(z), log_q)


def test_density_integrates_to_one():
    posterior = FlowPosterior(4, 2, width=16).double()
    axis = torch.linspace(-8, 8, 321, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis)
    with torch.no_grad():
        density = posterior(torch.randn(4, dtype=torch.float64)).log_prob(grid).exp()
    assert density.sum().item() * (16 / 320) ** 2 == pytest.approx(1, abs=1e-3)


def test_a_single_latent_is_refused():
    with pytest.raises(ValueError, match="n_components >= 2"):
        FlowPosterior(4, 1)
