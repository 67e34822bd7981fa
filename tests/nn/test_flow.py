"""The flow posterior is a density, and its draws have it."""

import subprocess
import sys

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


def random_flow(n_components=3):
    posterior = FlowPosterior(4, n_components, width=16).double()
    with torch.no_grad():
        for parameter in posterior.parameters():
            parameter.normal_(std=0.3)
    return posterior


def test_posterior_is_that_of_its_draws_at_random_weights():
    """The draw pushes noise through the map whose log-determinant autograd gives; the distribution has that density."""
    posterior, x, noise = random_flow(), torch.randn(4, dtype=torch.float64), torch.randn(3, dtype=torch.float64)
    q = posterior(x)
    z, log_q = posterior.draw(q, noise[None])
    jacobian = torch.autograd.functional.jacobian(lambda e: posterior.draw(q, e[None])[0][0], noise)
    expected = torch.distributions.Normal(0, 1).log_prob(noise).sum() - torch.linalg.slogdet(jacobian).logabsdet
    torch.testing.assert_close(log_q[0], expected)
    torch.testing.assert_close(q.log_prob(z)[0], expected)
    assert (z[0] - posterior.base(x).mean).abs().max() > 1e-3


def test_layers_of_a_random_flow_invert_and_let_every_latent_depend_on_every_other():
    posterior, x, u = random_flow(4), torch.randn(4, dtype=torch.float64), torch.randn(6, 4, dtype=torch.float64)
    transform = posterior(x).transform
    torch.testing.assert_close(transform(transform.inv(u)), u)
    jacobian = torch.autograd.functional.jacobian(transform.inv, u[0])
    assert (jacobian.abs() > 1e-6).all()


def test_density_of_a_random_flow_integrates_to_one():
    posterior = random_flow(2)
    axis = torch.linspace(-12, 12, 721, dtype=torch.float64)
    with torch.no_grad():
        density = posterior(torch.randn(4, dtype=torch.float64)).log_prob(torch.cartesian_prod(axis, axis)).exp()
    assert density.sum().item() * (24 / 720) ** 2 == pytest.approx(1, abs=1e-2)


def test_a_flow_leaves_torchs_checks_of_distributions_on():
    code = (
        "from torch.distributions import Normal; import sklid.nn.flow\n"
        "try: Normal(0.0, -1.0)\n"
        "except ValueError: print('refused')"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "refused\n"
