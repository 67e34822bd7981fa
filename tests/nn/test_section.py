"""The section decoder keeps distances whatever its network is, and has a left inverse in K dimensions."""

import pytest
import torch

from sklid.nn import GaussianLikelihood, GaussianPosterior, LatentVariableModel, Section, SectionDecoder, StandardNormal
from sklid.nn.curved import PACE

every_section = pytest.mark.parametrize(
    ("K", "D", "options"),
    [
        (1, 1, {}),
        (1, 3, {"maps": 1}),
        (3, 5, {"depth": 4, "maps": 2}),
        (3, 5, {"inverse_lipschitz": 0.2, "maps": 5}),
        (3, 9, {"inverse_lipschitz": 3.0, "embedding": "identity"}),
        (3, 5, {"activation": "softplus"}),
    ],
)


def section_of(K, D, options, scale=1.0):
    f = SectionDecoder(K, D, width=16, **options).double()
    for name, parameter in f.named_parameters():
        torch.nn.init.normal_(parameter, std=scale / PACE if ".potential." in name else scale)
    return f


def pairs(n, K, dtype=torch.float64):
    z = torch.randn(n, K, dtype=dtype)
    return z, z + torch.randn_like(z) * torch.logspace(-3, 1, n, dtype=dtype)[:, None]


@every_section
@pytest.mark.parametrize("scale", [0.01, 1.0, 3.0])
@pytest.mark.parametrize("gain", [1e-3, 1.0, 1e3])
def test_distances_never_shrink_below_the_inverse_lipschitz_constant(K, D, options, scale, gain):
    f = section_of(K, D, options, scale)
    z, other = pairs(500, K)
    ratio = (f(z, gain) - f(other, gain)).norm(dim=-1) / (z - other).norm(dim=-1)
    assert ratio.min() >= f.inverse_lipschitz * (1 - 1e-6)


@every_section
def test_projection_on_the_plane_is_the_chain_alone(K, D, options):
    f, z = section_of(K, D, options), torch.randn(20, K, dtype=torch.float64)
    torch.testing.assert_close(f(z, 0.7) @ f.embedding().mT, f.plane(z, 0.7))


@pytest.mark.parametrize("gain", [1e-3, 1.0, 1e3])
def test_single_precision_leaves_no_more_of_the_network_in_the_plane_than_rounding(gain):
    """At gains at which the noise is at its floor, the network a million times as large as g."""
    f = SectionDecoder(3, 200, width=64)
    for parameter in (*f.network.parameters(), f.embedding.columns):
        torch.nn.init.normal_(parameter)
    z = torch.randn(500, 3)
    with torch.no_grad():
        found, along = f(z, gain).double(), f.plane(z, gain).double()
        columns = f.embedding.columns.double()
        beta = torch.linalg.solve_triangular(torch.linalg.cholesky(columns.mT @ columns), columns.mT, upper=False)
    rounding = torch.finfo(torch.float32).eps * (found.norm(dim=-1) + along.norm(dim=-1))
    assert ((found @ beta.mT - along).norm(dim=-1) < 2 * rounding).all()


@every_section
def test_left_inverse_undoes_the_decoder(K, D, options):
    f, z = section_of(K, D, options), torch.randn(20, K, dtype=torch.float64)
    torch.testing.assert_close(f.inverse(f(z, 0.5), 0.5, tol=1e-9), z, rtol=0, atol=1e-6)


def test_left_inverse_is_lipschitz_off_the_range_too():
    f = section_of(2, 5, {"inverse_lipschitz": 0.5})
    x, y = torch.randn(2, 20, 5, dtype=torch.float64)
    ratio = (f.inverse(x) - f.inverse(y)).norm(dim=-1) / (x - y).norm(dim=-1)
    assert ratio.max() <= 1 / 0.5


def test_jacobian_of_the_chain_need_not_be_symmetric():
    """One map is a gradient; a chain of several can turn."""
    z = torch.randn(3, dtype=torch.float64)
    single, several = (torch.autograd.functional.jacobian(section_of(3, 5, {"maps": maps}).plane, z) for maps in (1, 4))
    torch.testing.assert_close(single, single.mT)
    assert (several - several.mT).norm() > 0.01 * several.norm()


@pytest.mark.parametrize("inverse_lipschitz", [0.1, 1.0, 2.5])
def test_initial_map_is_near_the_linear_one_asked_for(inverse_lipschitz):
    f = SectionDecoder(2, 10, width=64, inverse_lipschitz=inverse_lipschitz).double()
    directions = torch.linalg.qr(torch.randn(10, 2, dtype=torch.float64)).Q.mT
    mean, amplitudes = torch.randn(10, dtype=torch.float64), torch.tensor([6.0, 4.0], dtype=torch.float64)
    f.initialise(mean, directions, amplitudes, 2.0)
    torch.testing.assert_close(f(torch.zeros(2, dtype=torch.float64), 2.0), mean)
    z = torch.randn(200, 2, dtype=torch.float64) / 2
    wanted, found = z * amplitudes, (f(z, 2.0) - mean) @ directions.mT
    assert (found - wanted).norm() < 0.5 * wanted.norm()
    torch.testing.assert_close(f(z, 2.0) - mean, found @ directions)


def test_any_network_off_the_plane_is_reached_by_training():
    """A helix of three turns, whose axis is the plane: one latent, and two columns that the plane leaves free."""
    z = torch.randn(500, 1, generator=torch.Generator().manual_seed(0))
    x = torch.cat([3 * z, torch.sin(3 * z), torch.cos(3 * z)], dim=1) + 0.05 * torch.randn(500, 3)
    parts = (SectionDecoder(1, 3, width=64), GaussianLikelihood(3), GaussianPosterior(3, 1, width=64))
    model = LatentVariableModel(StandardNormal(1), *parts)
    model.initialise(x)
    before = model(x).elbo().mean().item()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(400):
        optimizer.zero_grad()
        (-model(x).elbo().mean()).backward()
        optimizer.step()
    assert model(x).elbo().mean().item() > before + 1.0


def test_more_latents_than_parameters_and_no_map_are_refused():
    with pytest.raises(ValueError, match="cannot shrink.*Lower n_components to at most 3"):
        SectionDecoder(4, 3)
    with pytest.raises(ValueError, match="at least one Brenier map"):
        SectionDecoder(2, 3, maps=0)


def convolutions(K):
    """Latents to images of 4 x 4 pixels."""
    return torch.nn.Sequential(
        torch.nn.Linear(K, 8), torch.nn.GELU(), torch.nn.Unflatten(1, (2, 2, 2)),
        torch.nn.ConvTranspose2d(2, 1, kernel_size=2, stride=2),
    )  # fmt: skip


class Attention(torch.nn.Module):
    """Latents as one token each, to as many outputs as there are pixels."""

    def __init__(self):
        super().__init__()
        self.layer, self.out = torch.nn.TransformerEncoderLayer(4, 2, 8, 0.0, batch_first=True), torch.nn.LazyLinear(16)

    def forward(self, z):
        return self.out(self.layer(z.unsqueeze(-1).expand(*z.shape, 4)).flatten(1))


class Steps(torch.nn.Module):
    """Neither continuous nor smooth, and constant on whole regions."""

    def forward(self, z):
        return torch.sign(z[:, :1]).expand(-1, 16) * 5


@pytest.mark.parametrize("network", [lambda: convolutions(2), Attention, Steps])
@pytest.mark.parametrize("gain", [1e-3, 1.0, 1e3])
def test_section_of_any_network_keeps_distances_and_has_an_inverse(network, gain):
    f = Section(network(), 2, 16, inverse_lipschitz=0.7).double()
    z, other = pairs(500, 2)
    ratio = (f(z, gain) - f(other, gain)).norm(dim=-1) / (z - other).norm(dim=-1)
    assert ratio.min() >= 0.7 * (1 - 1e-6)
    torch.testing.assert_close(f.inverse(f(z, gain), gain, tol=1e-8), z, rtol=0, atol=1e-6)


def test_section_of_any_network_starts_as_the_linear_map_and_then_learns_the_network():
    """The strength of the network is 0 at the start, but not its gradient."""
    f, directions = Section(convolutions(2), 2, 16).double(), torch.eye(2, 16, dtype=torch.float64)
    z, mean = torch.randn(20, 2, dtype=torch.float64), torch.randn(16, dtype=torch.float64)
    f.initialise(mean, directions, torch.tensor([3.0, 2.0], dtype=torch.float64))
    torch.testing.assert_close(f(z)[:, 2:], mean[2:].expand(20, -1))
    (f(z)[:, 2:] - torch.randn(20, 14, dtype=torch.float64)).square().sum().backward()
    assert f.network.strength.grad != 0


def test_network_of_another_number_of_outputs_is_refused():
    f = Section(torch.nn.Linear(2, 15), 2, 16)
    with pytest.raises(ValueError, match=r"n_outputs=16 numbers for each latent.*\(3, 2\).*\(3, 15\)"):
        f(torch.zeros(3, 2))
